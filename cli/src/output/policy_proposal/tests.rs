use oam_proto::v1::{
    ApplyPolicyResponse, ListPolicyProposalsResponse, PolicyApproval, PolicyInfo, PolicyProposal,
    PolicyWarnings,
};

use super::{list_json, list_text, waits_text, withdrawn_json, withdrawn_text};
use crate::output::{
    policy,
    samples::{self, hours_ago, json_line, page},
};

fn proposal() -> PolicyProposal {
    PolicyProposal {
        digest: "c0ffee00".repeat(8),
        replaces: "beef".repeat(16),
        proposed_micros: hours_ago(2),
        origin: "apply".into(),
        author: "uid 1000".into(),
        reason: "CHG-7".into(),
        approvals: vec![PolicyApproval {
            by: "uid 1001".into(),
            at_micros: hours_ago(1),
            reason: "seen".into(),
        }],
        needed: 2,
    }
}

#[test]
fn a_policy_that_waits() {
    insta::assert_snapshot!(waits_text(&proposal(), &page()), @r#"
    Policy c0ffee00c0ff is proposed, not in force: it needs 1 more approval.
      proposed  2026-11-23T15:21:14Z (2 hours ago) by `uid 1000`
      reason    CHG-7
      approved  by uid 1001
    For a colleague to look at it, and to approve it:
      oam policy diff --new c0ffee00c0ff
      oam policy approve c0ffee00c0ff --reason "…"
    "#);
    let new = PolicyProposal { approvals: Vec::new(), ..proposal() };
    let applied = ApplyPolicyResponse {
        proposal: Some(new),
        warnings: Some(PolicyWarnings {
            of_change: vec!["`[change]` raises `approvals`".into()],
            ..PolicyWarnings::default()
        }),
        ..ApplyPolicyResponse::default()
    };
    insta::assert_snapshot!(policy::apply_text(&applied, &page()), @r#"
    warning: `[change]` raises `approvals`
    Policy c0ffee00c0ff is proposed, not in force: it needs 2 more approvals.
      proposed  2026-11-23T15:21:14Z (2 hours ago) by `uid 1000`
      reason    CHG-7
    For a colleague to look at it, and to approve it:
      oam policy diff --new c0ffee00c0ff
      oam policy approve c0ffee00c0ff --reason "…"
    "#);
    insta::assert_snapshot!(json_line(&policy::apply_json(&applied)), @r#"{"changed":false,"policy":null,"proposal":{"digest":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","replaces":"beefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeef","proposed":"2026-11-23T15:21:14.000000Z","origin":"apply","author":"uid 1000","reason":"CHG-7","approvals":[],"needed":2},"warnings":[],"warnings_omitted":0,"warnings_of_change":["`[change]` raises `approvals`"],"lints_unfinished":[],"faults_total":0,"faults":[]}"#);
}

#[test]
fn policies_that_wait() {
    let files = PolicyProposal {
        digest: "beef".repeat(16),
        origin: "file".into(),
        author: "files".into(),
        reason: String::new(),
        approvals: Vec::new(),
        ..proposal()
    };
    let list = ListPolicyProposalsResponse { proposals: vec![proposal(), files], needed: 2 };
    insta::assert_snapshot!(list_text(&list, &page()), @"
    DIGEST        AGE          ORIGIN  BY        APPROVALS  APPROVED BY  REASON
    c0ffee00c0ff  2 hours ago  apply   uid 1000  1 of 2     uid 1001     CHG-7
    beefbeefbeef  2 hours ago  file    files     0 of 2
    ");
    insta::assert_snapshot!(json_line(&list_json(&list)), @r#"{"needed":2,"proposals":[{"digest":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","replaces":"beefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeef","proposed":"2026-11-23T15:21:14.000000Z","origin":"apply","author":"uid 1000","reason":"CHG-7","approvals":[{"by":"uid 1001","at":"2026-11-23T16:21:14.000000Z","reason":"seen"}],"needed":2},{"digest":"beefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeef","replaces":"beefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeef","proposed":"2026-11-23T15:21:14.000000Z","origin":"file","author":"files","reason":null,"approvals":[],"needed":2}]}"#);
    let none = |needed| ListPolicyProposalsResponse { proposals: Vec::new(), needed };
    insta::assert_snapshot!(list_text(&none(0), &page()) + &list_text(&none(2), &page()), @"
    No policy waits for approval; the one in force wants none.
    No policy waits for approval; the one in force wants 2 approvals.
    ");
}

#[test]
fn a_policy_that_waits_no_more() {
    insta::assert_snapshot!(withdrawn_text(&proposal(), &page()), @"
    Policy c0ffee00c0ff is withdrawn.
      proposed  by `uid 1000`
      reason    CHG-7
    ");
    insta::assert_snapshot!(json_line(&withdrawn_json(&proposal())), @r#"{"proposal":{"digest":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","replaces":"beefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeefbeef","proposed":"2026-11-23T15:21:14.000000Z","origin":"apply","author":"uid 1000","reason":"CHG-7","approvals":[{"by":"uid 1001","at":"2026-11-23T16:21:14.000000Z","reason":"seen"}],"needed":2}}"#);
    let approved = PolicyInfo {
        approvals: 1,
        approved_by: vec!["uid 1001".into(), "uid 1002".into()],
        ..samples::policy()
    };
    let fields = |info: &PolicyInfo| policy::fields(info, &page()).laid_out(&page());
    insta::assert_snapshot!(fields(&approved), @"
    holds     3 roles, 4 grants, 1 block
    came by   apply by `uid 0`
    approved  by uid 1001, uid 1002
    loaded    2026-11-20T17:21:14Z (3 days ago)
    reason    year-end freeze
    follows   /etc/oam/policy
    next      needs 1 approval by others
    ");
    let forced = PolicyInfo { approved_by: Vec::new(), unapproved: true, ..approved };
    insta::assert_snapshot!(fields(&forced), @"
    holds     3 roles, 4 grants, 1 block
    came by   apply by `uid 0`
    approved  by nobody: the configuration of oamd let it pass
    loaded    2026-11-20T17:21:14Z (3 days ago)
    reason    year-end freeze
    follows   /etc/oam/policy
    next      needs 1 approval by others
    ");
}
