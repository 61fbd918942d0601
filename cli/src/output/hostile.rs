//! Nothing that a terminal acts upon gets through any layout.

use oam_policy::diff::{Effect, OfferEffect};
use oam_proto::v1::{
    ApplyPolicyResponse, CheckPolicyResponse, Collector, Decision, Explanation, Fault, Faults, Feed, Finding,
    ListPoliciesResponse, ListPolicyProposalsResponse, ListSnapshotsResponse, Otherwise, Outcome, PathChange,
    PatternClass, PolicyApproval, PolicyBecause, PolicyChange, PolicyChangeHolders, PolicyChangePlace,
    PolicyCrowd, PolicyDiffBound, PolicyDiffDone, PolicyFile, PolicyInfo, PolicyJob, PolicyLifting,
    PolicyOfferChange, PolicyOfferPlace, PolicyProposal, PolicyRightChange, PolicyRightPlace,
    PolicyRoleChange, PolicyWarning, PolicyWarnings, PolicyWitness, PreviewSourceResponse, PreviewedGroup,
    PreviewedUser, Reason, RefVerdict, ReplayDone, ReplayGroup, ReplayJudgement, ReplayReason, ReplayUntold,
    ReplayVerdict, Revocation, RollBackSnapshotResponse, RotateSourceTokenResponse, RuleTrace, RuleUse,
    ShowPolicyResponse, SnapshotChange, SnapshotInfo, Source, SourceToken, Status, SyncSourceResponse,
    TestOutcome, User, UserChanged, UserDiff, WhoCan, WhoOpening, WhoPrincipal, WhoStopped, path_change,
    snapshot_change::Change, test_outcome::Result as Tested,
};

use super::{
    audit, explain, faults, import, policy, policy_diff, policy_init, policy_proposal, policy_test, replay,
    samples::page, secrets, shown, signals, snapshot, source, status, usage, user, verify, warnings::Wanted,
    who,
};

const EVIL: &str = "a\u{1b}]0;x\u{7}\u{9b}31m\r\n\u{202e}\u{200b}\u{7f}b\\";

fn evil() -> String {
    EVIL.to_owned()
}

fn check(what: &str, text: &str) {
    assert!(text.contains("a\\x1b]0;x"), "{what} does not show the name at all: {text:?}");
    let bad: Vec<_> = text.split('\n').filter(|line| line.chars().any(|c| c != '\\' && is_bad(c))).collect();
    assert!(bad.is_empty(), "{what}: {bad:?}");
}

fn is_bad(character: char) -> bool {
    let plain = character.to_string();
    character.is_control() || shown(&plain) != plain
}

fn snapshot_info() -> SnapshotInfo {
    SnapshotInfo { digest: evil(), cause: evil(), actor: evil(), reason: evil(), ..SnapshotInfo::default() }
}

fn policy_info() -> PolicyInfo {
    PolicyInfo {
        digest: evil(),
        origin: evil(),
        author: evil(),
        reason: evil(),
        path: evil(),
        approved_by: vec![evil()],
        ..PolicyInfo::default()
    }
}

fn evil_user() -> User {
    User {
        username: evil(),
        id: evil(),
        display_name: evil(),
        emails: vec![evil()],
        groups: vec![evil()],
        roles: vec![evil()],
        revocation: Some(Revocation { at_micros: 1, by: evil(), reason: evil() }),
        ..User::default()
    }
}

fn evil_faults() -> Faults {
    let fault =
        Fault { file: evil(), line: 1, column: 5, message: evil(), help: evil(), excerpt: evil(), length: 3 };
    Faults { faults: vec![fault], total: 1 }
}

proptest::proptest! {
    #[test]
    fn of_any_fault(
        [file, message, help, excerpt] in proptest::prelude::any::<[String; 4]>(),
        (line, column, length) in proptest::prelude::any::<(u32, u32, u16)>(),
    ) {
        let length = u32::from(length);
        let fault = Fault { file, line, column, message, help, excerpt, length };
        let text = faults::text(&Faults { faults: vec![fault], total: 1 }, "x", &page());
        proptest::prop_assert!(!text.chars().any(|c| c != '\\' && c != '\n' && is_bad(c)), "{:?}", text);
    }

    #[test]
    fn of_any_entry(bytes: Vec<u8>) {
        let line = audit::line(&bytes, &page());
        proptest::prop_assert!(!line.trim_end_matches('\n').chars().any(|c| c != '\\' && is_bad(c)), "{:?}", line);
    }
}

