//! Paths, requires and waivers, on policies as administrators write them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod common;

use common::{Case, policy, snapshot};
use oam_policy::{
    Channel, Evaluation, Facts, ObjectId, Outcome, TreePath, Username, Verdict,
    decide::{Freshness, PushVerdict, RefDecision, WaiverUse, WouldHave},
    facts::{
        Approval, BadSignature, Commit, Cover, FactsNeeded, HistoryPart, Identity, NewFile, PullRequest,
        SignatureState, Unreadable,
    },
    rule::{Asker, RepositorySet},
};

fn repositories(pattern: &str) -> RepositorySet {
    RepositorySet::new([RepositorySet::parse_one(pattern).unwrap()]).unwrap()
}

const ROLES: &str = r##"
version = 1

[[role]]
id = "developer"
any = ["okta:eng"]

[[role]]
id = "release-manager"
any = ["okta:release"]

[[grant]]
id = "everything"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/**"]
verbs = ["create", "update", "force", "delete"]
"##;

fn case(more: &str) -> Case {
    Case::new(policy(&format!("{ROLES}{more}")), snapshot())
}

fn paths(of: &[&str]) -> Vec<TreePath> {
    of.iter().map(|path| TreePath::parse(path.as_bytes()).unwrap()).collect()
}

/// Facts that say which paths change, in view of whatever refs.
fn changing(of: &[&str]) -> Facts {
    let mut facts = Facts::none();
    facts.learn_paths(0, Cover::whatever(), Ok(paths(of)));
    facts
}

/// `permitted:grant` or the reasons, one after the other.
fn said(case: &Case, user: &str, channel: Channel, update: &str, facts: &Facts) -> String {
    match case.evaluate_via(channel, user, "PAY/api", &[update], facts) {
        Evaluation::Needs(needed) => format!("needs {}", needed.told()),
        Evaluation::Decided(decision) => match decision.verdict() {
            PushVerdict::PerRef(refs) => told(refs.first()),
            other => format!("{other:?}"),
        },
    }
}

fn told(one: &RefDecision) -> String {
    match &one.verdict {
        Verdict::Permitted(permit) => {
            let lifted = permit.lifted().iter().map(|one| format!(" {} by {}", one.rule, one.waiver));
            let others = permit.other_grants().iter().map(|one| format!("+{one}"));
            let lifted = others.chain(lifted).collect::<String>();
            format!("permitted:{}{lifted}", permit.grant())
        }
        Verdict::Refused(reasons) => {
            let reasons = reasons.iter().map(|reason| match reason.rule() {
                Some(rule) => format!("{}:{rule}", reason.code()),
                None => reason.code().to_owned(),
            });
            reasons.collect::<Vec<_>>().join(" ")
        }
        Verdict::Undecided(reasons) => format!("undecided:{}", reasons.first().code()),
    }
}

fn push(case: &Case, user: &str, update: &str, facts: &Facts) -> String {
    said(case, user, Channel::Push, update, facts)
}

fn merge(case: &Case, user: &str, facts: &Facts) -> String {
    said(case, user, Channel::PullRequestMerge, "update refs/heads/main", facts)
}

#[test]
fn a_grant_of_paths_gives_these_paths() {
    let case = Case::new(
        policy(
            r##"
version = 1
[[role]]
id = "developer"
any = ["okta:eng"]
[[role]]
id = "release-manager"
any = ["okta:release"]
[[grant]]
id = "docs"
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/main"]
verbs = ["update", "delete"]
paths = ["docs/**", "!docs/legal/**"]
[[grant]]
id = "legal"
to = ["release-manager"]
on = ["PAY/*"]
refs = ["refs/heads/**"]
verbs = ["update"]
paths = ["docs/legal/**"]
"##,
        ),
        snapshot(),
    );
    let update = "update refs/heads/main";
    assert_eq!(push(&case, "alice", update, &Facts::none()), "needs the changed paths");
    assert_eq!(push(&case, "alice", update, &changing(&["docs/a", "docs/b/c"])), "permitted:docs");
    assert_eq!(push(&case, "alice", update, &changing(&[])), "permitted:docs");
    assert_eq!(push(&case, "alice", update, &changing(&["docs/a", "src/a"])), "paths-not-granted");
    assert_eq!(push(&case, "alice", update, &changing(&["docs/legal/a"])), "paths-not-granted");
    assert_eq!(push(&case, "rita", update, &changing(&["docs/legal/a", "docs/a"])), "permitted:docs+legal");
    assert_eq!(push(&case, "rita", update, &changing(&["docs/legal/a"])), "permitted:legal");
    assert_eq!(push(&case, "rita", update, &changing(&["docs/a"])), "permitted:docs");
    // What is deleted changes no path, and nobody need look.
    assert_eq!(push(&case, "alice", "delete refs/heads/main", &Facts::none()), "permitted:docs");
    assert_eq!(push(&case, "alice", "create refs/heads/x", &Facts::none()), "no-grant");
    let mut unreadable = Facts::none();
    unreadable.learn_paths(0, Cover::whatever(), Err(Unreadable { why: "no such tree".into() }));
    assert_eq!(push(&case, "alice", update, &unreadable), "undecided:facts-unreadable");
}

/// The hook is asked but a few times: what several grants would have to know is asked for at once.
#[test]
fn grants_of_different_refs_ask_at_once() {
    let grant = |number: u32| {
        format!(
            "[[grant]]\nid = \"g{number}\"\nto = [\"developer\"]\non = [\"PAY/*\"]\n\
             refs = [\"refs/tags/x\", \"refs/tags/{number}\"]\nverbs = [\"create\"]\npaths = [\"docs/**\"]\n\n"
        )
    };
    let case = case(&(0..5).map(grant).collect::<String>());
    let evaluated = case.evaluate("alice", "PAY/api", &["create refs/tags/x"], &Facts::none());
    let Evaluation::Needs(needed) = evaluated else { panic!("paths are needed") };
    assert_eq!(needed.histories.len(), 5, "one for each cover");
}

#[test]
fn each_rule_sees_the_commits_that_are_new_to_its_own_refs() {
    let case = case(
        r##"
[[block]]
id = "deploy-on-main"
on = ["**"]
refs = ["refs/heads/main"]
paths = ["deploy/**"]
[[block]]
id = "secrets-anywhere"
on = ["**"]
refs = ["refs/heads/**"]
paths = ["secrets/**"]
"##,
    );
    let update = "update refs/heads/main";
    let Evaluation::Needs(needed) = case.evaluate("alice", "PAY/api", &[update], &Facts::none()) else {
        panic!("paths are needed")
    };
    let covers: Vec<_> = needed.histories.iter().map(|one| one.cover.patterns().join(" ")).collect();
    assert_eq!(covers, ["refs/heads/**", "refs/heads/main"]);
    assert!(needed.histories.iter().all(|one| one.part == HistoryPart::Paths && one.update == 0));
    // Pushed to a free branch first: not new to any branch, and new to main all the same.
    let learn = |all: &[&str], main: &[&str]| {
        let mut facts = Facts::none();
        for (one, of) in needed.histories.iter().zip([all, main]) {
            facts.learn_paths(0, one.cover.clone(), Ok(paths(of)));
        }
        facts
    };
    assert_eq!(push(&case, "alice", update, &learn(&[], &["deploy/a"])), "blocked:deploy-on-main");
    assert_eq!(push(&case, "alice", update, &learn(&[], &["secrets/a"])), "permitted:everything");
    assert_eq!(
        push(&case, "alice", update, &learn(&["secrets/a"], &["secrets/a"])),
        "blocked:secrets-anywhere"
    );
}

#[test]
fn a_refusal_needs_no_more_facts() {
    let case = case(
        r##"
[[block]]
id = "deploy"
on = ["**"]
refs = ["refs/heads/**"]
paths = ["deploy/**"]
[[block]]
id = "frozen"
on = ["**"]
refs = ["refs/heads/main"]
"##,
    );
    assert_eq!(push(&case, "alice", "update refs/heads/main", &Facts::none()), "blocked:frozen");
    assert_eq!(push(&case, "alice", "update refs/heads/x", &Facts::none()), "needs the changed paths");
}

#[test]
fn only_through_a_pull_request() {
    let case = case(
        r##"
[[require]]
id = "pr"
on = ["PAY/*"]
refs = ["refs/heads/main"]
via = "pull-request"
except = ["release-manager"]
"##,
    );
    assert_eq!(push(&case, "alice", "update refs/heads/main", &Facts::none()), "pull-request-required:pr");
    assert_eq!(push(&case, "rita", "update refs/heads/main", &Facts::none()), "permitted:everything");
    assert_eq!(push(&case, "alice", "update refs/heads/x", &Facts::none()), "permitted:everything");
    assert_eq!(push(&case, "alice", "delete refs/heads/main", &Facts::none()), "pull-request-required:pr");
    for (channel, permitted) in Channel::ALL.map(|channel| (channel, channel.has_pull_request())) {
        let outcome = said(&case, "alice", channel, "update refs/heads/main", &Facts::none());
        assert_eq!(outcome == "permitted:everything", permitted, "{channel}");
    }
}

const REVIEWED: &str = r##"
[[require]]
id = "reviewed"
on = ["PAY/*"]
refs = ["refs/heads/main"]
via = "pull-request"
approvals = [{ role = "developer", count = 2 }, { role = "release-manager", paths = ["deploy/**"] }]
exclude = ["author", "committers"]
reset_on_push = true
"##;

fn pull_request(author: &str, committers: &[&str], approvals: &[(&str, bool)]) -> PullRequest {
    let approval = |(by, of_head): &(&str, bool)| Approval {
        by: Asker::User(Username::parse(by).unwrap()),
        of_head: *of_head,
        reviewed: None,
    };
    PullRequest {
        author: Some(Username::parse(author).unwrap()),
        committers: Ok(committers.iter().map(|email| (*email).into()).collect()),
        approvals: approvals.iter().map(approval).collect(),
    }
}

fn approved(pull_request: PullRequest, changed: &[&str]) -> Facts {
    let mut facts = changing(changed);
    facts.learn_pull_request(Ok(pull_request));
    facts
}

#[test]
fn approvals_count_by_the_roles_of_now() {
    let case = case(REVIEWED);
    let by = |approvals: &[(&str, bool)]| approved(pull_request("carol", &[], approvals), &["src/a"]);
    assert_eq!(merge(&case, "alice", &Facts::none()), "needs the approvals of the pull request");
    assert_eq!(merge(&case, "alice", &by(&[])), "approval-missing:reviewed");
    assert_eq!(merge(&case, "alice", &by(&[("bob", true)])), "approval-missing:reviewed");
    assert_eq!(merge(&case, "alice", &by(&[("bob", true), ("alice", true)])), "permitted:everything");
    // Twice the same person, in whatever case.
    assert_eq!(merge(&case, "alice", &by(&[("bob", true), ("BOB", true)])), "approval-missing:reviewed");
    // Without the role, deactivated, cut off, unknown.
    for who in ["dave", "erin", "mallory", "stranger"] {
        assert_eq!(
            merge(&case, "alice", &by(&[("bob", true), (who, true)])),
            "approval-missing:reviewed",
            "{who}"
        );
    }
    // Of what was there before the last push.
    assert_eq!(merge(&case, "alice", &by(&[("bob", true), ("rita", false)])), "approval-missing:reviewed");
    // Who approved again after it counts, in whichever order Bitbucket tells it.
    for rita in [[("rita", false), ("Rita", true)], [("Rita", true), ("rita", false)]] {
        let approvals = [&[("bob", true)], &rita[..]].concat();
        assert_eq!(merge(&case, "alice", &by(&approvals)), "permitted:everything");
    }
    // Nobody approved a plain push.
    let everybody = by(&[("bob", true), ("rita", true)]);
    assert_eq!(push(&case, "alice", "update refs/heads/main", &everybody), "pull-request-required:reviewed");
}

/// Nothing is told as lifted that would not have refused it.
#[test]
fn a_waiver_lifts_what_stands_in_the_way_and_nothing_else() {
    let mut case = case(
        r##"
[[block]]
id = "secrets"
on = ["**"]
refs = ["refs/heads/main"]
paths = ["secrets/**"]
[[require]]
id = "pr"
on = ["**"]
refs = ["refs/heads/main"]
via = "pull-request"
[[waiver]]
id = "hotfix"
lifts = ["secrets", "pr"]
to = ["developer"]
max_time = "1h"
"##,
    );
    case = case.at("2026-01-02T00:00:00Z");
    case.state.waivers = [used()].into();
    let main = "update refs/heads/main";
    let (source, secret) = (changing(&["src/main.rs"]), changing(&["secrets/key"]));
    assert_eq!(push(&case, "alice", main, &Facts::none()), "needs the changed paths");
    assert_eq!(push(&case, "alice", main, &source), "permitted:everything pr by hotfix");
    assert_eq!(push(&case, "alice", main, &secret), "permitted:everything secrets by hotfix pr by hotfix");
    assert_eq!(merge(&case, "alice", &source), "permitted:everything");
    assert_eq!(merge(&case, "alice", &secret), "permitted:everything secrets by hotfix");
    // Where nobody can tell whether it stands in the way, it is lifted: that is what they asked for.
    let mut unreadable = Facts::none();
    unreadable.learn_paths(0, Cover::whatever(), Err(Unreadable { why: "no such tree".into() }));
    assert_eq!(merge(&case, "alice", &unreadable), "permitted:everything secrets by hotfix");
}

/// Who left may still be there in a list that is old; but nobody waits for it where it makes no difference.
#[test]
fn whom_only_an_old_source_knows_may_have_left() {
    let mut case = case(REVIEWED);
    let lost = Freshness { source: "ad".into(), as_of: None, max_age: None, unheard: None };
    let bob = Username::parse("bob").unwrap().key();
    case.state.approvers = [(bob, [lost].into())].into();
    let by = |approvals: &[(&str, bool)]| {
        merge(&case, "alice", &approved(pull_request("carol", &[], approvals), &["src/a"]))
    };
    assert_eq!(by(&[("Bob", true), ("rita", true)]), "undecided:approvals-unknown");
    assert_eq!(by(&[("bob", true)]), "approval-missing:reviewed");
    assert_eq!(by(&[("bob", true), ("rita", true), ("alice", true)]), "permitted:everything");
}

#[test]
fn neither_the_author_nor_a_committer_counts() {
    let case = case(REVIEWED);
    let approvals = [("bob", true), ("rita", true)];
    let by = |author: &str, committers: &[&str]| {
        merge(&case, "alice", &approved(pull_request(author, committers, &approvals), &["src/a"]))
    };
    assert_eq!(by("carol", &[]), "permitted:everything");
    assert_eq!(by("Bob", &[]), "approval-missing:reviewed");
    assert_eq!(by("carol", &["RITA@example.com"]), "approval-missing:reviewed");
    assert_eq!(by("carol", &["alice@example.com"]), "permitted:everything");
}

/// Nobody gets around it by an address that is unknown; and nobody is kept waiting where it makes no difference.
#[test]
fn a_commit_by_nobody_knows_whom_may_be_by_whoever_approved() {
    let case = case(REVIEWED);
    let by = |pull_request| merge(&case, "alice", &approved(pull_request, &["src/a"]));
    let enough = [("bob", true), ("rita", true)];
    let stranger = ["someone@nowhere.example"];
    assert_eq!(by(pull_request("carol", &stranger, &enough)), "undecided:approvals-unknown");
    let of_one = pull_request("carol", &["bob@example.com", stranger[0]], &enough);
    assert_eq!(by(of_one), "approval-missing:reviewed");
    assert_eq!(by(pull_request("carol", &stranger, &enough[..1])), "approval-missing:reviewed");
    let why = || Err(Unreadable { why: "there are too many commits".into() });
    let untold = PullRequest { committers: why(), ..pull_request("carol", &[], &enough) };
    assert_eq!(by(untold), "undecided:approvals-unknown");
    // A rule that excludes nobody does not ask who made the commits.
    let anybody = self::case(&REVIEWED.replace("exclude = [\"author\", \"committers\"]\n", ""));
    let untold = PullRequest { committers: why(), ..pull_request("carol", &[], &enough) };
    assert_eq!(merge(&anybody, "alice", &approved(untold, &["src/a"])), "permitted:everything");
}

#[test]
fn approvals_for_paths_are_wanted_where_these_change() {
    let case = case(REVIEWED);
    let developers = pull_request("x", &[], &[("alice", true), ("bob", true)]);
    assert_eq!(merge(&case, "alice", &approved(developers.clone(), &["src/a"])), "permitted:everything");
    assert_eq!(
        merge(&case, "alice", &approved(developers.clone(), &["deploy/a"])),
        "approval-missing:reviewed"
    );
    let mut without_paths = Facts::none();
    without_paths.learn_pull_request(Ok(developers));
    assert_eq!(merge(&case, "alice", &without_paths), "needs the changed paths");
    // Where none of these changes, it does not matter that nobody can tell who approved.
    let deployers = self::case(
        r#"
[[require]]
id = "deployed-by-release"
on = ["PAY/*"]
refs = ["refs/heads/main"]
approvals = [{ role = "release-manager", paths = ["deploy/**"] }]
"#,
    );
    let mut no_approvals = changing(&["src/a"]);
    no_approvals.learn_pull_request(Err(Unreadable { why: "Bitbucket does not answer".into() }));
    assert_eq!(merge(&deployers, "alice", &no_approvals), "permitted:everything");
    no_approvals.learn_paths(0, Cover::whatever(), Ok(paths(&["deploy/a"])));
    assert_eq!(merge(&deployers, "alice", &no_approvals), "undecided:approvals-unknown");
    // Where they are given already, nobody need look at paths.
    let mut rita_too = Facts::none();
    rita_too.learn_pull_request(Ok(pull_request("x", &[], &[("alice", true), ("rita", true)])));
    assert_eq!(merge(&case, "alice", &rita_too), "permitted:everything");
}

#[cfg(feature = "regex")]
fn commit(email: &str) -> Commit {
    Commit {
        id: ObjectId::Sha1([7; 20]),
        subject: b"PAY-1 Add a thing".to_vec(),
        signed_off: true,
        author: Identity::Email(email.into()),
        committer: Identity::Email(email.into()),
        parents: 1,
        foreign: false,
        signature: SignatureState::Good { by: Username::parse("alice").unwrap() },
    }
}

#[test]
#[cfg(feature = "regex")]
fn commits_are_as_they_must_be() {
    let case = case(
        r##"
[[require]]
id = "good"
on = ["PAY/*"]
refs = ["refs/heads/main"]
commits = { committer_is_pusher = true, author_known = true, signed = true, message = "re:PAY-\\d+ .*", sign_off = true, max_blob = "1KiB", forbid_paths = ["**/*.pem", "*.pem"], forbid_extensions = ["exe"], linear = true, no_foreign_merges = true }
"##,
    );
    let update = "update refs/heads/main";
    assert_eq!(
        push(&case, "alice", update, &Facts::none()),
        "needs the new files, the new commits, the signatures of the new commits"
    );
    let check = |commit: Commit, file: (&str, u64)| {
        let mut facts = Facts::none();
        facts.learn_commits(0, Cover::whatever(), Ok(vec![self::commit("Alice@Example.com"), commit]));
        let file = NewFile { path: TreePath::parse(file.0.as_bytes()).unwrap(), size: file.1 };
        facts.learn_files(0, Cover::whatever(), Ok(vec![file]));
        push(&case, "alice", update, &facts)
    };
    let good = || commit("alice@example.com");
    let by = |name: &str| SignatureState::Good { by: Username::parse(name).unwrap() };
    let bad = |cause| SignatureState::Bad { cause, why: "the key is unknown".into() };
    let address = |address: &str| SignatureState::GoodByAddress { address: address.into() };
    let other = Identity::Email("bob@example.com".into());
    let stranger = Identity::Email("root@localhost".into());
    for (commit, says) in [
        (good(), "permitted:everything"),
        (Commit { committer: other.clone(), ..good() }, "committer-not-pusher:good signature-by-other:good"),
        (Commit { author: other, ..good() }, "permitted:everything"),
        (Commit { author: stranger, ..good() }, "author-unknown:good"),
        (Commit { author: Identity::Email("erin@example.com".into()), ..good() }, "author-unknown:good"),
        (Commit { signature: SignatureState::Absent, ..good() }, "signature-missing:good"),
        (Commit { signature: by("bob"), ..good() }, "signature-by-other:good"),
        (Commit { signature: bad(BadSignature::Invalid), ..good() }, "signature-invalid:good"),
        (Commit { signature: bad(BadSignature::KeyUnknown), ..good() }, "signature-key-unknown:good"),
        (Commit { signature: bad(BadSignature::KeyExpired), ..good() }, "signature-key-expired:good"),
        (Commit { signature: bad(BadSignature::KeyRevoked), ..good() }, "signature-key-revoked:good"),
        (Commit { signature: bad(BadSignature::KindUnknown), ..good() }, "signature-kind-unknown:good"),
        (Commit { signature: address("ALICE@example.com"), ..good() }, "permitted:everything"),
        (Commit { signature: address("bob@example.com"), ..good() }, "signature-by-other:good"),
        (Commit { subject: b"A thing PAY-1 x".to_vec(), ..good() }, "message-not-matching:good"),
        (Commit { signed_off: false, ..good() }, "sign-off-missing:good"),
        (Commit { parents: 2, ..good() }, "merge-commit:good"),
        (Commit { parents: 2, foreign: true, ..good() }, "merge-commit:good foreign-merge:good"),
    ] {
        assert_eq!(check(commit.clone(), ("a", 1024)), says, "{commit:?}");
    }
    assert_eq!(check(good(), ("a", 1025)), "blob-too-large:good");
    assert_eq!(check(good(), ("keys/a.pem", 1)), "path-forbidden:good");
    assert_eq!(check(good(), ("a/b.EXE", 1)), "extension-forbidden:good");
    assert_eq!(push(&case, "alice", "delete refs/heads/main", &Facts::none()), "permitted:everything");
}

