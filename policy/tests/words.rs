//! Every reason has its words, and a person has read them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

use std::time::Duration;

use oam_policy::{
    ObjectId, RefName, RefusalReason, TreePath, UndecidedReason, Username, Verb,
    examples::Examples,
    facts::{BadSignature, LeaseFault},
    name::{RoleId, RuleId},
    reason::{
        Blocked, Discounted, Doubtful, FaultyCommit, NoGrant, PathsNotGranted, Shortfall, SignatureFault,
        Unmet, WhyNot,
    },
    rule::CommitCheck,
    words::{self, Words},
};

fn user(name: &str) -> Username {
    Username::parse(name).unwrap()
}

fn role(id: &str) -> RoleId {
    RoleId::parse(id).unwrap()
}

fn blocked() -> Blocked {
    Blocked {
        rule: RuleId::parse("year-end-freeze").unwrap(),
        verb: Some(Verb::Update),
        help: Some("Year-end freeze. Urgent fixes: #release.".into()),
        until: Some("2027-01-05T00:00:00Z".parse().unwrap()),
        except: vec![role("release-manager")],
        absolute: false,
        paths: None,
        lifted_by: vec![],
    }
}

fn paths(paths: &[&str]) -> Examples<TreePath> {
    Examples::of(paths.iter().map(|path| TreePath::parse(path.as_bytes()).unwrap())).unwrap()
}

fn unmet(shortfall: Shortfall) -> RefusalReason {
    RefusalReason::Unmet(Unmet {
        rule: RuleId::parse("reviewed").unwrap(),
        help: None,
        shortfall,
        lifted_by: vec![],
    })
}

fn approvals(needed: u32, given: u32, discounted: &[WhyNot], of: Option<&[&str]>) -> RefusalReason {
    let discounted = discounted.iter().map(|why| Discounted { by: Some(user("carol")), why: *why });
    unmet(Shortfall::Approvals {
        role: role("release-manager"),
        needed,
        given,
        doubtful: None,
        discounted: Examples::of(discounted),
        paths: of.map(paths),
    })
}

fn doubtful(needed: u32, given: u32, count: u32) -> RefusalReason {
    let why = "a commit is by `x@y\u{1b}`, an address of nobody".to_owned();
    unmet(Shortfall::Approvals {
        role: role("release-manager"),
        needed,
        given,
        doubtful: Some(Doubtful { count, why }),
        discounted: None,
        paths: None,
    })
}

fn commits(check: CommitCheck, found: Option<&str>) -> RefusalReason {
    let wanted = (check == CommitCheck::Message).then(|| r"re:[A-Z]+-\d+ .*".to_owned());
    unmet(Shortfall::Commits { check, wanted, commits: faulty(found) })
}

fn signatures(fault: SignatureFault, found: Option<&str>) -> RefusalReason {
    unmet(Shortfall::CommitSignatures { fault, commits: faulty(found) })
}

fn faulty(found: Option<&str>) -> Examples<FaultyCommit> {
    let commit = |number: u8| FaultyCommit {
        id: ObjectId::Sha1([number; 20]),
        subject: b"Add \x1b[31m a thing".to_vec(),
        found: found.map(str::to_owned),
    };
    Examples::of((1..=5).map(commit)).unwrap()
}

fn no_grant(verb: Option<Verb>, may: &[Verb], roles: &[&str]) -> RefusalReason {
    let roles_that_may = roles.iter().map(|id| role(id)).collect();
    RefusalReason::NoGrant(NoGrant {
        verb,
        may: may.to_vec(),
        roles_that_may,
        blocked_too: false,
        ask: vec![],
        lease: None,
    })
}

fn told(words: &Words) -> String {
    let rule = words.rule.as_ref().map(|rule| format!(" ({rule})")).unwrap_or_default();
    format!("[{}]{rule} {}\n  -> {}\n", words.code, words.summary, words.hint.as_deref().unwrap_or("-"))
}

