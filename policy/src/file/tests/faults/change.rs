//! What is wrong with how a policy may be replaced.

use super::super::{faults, read};

#[test]
fn a_number_that_is_none() {
    let told: Vec<_> = ["17", "-1", "1.0", "\"1\"", "true", "99999999999999999999"]
        .map(|value| faults(&format!("[change]\napprovals = {value}\n")))
        .into_iter()
        .filter_map(|told| told.lines().next().map(str::to_owned))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    `approvals` is a whole number from 0 to 16, not 17
    `approvals` is a whole number from 0 to 16, not -1
    `approvals` is a whole number from 0 to 16, not 1.0
    `approvals` is a number, not a string
    `approvals` is a number, not a boolean
    `approvals` is a whole number from 0 to 16, not 99999999999999999999
    ");
}

#[test]
fn a_key_that_is_not_known_or_missing() {
    insta::assert_snapshot!(faults("[change]\naprovals = 1\n"), @"
    `change` has no `approvals`
     --> 1.toml:2:1
      |
    2 | [change]
      | ^^^^^^^^
      = add `approvals = 1`

    `change` has no key `aprovals`
     --> 1.toml:3:1
      |
    3 | aprovals = 1
      | ^^^^^^^^
      = did you mean `approvals`?
    ");
    insta::assert_snapshot!(faults("[[change]]\napprovals = 1\n"), @"
    `change` is a table, not a list
     --> 1.toml:2:1
      |
    2 | [[change]]
      | ^^^^^^^^^^
    ");
    insta::assert_snapshot!(faults("[chnage]\napprovals = 1\n"), @"
    a policy file has no key `chnage`
     --> 1.toml:2:2
      |
    2 | [chnage]
      |  ^^^^^^
      = did you mean `change`?
    ");
}

#[test]
fn given_twice_it_names_both_places() {
    let text = "version = 1\n[change]\napprovals = 1\n";
    insta::assert_snapshot!(read(&[text, text]).unwrap_err(), @"
    `change` is given twice: at 1.toml:2:2 and here
     --> 2.toml:2:2
      |
    2 | [change]
      |  ^^^^^^
      = keep one
    ");
}
