//! What is asked of the daemon and what became of it: API Activity.

use oam_audit::entry::{
    AskedBy, CanaryOutcome, CanaryTried, Decision, Outcome, PermittedWhileUnavailable, RefBytes, RefsApplied,
    Update,
};
use serde_json::{Map, Value, json};

use super::class::{
    CREATE, DELETE, Draft, FAILURE, HIGH, INFORMATIONAL, LOW, MEDIUM, OTHER, PRODUCT, SUCCESS, UPDATE, api,
    user,
};
use crate::words;

pub(super) fn decision(decision: &Decision) -> Draft {
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
pub(super) fn activity<'a>(mut verbs: impl Iterator<Item = &'a str>) -> (u64, &'static str) {
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

/// The verdict on each ref, with the rules that it rests on.
pub(super) fn authorizations(updates: &[Update], policy: Option<&str>) -> Vec<Value> {
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

pub(super) fn resources<'a>(
    repository: Option<&str>,
    names: impl Iterator<Item = &'a RefBytes>,
) -> Vec<Value> {
    let whole = repository.map(|name| json!({ "name": name, "type": "repository" }));
    let one = |name: &RefBytes| json!({ "name": name.to_text(), "type": "ref" });
    whole.into_iter().chain(names.map(one)).collect()
}

pub(super) fn let_in(permitted: &PermittedWhileUnavailable) -> Draft {
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

pub(super) fn applied(applied: &RefsApplied) -> Draft {
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
pub(super) fn canary(tried: &CanaryTried) -> Draft {
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