const WAIVED: &str = r##"
[[block]]
id = "freeze"
on = ["**"]
refs = ["refs/heads/main"]
[[block]]
id = "forever"
on = ["**"]
refs = ["refs/heads/forever"]
absolute = true
[[require]]
id = "pr"
on = ["**"]
refs = ["refs/heads/main"]
via = "pull-request"
[[waiver]]
id = "hotfix"
lifts = ["freeze", "pr"]
to = ["developer"]
on = ["PAY/*"]
refs = ["refs/heads/main"]
max_time = "1h"
second_person = ["release-manager"]
"##;

fn used() -> WaiverUse {
    WaiverUse {
        id: None,
        waiver: "hotfix".parse().unwrap(),
        lifts: Default::default(),
        by: Username::parse("Alice").unwrap(),
        on: None,
        refs: None,
        from: "2026-01-02T00:00:00Z".parse().unwrap(),
        to: "2026-01-03T00:00:00Z".parse().unwrap(),
        reason: "INC-1".into(),
        approved_by: Some(Asker::User(Username::parse("rita").unwrap())),
    }
}

fn with(one: WaiverUse, at: &str, user: &str, update: &str) -> String {
    let mut case = case(WAIVED).at(at);
    case.state.waivers = [one].into();
    push(&case, user, update, &Facts::none())
}

