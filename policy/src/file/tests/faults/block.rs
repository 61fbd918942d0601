//! What is wrong with a block, and with what blocks and grants have in common.

use super::super::faults;

#[test]
fn patterns_that_could_never_match() {
    insta::assert_snapshot!(faults(r##"[[block]]
id = "b"
on = ["PAY", "PAY/${user}"]
refs = ["main", "refs/heads/a**", "refs/${team}"]

[[block]]
id = "c"
on = ["!PAY/*"]
refs = ["!refs/heads/x"]"##), @r#"
    the pattern `PAY`: a repository pattern is `PROJECT/slug`, as in `PAY/*`, or `**` for all: did you mean `PAY/*`?
     --> 1.toml:4:7
      |
    4 | on = ["PAY", "PAY/${user}"]
      |       ^^^^^

    the pattern `PAY/${user}`: `${user}` has a meaning in ref patterns only
     --> 1.toml:4:14
      |
    4 | on = ["PAY", "PAY/${user}"]
      |              ^^^^^^^^^^^^^

    the pattern `main`: a ref pattern begins with `refs/`: did you mean `refs/heads/main`?
     --> 1.toml:5:9
      |
    5 | refs = ["main", "refs/heads/a**", "refs/${team}"]
      |         ^^^^^^

    the pattern `refs/heads/a**`: `**` stands for whole segments: write `/**` or `**/`, or `*` within a segment
     --> 1.toml:5:17
      |
    5 | refs = ["main", "refs/heads/a**", "refs/${team}"]
      |                 ^^^^^^^^^^^^^^^^

    the pattern `refs/${team}`: `${team}` is unknown; only `${user}` exists
     --> 1.toml:5:35
      |
    5 | refs = ["main", "refs/heads/a**", "refs/${team}"]
      |                                   ^^^^^^^^^^^^^^

    `on`: the list includes nothing, so the rule could never match: give a pattern without `!`
     --> 1.toml:9:6
      |
    9 | on = ["!PAY/*"]
      |      ^^^^^^^^^^

    `refs`: the list includes nothing, so the rule could never match: give a pattern without `!`
      --> 1.toml:10:8
       |
    10 | refs = ["!refs/heads/x"]
       |        ^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_verb_that_is_none() {
    insta::assert_snapshot!(faults(r##"[[block]]
id = "b"
on = ["**"]
refs = ["refs/**"]
verbs = ["forced", "push"]"##), @r#"
    `forced` is no verb: did you mean `force`?
     --> 1.toml:6:10
      |
    6 | verbs = ["forced", "push"]
      |          ^^^^^^^^

    `push` is no verb: it is one of `create`, `update`, `force`, `delete`, `read`, `admin`
     --> 1.toml:6:20
      |
    6 | verbs = ["forced", "push"]
      |                    ^^^^^^
    "#);
}

#[test]
fn a_block_on_reading() {
    insta::assert_snapshot!(faults(r##"[[block]]
id = "b"
on = ["**"]
refs = ["refs/**"]
verbs = ["read", "force"]"##), @r#"
    a block cannot be about `read`: it is about changes to refs
     --> 1.toml:6:10
      |
    6 | verbs = ["read", "force"]
      |          ^^^^^^
      = take it out
    "#);
}

#[test]
fn moments_that_are_none() {
    insta::assert_snapshot!(faults(r##"[[block]]
id = "b"
on = ["**"]
refs = ["refs/**"]
from = 2026-12-20T00:00:00
to = 2026-12-21

[[block]]
id = "c"
on = ["**"]
refs = ["refs/**"]
from = "2026-12-20T00:00:00Z"
to = "soon"

[[block]]
id = "d"
on = ["**"]
refs = ["refs/**"]
from = 12:00:00
to = 7"##), @r#"
    `from` has no time zone, so it is no moment in time
     --> 1.toml:6:8
      |
    6 | from = 2026-12-20T00:00:00
      |        ^^^^^^^^^^^^^^^^^^^
      = add `Z` for UTC: `2026-12-20T00:00:00Z`

    `to` has no time of day, so it is no moment in time
     --> 1.toml:7:6
      |
    7 | to = 2026-12-21
      |      ^^^^^^^^^^
      = add it, in UTC: `2026-12-21T00:00:00Z`

    `from` is a date-time, not a string
      --> 1.toml:13:8
       |
    13 | from = "2026-12-20T00:00:00Z"
       |        ^^^^^^^^^^^^^^^^^^^^^^
       = write it without quotes

    `to` is a date-time, not a string
      --> 1.toml:14:6
       |
    14 | to = "soon"
       |      ^^^^^^
       = write a date-time without quotes, as in `2026-12-31T23:00:00Z`

    `from` has no date, so it is no moment in time
      --> 1.toml:20:8
       |
    20 | from = 12:00:00
       |        ^^^^^^^^
       = write a whole date-time, as in `2026-12-31T23:00:00Z`

    `to` is a date-time, not a number
      --> 1.toml:21:6
       |
    21 | to = 7
       |      ^
       = write a date-time without quotes, as in `2026-12-31T23:00:00Z`
    "#);
}

#[test]
fn a_window_that_ends_before_it_begins() {
    insta::assert_snapshot!(faults(r##"[[block]]
id = "b"
on = ["**"]
refs = ["refs/**"]
from = 2027-01-05T00:00:00Z
to = 2026-12-20T00:00:00Z"##), @r#"
    the window ends (2026-12-20T00:00:00Z) before it begins (2027-01-05T00:00:00Z)
     --> 1.toml:7:6
      |
    7 | to = 2026-12-20T00:00:00Z
      |      ^^^^^^^^^^^^^^^^^^^^
      = `to` is the first moment after the block
    "#);
}

#[test]
fn a_block_that_says_whom() {
    insta::assert_snapshot!(faults(r##"[[block]]
id = "b"
on = ["**"]
refs = ["refs/**"]
to = ["developer"]
user = "alice""##), @r#"
    a block does not say whom it binds
     --> 1.toml:6:6
      |
    6 | to = ["developer"]
      |      ^^^^^^^^^^^^^
      = a block binds everybody but the roles in `except`; its `to` is the date-time at which it ends

    a block does not say whom it binds
     --> 1.toml:7:1
      |
    7 | user = "alice"
      | ^^^^
      = a block binds everybody but the roles in `except`
    "#);
}

#[test]
fn a_mode_that_is_none() {
    insta::assert_snapshot!(faults(r##"[[block]]
id = "b"
on = ["**"]
refs = ["refs/**"]
mode = "evaluated"
absolute = "yes"
help = """##), @r#"
    `evaluated` is no mode: did you mean `evaluate`?
     --> 1.toml:6:8
      |
    6 | mode = "evaluated"
      |        ^^^^^^^^^^^

    `absolute` is `true` or `false`, not a string
     --> 1.toml:7:12
      |
    7 | absolute = "yes"
      |            ^^^^^

    `help` is empty
     --> 1.toml:8:8
      |
    8 | help = ""
      |        ^^
      = give a value, or leave it out
    "#);
}

#[test]
fn a_help_nobody_would_read() {
    let text = format!(
        "[[block]]\nid = \"b\"\non = [\"**\"]\nrefs = [\"refs/**\"]\nhelp = \"{}\"",
        "x".repeat(1001)
    );
    insta::assert_snapshot!(faults(&text), @r#"
    `help` has more than 1000 characters, for a person at a terminal to read
     --> 1.toml:6:8
      |
    6 | help = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = give a link to the rest
    "#);
}

#[test]
fn weekly_windows() {
    insta::assert_snapshot!(faults(r##"[[block]]
id = "a"
on = ["**"]
refs = ["refs/**"]
weekly = { from = "Fry 18:00", to = "Mon 6:00", zone = "Europe/Berln" }

[[block]]
id = "b"
on = ["**"]
refs = ["refs/**"]
weekly = { from = "Fri 18:00", to = "Fri 18:00", zone = "UTC" }

[[block]]
id = "c"
on = ["**"]
refs = ["refs/**"]
weekly = { from = 18:00:00, zon = "UTC" }

[[block]]
id = "d"
on = ["**"]
refs = ["refs/**"]
weekly = "Fri"

[[grant]]
id = "e"
to = ["r"]
on = ["**"]
refs = ["refs/**"]
verbs = ["update"]
weekly = { from = "Fri 18:00", to = "Mon 06:00", zone = "UTC" }
"##), @r#"
    `Fry` is no day of the week: did you mean `Fri`?
     --> 1.toml:6:19
      |
    6 | weekly = { from = "Fry 18:00", to = "Mon 6:00", zone = "Europe/Berln" }
      |                   ^^^^^^^^^^^

    `Mon 6:00` is no time of the week: write a day and a time, as in `Fri 18:00`
     --> 1.toml:6:37
      |
    6 | weekly = { from = "Fry 18:00", to = "Mon 6:00", zone = "Europe/Berln" }
      |                                     ^^^^^^^^^^

    `Europe/Berln` is no time zone
     --> 1.toml:6:56
      |
    6 | weekly = { from = "Fry 18:00", to = "Mon 6:00", zone = "Europe/Berln" }
      |                                                        ^^^^^^^^^^^^^^
      = did you mean `Europe/Berlin`?

    the weekly window ends when it begins: it would be the whole week or none of it
      --> 1.toml:12:10
       |
    12 | weekly = { from = "Fri 18:00", to = "Fri 18:00", zone = "UTC" }
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = leave it out

    `weekly` has no `to`
      --> 1.toml:18:10
       |
    18 | weekly = { from = 18:00:00, zon = "UTC" }
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = add `to = "Mon 06:00"`

    `weekly` has no `zone`
      --> 1.toml:18:10
       |
    18 | weekly = { from = 18:00:00, zon = "UTC" }
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = add `zone = "Europe/Berlin"`

    `from` is a string, not a date-time
      --> 1.toml:18:19
       |
    18 | weekly = { from = 18:00:00, zon = "UTC" }
       |                   ^^^^^^^^

    `weekly` has no key `zon`
      --> 1.toml:18:29
       |
    18 | weekly = { from = 18:00:00, zon = "UTC" }
       |                             ^^^
       = did you mean `zone`?

    `weekly` is a table, not a string
      --> 1.toml:24:10
       |
    24 | weekly = "Fri"
       |          ^^^^^

    there is no role `r`
      --> 1.toml:28:7
       |
    28 | to = ["r"]
       |       ^^^
       = define it: a `[[role]]` with `id = "r"`
    "#);
}

#[cfg(feature = "regex")]
#[test]
fn regular_expressions() {
    insta::assert_snapshot!(faults(r##"[[block]]
id = "a"
on = ["re:PAY/(", "re:PAY/${user}"]
refs = ["re:.*", "re:refs/${user}", "re:refs/[z-a]", "!re:refs/(?=x)", 're:refs/(a)\1']
"##), @r#"
    the pattern `re:PAY/(`: unclosed group
     --> 1.toml:4:7
      |
    4 | on = ["re:PAY/(", "re:PAY/${user}"]
      |       ^^^^^^^^^^

    the pattern `re:PAY/${user}`: `${user}` has a meaning in ref patterns only
     --> 1.toml:4:19
      |
    4 | on = ["re:PAY/(", "re:PAY/${user}"]
      |                   ^^^^^^^^^^^^^^^^

    the pattern `re:.*`: a `re:` pattern of refs begins with `re:refs/`; it matches the whole name, so `^` is not needed
     --> 1.toml:5:9
      |
    5 | refs = ["re:.*", "re:refs/${user}", "re:refs/[z-a]", "!re:refs/(?=x)", 're:refs/(a)\1']
      |         ^^^^^^^

    the pattern `re:refs/${user}`: `${user}` has no meaning in a `re:` pattern: write a glob
     --> 1.toml:5:18
      |
    5 | refs = ["re:.*", "re:refs/${user}", "re:refs/[z-a]", "!re:refs/(?=x)", 're:refs/(a)\1']
      |                  ^^^^^^^^^^^^^^^^^

    the pattern `re:refs/[z-a]`: invalid character class range, the start must be <= the end
     --> 1.toml:5:37
      |
    5 | refs = ["re:.*", "re:refs/${user}", "re:refs/[z-a]", "!re:refs/(?=x)", 're:refs/(a)\1']
      |                                     ^^^^^^^^^^^^^^^

    the pattern `!re:refs/(?=x)`: look-around, including look-ahead and look-behind, is not supported
     --> 1.toml:5:54
      |
    5 | refs = ["re:.*", "re:refs/${user}", "re:refs/[z-a]", "!re:refs/(?=x)", 're:refs/(a)\1']
      |                                                      ^^^^^^^^^^^^^^^^

    the pattern `re:refs/(a)\\1`: backreferences are not supported
     --> 1.toml:5:72
      |
    5 | …"re:.*", "re:refs/${user}", "re:refs/[z-a]", "!re:refs/(?=x)", 're:refs/(a)\1']
      |                                                                 ^^^^^^^^^^^^^^^
    "#);
}
