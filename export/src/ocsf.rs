//! Entries as events of the Open Cybersecurity Schema Framework.
//!
//! OCSF has no class of its own for an authorization decision. A push is API Activity (6003), with the verdict as the
//! status and the rules in `actor.authorizations`; whoever is cut off or let in again is User Access Management (3005);
//! directory, policy and tokens are Entity Management (3004); the daemon itself is Application Lifecycle (6002). Every
//! event carries the entry as it stands in the log in `raw_data`, its leaf hash in `raw_data_hash`, and its number in
//! `metadata.sequence`.

mod class;
mod managed;
mod push;

use oam_audit::{
    entry::{Entry, Event, StreamChange, TokenChange},
    merkle::TreeHash,
};
use serde_json::{Value, json};

use self::{
    class::{
        CREATE, Class, DELETE, Draft, FAILURE, INFORMATIONAL, LOW, MEDIUM, OTHER, PRODUCT, UPDATE, api, user,
    },
    managed::{bitbucket_changed, daemon, directory, managed, policy, privilege, signal},
    push::{activity, authorizations, canary, let_in, resources},
};
use crate::words;

/// The version of the schema. Another one is another format: `--format` and collectors would name it.
pub const VERSION: &str = "1.6.0";

/// An entry, whose bytes are `line`, as an event.
#[must_use]
pub fn event(entry: &Entry, line: &[u8]) -> Value {
    let draft = draft(&entry.event, entry.node.as_str());
    let Class { uid, name, category, activity } = draft.class;
    let mut metadata = json!({
        "version": VERSION,
        "product": { "name": PRODUCT, "vendor_name": PRODUCT },
        "uid": format!("{}/{}", entry.node, entry.seq),
        "sequence": entry.seq,
        "event_code": entry.event.kind(),
        "log_name": entry.node.as_str(),
    });
    if let (Some(correlation), Some(metadata)) = (draft.correlation, metadata.as_object_mut()) {
        metadata.insert("correlation_uid".into(), correlation.into());
    }
    let mut event = json!({
        "class_uid": uid,
        "class_name": name,
        "category_uid": category.0,
        "category_name": category.1,
        "activity_id": activity.0,
        "activity_name": activity.1,
        "type_uid": uid * 100 + activity.0,
        "type_name": format!("{name}: {}", activity.1),
        "severity_id": draft.severity.0,
        "severity": draft.severity.1,
        "status_id": draft.status.0,
        "status": draft.status.1,
        "time": entry.time.timestamp().as_millisecond(),
        "timezone_offset": 0,
        "message": words::sentence(&entry.event),
        "metadata": metadata,
        "raw_data": String::from_utf8_lossy(line),
        // RFC 6962 hashes a leaf with a zero byte before it, so it is not just SHA-256.
        "raw_data_hash": {
            "algorithm_id": 99,
            "algorithm": "SHA-256 of an RFC 6962 leaf",
            "value": TreeHash::leaf(line).to_string(),
        },
    });
    if let (Some(event), Value::Object(own)) = (event.as_object_mut(), draft.own) {
        event.extend(own);
    }
    event
}

