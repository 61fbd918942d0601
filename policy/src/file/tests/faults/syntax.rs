//! What is wrong with the shape of a file.

use super::super::{faults, read};

#[test]
fn a_missing_version() {
    insta::assert_snapshot!(read(&[r##"contact = "x""##]).unwrap_err(), @r#"
    a policy file has no `version`
      --> 1.toml
      = add `version = 1`
    "#);
}

#[test]
fn a_version_of_the_future() {
    insta::assert_snapshot!(read(&[r##"version = 2"##]).unwrap_err(), @r#"
    this version of the format is not known
     --> 1.toml:1:11
      |
    1 | version = 2
      |           ^
      = write `version = 1`; a newer version needs a newer release
    "#);
}

#[test]
fn text_that_is_not_toml() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = developer
any = ["okta:eng"]

[[grant
id = "x""##), @r#"
    this is not TOML: string values must be quoted, expected literal string
     --> 1.toml:3:6
      |
    3 | id = developer
      |      ^^^^^^^^^
      = fix this first: more may come to light

    this is not TOML: unclosed array table, expected `]]`
     --> 1.toml:6:8
      |
    6 | [[grant
      |        ^
      = fix this first: more may come to light
    "#);
}

#[test]
fn a_key_given_twice() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = "a"
id = "b"
any = ["okta:eng"]"##), @r#"
    this is not TOML: duplicate key
     --> 1.toml:4:1
      |
    4 | id = "b"
      | ^^
      = fix this first: more may come to light
    "#);
}

#[test]
fn an_unknown_kind_of_rule() {
    insta::assert_snapshot!(faults(r##"[[roles]]
id = "a""##), @r#"
    a policy file has no key `roles`
     --> 1.toml:2:3
      |
    2 | [[roles]]
      |   ^^^^^
      = did you mean `role`?
    "#);
}

#[test]
fn a_single_table() {
    insta::assert_snapshot!(faults(r##"[role]
id = "a"
any = ["okta:eng"]"##), @r#"
    `role` is a table, where there is a list of tables
     --> 1.toml:2:2
      |
    2 | [role]
      |  ^^^^
      = write `[[role]]` above each
    "#);
}

#[test]
fn rules_that_are_no_tables() {
    insta::assert_snapshot!(faults(r##"role = ["developer"]
grant = "x""##), @r#"
    a role is a table, not a string
     --> 1.toml:2:9
      |
    2 | role = ["developer"]
      |         ^^^^^^^^^^^

    `grant` is a string, where there is a list of tables
     --> 1.toml:3:1
      |
    3 | grant = "x"
      | ^^^^^
      = write `[[grant]]` above each
    "#);
}

#[test]
fn an_unknown_key() {
    insta::assert_snapshot!(faults(r##"[[block]]
id = "a"
on = ["**"]
ref = ["refs/heads/main"]"##), @r#"
    a block has no `refs`
     --> 1.toml:2:1
      |
    2 | [[block]]
      | ^^^^^^^^^
      = add `refs = ["refs/heads/main"]`

    a block has no key `ref`
     --> 1.toml:5:1
      |
    5 | ref = ["refs/heads/main"]
      | ^^^
      = did you mean `refs`?
    "#);
}

#[test]
fn a_key_nobody_could_have_meant() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = "a"
any = ["okta:eng"]
colour = "red""##), @r#"
    a role has no key `colour`
     --> 1.toml:5:1
      |
    5 | colour = "red"
      | ^^^^^^
      = it may have `id`, `any`, `all`, `service`, `max_lease`, `exclusive`, `allow`
    "#);
}

#[test]
fn a_table_without_anything() {
    insta::assert_snapshot!(faults(r##"[[role]]
[[grant]]
[[block]]"##), @r#"
    a role has no `id`
     --> 1.toml:2:1
      |
    2 | [[role]]
      | ^^^^^^^^
      = add `id = "developer"`

    a role names no group and no service
     --> 1.toml:2:1
      |
    2 | [[role]]
      | ^^^^^^^^
      = add `any = ["okta:eng"]` (one of these groups), `all = […]` (every one of them) or `service = […]` (accounts by name); of a role that is only leased, `max_lease`

    a grant has no `id`
     --> 1.toml:3:1
      |
    3 | [[grant]]
      | ^^^^^^^^^
      = add `id = "topic-branches"`

    a grant has neither `to` nor `user`
     --> 1.toml:3:1
      |
    3 | [[grant]]
      | ^^^^^^^^^
      = add `to = ["developer"]`, the roles that receive the right

    a grant has no `on`
     --> 1.toml:3:1
      |
    3 | [[grant]]
      | ^^^^^^^^^
      = add `on = ["PROJECT/*"]`

    a grant has no `verbs`
     --> 1.toml:3:1
      |
    3 | [[grant]]
      | ^^^^^^^^^
      = add `verbs = ["create", "update"]`

    a grant has no `refs`
     --> 1.toml:3:1
      |
    3 | [[grant]]
      | ^^^^^^^^^
      = add `refs = ["refs/heads/**"]`

    a block has no `id`
     --> 1.toml:4:1
      |
    4 | [[block]]
      | ^^^^^^^^^
      = add `id = "tags-are-forever"`

    a block has no `on`
     --> 1.toml:4:1
      |
    4 | [[block]]
      | ^^^^^^^^^
      = add `on = ["PROJECT/*"]`

    a block has no `refs`
     --> 1.toml:4:1
      |
    4 | [[block]]
      | ^^^^^^^^^
      = add `refs = ["refs/heads/main"]`
    "#);
}

#[test]
fn a_string_for_a_list() {
    insta::assert_snapshot!(faults(r##"[[block]]
id = "b"
on = "**"
refs = "refs/heads/main""##), @r#"
    `on` is a list of strings, not a string
     --> 1.toml:4:6
      |
    4 | on = "**"
      |      ^^^^
      = write `on = ["**"]`

    `refs` is a list of strings, not a string
     --> 1.toml:5:8
      |
    5 | refs = "refs/heads/main"
      |        ^^^^^^^^^^^^^^^^^
      = write `refs = ["refs/heads/main"]`
    "#);
}

#[test]
fn elements_of_other_kinds() {
    insta::assert_snapshot!(faults(r##"[[block]]
id = "b"
on = ["**", 1]
refs = [["refs/heads/main"], true]"##), @r#"
    `on` is a list of strings; this is a number
     --> 1.toml:4:13
      |
    4 | on = ["**", 1]
      |             ^

    `refs` is a list of strings; this is a list
     --> 1.toml:5:9
      |
    5 | refs = [["refs/heads/main"], true]
      |         ^^^^^^^^^^^^^^^^^^^

    `refs` is a list of strings; this is a boolean
     --> 1.toml:5:30
      |
    5 | refs = [["refs/heads/main"], true]
      |                              ^^^^
    "#);
}

#[test]
fn empty_lists() {
    insta::assert_snapshot!(faults(r##"[[block]]
id = "b"
on = []
refs = []
verbs = []
except = []"##), @r#"
    `on` is an empty list
     --> 1.toml:4:6
      |
    4 | on = []
      |      ^^
      = name at least one, or leave `on` out where it may be

    `refs` is an empty list
     --> 1.toml:5:8
      |
    5 | refs = []
      |        ^^
      = name at least one, or leave `refs` out where it may be

    `verbs` is an empty list
     --> 1.toml:6:9
      |
    6 | verbs = []
      |         ^^
      = name at least one, or leave `verbs` out where it may be

    `except` is an empty list
     --> 1.toml:7:10
      |
    7 | except = []
      |          ^^
      = name at least one, or leave `except` out where it may be
    "#);
}
