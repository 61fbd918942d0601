use oam_audit::entry::{
    AdminDenied, AppliedUpdate, Approval, ApprovalCount, AskedBy, CanaryOutcome, CanaryTried, Change,
    DaemonStarted, Decision, Entry, Event, LogRepaired, Outcome, PermittedWhileUnavailable, PolicyApproved,
    PolicyChanged, PolicyDiff, PolicyOrigin, PolicyProposed, PolicyRejected, PolicyWithdrawn, PrincipalKind,
    PullRequest, Reason, RefsApplied, Said, SnapshotCause, SnapshotChanged, SourceToken, SpooledUpdate,
    StoreHealed, TokenChange, Update, Verb, WeighedApproval, WithdrawnCause,
    history::{End, Listed},
};

use super::line;
use crate::output::samples::page;

fn lines(events: impl IntoIterator<Item = Event>) -> String {
    let time: oam_audit::entry::Time = "2026-11-23T17:21:14.000250Z".parse().unwrap();
    let entry = |event| Entry::new(7, time, "node-1".parse().unwrap(), event).encode().unwrap();
    events.into_iter().map(|event| line(&entry(event), &page())).collect()
}

fn update(name: &str, outcome: Outcome) -> Update {
    let reason = Reason { code: "blocked".into(), rule: Some("freeze".into()) };
    let refused = outcome != Outcome::Permitted;
    Update {
        name: name.into(),
        change: Change::Delete { old: "1".repeat(40) },
        verb: Some(Verb::Delete),
        fast_forward: None,
        outcome,
        grant: (!refused).then(|| "main".into()),
        privilege: None,
        privileges_beside: Vec::new(),
        waiver: None,
        lifted: Vec::new(),
        ancestry_unreadable: false,
        other_grants: Vec::new(),
        histories: Vec::new(),
        histories_left_out: 0,
        reasons: if refused { vec![reason] } else { Vec::new() },
        shadow: Vec::new(),
    }
}

fn decision(outcome: Outcome, updates: Vec<Update>) -> Decision {
    Decision {
        decision: "0193".into(),
        asked_by: AskedBy::Unix { uid: 1, pid: 2 },
        channel: "push".into(),
        dry_run: false,
        repository: "PAY/api".into(),
        principal: "ada".into(),
        principal_kind: PrincipalKind::User,
        roles: [].into(),
        policy: None,
        snapshot: None,
        privileges: Vec::new(),
        pull_request: None,
        outcome,
        reasons: Vec::new(),
        update_count: updates.len() as u64,
        updates,
        parts: 0,
        elapsed_us: 1,
    }
}

fn canary(outcome: CanaryOutcome) -> CanaryTried {
    let (repository, branch) = ("PAY/api".into(), "refs/heads/oam-canary/1".into());
    CanaryTried { repository, branch, outcome, decision: None, detail: Some("x".into()) }
}

fn applied(decisions: &[Option<&str>]) -> RefsApplied {
    let update = |(number, decision): (usize, &Option<&str>)| AppliedUpdate {
        name: format!("refs/heads/{number}").as_str().into(),
        change: Change::Create { new: "1".repeat(40) },
        decision: decision.map(str::to_owned),
    };
    RefsApplied {
        report: "0194".into(),
        host: "git-1".into(),
        at: "2026-11-23T17:00:00.000000Z".parse().unwrap(),
        repository: "PAY/api".into(),
        principal: "ada".into(),
        channel: "push".into(),
        updates: decisions.iter().enumerate().map(update).collect(),
    }
}