fn draft(event: &Event, node: &str) -> Draft {
    match event {
        Event::Decision(decision) => push::decision(decision),
        Event::DecisionPart(part) => Draft {
            class: api(activity(part.updates.iter().map(words::verb))),
            severity: INFORMATIONAL,
            status: (0, "Unknown"),
            own: json!({
                "api": { "operation": "push", "request": { "uid": part.decision } },
                "actor": { "app_name": PRODUCT, "authorizations": authorizations(&part.updates, None) },
                "src_endpoint": { "name": node },
                "resources": resources(None, part.updates.iter().map(|update| &update.name)),
            }),
            correlation: Some(part.decision.clone()),
        },
        Event::PermittedWhileUnavailable(permitted) => let_in(permitted),
        Event::RefsApplied(applied) => push::applied(applied),
        Event::CanaryTried(tried) => canary(tried),
        Event::PrivilegeRequested(asked) => privilege(CREATE, &asked.id, &asked.by, Some(&asked.reason)),
        Event::PrivilegeApproved(approved) => {
            privilege(UPDATE, &approved.id, &approved.by, approved.reason.as_deref())
        }
        Event::PrivilegeBegan(began) => privilege((10, "Activate"), &began.id, PRODUCT, None),
        Event::PrivilegeEnded(ended) => {
            privilege((11, "Deactivate"), &ended.id, &ended.by, ended.reason.as_deref())
        }
        Event::PrivilegeUsed(used) => privilege(UPDATE, &used.id, &used.by, None),
        Event::PrivilegeReminded(reminded) => {
            privilege(OTHER, &reminded.id, PRODUCT, Some(&words::sentence(event)))
        }
        Event::PrivilegeSignedOff(signed) => privilege(UPDATE, &signed.id, &signed.by, Some(&signed.reason)),
        Event::AccessAttested(attested) => {
            let entity = json!({ "name": "access review", "type": "review", "uid": attested.review });
            managed(UPDATE, &entity, &attested.by, Some(&attested.reason))
        }
        Event::SignalReceived(told) => signal(told),
        Event::SignalStream(stream) => {
            let activity = match stream.change {
                StreamChange::Created => CREATE,
                StreamChange::Updated | StreamChange::Token => UPDATE,
                StreamChange::Removed => DELETE,
            };
            let name = format!("stream of {}", stream.transmitter);
            // One that is set up by hand has no name of its own here.
            let uid = stream.stream.as_deref().unwrap_or(&stream.transmitter);
            let entity = json!({ "name": name, "type": "signal stream", "uid": uid });
            managed(activity, &entity, &stream.actor, None)
        }
        Event::BitbucketChanged(changed) => bitbucket_changed(changed),
        Event::BitbucketDrift(drift) => {
            let entity = json!({ "name": "drift", "type": "drift", "uid": "Bitbucket" });
            let severity = if drift.new > 0 { MEDIUM } else { INFORMATIONAL };
            Draft { severity, ..managed(OTHER, &entity, &drift.actor, Some(&words::sentence(event))) }
        }
        Event::AdminDenied(denied) => Draft {
            class: api(OTHER),
            severity: MEDIUM,
            status: FAILURE,
            own: json!({
                "api": { "operation": denied.call, "service": { "name": PRODUCT } },
                "actor": { "user": user(&denied.actor, None) },
                "src_endpoint": { "name": node },
            }),
            correlation: None,
        },
        Event::SnapshotChanged(changed) => directory(changed),
        Event::PolicyChanged(changed) => {
            let severity = if changed.unapproved { MEDIUM } else { INFORMATIONAL };
            let reason = changed.reason.as_deref();
            Draft { severity, ..policy((10, "Activate"), &changed.digest, &changed.author, reason) }
        }
        Event::PolicyProposed(proposed) => {
            policy(CREATE, &proposed.digest, &proposed.author, proposed.reason.as_deref())
        }
        Event::PolicyApproved(approved) => {
            policy(OTHER, &approved.digest, &approved.by, approved.reason.as_deref())
        }
        Event::PolicyWithdrawn(ended) => policy(DELETE, &ended.digest, &ended.by, ended.reason.as_deref()),
        Event::PolicyRejected(rejected) => {
            let named = policy(UPDATE, "", &rejected.author, Some(&rejected.first_fault));
            Draft { severity: LOW, status: FAILURE, ..named }
        }
        Event::SourceToken(token) => {
            let activity = match token.change {
                TokenChange::Created => CREATE,
                TokenChange::Revoked => DELETE,
            };
            let name = format!("token {} of source {}", token.token, token.source);
            managed(
                activity,
                &json!({ "name": name, "type": "token", "uid": token.token }),
                &token.actor,
                None,
            )
        }
        Event::KeyRotated(rotated) => {
            let entity = json!({ "name": "key of the audit log", "type": "key", "uid": rotated.next });
            managed(UPDATE, &entity, &rotated.actor, Some(&rotated.reason))
        }
        Event::EntriesPruned(pruned) => {
            let entity = json!({ "name": "entries of the audit log", "type": "audit log", "uid": node });
            managed(DELETE, &entity, PRODUCT, Some(&format!("kept for {}", pruned.keep)))
        }
        Event::PersonErased(erased) => {
            let uid = erased.aliases.join(",");
            managed(DELETE, &json!({ "name": "person", "type": "person", "uid": uid }), &erased.actor, None)
        }
        Event::DaemonStarted(started) => daemon((3, "Start"), INFORMATIONAL, Some(&started.version)),
        Event::DaemonStopped => daemon((4, "Stop"), INFORMATIONAL, None),
        Event::StoreHealed(_) | Event::LogRepaired(_) => daemon(OTHER, MEDIUM, None),
        Event::PeopleKept(_) => daemon(OTHER, LOW, None),
    }
}