#[test]
fn a_waiver_lifts_what_it_names_while_it_lasts() {
    let main = "update refs/heads/main";
    let both = "blocked:freeze pull-request-required:pr";
    let lifted = "permitted:everything freeze by hotfix pr by hotfix";
    let start = "2026-01-02T00:00:00Z";
    assert_eq!(with(used(), start, "alice", main), lifted);
    assert_eq!(with(used(), "2026-01-02T00:59:59Z", "alice", main), lifted);
    // The rule's own time is the longest, whatever was asked for.
    assert_eq!(with(used(), "2026-01-02T01:00:00Z", "alice", main), both);
    assert_eq!(with(used(), "2026-01-01T23:59:59Z", "alice", main), both);
    let short = WaiverUse { to: "2026-01-02T00:10:00Z".parse().unwrap(), ..used() };
    assert_eq!(with(short, "2026-01-02T00:10:00Z", "alice", main), both);
    assert_eq!(with(used(), start, "bob", main), both);
    let one = WaiverUse { lifts: ["pr".parse().unwrap()].into(), ..used() };
    assert_eq!(with(one, start, "alice", main), "blocked:freeze");
    let elsewhere = WaiverUse { on: Some(repositories("PAY/web")), ..used() };
    assert_eq!(with(elsewhere, start, "alice", main), both);
    let here = WaiverUse { on: Some(repositories("pay/API")), ..used() };
    assert_eq!(with(here, start, "alice", main), lifted);
    assert_eq!(with(used(), start, "alice", "update refs/heads/forever"), "blocked:forever");
    let unknown = WaiverUse { waiver: "forever".parse().unwrap(), ..used() };
    assert_eq!(with(unknown, start, "alice", main), both);
}

