//! Entries as events of the Open Cybersecurity Schema Framework.
//!
//! OCSF has no class of its own for an authorization decision. A push is API Activity (6003), with the verdict as the
//! status and the rules in `actor.authorizations`; whoever is cut off or let in again is User Access Management (3005);
//! directory, policy and tokens are Entity Management (3004); the daemon itself is Application Lifecycle (6002). Every
//! event carries the entry as it stands in the log in `raw_data`, its leaf hash in `raw_data_hash`, and its number in
//! `metadata.sequence`.

use oam_audit::{
    entry::{
        AskedBy, BitbucketChanged, CanaryOutcome, CanaryTried, ChangeStage, Decision, Entry, Event, Outcome,
        PermittedWhileUnavailable, PrincipalKind, RefBytes, RefsApplied, SignalEffect, SignalReceived,
        SnapshotCause, SnapshotChanged, StreamChange, TokenChange, Update,
    },
    merkle::TreeHash,
};
use serde_json::{Map, Value, json};

use crate::words;

/// The version of the schema. Another one is another format: `--format` and collectors would name it.
pub const VERSION: &str = "1.6.0";

/// The name that our events bear.
const PRODUCT: &str = "Bitbucket OAM";

/// What a class and an activity are called.
struct Class {
    uid: u64,
    name: &'static str,
    category: (u64, &'static str),
    activity: (u64, &'static str),
}

const IAM: (u64, &str) = (3, "Identity & Access Management");
const APPLICATION: (u64, &str) = (6, "Application Activity");

fn api(activity: (u64, &'static str)) -> Class {
    Class { uid: 6003, name: "API Activity", category: APPLICATION, activity }
}

fn entity(activity: (u64, &'static str)) -> Class {
    Class { uid: 3004, name: "Entity Management", category: IAM, activity }
}

fn access(activity: (u64, &'static str)) -> Class {
    Class { uid: 3005, name: "User Access Management", category: IAM, activity }
}

fn lifecycle(activity: (u64, &'static str)) -> Class {
    Class { uid: 6002, name: "Application Lifecycle", category: APPLICATION, activity }
}

const CREATE: (u64, &str) = (1, "Create");
const UPDATE: (u64, &str) = (3, "Update");
const DELETE: (u64, &str) = (4, "Delete");
const OTHER: (u64, &str) = (99, "Other");

const INFORMATIONAL: (u64, &str) = (1, "Informational");
const LOW: (u64, &str) = (2, "Low");
const MEDIUM: (u64, &str) = (3, "Medium");
const HIGH: (u64, &str) = (4, "High");

const SUCCESS: (u64, &str) = (1, "Success");
const FAILURE: (u64, &str) = (2, "Failure");

/// An event before what all events have.
struct Draft {
    class: Class,
    severity: (u64, &'static str),
    status: (u64, &'static str),
    /// What belongs to the class.
    own: Value,
    /// What ties events together.
    correlation: Option<String>,
}

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
        Event::Decision(decision) => self::decision(decision),
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
        Event::RefsApplied(applied) => self::applied(applied),
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

fn decision(decision: &Decision) -> Draft {
    let (severity, status) = match decision.outcome {
        Outcome::Permitted => (INFORMATIONAL, SUCCESS),
        Outcome::Refused => (LOW, FAILURE),
        Outcome::Undecided => (MEDIUM, (99, "Undecided")),
    };
    let endpoint = match &decision.asked_by {
        AskedBy::Unix { uid, pid } => json!({ "name": "local", "uid": format!("uid {uid} pid {pid}") }),
        AskedBy::Tls { subject } => json!({ "name": "git host", "uid": subject }),
    };
    let of_updates = decision.updates.iter().flat_map(|update| &update.reasons);
    let reasons: Vec<&str> =
        decision.reasons.iter().chain(of_updates).map(|reason| reason.code.as_str()).collect();
    let mut own = json!({
        "api": {
            "operation": decision.channel,
            "request": { "uid": decision.decision },
            "service": { "name": PRODUCT },
        },
        "actor": {
            "user": user(&decision.principal, Some(decision.principal_kind)),
            "authorizations": authorizations(&decision.updates, decision.policy.as_deref()),
        },
        "src_endpoint": endpoint,
        "resources": resources(Some(&decision.repository), decision.updates.iter().map(|update| &update.name)),
        "duration": i64::try_from(decision.elapsed_us / 1000).unwrap_or(i64::MAX),
    });
    if let (Some(own), false) = (own.as_object_mut(), reasons.is_empty()) {
        own.insert("status_code".into(), reasons.first().copied().unwrap_or_default().into());
        own.insert("status_detail".into(), reasons.join(", ").into());
    }
    // The schema has no place for who approved what: what has none stands in `unmapped`.
    if let (Some(own), Some(pull_request)) = (own.as_object_mut(), &decision.pull_request) {
        own.insert("unmapped".into(), json!({ "pull_request": pull_request }));
    }
    Draft {
        class: api(activity(decision.updates.iter().map(words::verb))),
        severity,
        status,
        own,
        correlation: Some(decision.decision.clone()),
    }
}

/// What was done, where all of it is of one kind.
fn activity<'a>(mut verbs: impl Iterator<Item = &'a str>) -> (u64, &'static str) {
    let Some(first) = verbs.next() else { return OTHER };
    if verbs.any(|verb| verb != first) {
        return OTHER;
    }
    match first {
        "create" => CREATE,
        "update" | "force" | "move" => UPDATE,
        "delete" => DELETE,
        _ => OTHER,
    }
}

fn user(name: &str, kind: Option<PrincipalKind>) -> Value {
    let (id, kind) = match kind {
        Some(PrincipalKind::User) => (1, "User"),
        Some(PrincipalKind::Service) => (4, "Service"),
        Some(PrincipalKind::Unknown) | None => (0, "Unknown"),
    };
    json!({ "name": name, "type_id": id, "type": kind })
}

/// The verdict on each ref, with the rules that it rests on.
fn authorizations(updates: &[Update], policy: Option<&str>) -> Vec<Value> {
    let one = |update: &Update| {
        let rules =
            update.grant.iter().chain(update.reasons.iter().filter_map(|reason| reason.rule.as_ref()));
        let mut named = Map::from_iter([("name".to_owned(), Value::from(PRODUCT))]);
        if let Some(rule) = rules.into_iter().next() {
            named.insert("uid".into(), rule.as_str().into());
        }
        if let Some(digest) = policy {
            named.insert("version".into(), digest.into());
        }
        json!({ "decision": words::outcome(update.outcome), "policy": named })
    };
    updates.iter().map(one).collect()
}

fn resources<'a>(repository: Option<&str>, names: impl Iterator<Item = &'a RefBytes>) -> Vec<Value> {
    let whole = repository.map(|name| json!({ "name": name, "type": "repository" }));
    let one = |name: &RefBytes| json!({ "name": name.to_text(), "type": "ref" });
    whole.into_iter().chain(names.map(one)).collect()
}

fn let_in(permitted: &PermittedWhileUnavailable) -> Draft {
    let names = permitted.updates.iter().map(|update| &update.name);
    Draft {
        class: api(activity(permitted.updates.iter().map(|update| words::change(&update.change)))),
        severity: HIGH,
        status: SUCCESS,
        own: json!({
            "api": { "operation": "push", "request": { "uid": permitted.spool } },
            "actor": { "user": user(&permitted.principal, None) },
            "src_endpoint": { "name": permitted.host },
            "resources": resources(Some(&permitted.repository), names),
            "status_detail": permitted.why,
            "start_time": permitted.at.timestamp().as_millisecond(),
        }),
        correlation: Some(permitted.spool.clone()),
    }
}

fn applied(applied: &RefsApplied) -> Draft {
    let names = applied.updates.iter().map(|update| &update.name);
    let nobodys = applied.updates.iter().any(|update| update.decision.is_none());
    Draft {
        class: api(activity(applied.updates.iter().map(|update| words::change(&update.change)))),
        severity: if nobodys { HIGH } else { INFORMATIONAL },
        status: SUCCESS,
        own: json!({
            "api": { "operation": "post-receive", "request": { "uid": applied.report } },
            "actor": { "user": user(&applied.principal, None) },
            "src_endpoint": { "name": applied.host },
            "resources": resources(Some(&applied.repository), names),
            "start_time": applied.at.timestamp().as_millisecond(),
        }),
        correlation: applied.updates.iter().find_map(|update| update.decision.clone()),
    }
}

/// That it was refused is success: what was tried is whether it is.
fn canary(tried: &CanaryTried) -> Draft {
    let (severity, status) = match tried.outcome {
        CanaryOutcome::Refused => (INFORMATIONAL, SUCCESS),
        CanaryOutcome::Accepted => (HIGH, FAILURE),
        CanaryOutcome::Unknown => (MEDIUM, (0, "Unknown")),
    };
    let mut own = json!({
        "api": { "operation": "canary", "service": { "name": PRODUCT } },
        "actor": { "app_name": PRODUCT },
        "src_endpoint": { "name": "daemon" },
        "resources": [
            { "name": tried.repository, "type": "repository" },
            { "name": tried.branch, "type": "ref" },
        ],
    });
    if let (Some(detail), Some(own)) = (&tried.detail, own.as_object_mut()) {
        own.insert("status_detail".into(), detail.as_str().into());
    }
    Draft { class: api(CREATE), severity, status, own, correlation: tried.decision.clone() }
}

/// What a transmitter told of somebody, and what followed from it.
fn signal(told: &SignalReceived) -> Draft {
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

fn directory(changed: &SnapshotChanged) -> Draft {
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

fn policy(activity: (u64, &'static str), digest: &str, actor: &str, comment: Option<&str>) -> Draft {
    let mut named =
        json!({ "name": "policy", "type_id": 5, "type": "Policy", "policy": { "name": PRODUCT } });
    if let (false, Some(entity)) = (digest.is_empty(), named.as_object_mut()) {
        entity.insert("uid".into(), digest.into());
        entity.insert("policy".into(), json!({ "name": PRODUCT, "uid": digest, "version": digest }));
    }
    managed(activity, &named, actor, comment)
}

/// What somebody has for a while, by its id.
fn privilege(activity: (u64, &'static str), id: &str, actor: &str, comment: Option<&str>) -> Draft {
    let entity = json!({ "name": "privilege", "type": "privilege", "uid": id });
    let draft = managed(activity, &entity, actor, comment);
    Draft { correlation: Some(id.to_owned()), ..draft }
}

/// Something in Bitbucket, as an entity that is called what `oam bitbucket plan` calls it.
fn bitbucket_changed(changed: &BitbucketChanged) -> Draft {
    let activity = match changed.step.as_str() {
        "permit" => UPDATE,
        "forget" => OTHER,
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

fn managed(activity: (u64, &'static str), entity: &Value, actor: &str, comment: Option<&str>) -> Draft {
    let mut own = json!({ "entity": entity, "actor": { "user": user(actor, None) } });
    if let (Some(comment), Some(own)) = (comment, own.as_object_mut()) {
        own.insert("comment".into(), comment.into());
    }
    Draft { class: self::entity(activity), severity: INFORMATIONAL, status: SUCCESS, own, correlation: None }
}

fn daemon(activity: (u64, &'static str), severity: (u64, &'static str), version: Option<&str>) -> Draft {
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
