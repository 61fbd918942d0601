//! What is managed, and the daemon that does it: people, the directory, policies, keys, what people have for a while.

use oam_audit::entry::{
    BitbucketChanged, ChangeStage, SignalEffect, SignalReceived, SnapshotCause, SnapshotChanged,
};
use serde_json::{Value, json};

use super::class::{
    self, DELETE, Draft, FAILURE, HIGH, INFORMATIONAL, LOW, MEDIUM, OTHER, PRODUCT, SUCCESS, UPDATE, access,
    lifecycle, user,
};

/// What a transmitter told of somebody, and what followed from it.
pub(super) fn signal(told: &SignalReceived) -> Draft {
    let severity = match told.effect {
        SignalEffect::Blind => HIGH,
        SignalEffect::Unknown | SignalEffect::Ambiguous => MEDIUM,
        SignalEffect::Deactivated
        | SignalEffect::Already
        | SignalEffect::Reread
        | SignalEffect::Noted
        | SignalEffect::Flowing => INFORMATIONAL,
    };
    let name = format!("{}: {}", told.event, told.effect.as_str());
    let entity = json!({ "name": name, "type": "signal", "uid": told.id, "data": told.person });
    Draft { severity, ..managed(OTHER, &entity, &told.transmitter, told.reason.as_deref()) }
}

pub(super) fn directory(changed: &SnapshotChanged) -> Draft {
    let activity = match changed.cause {
        SnapshotCause::UserDeactivated => (2, "Revoke Privileges"),
        SnapshotCause::UserReactivated => (1, "Assign Privileges"),
        SnapshotCause::Import
        | SnapshotCause::Source
        | SnapshotCause::Rollback
        | SnapshotCause::Rebuilt
        | SnapshotCause::Loaded => {
            let entity = json!({
                "name": "directory",
                "type": "directory",
                "uid": changed.digest,
                "version": changed.generation.to_string(),
            });
            return managed(UPDATE, &entity, &changed.actor, changed.reason.as_deref());
        }
    };
    let subject = changed.subject.as_deref().unwrap_or_default();
    let mut own = json!({
        "actor": { "user": user(&changed.actor, None) },
        "user": user(subject, None),
        "privileges": ["push"],
    });
    if let (Some(reason), Some(own)) = (&changed.reason, own.as_object_mut()) {
        own.insert("status_detail".into(), reason.as_str().into());
    }
    Draft { class: access(activity), severity: INFORMATIONAL, status: SUCCESS, own, correlation: None }
}

pub(super) fn policy(
    activity: (u64, &'static str),
    digest: &str,
    actor: &str,
    comment: Option<&str>,
) -> Draft {
    let mut named =
        json!({ "name": "policy", "type_id": 5, "type": "Policy", "policy": { "name": PRODUCT } });
    if let (false, Some(entity)) = (digest.is_empty(), named.as_object_mut()) {
        entity.insert("uid".into(), digest.into());
        entity.insert("policy".into(), json!({ "name": PRODUCT, "uid": digest, "version": digest }));
    }
    managed(activity, &named, actor, comment)
}

/// What somebody has for a while, by its id.
pub(super) fn privilege(
    activity: (u64, &'static str),
    id: &str,
    actor: &str,
    comment: Option<&str>,
) -> Draft {
    let entity = json!({ "name": "privilege", "type": "privilege", "uid": id });
    let draft = managed(activity, &entity, actor, comment);
    Draft { correlation: Some(id.to_owned()), ..draft }
}

/// Something in Bitbucket, as an entity that is called what `oam bitbucket plan` calls it.
pub(super) fn bitbucket_changed(changed: &BitbucketChanged) -> Draft {
    let activity = match changed.step.as_str() {
        "permit" | "accept-account" => UPDATE,
        "forget" | "forget-account" => OTHER,
        _ => DELETE,
    };
    let (severity, status) = match changed.stage {
        ChangeStage::Begun | ChangeStage::Done => (INFORMATIONAL, SUCCESS),
        ChangeStage::Failed | ChangeStage::Unknown => (LOW, FAILURE),
    };
    let uid = changed.place.as_deref().unwrap_or("everywhere");
    let about = changed.user.as_deref().or(changed.group.as_deref()).unwrap_or_default();
    let entity = json!({ "name": about, "type": changed.step, "uid": uid });
    Draft { severity, status, ..managed(activity, &entity, &changed.actor, Some(&changed.because)) }
}

pub(super) fn managed(
    activity: (u64, &'static str),
    entity: &Value,
    actor: &str,
    comment: Option<&str>,
) -> Draft {
    let mut own = json!({ "entity": entity, "actor": { "user": user(actor, None) } });
    if let (Some(comment), Some(own)) = (comment, own.as_object_mut()) {
        own.insert("comment".into(), comment.into());
    }
    Draft { class: class::entity(activity), severity: INFORMATIONAL, status: SUCCESS, own, correlation: None }
}

pub(super) fn daemon(
    activity: (u64, &'static str),
    severity: (u64, &'static str),
    version: Option<&str>,
) -> Draft {
    let mut app = json!({ "name": PRODUCT, "vendor_name": PRODUCT });
    if let (Some(version), Some(app)) = (version, app.as_object_mut()) {
        app.insert("version".into(), version.into());
    }
    Draft {
        class: lifecycle(activity),
        severity,
        status: SUCCESS,
        own: json!({ "app": app }),
        correlation: None,
    }
}