/// Who left may still be there in a list that is old: whether they may still approve is not known.
#[test]
fn a_second_person_whom_only_an_old_source_knows_makes_nothing_sure() {
    let (main, at) = ("update refs/heads/main", "2026-01-02T00:00:00Z");
    let by = |second: &str, update: &str, more: &[WaiverUse]| {
        let mut case = case(WAIVED).at(at);
        let lost = Freshness { source: "ad".into(), as_of: None, max_age: None, unheard: None };
        case.state.approvers = [(Username::parse("rita").unwrap().key(), [lost].into())].into();
        let approved_by = Some(Asker::User(Username::parse(second).unwrap()));
        let one = WaiverUse { approved_by, ..used() };
        case.state.waivers = [one].into_iter().chain(more.iter().cloned()).collect();
        push(&case, "alice", update, &Facts::none())
    };
    assert_eq!(by("Rita", main, &[]), "undecided:source-stale");
    // Where it makes no difference, nobody waits for it: what is permitted or refused without it.
    assert_eq!(by("rita", "update refs/heads/other", &[]), "permitted:everything");
    assert_eq!(by("rita", "update refs/heads/forever", &[]), "blocked:forever");
    assert_eq!(by("bob", main, &[]), "blocked:freeze pull-request-required:pr");
    let sure =
        WaiverUse { approved_by: Some(Asker::Roles(["release-manager".parse().unwrap()].into())), ..used() };
    assert_eq!(by("rita", main, &[sure]), "permitted:everything freeze by hotfix pr by hotfix");
}

