//! Messages as a daemon would send them, for the tests of the layouts.

use jiff::Timestamp;
use oam_proto::v1::{
    AuditInfo, Collector, Decision, Explanation, Fault, Faults, Finding, Outcome, PolicyInfo, Reason,
    RefVerdict, Revocation, RuleTrace, SnapshotInfo, Status, User,
};
use serde::Serialize;

use super::{Page, json};

/// 2026-11-23T17:21:14Z.
const NOON: i64 = 1_795_454_474_000_000;
const HOUR: i64 = 3_600_000_000;

pub(super) fn page() -> Page {
    Page { color: false, now: Timestamp::from_microsecond(NOON).unwrap() }
}

pub(super) fn hours_ago(hours: i64) -> i64 {
    NOON - hours * HOUR
}

/// As `--json` prints it, on one line.
pub(super) fn json_line(value: &impl Serialize) -> String {
    let text = json::text(value, false).unwrap();
    serde_json::from_str::<serde_json::Value>(&text).unwrap();
    text
}

pub(super) fn faults() -> Faults {
    let fault = Fault {
        file: "users.json".into(),
        line: 12,
        column: 9,
        message: "`okta:` is no group".into(),
        help: "write `source:name`".into(),
        excerpt: "    \"okta:\"".into(),
        length: 2,
    };
    Faults { faults: vec![fault], total: 1 }
}

pub(super) fn snapshot() -> SnapshotInfo {
    SnapshotInfo {
        generation: 12,
        digest: "beef".repeat(16),
        as_of_micros: hours_ago(3),
        users: 50_000,
        active_users: 49_800,
        groups: 300,
        memberships: 120_000,
        revocations: 1,
        cause: "import".into(),
        actor: "uid 0".into(),
        reason: "CHG-7".into(),
        changed_micros: hours_ago(2),
    }
}

pub(super) fn policy() -> PolicyInfo {
    PolicyInfo {
        digest: "c0ffee00".repeat(8),
        loaded_micros: hours_ago(72),
        origin: "apply".into(),
        author: "uid 0".into(),
        reason: "year-end freeze".into(),
        roles: 3,
        grants: 4,
        blocks: 1,
        path: "/etc/oam/policy".into(),
        in_force: true,
        ..PolicyInfo::default()
    }
}

pub(super) fn status() -> Status {
    Status {
        version: "0.1.0".into(),
        node: "oam.example.com/node-1".into(),
        started_micros: hours_ago(100),
        snapshot: Some(snapshot()),
        policy: Some(policy()),
        audit: Some(AuditInfo {
            entries: 1_234,
            root: "ab".repeat(32),
            checkpoint: "node\n1\nx\n\n— sig\n".into(),
            writable: true,
        }),
        warnings: vec!["The directory is 3 hours old.".into()],
        ready: true,
        permitted: 1_000,
        refused: 20,
        undecided: 0,
        state_dir: "/var/lib/oam".into(),
        alarms: Vec::new(),
        collectors: vec![Collector {
            name: "siem".into(),
            kind: "syslog".into(),
            taken: 1_000,
            waiting: 234,
            waits_millis: 90_000,
            trouble: "the connection broke".into(),
        }],
    }
}

pub(super) fn user() -> User {
    User {
        username: "ada".into(),
        id: "00u1".into(),
        display_name: "Ada Lovelace".into(),
        emails: vec!["ada@example.com".into()],
        active: false,
        active_at_source: true,
        groups: vec!["okta:eng".into(), "okta:release".into()],
        roles: vec!["developer".into()],
        revocation: Some(Revocation {
            at_micros: hours_ago(1),
            by: "uid 0".into(),
            reason: "left the company".into(),
        }),
        in_directory: true,
    }
}

pub(super) fn refused() -> Explanation {
    let reason = Reason {
        code: "blocked".into(),
        rule: "year-end-freeze".into(),
        summary: "Updating it is blocked by rule `year-end-freeze` until 2027-01-05 00:00 UTC.".into(),
        hint: "Urgent fixes: #release.".into(),
    };
    let verdict = RefVerdict {
        name: b"refs/heads/main".to_vec(),
        outcome: Outcome::Refused as i32,
        verb: "update".into(),
        reasons: vec![reason],
    };
    let rule = |kind: &str, id: &str, why_not: &str| RuleTrace {
        conditions: Vec::new(),
        lifted_by: String::new(),
        kind: kind.into(),
        id: id.into(),
        matched: why_not.is_empty(),
        why_not: why_not.into(),
        evaluate_only: false,
        findings: vec![
            Finding {
                dimension: "ref".into(),
                ok: true,
                detail: "its refs are `refs/heads/main`".into(),
                ..Finding::default()
            },
            Finding {
                dimension: "verb".into(),
                ok: why_not.is_empty(),
                detail: why_not.into(),
                ..Finding::default()
            },
        ],
    };
    Explanation {
        decision: Some(Decision {
            outcome: Outcome::Refused as i32,
            username: "ada".into(),
            roles: vec!["developer".into()],
            refs: vec![verdict],
            refs_not_permitted: 1,
            refs_total: 1,
            contact: "#platform".into(),
            ..Decision::default()
        }),
        rules: vec![
            rule("block", "year-end-freeze", ""),
            RuleTrace { evaluate_only: true, ..rule("block", "signed", "its verbs do not include `update`") },
            rule("grant", "main", ""),
        ],
        policy: policy().digest,
        snapshot: Some(snapshot()),
        ..Explanation::default()
    }
}

pub(super) fn permitted() -> Explanation {
    let refused = refused();
    let decision = refused.decision.map(|decision| Decision {
        outcome: Outcome::Permitted as i32,
        refs: Vec::new(),
        refs_not_permitted: 0,
        ..decision
    });
    Explanation { decision, grant: "main".into(), through_role: "developer".into(), ..refused }
}
