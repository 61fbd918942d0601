//! What is wrong with a test.

use super::super::faults;

#[test]
fn everything_that_can_be_wrong_with_a_test() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = "developer"
any = ["okta:eng"]

[[grant]]
id = "main"
to = ["developer"]
on = ["**"]
refs = ["refs/heads/main"]
verbs = ["update"]

[[block]]
id = "freeze"
on = ["**"]
refs = ["refs/heads/main"]

[[test]]
as = ["develper"]
push = "frce PAY refs/heads/a..b"
expect = "refsed"

[[test]]
as = ["developer"]
user = "alice"
push = "force PAY/api"
expect = "refused:no-grnt"
chanel = "push"

[[test]]
as = []
push = "update PAY/api refs/tags/v1"
expect = "refused:blocked:freez"
at = 2026-12-24

[[test]]
as = ["developer"]
push = "read PAY/api refs/heads/main"
expect = "permitted:freeze"
channel = "psuh"

[[test]]
user = " "
push = "update PAY/api refs/heads/main"
expect = "refused:no-grant:main"

[[test]]
as = "developer"
push = "update PAY/api refs/heads/main"
expect = "refused:blocked:main"

[[test]]"##), @r#"
    there is no role `develper`
      --> 1.toml:19:7
       |
    19 | as = ["develper"]
       |       ^^^^^^^^^^
       = did you mean `developer`?

    `frce` is no verb: did you mean `force`?
      --> 1.toml:20:8
       |
    20 | push = "frce PAY refs/heads/a..b"
       |        ^^^^^^^^^^^^^^^^^^^^^^^^^^

    `PAY` is no repository: `PROJECT/slug` is expected, with one `/`
      --> 1.toml:20:8
       |
    20 | push = "frce PAY refs/heads/a..b"
       |        ^^^^^^^^^^^^^^^^^^^^^^^^^^

    the ref `refs/heads/a..b`: it contains `..`
      --> 1.toml:20:8
       |
    20 | push = "frce PAY refs/heads/a..b"
       |        ^^^^^^^^^^^^^^^^^^^^^^^^^^

    `refsed` is no outcome: did you mean `refused`?
      --> 1.toml:21:10
       |
    21 | expect = "refsed"
       |          ^^^^^^^^

    a test has both `as` and `user`
      --> 1.toml:25:1
       |
    25 | user = "alice"
       | ^^^^
       = a test asks once: write a second one

    `force PAY/api` is no push
      --> 1.toml:26:8
       |
    26 | push = "force PAY/api"
       |        ^^^^^^^^^^^^^^^
       = write the verb, the repository and the ref: `force PAY/api refs/heads/main`

    `no-grnt` is no reason for a refusal: did you mean `no-grant`?
      --> 1.toml:27:10
       |
    27 | expect = "refused:no-grnt"
       |          ^^^^^^^^^^^^^^^^^

    a test has no key `chanel`
      --> 1.toml:28:1
       |
    28 | chanel = "push"
       | ^^^^^^
       = did you mean `channel`?

    a tag is never updated
      --> 1.toml:32:8
       |
    32 | push = "update PAY/api refs/tags/v1"
       |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = write `force`: that is what moving a tag is

    there is no block `freez`
      --> 1.toml:33:10
       |
    33 | expect = "refused:blocked:freez"
       |          ^^^^^^^^^^^^^^^^^^^^^^^
       = did you mean `freeze`?

    `at` has no time of day, so it is no moment in time
      --> 1.toml:34:6
       |
    34 | at = 2026-12-24
       |      ^^^^^^^^^^
       = add it, in UTC: `2026-12-24T00:00:00Z`

    `read` is about whole repositories, and no push
      --> 1.toml:38:8
       |
    38 | push = "read PAY/api refs/heads/main"
       |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    there is no grant `freeze`
      --> 1.toml:39:10
       |
    39 | expect = "permitted:freeze"
       |          ^^^^^^^^^^^^^^^^^^
       = `freeze` is a block: expect `refused:blocked:freeze`

    `psuh` is no channel: did you mean `push`?
      --> 1.toml:40:11
       |
    40 | channel = "psuh"
       |           ^^^^^^

    ` ` is no username: it has a control character, or white space at an end
      --> 1.toml:43:8
       |
    43 | user = " "
       |        ^^^

    no rule says `no-grant`, so `refused:no-grant` is all that can be expected
      --> 1.toml:45:10
       |
    45 | expect = "refused:no-grant:main"
       |          ^^^^^^^^^^^^^^^^^^^^^^^

    `as` is a list of strings, not a string
      --> 1.toml:48:6
       |
    48 | as = "developer"
       |      ^^^^^^^^^^^
       = write `as = ["developer"]`

    there is no block `main`
      --> 1.toml:50:10
       |
    50 | expect = "refused:blocked:main"
       |          ^^^^^^^^^^^^^^^^^^^^^^
       = `main` is a grant: expect `permitted:main`

    a test has neither `as` nor `user`
      --> 1.toml:52:1
       |
    52 | [[test]]
       | ^^^^^^^^
       = add `as = ["developer"]`, the roles of whoever asks, or `user = "alice"`

    a test has no `push`
      --> 1.toml:52:1
       |
    52 | [[test]]
       | ^^^^^^^^
       = add `push = "force PAY/api refs/heads/main"`

    a test has no `expect`
      --> 1.toml:52:1
       |
    52 | [[test]]
       | ^^^^^^^^
       = add `expect = "refused:no-grant"`
    "#);
}

#[test]
fn a_rule_that_is_there_and_faulty_is_not_called_missing() {
    let told = faults(
        r##"[[role]]
id = "developer"
any = ["okta:eng"]

[[grant]]
id = "main"
to = ["developer"]
on = ["**"]
refs = ["main"]
verbs = ["update"]

[[test]]
as = ["developer"]
push = "update PAY/api refs/heads/main"
expect = "permitted:main""##,
    );
    assert!(told.contains("begins with `refs/`") && !told.contains("there is no"), "{told}");
}
