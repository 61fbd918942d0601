//! What is wrong with an `allow`, and with an `exclusive`.

use super::super::faults;

#[test]
fn an_allow_names_a_lint_and_a_reason() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = "a"
any = ["okta:eng"]
allow = [
  { lint = "unknown-grup", reason = "x" },
  { lint = "expired" },
  { lint = "unused-role", reason = " " },
  { lint = "no such thing", reason = "", why = "x" },
  "expired",
]"##), @r#"
    there is no lint `unknown-grup`
     --> 1.toml:6:12
      |
    6 |   { lint = "unknown-grup", reason = "x" },
      |            ^^^^^^^^^^^^^^
      = did you mean `unknown-group`?

    an entry of `allow` has no `reason`
     --> 1.toml:7:3
      |
    7 |   { lint = "expired" },
      |   ^^^^^^^^^^^^^^^^^^^^
      = add `reason = "why it stays"`

    `reason` says nothing
     --> 1.toml:8:36
      |
    8 |   { lint = "unused-role", reason = " " },
      |                                    ^^^
      = say in a sentence why the warning may stay

    there is no lint `no such thing`
     --> 1.toml:9:12
      |
    9 |   { lint = "no such thing", reason = "", why = "x" },
      |            ^^^^^^^^^^^^^^^
      = `oam policy check` names the lint in front of each warning

    `reason` is empty
     --> 1.toml:9:38
      |
    9 |   { lint = "no such thing", reason = "", why = "x" },
      |                                      ^^
      = give a value, or leave it out

    an entry of `allow` has no key `why`
     --> 1.toml:9:42
      |
    9 |   { lint = "no such thing", reason = "", why = "x" },
      |                                          ^^^
      = it may have `lint`, `reason`

    an entry of `allow` is a table, not a string
      --> 1.toml:10:3
       |
    10 |   "expired",
       |   ^^^^^^^^^
    "#);
    insta::assert_snapshot!(faults(r##"[[role]]
id = "a"
any = ["okta:eng"]
allow = "unused-role"
[[role]]
id = "b"
any = ["okta:eng"]
allow = [{ lint = "unused-role", reason = "x" }, { lint = "unused-role", reason = "y" }]"##), @r#"
    `allow` is a list of lints with a reason each
     --> 1.toml:5:9
      |
    5 | allow = "unused-role"
      |         ^^^^^^^^^^^^^
      = write `allow = [{ lint = "expired", reason = "why it stays" }]`

    `unused-role` is allowed twice here
     --> 1.toml:9:50
      |
    9 | allow = [{ lint = "unused-role", reason = "x" }, { lint = "unused-role", reason = "y" }]
      |                                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = keep one
    "#);
    let long = format!(
        "[[role]]\nid = \"a\"\nany = [\"okta:eng\"]\nallow = [{{ lint = \"expired\", reason = \"{}\" }}]",
        "x".repeat(301)
    );
    assert!(faults(&long).contains("`reason` has more than 300 characters"));
}

#[test]
fn exclusive_names_other_roles() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = "auditor"
any = ["okta:audit"]
exclusive = ["auditor", "develper"]
[[role]]
id = "developer"
any = ["okta:eng"]"##), @r#"
    the role `auditor` excludes itself
     --> 1.toml:5:14
      |
    5 | exclusive = ["auditor", "develper"]
      |              ^^^^^^^^^
      = name the roles that nobody should hold with it

    there is no role `develper`
     --> 1.toml:5:25
      |
    5 | exclusive = ["auditor", "develper"]
      |                         ^^^^^^^^^^
      = did you mean `developer`?
    "#);
}