#[test]
fn refusals() {
    let branch = RefName::parse(b"refs/heads/main").unwrap();
    let tag = RefName::parse(b"refs/tags/v1").unwrap();
    let since = "2026-11-23T17:21:14Z".parse().unwrap();
    let reasons = [
        (no_grant(Some(Verb::Force), &[Verb::Update], &["release-manager"]), Some(&branch)),
        (no_grant(Some(Verb::Force), &[], &[]), Some(&tag)),
        (no_grant(Some(Verb::Create), &[], &["developer", "release-manager", "admin"]), Some(&branch)),
        (no_grant(Some(Verb::Delete), &[Verb::Create, Verb::Update, Verb::Force], &[]), Some(&branch)),
        (no_grant(None, &[], &[]), Some(&branch)),
        (RefusalReason::Blocked(blocked()), Some(&branch)),
        (
            RefusalReason::Blocked(Blocked {
                verb: Some(Verb::Force),
                help: None,
                until: None,
                except: vec![],
                absolute: true,
                ..blocked()
            }),
            Some(&tag),
        ),
        (
            RefusalReason::Blocked(Blocked { paths: Some(paths(&["deploy/a.yaml"])), ..blocked() }),
            Some(&branch),
        ),
        (
            RefusalReason::PathsNotGranted(PathsNotGranted {
                paths: paths(&["src/a.rs", "src/b.rs", "src/c\x1b.rs", "d", "e"]),
                grants: vec![RuleId::parse("docs").unwrap(), RuleId::parse("site").unwrap()],
                leased: vec![],
            }),
            Some(&branch),
        ),
        (
            RefusalReason::PathsNotGranted(PathsNotGranted {
                paths: paths(&["src/a.rs"]),
                grants: vec![RuleId::parse("docs").unwrap()],
                leased: vec!["docs/**".to_owned(), "!docs/\u{1b}".to_owned()],
            }),
            Some(&branch),
        ),
        (
            RefusalReason::Unmet(Unmet {
                rule: RuleId::parse("reviewed").unwrap(),
                help: Some("How we review: https://wiki/review".into()),
                shortfall: Shortfall::PullRequest,
                lifted_by: vec![],
            }),
            Some(&branch),
        ),
        (approvals(2, 0, &[], None), Some(&branch)),
        (approvals(1, 0, &[WhyNot::Outdated], Some(&["deploy/a", "deploy/b"])), Some(&branch)),
        (approvals(3, 1, &WhyNot::ALL[..3], None), Some(&branch)),
        (approvals(3, 1, &WhyNot::ALL[3..], None), Some(&branch)),
        (doubtful(3, 1, 1), Some(&branch)),
        (doubtful(3, 0, 2), Some(&branch)),
        (commits(CommitCheck::CommitterIsPusher, Some("<bob@example.com>")), Some(&branch)),
        (commits(CommitCheck::AuthorKnown, Some("<root@localhost>")), Some(&branch)),
        (signatures(SignatureFault::Missing, None), Some(&branch)),
        (
            signatures(SignatureFault::Bad(BadSignature::Invalid), Some("it does not fit the commit")),
            Some(&branch),
        ),
        (signatures(SignatureFault::Bad(BadSignature::KeyUnknown), Some("SHA256:cGJ0\u{1b}")), Some(&branch)),
        (signatures(SignatureFault::Bad(BadSignature::KeyExpired), Some("on 2026-01-31")), Some(&branch)),
        (signatures(SignatureFault::Bad(BadSignature::KeyRevoked), Some("0123ABCD")), Some(&branch)),
        (signatures(SignatureFault::ByOther, Some("signed by `bob`")), Some(&branch)),
        (signatures(SignatureFault::Bad(BadSignature::KindUnknown), Some("X.509")), Some(&branch)),
        (unmet(Shortfall::TooManyCommits { max: 500 }), Some(&branch)),
        (unmet(Shortfall::TooManyCommits { max: 1 }), Some(&branch)),
        (unmet(Shortfall::TagNotAnnotated), Some(&tag)),
        (commits(CommitCheck::Message, None), Some(&branch)),
        (commits(CommitCheck::SignOff, None), Some(&branch)),
        (commits(CommitCheck::Linear, None), Some(&branch)),
        (commits(CommitCheck::NoForeignMerges, None), Some(&branch)),
        (
            unmet(Shortfall::Paths { check: CommitCheck::ForbidPaths, paths: paths(&["a.pem"]) }),
            Some(&branch),
        ),
        (
            unmet(Shortfall::Paths {
                check: CommitCheck::ForbidExtensions,
                paths: paths(&["a.jar", "b.exe"]),
            }),
            Some(&branch),
        ),
        (
            unmet(Shortfall::Blobs {
                max: 5 << 20,
                blobs: Examples::of([(TreePath::parse(b"film.mov").unwrap(), 7 << 30)]).unwrap(),
            }),
            Some(&branch),
        ),
        (RefusalReason::AccountDisabled { username: user("alice") }, None),
        (RefusalReason::Revoked { username: user("alice"), since }, None),
        (RefusalReason::UnknownPrincipal { username: user("access-token-user/2/11754") }, None),
    ];
    let of_tag = |fault| unmet(Shortfall::TagSignature { fault, found: Some("signed by `bob`".into()) });
    let of_tags = SignatureFault::ALL.map(|fault| (of_tag(fault), Some(&tag)));
    let of_leases = LeaseFault::ALL.map(|fault| (RefusalReason::LeaseNotAccepted(fault), None));
    let reasons: Vec<_> = reasons.into_iter().chain(of_tags).chain(of_leases).collect();
    let text: String = reasons.iter().map(|(reason, name)| told(&words::of_refusal(reason, *name))).collect();
    for code in RefusalReason::CODES {
        assert!(text.contains(&format!("[{code}]")), "`{code}` has no words in this test");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn nobody_is_sent_to_a_role_where_a_block_stands() {
    let no_grant = NoGrant {
        verb: Some(Verb::Force),
        may: vec![],
        roles_that_may: vec![role("release-manager")],
        blocked_too: true,
        ask: vec![],
        lease: None,
    };
    assert_eq!(words::of_refusal(&RefusalReason::NoGrant(no_grant), None).hint, None);
}

#[test]
fn inabilities_to_decide() {
    let reasons = [
        UndecidedReason::PolicyMissing,
        UndecidedReason::SnapshotMissing,
        UndecidedReason::SourceStale {
            source: "okta".into(),
            age: Some(Duration::from_secs(200_000)),
            bound: Some(Duration::from_secs(86_400)),
        },
        UndecidedReason::SourceStale { source: "okta".into(), age: None, bound: None },
        UndecidedReason::SignalsBlind { source: "okta".into(), transmitter: "idp".into() },
        UndecidedReason::FactsUnreadable { why: "object 0123\u{1b}[31m is missing.".into() },
        UndecidedReason::ApprovalsUnknown {
            why: "Bitbucket does not answer: \u{1b}[31m.".into(),
            lasting: false,
        },
        UndecidedReason::ApprovalsUnknown { why: "a commit is by `x@y`, an address".into(), lasting: true },
        UndecidedReason::AuditUnavailable,
    ];
    let text: String = reasons.iter().map(|reason| told(&words::of_undecided(reason))).collect();
    for code in UndecidedReason::CODES {
        assert!(text.contains(&format!("[{code}]")), "`{code}` has no words in this test");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn nothing_from_outside_is_printed_raw() {
    let hostile = Blocked { help: Some("\u{1b}]0;title\u{7}\u{202e}".into()), ..blocked() };
    let words = words::of_refusal(&RefusalReason::Blocked(hostile), None);
    let unknown = words::of_refusal(&RefusalReason::UnknownPrincipal { username: user("a\u{202e}b") }, None);
    for text in [words.hint.unwrap(), unknown.summary] {
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
    }
}
