use oam_policy::{Channel, Repository, Username};
use oam_proto::v1;
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr as _;

use super::{let_through, not_checked, not_decided, not_reported, notice, noticed, refused};
use crate::{
    environment::{EnvironmentError, Invocation, Updates},
    undecided::Undecided,
};

fn alice(channel: Channel) -> Invocation {
    Invocation {
        repository: Repository::parse("PAY/api").unwrap(),
        pusher: Username::parse("alice").unwrap(),
        channel,
        pull_request: None,
        lease: None,
        updates: Updates::Stdin,
    }
}

fn reason(code: &str, rule: &str, summary: &str, hint: &str) -> v1::Reason {
    v1::Reason { code: code.into(), rule: rule.into(), summary: summary.into(), hint: hint.into() }
}

fn force() -> v1::Reason {
    let hint = "You may update it without rewriting history: fetch, rebase or merge onto it, and push again. \
                Somebody with the role `release-manager` can do it.";
    reason("no-grant", "", "No rule lets you force-push it.", hint)
}

fn tags() -> v1::Reason {
    let hint = "Releases are built from tags. It binds everybody, administrators too.";
    reason("blocked", "tags-are-forever", "Deleting it is blocked by rule `tags-are-forever`.", hint)
}

fn verdict(name: impl AsRef<[u8]>, reasons: Vec<v1::Reason>) -> v1::RefVerdict {
    let outcome = v1::Outcome::Refused as i32;
    v1::RefVerdict { name: name.as_ref().to_vec(), outcome, verb: String::new(), reasons }
}

fn decision(total: u64, refs: Vec<v1::RefVerdict>) -> v1::Decision {
    v1::Decision {
        outcome: v1::Outcome::Refused as i32,
        decision_id: "0192f7d0-5b7a-7c3e-9f00-3d1c5a4b6e2f".into(),
        username: "alice".into(),
        roles: vec!["developer".into()],
        reasons: Vec::new(),
        refs_not_permitted: refs.len() as u64,
        refs,
        refs_total: total,
        contact: "#platform".into(),
        notices: Vec::new(),
    }
}