#[test]
fn decisions_name_the_ref_that_decided() {
    let permitted = update("refs/heads/a", Outcome::Permitted);
    let refused = update("refs/heads/b\u{1b}[2J", Outcome::Refused);
    let reason = Reason { code: "policy-missing".into(), rule: None };
    let undecided =
        Decision { reasons: vec![reason], update_count: 2, ..decision(Outcome::Undecided, Vec::new()) };
    insta::assert_snapshot!(lines([
        decision(Outcome::Permitted, vec![permitted.clone()]),
        decision(Outcome::Refused, vec![permitted.clone(), refused, permitted]),
        Decision { dry_run: true, ..undecided },
    ].map(|decision| Event::Decision(Box::new(decision)))), @r"
    2026-11-23T17:21:14Z #7 permitted PAY/api ada push: delete refs/heads/a [grant main] (0193)
    2026-11-23T17:21:14Z #7 refused PAY/api ada push: delete refs/heads/b\x1b[2J [blocked by freeze] and 2 more refs (0193)
    2026-11-23T17:21:14Z #7 undecided PAY/api ada push (dry run): [policy-missing] and 2 more refs (0193)
    ");
}

/// Who approved, whether it counted, and that nobody knows.
#[test]
fn a_merge_names_who_approved_it() {
    let listed =
        |all: Option<Vec<WeighedApproval>>| Listed { told: 7, end: End::Complete, all, sha256: None };
    let weighed = |people: &[(&str, &str)]| {
        let one = |(by, worth): &(&str, &str)| WeighedApproval { by: (*by).into(), worth: (*worth).into() };
        listed(Some(people.iter().map(one).collect()))
    };
    let count = |role: &str, people: &[(&str, &str)]| ApprovalCount {
        rule: "reviewed".into(),
        role: role.into(),
        needed: 1,
        given: 1,
        of_paths: false,
        approvals: weighed(people),
    };
    let known = |told: u64, all: Option<Vec<Approval>>| Said::Known {
        author: "ada".into(),
        approvals: Listed { told, end: End::Complete, all, sha256: None },
        committers: Listed { told: 0, end: End::Complete, all: Some(vec![]), sha256: None },
    };
    let merged = |said, counts| {
        let pull_request = PullRequest { number: Some(17), head: None, said, counts };
        let merged = decision(Outcome::Permitted, vec![update("refs/heads/a", Outcome::Permitted)]);
        let channel = "pull-request-merge".into();
        Event::Decision(Box::new(Decision { channel, pull_request: Some(Box::new(pull_request)), ..merged }))
    };
    let many: Vec<_> = (0..7).map(|number| format!("p{number}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "counts")).collect();
    insta::assert_snapshot!(lines([
        merged(known(2, Some(vec![])), vec![
            count("developer", &[("bob", "counts"), ("c\u{1b}", "outdated"), ("rita", "without-role")]),
            count("release", &[("bob", "without-role"), ("rita", "counts")]),
        ]),
        merged(known(7, Some(vec![])), vec![count("developer", &many)]),
        merged(known(0, Some(vec![])), vec![count("developer", &[])]),
        merged(known(900, None), vec![]),
        merged(Said::Unknown { why: "Bitbucket did not answer within 3000 ms".into() }, vec![]),
    ]), @r"
    2026-11-23T17:21:14Z #7 permitted PAY/api ada pull-request-merge: delete refs/heads/a [grant main] (pull request 17: approved by bob, rita; not counted: c\x1b (outdated)) (0193)
    2026-11-23T17:21:14Z #7 permitted PAY/api ada pull-request-merge: delete refs/heads/a [grant main] (pull request 17: approved by p0, p1, p2, p3, p4 and 2 more) (0193)
    2026-11-23T17:21:14Z #7 permitted PAY/api ada pull-request-merge: delete refs/heads/a [grant main] (pull request 17: no approvals) (0193)
    2026-11-23T17:21:14Z #7 permitted PAY/api ada pull-request-merge: delete refs/heads/a [grant main] (pull request 17: 900 approvals) (0193)
    2026-11-23T17:21:14Z #7 permitted PAY/api ada pull-request-merge: delete refs/heads/a [grant main] (pull request 17: it is not known who approved: Bitbucket did not answer within 3000 ms) (0193)
    ");
}

#[test]
fn everything_else_has_a_line_too() {
    let snapshot = SnapshotChanged {
        generation: 3,
        digest: "beef".repeat(16),
        previous: None,
        cause: SnapshotCause::UserDeactivated,
        actor: "uid 0".into(),
        reason: Some("left".into()),
        users: 50_000,
        groups: 1,
        subject: Some("eve".into()),
    };
    let policy = PolicyChanged {
        digest: "c0ffee00".repeat(8),
        previous: None,
        origin: PolicyOrigin::Apply,
        author: "uid 0".into(),
        reason: None,
        approved_by: Vec::new(),
        unapproved: false,
        diff: None,
    };
    let rejected = PolicyRejected {
        origin: PolicyOrigin::File,
        author: "oamd".into(),
        faults: 2,
        first_fault: "`x` is no role".into(),
    };
    let healed = StoreHealed {
        what: "directory".into(),
        set_aside: "/var/lib/oam/aside".into(),
        found: "digest differs".into(),
        rebuilt_generation: Some(3),
    };
    let spooled =
        SpooledUpdate { name: "refs/heads/a".into(), change: Change::Create { new: "1".repeat(40) } };
    let unavailable = PermittedWhileUnavailable {
        spool: "0194".into(),
        host: "git-1".into(),
        at: "2026-11-23T17:00:00.000000Z".parse().unwrap(),
        repository: "PAY/api".into(),
        principal: "ada".into(),
        updates: vec![spooled.clone(), spooled],
        why: "no socket".into(),
    };
    insta::assert_snapshot!(lines([
        Event::SnapshotChanged(snapshot),
        Event::PolicyChanged(policy),
        Event::PolicyRejected(rejected),
        Event::DaemonStarted(DaemonStarted { version: "0.1.0".into(), log_size: 1 }),
        Event::DaemonStopped,
        Event::StoreHealed(healed),
        Event::LogRepaired(LogRepaired { torn_bytes: 12, set_aside: "/x".into() }),
        Event::PermittedWhileUnavailable(unavailable),
        Event::SourceToken(SourceToken {
            source: "okta".into(),
            token: "1a2b3c4d".into(),
            change: TokenChange::Created,
            actor: "uid 0".into(),
        }),
        Event::RefsApplied(applied(&[Some("0195"), Some("0195")])),
        Event::RefsApplied(applied(&[Some("0195"), None])),
        Event::CanaryTried(canary(CanaryOutcome::Accepted)),
        Event::CanaryTried(canary(CanaryOutcome::Refused)),
        Event::AdminDenied(AdminDenied { actor: "uid 33".into(), call: "DeactivateUser".into(), times: 1 }),
    ]), @"
    2026-11-23T17:21:14Z #7 user cut off `eve` by `uid 0`: generation 3 (beefbeefbeef), 50,000 users, 1 group: left
    2026-11-23T17:21:14Z #7 policy c0ffee00c0ff in force, from `oam policy apply` by `uid 0`
    2026-11-23T17:21:14Z #7 policy from its file by `oamd` was not taken: 2 faults, the first: `x` is no role
    2026-11-23T17:21:14Z #7 daemon 0.1.0 started, with 1 entry in the log
    2026-11-23T17:21:14Z #7 daemon stopped
    2026-11-23T17:21:14Z #7 store `directory` was damaged (digest differs), set aside at `/var/lib/oam/aside`, rebuilt to generation 3
    2026-11-23T17:21:14Z #7 log had a torn end of 12 bytes, set aside at `/x`
    2026-11-23T17:21:14Z #7 let through while no daemon could be asked: PAY/api ada at 2026-11-23T17:00:00Z on git-1: create refs/heads/a and 1 more ref (no socket)
    2026-11-23T17:21:14Z #7 token `1a2b3c4d` of the source `okta` made by `uid 0`
    2026-11-23T17:21:14Z #7 applied PAY/api ada: create refs/heads/0 and 1 more ref
    2026-11-23T17:21:14Z #7 applied WITHOUT A DECISION: PAY/api ada: create refs/heads/1 and 1 more ref
    2026-11-23T17:21:14Z #7 canary: a forbidden branch in PAY/api WENT IN: x
    2026-11-23T17:21:14Z #7 canary: a forbidden branch in PAY/api was refused: x
    2026-11-23T17:21:14Z #7 denied: `uid 33` called DeactivateUser
    ");
}

#[test]
fn the_way_of_a_proposed_policy() {
    let (digest, author) = ("c0ffee00".repeat(8), "uid 1000".to_owned());
    let diff = PolicyDiff { changes: 2, exact: false, first: vec!["gains force: developer".into()] };
    let proposed = PolicyProposed {
        digest: digest.clone(),
        previous: Some("beef".repeat(16)),
        origin: PolicyOrigin::Apply,
        author: author.clone(),
        reason: Some("CHG-7".into()),
        needed: 1,
        diff: Some(diff.clone()),
    };
    let approved = PolicyApproved {
        digest: digest.clone(),
        author: author.clone(),
        by: "uid 1001".into(),
        reason: Some("seen".into()),
        approvals: 1,
        needed: 1,
    };
    let changed = PolicyChanged {
        digest: digest.clone(),
        previous: Some("beef".repeat(16)),
        origin: PolicyOrigin::Apply,
        author: author.clone(),
        reason: Some("CHG-7".into()),
        approved_by: vec!["uid 1001".into()],
        unapproved: false,
        diff: Some(PolicyDiff { changes: 0, exact: true, first: Vec::new() }),
    };
    let forced = PolicyChanged { approved_by: Vec::new(), unapproved: true, diff: None, ..changed.clone() };
    let withdrawn = |cause| {
        Event::PolicyWithdrawn(PolicyWithdrawn {
            digest: digest.clone(),
            author: author.clone(),
            cause,
            by: "uid 1001".into(),
            reason: Some("not so".into()),
        })
    };
    insta::assert_snapshot!(lines([
        Event::PolicyProposed(proposed),
        Event::PolicyApproved(approved),
        Event::PolicyChanged(changed),
        Event::PolicyChanged(forced),
        withdrawn(WithdrawnCause::Withdrawn),
        withdrawn(WithdrawnCause::FilesChanged),
        withdrawn(WithdrawnCause::Outdated),
    ]), @"
    2026-11-23T17:21:14Z #7 policy c0ffee00c0ff proposed, from `oam policy apply` by `uid 1000`, needs 1 approval: CHG-7 (2 changes or more; gains force: developer)
    2026-11-23T17:21:14Z #7 policy c0ffee00c0ff by `uid 1000` approved by `uid 1001`, 1 of 1: seen
    2026-11-23T17:21:14Z #7 policy c0ffee00c0ff in force, from `oam policy apply` by `uid 1000`, approved by uid 1001: CHG-7 (0 changes)
    2026-11-23T17:21:14Z #7 policy c0ffee00c0ff in force, from `oam policy apply` by `uid 1000`, WITHOUT the approvals that were needed: CHG-7
    2026-11-23T17:21:14Z #7 proposed policy c0ffee00c0ff by `uid 1000` withdrawn by `uid 1001`: not so
    2026-11-23T17:21:14Z #7 proposed policy c0ffee00c0ff by `uid 1000` withdrawn, since its files say something else: not so
    2026-11-23T17:21:14Z #7 proposed policy c0ffee00c0ff by `uid 1000` outdated by a change of `uid 1001`: not so
    ");
}