#[test]
fn of_a_written_policy() {
    let source = oam_policy::file::PolicySource { name: String::new(), text: "version = 1".into() };
    let policy = oam_policy::file::parse(&[source]).unwrap();
    let written = policy_init::Written::new(std::path::Path::new(EVIL), &policy);
    check("policy init", &written.text(&page()));
}

#[test]
fn of_the_directory() {
    let snapshot = Some(snapshot_info());
    let done = oam_proto::v1::ImportDone { snapshot: snapshot.clone(), ..Default::default() };
    check("import", &import::done_text(&done, EVIL, &page()));
    check("faults", &faults::text(&evil_faults(), "x", &page()));
    let list = ListSnapshotsResponse { snapshots: vec![snapshot_info()] };
    check("history", &snapshot::history_text(&list, &page()));
    let back = RollBackSnapshotResponse { snapshot: snapshot.clone(), cut_off_since: vec![evil()] };
    check("rollback", &snapshot::rollback_text(&back, 1, false, &page()));
    let diff = UserDiff { username: evil(), joined: vec![evil()], left: vec![evil()], ..UserDiff::default() };
    for change in [
        Change::UserAdded(evil()),
        Change::UserRemoved(evil()),
        Change::GroupAdded(evil()),
        Change::GroupRemoved(evil()),
        Change::UserChanged(diff),
    ] {
        check("diff", &snapshot::change_text(&SnapshotChange { change: Some(change) }, &page()));
    }
    check("user", &user::text(&evil_user(), &page()));
    check("line", &user::line(&evil_user(), &page()));
    let changed = UserChanged { user: Some(evil_user()), snapshot, changed: true };
    check("deactivate", &user::deactivated_text(&changed, EVIL, &page()));
    check("reactivate", &user::reactivated_text(&changed, EVIL, &page()));
}

fn of_the_transmitters() {
    let one = oam_proto::v1::Transmitter {
        name: evil(),
        issuer: evil(),
        source: evil(),
        delivery: evil(),
        stream: evil(),
        flow: evil(),
        why: evil(),
        trouble: evil(),
        blind: evil(),
        path: evil(),
        ..Default::default()
    };
    check("transmitters", &signals::list_text(std::slice::from_ref(&one), &page()));
    let done = oam_proto::v1::SetUpSignalsResponse {
        transmitter: Some(one.clone()),
        token: evil(),
        advice: vec![evil()],
    };
    check("set up", &signals::set_up_text(&done, &page()));
    let done = oam_proto::v1::VerifySignalsResponse { transmitter: Some(one), verified: false };
    check("verified", &signals::verified_text(&done, &page()));
    let secret = oam_proto::v1::Secret {
        name: evil(),
        kind: evil(),
        path: evil(),
        state: evil(),
        fault: evil(),
        ..Default::default()
    };
    check("secrets", &secrets::text(std::slice::from_ref(&secret), &page()));
}

