//! The entry of an ordinary push: one ref, carried by a grant.

use oam_audit::entry::{AskedBy, Change, Decision, Outcome, PrincipalKind, SnapshotUsed, Update, Verb};
use oam_daemon::audit_log::{AuditLog, Batch};

/// The entry of push number `n`.
pub(crate) fn batch(log: &AuditLog, n: u64) -> Batch {
    log.decision(head(n), [update(n)]).unwrap()
}

/// The entries of some pushes, side by side.
pub(crate) fn batches(log: &AuditLog, first: u64, count: u64) -> Batch {
    let mut batch = batch(log, first);
    for n in first + 1..first + count {
        let mut decision = head(n);
        decision.updates = vec![update(n)];
        decision.update_count = 1;
        batch = batch.and(&oam_audit::entry::Event::Decision(Box::new(decision))).unwrap();
    }
    batch
}

fn head(n: u64) -> Decision {
    Decision {
        decision: format!("019b2c3d-0000-7000-8000-{n:012x}"),
        asked_by: AskedBy::Unix { uid: 1001, pid: (n % 30_000) as u32 },
        channel: "push".into(),
        dry_run: false,
        repository: format!("PAY/service-{}", n % 500),
        principal: format!("person-{}", n % 10_000),
        principal_kind: PrincipalKind::User,
        roles: ["developer".into()].into(),
        policy: Some(format!("{:064x}", n / 1_000)),
        snapshot: Some(SnapshotUsed {
            generation: n / 100,
            digest: format!("{:064x}", n / 100),
            age_ms: 1_000,
        }),
        outcome: Outcome::Permitted,
        reasons: vec![],
        privileges: vec![],
        pull_request: None,
        update_count: 0,
        updates: vec![],
        parts: 0,
        elapsed_us: 140,
    }
}

fn update(n: u64) -> Update {
    Update {
        name: format!("refs/heads/feature/PAY-{}", n % 5_000).as_str().into(),
        change: Change::Move { old: format!("{n:040x}"), new: format!("{:040x}", n + 1) },
        verb: Some(Verb::Update),
        fast_forward: Some(true),
        ancestry_unreadable: false,
        other_grants: Vec::new(),
        histories: Vec::new(),
        histories_left_out: 0,
        outcome: Outcome::Permitted,
        grant: Some("developers-push".into()),
        waiver: None,
        privilege: None,
        privileges_beside: Vec::new(),
        lifted: Vec::new(),
        reasons: vec![],
        shadow: vec![],
    }
}
