//! What people have for a while ends with what a source takes from them, and is not there when they are let in again.

use oam_audit::entry::{Event, PrivilegeEnd};
use oam_tests::{Daemon, Verdict, daemon::Setup, sample};
use serde_json::json;

use super::{Company, OKTA, patch};
use crate::two_in_the_morning::{ALICE, can_be_others, events, id, oam_as, open_to_others};

/// Whoever develops may release for some hours, without anybody's approval.
pub(crate) const ON_CALL: &str = r#"
[[elevation]]
id = "on-call"
roles = ["release-manager"]
to = ["developer"]
on = ["DEMO/*"]
refs = ["refs/heads/**"]
max_time = "4h"
"#;

/// The configuration by which a user of this host is alice.
pub(crate) fn as_alice() -> String {
    format!("\n[admin]\npeople = {{ {ALICE} = \"alice\" }}\n")
}

/// Alice has the role for an hour: the id of that.
pub(crate) fn on_call(daemon: &Daemon) -> String {
    open_to_others(daemon);
    let words =
        ["grant", "request", "--role", "release-manager", "--on", "DEMO/*", "--refs", "refs/heads/**"];
    let asked = oam_as(ALICE, daemon, &[&words[..], &["--for", "60m", "--reason", "INC-7"]].concat());
    assert_eq!(asked.code, 0, "{asked:?}");
    id(&asked)
}

/// Whether the log says that it ended, since the directory does not allow it.
pub(crate) fn has_ended(daemon: &Daemon, id: &str) -> bool {
    let is_end = |event: &Event| matches!(event, Event::PrivilegeEnded(one) if one.id == id && one.cause == PrivilegeEnd::NotAllowed);
    events(daemon).iter().any(is_end)
}

#[test]
fn what_somebody_has_for_a_while_ends_before_their_deactivation_is_answered() {
    if !can_be_others() {
        return;
    }
    let company = Company::with(&Setup {
        config: format!("{OKTA}{}", as_alice()),
        directory: None,
        policy: format!("{}{ON_CALL}", sample::POLICY),
    });
    let (ids, group) = company.developers(&["alice", "bob"]);
    let work = company.repository.working_copy().pushing_as("alice");
    let release = |number: u32| {
        work.commit(&format!("release {number}"));
        work.push([format!("HEAD:refs/heads/release/{number}")]).verdict()
    };
    let path = format!("/Users/{}", ids[0]);
    let active = |active: bool| patch(&json!([{"op": "replace", "value": {"active": active}}]));
    let first = on_call(&company.daemon);
    assert_eq!(release(1), Verdict::Permitted);
    company.okta.patch(&path, &active(false)).expect(200);
    // No waiting: it is over when that is answered.
    assert!(has_ended(&company.daemon, &first));
    company.okta.patch(&path, &active(true)).expect(200);
    company.permits("alice");
    assert_eq!(release(2), Verdict::Refused);
    // The same with the group by which they might ask for it.
    let second = on_call(&company.daemon);
    assert_eq!(release(3), Verdict::Permitted);
    let member = |op: &str| patch(&json!([{"op": op, "path": "members", "value": [{"value": ids[0]}]}]));
    company.okta.patch(&format!("/Groups/{group}"), &member("remove")).expect(200);
    assert!(has_ended(&company.daemon, &second));
    company.okta.patch(&format!("/Groups/{group}"), &member("add")).expect(200);
    company.permits("alice");
    assert_eq!(release(4), Verdict::Refused);
}