#[test]
fn of_the_sources() {
    let token = SourceToken { id: evil(), created_by: evil(), ..SourceToken::default() };
    let one = Source {
        name: evil(),
        kind: evil(),
        username: evil(),
        username_suffix: evil(),
        group: evil(),
        path: evil(),
        tokens: vec![token.clone()],
        feed: Some(Feed {
            server: evil(),
            trouble: evil(),
            held: evil(),
            shared_names: vec![evil(), evil()],
            reads_all: evil(),
            not_called: evil(),
            unread: evil(),
            ..Feed::default()
        }),
        ..Source::default()
    };
    check("sources", &source::list_text(std::slice::from_ref(&one), &page()));
    check("source", &source::text(&one, &page()));
    check("tokens", &source::tokens_text(std::slice::from_ref(&token), &page()));
    check("revoked", &source::revoked_text(EVIL, &token));
    check("forgotten", &source::forgotten_text(EVIL, EVIL));
    let made = RotateSourceTokenResponse { token: evil(), info: Some(token) };
    check("made", &source::made_text(EVIL, &made, &page()));
    check("sync", &source::sync_text(&SyncSourceResponse { source: Some(one), advice: evil() }, &page()));
    let user = PreviewedUser {
        username: evil(),
        id: evil(),
        display_name: evil(),
        emails: vec![evil()],
        active: true,
        already: evil(),
    };
    of_the_transmitters();
    let preview = PreviewSourceResponse {
        users: vec![user.clone()],
        user: Some(user),
        group: evil(),
        groups: vec![PreviewedGroup { group: evil(), members: 1 }],
        problems: vec![evil()],
    };
    check("preview", &source::preview_text(&preview, &page()));
}

fn warning(allowed: &str) -> PolicyWarning {
    PolicyWarning {
        lint: evil(),
        kind: evil(),
        id: evil(),
        message: evil(),
        help: evil(),
        allowed: allowed.to_owned(),
    }
}

