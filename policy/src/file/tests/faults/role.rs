//! What is wrong with a role.

use super::super::faults;

#[test]
fn a_role_of_nobody() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = "a""##), @r#"
    a role names no group and no service
     --> 1.toml:2:1
      |
    2 | [[role]]
      | ^^^^^^^^
      = add `any = ["okta:eng"]` (one of these groups), `all = […]` (every one of them) or `service = […]` (accounts by name); of a role that is only leased, `max_lease`
    "#);
}

#[test]
fn a_group_without_a_source() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = "a"
any = ["okta:eng", "eng"]
all = []"##), @r#"
    `eng` names no source: a group is written `source:group`, as in `okta:eng`
     --> 1.toml:4:20
      |
    4 | any = ["okta:eng", "eng"]
      |                    ^^^^^

    `all` is an empty list
     --> 1.toml:5:7
      |
    5 | all = []
      |       ^^
      = name at least one, or leave `all` out where it may be
    "#);
}

#[test]
fn a_service_that_is_no_name() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = "a"
service = ["svc\u001b[31m"]"##), @r#"
    `svc\x1b[31m` is no username: it has a control character, or white space at an end
     --> 1.toml:4:12
      |
    4 | service = ["svc\u001b[31m"]
      |            ^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_lease_that_is_no_length() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = "a"
service = ["s"]
max_lease = "soon"

[[role]]
id = "b"
service = ["s"]
max_lease = "0s"

[[role]]
id = "c"
service = ["s"]
max_lease = 15"##), @r#"
    `soon` is no length of time: write it as in `15m` or `1h 30m`
     --> 1.toml:5:13
      |
    5 | max_lease = "soon"
      |             ^^^^^^

    `0s` is no length of time: write it as in `15m` or `1h 30m`
      --> 1.toml:10:13
       |
    10 | max_lease = "0s"
       |             ^^^^

    `max_lease` is a length of time, not a number
      --> 1.toml:15:13
       |
    15 | max_lease = 15
       |             ^^
       = say of what: `max_lease = "15m"`
    "#);
}

#[test]
fn an_id_that_is_none() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = "Developer"
any = ["okta:eng"]"##), @r#"
    `Developer` is no id: 1 to 64 lower-case letters, digits, `-`, `_` or `.`, beginning with a letter or digit
     --> 1.toml:3:6
      |
    3 | id = "Developer"
      |      ^^^^^^^^^^^
    "#);
}
