//! What is wrong with a grant.

use super::super::faults;

#[test]
fn refs_where_none_are_carried() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = "r"
any = ["okta:eng"]

[[grant]]
id = "b"
to = ["r"]
on = ["**"]
refs = ["refs/**"]
verbs = ["read"]"##), @r#"
    these verbs carry no refs
      --> 1.toml:10:1
       |
    10 | refs = ["refs/**"]
       | ^^^^
       = take it out: `read` and `admin` are about whole repositories
    "#);
}

#[test]
fn a_grant_to_nobody() {
    insta::assert_snapshot!(faults(r##"[[grant]]
id = "a"
on = ["**"]
refs = ["refs/**"]
verbs = ["create"]"##), @r#"
    a grant has neither `to` nor `user`
     --> 1.toml:2:1
      |
    2 | [[grant]]
      | ^^^^^^^^^
      = add `to = ["developer"]`, the roles that receive the right
    "#);
}

#[test]
fn an_exception_without_an_end_or_an_approver() {
    insta::assert_snapshot!(faults(r##"[[grant]]
id = "a"
user = "alice"
on = ["**"]
refs = ["refs/**"]
verbs = ["create"]"##), @r#"
    a grant has no `expires`
     --> 1.toml:2:1
      |
    2 | [[grant]]
      | ^^^^^^^^^
      = add `expires = 2026-12-31T23:00:00Z`

    a grant has no `approved_by`
     --> 1.toml:2:1
      |
    2 | [[grant]]
      | ^^^^^^^^^
      = add `approved_by = "alice"`
    "#);
}

#[test]
fn an_exception_approved_by_its_user() {
    insta::assert_snapshot!(faults(r##"[[grant]]
id = "a"
user = "alice"
approved_by = "Alice"
expires = 2026-12-31T23:00:00Z
on = ["**"]
refs = ["refs/**"]
verbs = ["create"]"##), @r#"
    nobody approves their own exception
     --> 1.toml:5:15
      |
    5 | approved_by = "Alice"
      |               ^^^^^^^
      = name the person who answers for the exception
    "#);
}

#[test]
fn a_grant_to_roles_and_to_a_user() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = "r"
any = ["okta:eng"]

[[grant]]
id = "a"
to = ["r"]
user = "alice"
approved_by = "bob"
expires = 2026-12-31T23:00:00Z
on = ["**"]
refs = ["refs/**"]
verbs = ["create"]"##), @r#"
    a grant has both `to` and `user`
     --> 1.toml:9:1
      |
    9 | user = "alice"
      | ^^^^
      = an exception for one person is a grant of its own
    "#);
}

#[test]
fn an_approver_of_a_grant_to_roles() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = "r"
any = ["okta:eng"]

[[grant]]
id = "a"
to = ["r"]
approved_by = "bob"
on = ["**"]
refs = ["refs/**"]
verbs = ["create"]"##), @r#"
    `approved_by` belongs to a grant to a `user`
     --> 1.toml:9:1
      |
    9 | approved_by = "bob"
      | ^^^^^^^^^^^
      = take it out: who changes the policy answers for a grant to roles
    "#);
}