#[test]
fn of_the_policy_and_the_daemon() {
    let applied = ApplyPolicyResponse {
        policy: Some(policy_info()),
        warnings: Some(PolicyWarnings {
            warnings: vec![warning(""), warning(EVIL)],
            omitted: 1,
            unfinished: vec![evil()],
            of_change: vec![evil()],
        }),
        changed: true,
        ..ApplyPolicyResponse::default()
    };
    check("apply", &policy::apply_text(&applied, &page()));
    let proposal = PolicyProposal {
        digest: evil(),
        origin: evil(),
        author: evil(),
        reason: evil(),
        approvals: vec![PolicyApproval { by: evil(), reason: evil(), at_micros: 1 }],
        ..PolicyProposal::default()
    };
    check("proposal", &policy_proposal::waits_text(&proposal, &page()));
    check("withdraw", &policy_proposal::withdrawn_text(&proposal, &page()));
    let list = ListPolicyProposalsResponse { proposals: vec![proposal], needed: 1 };
    check("proposals", &policy_proposal::list_text(&list, &page()));
    let checked = CheckPolicyResponse { warnings: applied.warnings, ..CheckPolicyResponse::default() };
    let wanted = Wanted { all: true, deny: Vec::new() };
    check("check", &policy::check_text(&checked, EVIL, &wanted, &page()));
    let list = ListPoliciesResponse { policies: vec![policy_info()] };
    check("policies", &policy::history_text(&list, &page()));
    let file = PolicyFile { name: evil(), text: evil() };
    let show = ShowPolicyResponse { policy: Some(policy_info()), files: vec![file] };
    check("show", &policy::show_text(&show, &page()));
    let test = |result: Tested| TestOutcome {
        result: result as i32,
        file: evil(),
        who: evil(),
        push: evil(),
        channel: evil(),
        expected: evil(),
        found: vec![evil()],
        why: vec![evil()],
        ..TestOutcome::default()
    };
    let tested = CheckPolicyResponse {
        tests: vec![test(Tested::Passed), test(Tested::Failed), test(Tested::NotRun)],
        ..CheckPolicyResponse::default()
    };
    check("test", &policy_test::text(&tested, EVIL, &page()));
    let class = || Some(PatternClass { within: vec![evil()], without: vec![evil()] });
    let witness = PolicyWitness {
        username: evil(),
        is_person: true,
        verb: evil(),
        repository: evil(),
        r#ref: EVIL.into(),
        at_micros: 1,
        path: EVIL.into(),
    };
    let lifting = Some(PolicyLifting { rules: vec![evil()], conditions: vec![evil()] });
    let because = || PolicyBecause {
        permitted: true,
        rules: vec![evil()],
        conditions: vec![evil()],
        requires: vec![evil()],
        lifting: lifting.clone(),
    };
    let paths = Some(PathChange { paths: class().map(path_change::Paths::Of) });
    let change = PolicyChange {
        effect: evil(),
        verbs: vec![evil()],
        who: vec![PolicyChangeHolders {
            known_before: true,
            roles_before: vec![evil()],
            roles_after: vec![evil()],
            users: 2,
            sample: vec![evil()],
            ..PolicyChangeHolders::default()
        }],
        before: Some(because()),
        after: Some(PolicyBecause { permitted: false, ..because() }),
        places: vec![PolicyChangePlace {
            repositories: class(),
            refs: class(),
            witness: Some(witness),
            paths,
        }],
        ..PolicyChange::default()
    };
    for effect in Effect::ALL.map(Effect::as_str).into_iter().chain([EVIL]) {
        let change = PolicyChange { effect: effect.to_owned(), ..change.clone() };
        check("policy change", &policy_diff::change_text(&change, &page()));
    }
    let offer = PolicyOfferChange {
        effect: evil(),
        role: evil(),
        verbs: vec![evil()],
        before: vec![evil()],
        places: vec![PolicyOfferPlace {
            repositories: class(),
            refs: class(),
            repository: evil(),
            r#ref: EVIL.into(),
            username: evil(),
        }],
        ..PolicyOfferChange::default()
    };
    let job = PolicyJob { issuer: evil(), claims: [(evil(), evil())].into() };
    for (effect, job) in
        OfferEffect::ALL.map(OfferEffect::as_str).into_iter().zip([None, Some(job)].iter().cycle())
    {
        let offer = PolicyOfferChange { effect: effect.to_owned(), job: job.clone(), ..offer.clone() };
        check("policy offer", &policy_diff::offer_text(&offer, &page()));
    }
    check("policy offer", &policy_diff::offer_text(&offer, &page()));
    let bound = PolicyDiffBound { why: evil(), patterns: vec![evil()], patterns_total: 3 };
    let done = PolicyDiffDone { old: evil(), new: evil(), bounded: vec![bound], ..PolicyDiffDone::default() };
    check("policy diff", &policy_diff::done_text(&done, &page()));
    let crowd = || Some(PolicyCrowd { users: 1, sample: vec![evil()] });
    let role = PolicyRoleChange {
        role: evil(),
        gained: crowd(),
        lost: crowd(),
        uses: vec![evil()],
        ..PolicyRoleChange::default()
    };
    check("policy role", &policy_diff::role_text(&role, &page()));
    let right = PolicyRightChange {
        effect: evil(),
        right: evil(),
        before: vec![evil()],
        after: vec![evil()],
        places: vec![PolicyRightPlace { repository: evil(), ..PolicyRightPlace::default() }],
        ..PolicyRightChange::default()
    };
    check("policy right", &policy_diff::right_text(&right, &page()));
    let status = Status {
        version: evil(),
        node: evil(),
        snapshot: Some(snapshot_info()),
        policy: Some(policy_info()),
        warnings: vec![evil()],
        alarms: vec![evil()],
        state_dir: evil(),
        collectors: vec![Collector { name: evil(), kind: evil(), trouble: evil(), ..Collector::default() }],
        ..Status::default()
    };
    check("status", &status::text(&status, &page()));
}

