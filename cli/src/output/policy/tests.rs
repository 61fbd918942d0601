//! A policy that is checked or applied, as people and as programs read it.

use oam_proto::v1::{ApplyPolicyResponse, CheckPolicyResponse, PolicyWarning, PolicyWarnings};

use crate::output::{
    policy,
    samples::{self, faults, json_line, page},
    warnings::Wanted,
};

#[test]
fn policies_checked_and_applied() {
    let warning = |lint: &str, message: &str, help: &str, allowed: &str| PolicyWarning {
        lint: lint.into(),
        kind: "role".into(),
        id: "developer".into(),
        message: message.into(),
        help: help.into(),
        allowed: allowed.into(),
    };
    let warnings = Some(PolicyWarnings {
        warnings: vec![
            warning(
                "unknown-group",
                "the role `developer` names the group `okta:engg`",
                "did you mean `okta:eng`?",
                "",
            ),
            warning("role-without-members", "nobody holds the role `developer`", "look", "starts in May"),
        ],
        omitted: 2,
        unfinished: vec!["grant-covered-by-blocks".into()],
        of_change: Vec::new(),
    });
    let plain = Wanted::default();
    let good = CheckPolicyResponse {
        policy: Some(samples::policy()),
        warnings: warnings.clone(),
        ..Default::default()
    };
    insta::assert_snapshot!(policy::check_text(&good, "policy/", &plain, &page()), @"
    warning[unknown-group]: the role `developer` names the group `okta:engg`
      help: did you mean `okta:eng`?
    1 warning is allowed by the policy.
    2 more warnings of these lints: there are too many to be listed.
    Not looked for everywhere, since there is too much of it: grant-covered-by-blocks.
    `policy/` is good. It is policy c0ffee00c0ff, with 3 roles, 4 grants, 1 block.
    ");
    insta::assert_snapshot!(json_line(&policy::check_json(&good, &plain)), @r#"{"ok":true,"policy":{"digest":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","in_force":true,"loaded":"2026-11-20T17:21:14.000000Z","origin":"apply","author":"uid 0","reason":"year-end freeze","path":"/etc/oam/policy","roles":3,"grants":4,"blocks":1,"requires":0,"waivers":0,"approvals":0,"approved_by":[],"unapproved":false},"tests":{"passed":0,"failed":0,"not_run":0},"warnings":[{"lint":"unknown-group","kind":"role","id":"developer","message":"the role `developer` names the group `okta:engg`","help":"did you mean `okta:eng`?","allowed":null},{"lint":"role-without-members","kind":"role","id":"developer","message":"nobody holds the role `developer`","help":"look","allowed":"starts in May"}],"warnings_omitted":2,"warnings_of_change":[],"lints_unfinished":["grant-covered-by-blocks"],"warnings_denied":0,"faults_total":0,"faults":[]}"#);
    let strict = Wanted { all: true, deny: vec!["unknown-group".into()] };
    insta::assert_snapshot!(policy::check_text(&good, "policy/", &strict, &page()), @"
    denied[unknown-group]: the role `developer` names the group `okta:engg`
      help: did you mean `okta:eng`?
    allowed[role-without-members]: nobody holds the role `developer`
      reason: starts in May
    2 more warnings of these lints: there are too many to be listed.
    Not looked for everywhere, since there is too much of it: grant-covered-by-blocks.
    `policy/` has no fault, but 1 warning is denied. It is policy c0ffee00c0ff, with 3 roles, 4 grants, 1 block.
    ");
    assert!(json_line(&policy::check_json(&good, &strict)).starts_with(r#"{"ok":false,"#));
    let all = Wanted { all: false, deny: vec!["all".into()] };
    assert_eq!(all.denied(good.warnings.as_ref()), 1, "what is allowed is not denied");
    let unknown =
        |lint: &str| Wanted { all: false, deny: vec![lint.into()] }.is_unknown(good.warnings.as_ref());
    assert_eq!(
        [unknown("all"), unknown("expired"), unknown("grant-covered-by-blocks")],
        [false, false, true]
    );
    let unsure = Wanted { all: false, deny: vec!["grant-covered-by-blocks".into()] };
    assert!(
        policy::check_text(&good, "policy/", &unsure, &page())
            .contains("`policy/` has no fault, but whether it has a warning that is denied is not known.")
    );
    let bad = CheckPolicyResponse { faults: Some(faults()), ..CheckPolicyResponse::default() };
    insta::assert_snapshot!(policy::check_text(&bad, "policy/", &plain, &page()), @r#"
    fault: `okta:` is no group
      --> users.json:12:9
       |
    12 |     "okta:"
       |         ^^
       help: write `source:name`

    1 fault; this policy would not be loaded.
    "#);
    let applied = ApplyPolicyResponse {
        policy: Some(samples::policy()),
        warnings,
        changed: true,
        ..Default::default()
    };
    insta::assert_snapshot!(policy::apply_text(&applied, &page()), @"
    warning[unknown-group]: the role `developer` names the group `okta:engg`
      help: did you mean `okta:eng`?
    1 warning is allowed by the policy.
    2 more warnings of these lints: there are too many to be listed.
    Not looked for everywhere, since there is too much of it: grant-covered-by-blocks.
    Policy c0ffee00c0ff is in force.
      holds    3 roles, 4 grants, 1 block
      came by  apply by `uid 0`
      loaded   2026-11-20T17:21:14Z (3 days ago)
      reason   year-end freeze
      follows  /etc/oam/policy
    ");
    let same = ApplyPolicyResponse { changed: false, warnings: None, ..applied };
    insta::assert_snapshot!(policy::apply_text(&same, &page()), @"
    Policy c0ffee00c0ff was in force already; nothing has changed.
      holds    3 roles, 4 grants, 1 block
      came by  apply by `uid 0`
      loaded   2026-11-20T17:21:14Z (3 days ago)
      reason   year-end freeze
      follows  /etc/oam/policy
    ");
    insta::assert_snapshot!(json_line(&policy::apply_json(&same)), @r#"{"changed":false,"policy":{"digest":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","in_force":true,"loaded":"2026-11-20T17:21:14.000000Z","origin":"apply","author":"uid 0","reason":"year-end freeze","path":"/etc/oam/policy","roles":3,"grants":4,"blocks":1,"requires":0,"waivers":0,"approvals":0,"approved_by":[],"unapproved":false},"proposal":null,"warnings":[],"warnings_omitted":0,"warnings_of_change":[],"lints_unfinished":[],"faults_total":0,"faults":[]}"#);
}