#[test]
fn a_waiver_is_used_as_the_policy_says() {
    let main = "update refs/heads/main";
    let both = "blocked:freeze pull-request-required:pr";
    let start = "2026-01-02T00:00:00Z";
    let by = |name: &str| Some(Asker::User(Username::parse(name).unwrap()));
    for approved_by in [None, by("alice"), by("ALICE"), by("bob"), by("erin"), by("stranger")] {
        let one = WaiverUse { approved_by: approved_by.clone(), ..used() };
        assert_eq!(with(one, start, "alice", main), both, "{approved_by:?}");
    }
    assert_eq!(with(WaiverUse { reason: "  ".into(), ..used() }, start, "alice", main), both);
    // rita approves nothing of her own.
    let own = WaiverUse { by: Username::parse("rita").unwrap(), ..used() };
    assert_eq!(with(own, start, "rita", main), both);
}

#[test]
fn what_is_tried_out_is_told_and_decides_nothing() {
    let case = case(
        r##"
[[block]]
id = "deploy"
on = ["**"]
refs = ["refs/heads/**"]
paths = ["deploy/**"]
mode = "evaluate"
[[require]]
id = "pr"
on = ["**"]
refs = ["refs/heads/main"]
via = "pull-request"
mode = "evaluate"
"##,
    );
    let shadow = |facts: &Facts| {
        let decision = case.decide("alice", "PAY/api", &["update refs/heads/main"], facts);
        assert_eq!(decision.outcome(), Outcome::Permitted);
        let PushVerdict::PerRef(refs) = decision.verdict() else { panic!("a verdict for each ref") };
        refs.first().shadow.iter().map(|one| (one.rule.to_string(), one.would)).collect::<Vec<_>>()
    };
    let pr = ("pr".to_owned(), WouldHave::Blocked);
    assert_eq!(shadow(&changing(&["a"])), std::slice::from_ref(&pr));
    assert_eq!(shadow(&changing(&["deploy/a"])), [("deploy".to_owned(), WouldHave::Blocked), pr.clone()]);
    let mut unreadable = Facts::none();
    unreadable.learn_paths(0, Cover::whatever(), Err(Unreadable { why: "gone".into() }));
    assert_eq!(shadow(&unreadable), [("deploy".to_owned(), WouldHave::Unclear), pr]);
}

#[test]
fn what_is_needed_is_in_order_and_told_once() {
    let case = case(
        r##"
[[block]]
id = "a"
on = ["**"]
refs = ["refs/heads/**"]
paths = ["a/**"]
[[block]]
id = "b"
on = ["**"]
refs = ["refs/heads/**"]
paths = ["b/**"]
"##,
    );
    let updates = ["create refs/heads/y", "create refs/heads/x"];
    let Evaluation::Needs(needed) = case.evaluate("alice", "PAY/api", &updates, &Facts::none()) else {
        panic!("paths are needed")
    };
    let FactsNeeded { ancestry, histories, pull_request, refused_anyway: _ } = needed;
    assert_eq!(histories.iter().map(|one| one.update).collect::<Vec<_>>(), [0, 1]);
    assert!(ancestry.is_empty() && !pull_request);
}