#[test]
fn of_decisions_and_the_log() {
    let reason = Reason { code: evil(), rule: evil(), summary: evil(), hint: evil() };
    let verdict = RefVerdict { reasons: vec![reason.clone()], ..RefVerdict::default() };
    let decision = Decision {
        outcome: Outcome::Refused as i32,
        username: evil(),
        roles: vec![evil()],
        reasons: vec![reason],
        refs: vec![verdict],
        contact: evil(),
        ..Decision::default()
    };
    let finding = Finding { dimension: evil(), detail: evil(), ..Finding::default() };
    let rule = RuleTrace {
        kind: evil(),
        id: evil(),
        why_not: evil(),
        findings: vec![finding.clone()],
        conditions: vec![finding.clone()],
        lifted_by: evil(),
        ..RuleTrace::default()
    };
    let supposed = Finding { ok: true, supposed: true, ..finding };
    let matching =
        RuleTrace { matched: true, conditions: vec![supposed], lifted_by: String::new(), ..rule.clone() };
    let explanation = Explanation {
        depends_on: evil(),
        username: evil(),
        roles: vec![evil()],
        decision: None,
        rules: vec![rule, matching],
        policy: evil(),
        snapshot: Some(snapshot_info()),
        grant: evil(),
        through_role: evil(),
        faults: None,
        commit_taken: false,
        otherwise: Some(Otherwise { decision: Some(decision.clone()), grant: evil(), through_role: evil() }),
    };
    for verbose in [false, true] {
        let question = explain::Question { repository: EVIL, name: EVIL.as_bytes(), verb: EVIL, verbose };
        check("explain", &explain::text(&explanation, &decision, question, &page()));
        check("explain, where it depends", &explain::depends_text(&explanation, question, &page()));
    }
    of_who(&decision.reasons);
    check("tail", &audit::line(EVIL.as_bytes(), &page()));
    let checked = verify::Checked {
        log: EVIL,
        key: EVIL,
        key_name: EVIL,
        key_beside_log: true,
        checkpoint_beside_log: true,
    };
    check("verify", &verify::text(checked, Err(EVIL), &page()));
}

#[test]
fn of_a_replay() {
    let judgement = || {
        Some(ReplayJudgement {
            outcome: evil(),
            grant: evil(),
            waiver: evil(),
            reasons: vec![ReplayReason { code: evil(), rule: evil() }],
        })
    };
    let verdict = ReplayVerdict {
        decision: evil(),
        username: evil(),
        repository: evil(),
        r#ref: EVIL.into(),
        verb: evil(),
        effect: evil(),
        before: judgement(),
        after: judgement(),
        differs: vec![evil()],
        ..ReplayVerdict::default()
    };
    check("verdict", &replay::verdict_text(&verdict, &page()));
    let examples = vec![verdict];
    let group = ReplayGroup {
        effect: evil(),
        before: judgement(),
        after: judgement(),
        examples,
        ..Default::default()
    };
    check("group", &replay::group_text(&group, false, &page()));
    let rule = |decided| RuleUse { kind: evil(), id: evil(), decided, ..RuleUse::default() };
    let untold = ReplayUntold {
        code: evil(),
        why: evil(),
        doubt: true,
        refs: 1,
        examples: vec![evil()],
        ..ReplayUntold::default()
    };
    let done = ReplayDone {
        policy: evil(),
        in_force: evil(),
        untold: vec![untold],
        rules: vec![rule(0), rule(1)],
        in_force_rules: vec![rule(0), rule(1)],
        in_force_rules_since_micros: 1,
        ..ReplayDone::default()
    };
    check("replay", &replay::done_text(&done, false, &page()));
    check("usage", &usage::text(&done, &page()));
}

fn of_who(reasons: &[Reason]) {
    let question = who::Question { repository: EVIL, name: EVIL.as_bytes(), verb: EVIL };
    let opening =
        WhoOpening { policy: evil(), snapshot: Some(snapshot_info()), users: 1, ..WhoOpening::default() };
    check("who", &who::opening_text(&opening, question, &page()));
    let mut answer = who::Answer::new(&opening);
    let doubted = WhoOpening {
        unclear: 1,
        unclear_for_want_of: evil(),
        undecided_people: 1,
        undecided_because: reasons.to_vec(),
        supposing: vec![evil()],
        ..opening.clone()
    };
    check("who, of some", &who::opening_text(&doubted, question, &page()));
    let undecided = WhoOpening { undecided: reasons.to_vec(), ..opening };
    check("who, undecided", &who::opening_text(&undecided, question, &page()));
    let principals = vec![WhoPrincipal { username: evil(), service: true }];
    let can = WhoCan { grant: evil(), role: evil(), total: 1, principals, privilege: evil() };
    for item in answer.people(&can) {
        check("who, can", &item.text(&page()));
    }
    answer.stop(WhoStopped { grant: evil(), role: evil(), rules: vec![evil()], count: 1 });
    check("who, stopped", &answer.stopped_text(&page()));
}
