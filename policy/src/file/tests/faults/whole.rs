//! What is wrong with a policy as a whole.

use super::super::{faults, read};

#[test]
fn a_role_that_does_not_exist() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = "developer"
any = ["okta:eng"]

[[grant]]
id = "a"
to = ["develper", "somebody"]
on = ["**"]
refs = ["refs/**"]
verbs = ["create"]

[[block]]
id = "b"
on = ["**"]
refs = ["refs/**"]
except = ["Developers"]"##), @r#"
    there is no role `develper`
     --> 1.toml:8:7
      |
    8 | to = ["develper", "somebody"]
      |       ^^^^^^^^^^
      = did you mean `developer`?

    there is no role `somebody`
     --> 1.toml:8:19
      |
    8 | to = ["develper", "somebody"]
      |                   ^^^^^^^^^^
      = define it: a `[[role]]` with `id = "somebody"`

    `Developers` is no id: 1 to 64 lower-case letters, digits, `-`, `_` or `.`, beginning with a letter or digit
      --> 1.toml:17:11
       |
    17 | except = ["Developers"]
       |           ^^^^^^^^^^^^
    "#);
}

#[test]
fn an_id_given_twice_names_both_places() {
    let role = "version = 1\n[[role]]\nid = \"a\"\nany = [\"okta:eng\"]\n";
    let block = "version = 1\n[[block]]\nid = \"a\"\non = [\"**\"]\nrefs = [\"refs/**\"]\n";
    let grant = "version = 1\n[[grant]]\nid = \"a\"\nto = [\"a\"]\non = [\"**\"]\nrefs = [\"refs/**\"]\nverbs = [\"create\"]";
    insta::assert_snapshot!(read(&[role, block, grant, role]).unwrap_err(), @r#"
    the rule id `a` is given twice: at 2.toml:3:6 and here
     --> 3.toml:3:6
      |
    3 | id = "a"
      |      ^^^
      = give one of them another id, or take it out

    the role id `a` is given twice: at 1.toml:3:6 and here
     --> 4.toml:3:6
      |
    3 | id = "a"
      |      ^^^
      = give one of them another id, or take it out
    "#);
}

#[test]
fn a_contact_given_twice_names_both_places() {
    let text = "version = 1\ncontact = \"me\"\n";
    insta::assert_snapshot!(read(&[text, text]).unwrap_err(), @r#"
    `contact` is given twice: at 1.toml:2:11 and here
     --> 2.toml:2:11
      |
    2 | contact = "me"
      |           ^^^^
      = keep one
    "#);
}

/// The same mistake a thousand times over is still told in time, and counted.
#[test]
fn a_great_many_faults_are_told_in_time() {
    let rule = |number: u32| {
        format!(
            "[[block]]\nid=\"b{number}\"\non=[\"**\"]\nrefs=[\"refs/**\"]\nexcept=[\"role-{number}x\"]\n[[role]]\nid=\"role-{number}\"\nany=[\"a:b\"]\n"
        )
    };
    let text: String = (0..5_000).map(rule).collect();
    let faults = read(&[&format!("version = 1\n{text}")]).unwrap_err();
    assert_eq!((faults.total(), faults.iter().count()), (5_000, 1_000));
    assert_eq!(
        faults
            .iter()
            .filter(|fault| fault.help.as_deref().is_some_and(|help| help.contains("did you mean")))
            .count(),
        20
    );
}