#[test]
fn one_ref_refused() {
    let decision = decision(1, vec![verdict("refs/heads/main", vec![force()])]);
    insta::assert_snapshot!(refused(&decision, &alice(Channel::Push)), @r"
    Push refused by Bitbucket OAM.

      refs/heads/main
        No rule lets you force-push it. [no-grant]
        -> You may update it without rewriting history: fetch, rebase or
           merge onto it, and push again. Somebody with the role
           `release-manager` can do it.

    You are alice (role: developer) in PAY/api. Nothing was changed.
    Decision: 0192f7d0-5b7a-7c3e-9f00-3d1c5a4b6e2f
    Questions: #platform
    ");
}

#[test]
fn some_refs_refused_for_different_reasons() {
    let refs = vec![
        verdict("refs/heads/main", vec![force()]),
        verdict("refs/tags/v1", vec![tags()]),
        verdict("refs/tags/v2", vec![tags()]),
    ];
    insta::assert_snapshot!(refused(&decision(5, refs), &alice(Channel::Push)), @r"
    Push refused by Bitbucket OAM: 3 of 5 refs may not change.

      refs/heads/main
        No rule lets you force-push it. [no-grant]
        -> You may update it without rewriting history: fetch, rebase or
           merge onto it, and push again. Somebody with the role
           `release-manager` can do it.

      refs/tags/v1
      refs/tags/v2
        Deleting it is blocked by rule `tags-are-forever`. [blocked]
        -> Releases are built from tags. It binds everybody, administrators
           too.

    You are alice (role: developer) in PAY/api. Nothing was changed.
    Decision: 0192f7d0-5b7a-7c3e-9f00-3d1c5a4b6e2f
    Questions: #platform
    ");
}

#[test]
fn more_refs_than_are_described() {
    let mut decision = decision(10_000, vec![verdict("refs/tags/v1", vec![tags()])]);
    decision.refs_not_permitted = 9_981;
    decision.contact.clear();
    decision.roles = (0..9).map(|index| format!("role-{index}")).collect();
    insta::assert_snapshot!(refused(&decision, &alice(Channel::Push)), @r"
    Push refused by Bitbucket OAM: 9,981 of 10,000 refs may not change.

      refs/tags/v1
        Deleting it is blocked by rule `tags-are-forever`. [blocked]
        -> Releases are built from tags. It binds everybody, administrators
           too.

      … and 9,980 more refs

    You are alice (roles: role-0, role-1, role-2, role-3, role-4, role-5 and
    3 more) in PAY/api. Nothing was changed.
    Decision: 0192f7d0-5b7a-7c3e-9f00-3d1c5a4b6e2f
    ");
}

#[test]
fn the_pusher_refused() {
    let mut decision = decision(2, Vec::new());
    decision.refs_not_permitted = 2;
    decision.roles.clear();
    let summary = "The account `alice` is deactivated in the company directory.";
    let hint = "If it should not be, ask whoever manages your account to reactivate it there.";
    decision.reasons = vec![reason("account-disabled", "", summary, hint)];
    insta::assert_snapshot!(refused(&decision, &alice(Channel::Push)), @r"
    Push refused by Bitbucket OAM.

      The account `alice` is deactivated in the company directory.
      [account-disabled]
      -> If it should not be, ask whoever manages your account to reactivate
         it there.

    You are alice (no role) in PAY/api. Nothing was changed.
    Decision: 0192f7d0-5b7a-7c3e-9f00-3d1c5a4b6e2f
    Questions: #platform
    ");
}

#[test]
fn a_pull_request_that_could_not_be_merged() {
    let summary = "No rule lets you update it.";
    let refs = vec![verdict("refs/heads/main", vec![reason("no-grant", "", summary, "")])];
    insta::assert_snapshot!(refused(&decision(1, refs), &alice(Channel::PullRequestDryRun)), @r"
    Merge refused by Bitbucket OAM.

      refs/heads/main
        No rule lets you update it. [no-grant]

    You are alice (role: developer) in PAY/api.
    Decision: 0192f7d0-5b7a-7c3e-9f00-3d1c5a4b6e2f
    Questions: #platform
    ");
}

#[test]
fn hostile_names_and_words() {
    let hostile = b"refs/heads/\x1b]0;owned\x07\x9b31m\xff\xe2\x80\xae/../\\x1b".to_vec();
    let long = [b"refs/heads/".to_vec(), b"x".repeat(4_000), b"/end".to_vec()].concat();
    let rude = reason(
        "no-grant\u{1b}[2J",
        "r\u{9b}",
        "first\nsecond\r\x1b[1A\u{202e}txet `a\\x1b`",
        &"h".repeat(150),
    );
    let refs = vec![verdict(hostile, vec![rude.clone()]), verdict(long, vec![rude])];
    let mut decision = decision(2, refs);
    decision.username = "al\u{1b}[31mice".into();
    decision.contact = "\u{7}bell\nline".into();
    insta::assert_snapshot!(refused(&decision, &alice(Channel::Push)), @r"
    Push refused by Bitbucket OAM: none of the 2 refs may change.

      refs/heads/\x1b]0;owned\x07\x9b31m\xff\u{202e}/../\\x1b
      refs/heads/xxxxxxxxxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/end
        first second \x1b[1A\u{202e}txet `a\x1b` [no-grant\x1b[2J: r\u{9b}]
        -> hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh
           hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh
           hhhhhhhhhhhhhhhhhhhh

    You are al\x1b[31mice (role: developer) in PAY/api. Nothing was changed.
    Decision: 0192f7d0-5b7a-7c3e-9f00-3d1c5a4b6e2f
    Questions: \x07bell line
    ");
}

#[test]
fn the_daemon_could_not_decide() {
    let summary = "The directory of users is 3 hours old; at most 60 minutes is allowed.";
    let hint = "An administrator finds out with `oam status` why it is not refreshed.";
    let mut decision = decision(1, Vec::new());
    decision.outcome = v1::Outcome::Undecided as i32;
    decision.reasons = vec![reason("source-stale", "", summary, hint)];
    insta::assert_snapshot!(not_decided(&decision, &alice(Channel::Push)), @r"
    Push NOT checked by Bitbucket OAM. This is no refusal.

      The directory of users is 3 hours old; at most 60 minutes is allowed.
      [source-stale]
      -> An administrator finds out with `oam status` why it is not
         refreshed.

    This is not your fault, and nothing was changed. Push again. If it stays
    so, tell your administrators.
    Decision: 0192f7d0-5b7a-7c3e-9f00-3d1c5a4b6e2f
    Questions: #platform
    ");
}

#[test]
fn one_ref_undecided_and_one_refused() {
    let why = reason("facts-unreadable", "", "The history could not be read: bad object.", "Push again.");
    let mut unread = verdict("refs/heads/x", vec![why]);
    unread.outcome = v1::Outcome::Undecided as i32;
    let mut decision = decision(2, vec![unread, verdict("refs/heads/main", vec![force()])]);
    decision.outcome = v1::Outcome::Undecided as i32;
    insta::assert_snapshot!(not_decided(&decision, &alice(Channel::FileEdit)), @r"
    Edit NOT checked by Bitbucket OAM. This is no refusal.

      refs/heads/x
        The history could not be read: bad object. [facts-unreadable]
        -> Push again.

      refs/heads/main (refused)
        No rule lets you force-push it. [no-grant]
        -> You may update it without rewriting history: fetch, rebase or
           merge onto it, and push again. Somebody with the role
           `release-manager` can do it.

    This is not your fault, and nothing was changed. Try again. If it stays
    so, tell your administrators.
    Decision: 0192f7d0-5b7a-7c3e-9f00-3d1c5a4b6e2f
    Questions: #platform
    ");
}

#[test]
fn the_hook_could_not_ask() {
    let why = Undecided::Environment(EnvironmentError::Missing { variable: "BB_USER_NAME".into() });
    insta::assert_snapshot!(not_checked(&why, Channel::Push), @r"
    Push NOT checked by Bitbucket OAM. This is no refusal.

      The variable `BB_USER_NAME` is not set.

    This is not your fault, and nothing was changed. Push again. If it stays
    so, tell your administrators:
      Look at how the git server runs the hook.
    ");
    let before = Undecided::Environment(EnvironmentError::NotAppliedYet);
    insta::assert_snapshot!(not_checked(&before, Channel::Push), @"

    Push NOT checked by Bitbucket OAM. This is no refusal.

      The hook was told to report what was applied, and the git server runs
      it before anything is.

    This is not your fault, and nothing was changed. Push again. If it stays
    so, tell your administrators:
      Run it as `oam-hook`, without `applied`, where pushes are checked, and
      `oam-hook applied` after them.
    ");
}

#[test]
fn applied_and_not_reported() {
    let why = "no Bitbucket OAM daemon could be asked (`unix:/run/oam/hook.sock`: Connection refused (os error 111))";
    insta::assert_snapshot!(not_reported(why), @"

    Your push is in. Bitbucket OAM could not note that:
      No Bitbucket OAM daemon could be asked (`unix:/run/oam/hook.sock`:
      Connection refused (os error 111)).
    Nothing is wrong with what you pushed. Please tell your administrators.
    ");
}

#[test]
fn let_in_without_a_check() {
    let why = "no Bitbucket OAM daemon could be asked (`unix:/run/oam/hook.sock`: Connection refused (os error 111))";
    insta::assert_snapshot!(let_through(why, Channel::Push, Some("0192f7d0-5b7a")), @r"
    Push let in WITHOUT A CHECK by Bitbucket OAM.

      No Bitbucket OAM daemon could be asked (`unix:/run/oam/hook.sock`:
      Connection refused (os error 111)).
      Your administrators allow it for these refs while no daemon answers.

    It will be reported to the audit log.
    Record: 0192f7d0-5b7a
    ");
    insta::assert_snapshot!(let_through(why, Channel::PullRequestDryRun, None), @r"
    Merge would be let in WITHOUT A CHECK by Bitbucket OAM.

      No Bitbucket OAM daemon could be asked (`unix:/run/oam/hook.sock`:
      Connection refused (os error 111)).
      Your administrators allow it for these refs while no daemon answers.
    ");
}

#[test]
fn a_notice() {
    assert_eq!(notice("Delivered: 3."), "Delivered: 3.\n");
}

fn any_reason() -> impl Strategy<Value = v1::Reason> {
    (any::<String>(), any::<String>(), "\\PC{0,300}|.{0,300}", any::<String>())
        .prop_map(|(code, rule, summary, hint)| v1::Reason { code, rule, summary, hint })
}

fn any_decision() -> impl Strategy<Value = v1::Decision> {
    let refs = (any::<Vec<u8>>(), -1..5, prop::collection::vec(any_reason(), 0..3));
    let refs = refs.prop_map(|(name, outcome, reasons)| v1::RefVerdict {
        name,
        outcome,
        verb: String::new(),
        reasons,
    });
    (
        prop::collection::vec(refs, 0..4),
        prop::collection::vec(any_reason(), 0..3),
        prop::collection::vec(any::<String>(), 0..9),
        any::<[String; 3]>(),
        any::<[u64; 2]>(),
    )
        .prop_map(|(refs, reasons, roles, [id, username, contact], [bad, total])| v1::Decision {
            outcome: 1,
            decision_id: id,
            username,
            notices: roles.clone(),
            roles,
            reasons,
            refs,
            refs_not_permitted: bad,
            refs_total: total,
            contact,
        })
}

proptest! {
    #[test]
    fn nothing_a_daemon_says_leaves_the_page(decision in any_decision()) {
        for channel in [Channel::Push, Channel::PullRequestDryRun] {
            let banner = noticed(&decision.notices);
            for text in [refused(&decision, &alice(channel)), not_decided(&decision, &alice(channel)), banner] {
                for line in text.split('\n') {
                    prop_assert!(line.width() <= 72, "{line:?}");
                    prop_assert!(!line.chars().any(char::is_control), "{line:?}");
                }
            }
        }
    }
}
