//! A push as the log has it: for tests.

use oam_audit::entry::{AskedBy, Change, Decision, Lifted, Outcome, PrincipalKind, Update, Verb};

/// The head of a decision on somebody's push to `PAY/api`.
pub(crate) fn decision(by: &str, outcome: Outcome) -> Decision {
    Decision {
        decision: "019376a5-1b2c-7000-8000-000000000001".into(),
        asked_by: AskedBy::Unix { uid: 1, pid: 2 },
        channel: "push".into(),
        dry_run: false,
        repository: "PAY/api".into(),
        principal: by.into(),
        principal_kind: PrincipalKind::User,
        roles: [].into(),
        policy: None,
        snapshot: None,
        privileges: Vec::new(),
        pull_request: None,
        outcome,
        reasons: Vec::new(),
        update_count: 0,
        updates: Vec::new(),
        parts: 0,
        elapsed_us: 1,
    }
}

/// A ref that was created, for which these rules were lifted.
pub(crate) fn created(name: &str, lifted: Vec<Lifted>) -> Update {
    Update {
        name: name.into(),
        change: Change::Create { new: "1".repeat(40) },
        verb: Some(Verb::Create),
        fast_forward: None,
        ancestry_unreadable: false,
        other_grants: Vec::new(),
        histories: Vec::new(),
        histories_left_out: 0,
        outcome: Outcome::Permitted,
        grant: Some("main".into()),
        privilege: None,
        privileges_beside: Vec::new(),
        waiver: lifted.first().map(|one| one.waiver.clone()),
        lifted,
        reasons: Vec::new(),
        shadow: Vec::new(),
    }
}
