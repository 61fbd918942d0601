//! What is wrong with a require, a waiver, or what a test says of the circumstances.

use super::super::faults;

const RULES: &str = r##"[[role]]
id = "developer"
any = ["okta:eng"]

[[block]]
id = "freeze"
on = ["**"]
refs = ["refs/heads/main"]

[[block]]
id = "tags"
on = ["**"]
refs = ["refs/tags/**"]
absolute = true

[[require]]
id = "reviewed"
on = ["**"]
refs = ["refs/heads/main"]
via = "pull-request"

[[grant]]
id = "main"
to = ["developer"]
on = ["**"]
refs = ["refs/heads/main"]
verbs = ["update"]
"##;

#[test]
fn what_tags_and_numbers_of_commits_may_not_say() {
    insta::assert_snapshot!(faults(r##"[[require]]
id = "few"
on = ["**"]
refs = ["refs/heads/**"]
commits = { max_commits = 0 }

[[require]]
id = "tags"
on = ["**"]
refs = ["refs/tags/**"]
tags = { signed = "yes", anotated = true }

[[require]]
id = "no-tags"
on = ["**"]
refs = ["refs/tags/**"]
tags = {}

[[test]]
as = []
push = "create PAY/api refs/tags/v1"
tag = "light"
commits = -1
expect = "refused"
"##), @r#"
    `max_commits` is a whole number from 1 to 1000000, not 0
     --> 1.toml:6:27
      |
    6 | commits = { max_commits = 0 }
      |                           ^

    `signed` is `true` or `false`, not a string
      --> 1.toml:12:19
       |
    12 | tags = { signed = "yes", anotated = true }
       |                   ^^^^^

    `tags` has no key `anotated`
      --> 1.toml:12:26
       |
    12 | tags = { signed = "yes", anotated = true }
       |                          ^^^^^^^^
       = did you mean `annotated`?

    `tags` asks for nothing
      --> 1.toml:18:8
       |
    18 | tags = {}
       |        ^^
       = add what tags must be like, as in `annotated = true`, or take it out

    `light` is no kind of tag: it is one of `signed`, `annotated`, `lightweight`
      --> 1.toml:23:7
       |
    23 | tag = "light"
       |       ^^^^^^^

    `commits` is a whole number from 0 to 4294967295, not -1
      --> 1.toml:24:11
       |
    24 | commits = -1
       |           ^^
    "#);
}

#[test]
#[cfg(feature = "regex")]
fn everything_that_can_be_wrong_with_a_require() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = "developer"
any = ["okta:eng"]

[[require]]
id = "nothing"
on = ["**"]
refs = ["refs/heads/main"]
to = ["developer"]
user = "alice"
exclude = ["author"]
reset_on_push = true

[[require]]
id = "much"
on = ["**"]
refs = ["refs/heads/main"]
verbs = ["read"]
via = "pullrequest"
exclude = ["autor"]
approvals = [
  { role = "develper", count = 0 },
  { count = 101, path = ["a"] },
  { role = "developer", paths = ["/deploy/**", "deploy/"] },
  "developer",
]
commits = { signd = true, message = "re:(", max_blob = 5, forbid_paths = ["${user}/**"], forbid_extensions = [".jar"] }

[[require]]
id = "empty"
on = ["**"]
refs = ["refs/heads/main"]
approvals = []
commits = {}"##), @r#"
    a require asks for nothing
     --> 1.toml:6:1
      |
    6 | [[require]]
      | ^^^^^^^^^^^
      = add `via = "pull-request"`, `approvals = [{ role = "developer", count = 1 }]`, `commits = { … }`, or `tags = { … }`

    a require does not say whom it binds
      --> 1.toml:10:6
       |
    10 | to = ["developer"]
       |      ^^^^^^^^^^^^^
       = a require binds everybody but the roles in `except`; its `to` is the date-time at which it ends

    a require does not say whom it binds
      --> 1.toml:11:1
       |
    11 | user = "alice"
       | ^^^^
       = a require binds everybody but the roles in `except`

    `exclude` says nothing without `approvals`
      --> 1.toml:12:1
       |
    12 | exclude = ["author"]
       | ^^^^^^^
       = it says whose approval does not count: add `approvals`, or take it out

    `reset_on_push` says nothing without `approvals`
      --> 1.toml:13:1
       |
    13 | reset_on_push = true
       | ^^^^^^^^^^^^^
       = it says which approvals count: add `approvals`, or take it out

    a require cannot be about `read`: it is about changes to refs
      --> 1.toml:19:10
       |
    19 | verbs = ["read"]
       |          ^^^^^^
       = take it out

    `pullrequest` is no way in that can be required: did you mean `pull-request`?
      --> 1.toml:20:7
       |
    20 | via = "pullrequest"
       |       ^^^^^^^^^^^^^

    `autor` is no kind of person whose approval does not count: did you mean `author`?
      --> 1.toml:21:12
       |
    21 | exclude = ["autor"]
       |            ^^^^^^^

    there is no role `develper`
      --> 1.toml:23:12
       |
    23 |   { role = "develper", count = 0 },
       |            ^^^^^^^^^^
       = did you mean `developer`?

    `count` is a whole number from 1 to 100, not 0
      --> 1.toml:23:32
       |
    23 |   { role = "develper", count = 0 },
       |                                ^

    an element of this list has no `role`
      --> 1.toml:24:3
       |
    24 |   { count = 101, path = ["a"] },
       |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = add `role = "developer"`

    `count` is a whole number from 1 to 100, not 101
      --> 1.toml:24:13
       |
    24 |   { count = 101, path = ["a"] },
       |             ^^^

    an element of this list has no key `path`
      --> 1.toml:24:18
       |
    24 |   { count = 101, path = ["a"] },
       |                  ^^^^
       = did you mean `paths`?

    the pattern `/deploy/**`: a path begins at the top of the repository, without `/`: did you mean `deploy/**`?
      --> 1.toml:25:34
       |
    25 |   { role = "developer", paths = ["/deploy/**", "deploy/"] },
       |                                  ^^^^^^^^^^^^

    the pattern `deploy/`: a path is that of a file: did you mean `deploy/**`?
      --> 1.toml:25:48
       |
    25 |   { role = "developer", paths = ["/deploy/**", "deploy/"] },
       |                                                ^^^^^^^^^

    an element of this list is a table, not a string
      --> 1.toml:26:3
       |
    26 |   "developer",
       |   ^^^^^^^^^^^

    `commits` has no key `signd`
      --> 1.toml:28:13
       |
    28 | commits = { signd = true, message = "re:(", max_blob = 5, forbid_paths = ["${user}/**"], forbid_extensions = [".jar"] }
       |             ^^^^^
       = did you mean `signed`?

    the pattern `re:(`: unclosed group
      --> 1.toml:28:37
       |
    28 | commits = { signd = true, message = "re:(", max_blob = 5, forbid_paths = ["${user}/**"], forbid_extensions = [".jar"] }
       |                                     ^^^^^^

    `max_blob` is a size, not a number
      --> 1.toml:28:56
       |
    28 | commits = { signd = true, message = "re:(", max_blob = 5, forbid_paths = ["${user}/**"], forbid_extensions = [".jar"] }
       |                                                        ^
       = say of what: `max_blob = "5MiB"`

    the pattern `${user}/**`: `${user}` has a meaning in ref patterns only: a path or a message is matched as it is
      --> 1.toml:28:75
       |
    28 | … signd = true, message = "re:(", max_blob = 5, forbid_paths = ["${user}/**"], forbid_extensions = [".jar"] }
       |                                                                 ^^^^^^^^^^^^

    an extension is what stands behind the dot: `jar`
      --> 1.toml:28:111
       |
    28 | …_blob = 5, forbid_paths = ["${user}/**"], forbid_extensions = [".jar"] }
       |                                                                 ^^^^^^

    `approvals` is an empty list
      --> 1.toml:34:13
       |
    34 | approvals = []
       |             ^^
       = write `approvals = [{ role = "developer", count = 1 }]`

    `commits` asks for nothing
      --> 1.toml:35:11
       |
    35 | commits = {}
       |           ^^
       = add what commits must be like, as in `signed = true`, or take it out
    "#);
}

#[test]
fn everything_that_can_be_wrong_with_an_elevation() {
    insta::assert_snapshot!(faults(&format!("{RULES}{}", r##"
[[elevation]]
id = "on-call"
roles = ["lead"]
max_time = "0s"
approvals = 2
ends_with_approver = false

[[elevation]]
id = "main"
roles = ["developer"]
to = ["developer"]
max_time = "1h"
approved_by = ["developer"]
approvals = 17
approver = ["developer"]"##)), @r#"
    an elevation has no `to`
      --> 1.toml:30:1
       |
    30 | [[elevation]]
       | ^^^^^^^^^^^^^
       = add `to = ["developer"]`

    there is no role `lead`
      --> 1.toml:32:10
       |
    32 | roles = ["lead"]
       |          ^^^^^^
       = define it: a `[[role]]` with `id = "lead"`

    `0s` is no length of time: write it as in `15m` or `1h 30m`
      --> 1.toml:33:12
       |
    33 | max_time = "0s"
       |            ^^^^

    `approvals` says how it is approved, and nobody is said to approve it
      --> 1.toml:34:13
       |
    34 | approvals = 2
       |             ^
       = add `approved_by = ["release-manager"]`

    `ends_with_approver` says how it is approved, and nobody is said to approve it
      --> 1.toml:35:22
       |
    35 | ends_with_approver = false
       |                      ^^^^^
       = add `approved_by = ["release-manager"]`

    the rule id `main` is given twice: at 1.toml:24:6 and here
      --> 1.toml:38:6
       |
    38 | id = "main"
       |      ^^^^^^
       = give one of them another id, or take it out

    `approvals` is a whole number from 1 to 16, not 17
      --> 1.toml:43:13
       |
    43 | approvals = 17
       |             ^^
       = it is how many others must approve; where nobody need, leave `approved_by` out

    an elevation has no key `approver`
      --> 1.toml:44:1
       |
    44 | approver = ["developer"]
       | ^^^^^^^^
       = it may have `id`, `roles`, `to`, `on`, `refs`, `max_time`, `reason`, `approved_by`, `approvals`, `ends_with_approver`, `mode`, `allow`
    "#);
}

#[test]
fn everything_that_can_be_wrong_with_a_waiver() {
    insta::assert_snapshot!(faults(&format!("{RULES}{}", r##"
[[waiver]]
id = "hotfix"
lifts = ["freze", "tags", "main", "reviewed"]
to = ["on-cal"]
max_time = 60
second_person = ["lead"]

[[waiver]]
id = "nothing"
reason = "yes""##)), @r#"
    there is no block or require `freze`
      --> 1.toml:32:10
       |
    32 | lifts = ["freze", "tags", "main", "reviewed"]
       |          ^^^^^^^
       = did you mean `freeze`?

    there is no block or require `tags`
      --> 1.toml:32:19
       |
    32 | lifts = ["freze", "tags", "main", "reviewed"]
       |                   ^^^^^^
       = `tags` is an absolute block: no waiver lifts it

    there is no block or require `main`
      --> 1.toml:32:27
       |
    32 | lifts = ["freze", "tags", "main", "reviewed"]
       |                           ^^^^^^
       = `main` is a grant

    there is no role `on-cal`
      --> 1.toml:33:7
       |
    33 | to = ["on-cal"]
       |       ^^^^^^^^
       = define it: a `[[role]]` with `id = "on-cal"`

    `max_time` is a length of time, not a number
      --> 1.toml:34:12
       |
    34 | max_time = 60
       |            ^^
       = say of what: `max_time = "60m"`

    there is no role `lead`
      --> 1.toml:35:18
       |
    35 | second_person = ["lead"]
       |                  ^^^^^^
       = define it: a `[[role]]` with `id = "lead"`

    a waiver has no `lifts`
      --> 1.toml:37:1
       |
    37 | [[waiver]]
       | ^^^^^^^^^^
       = add `lifts = ["reviewed"]`

    a waiver has no `to`
      --> 1.toml:37:1
       |
    37 | [[waiver]]
       | ^^^^^^^^^^
       = add `to = ["on-call"]`

    a waiver has no `max_time`
      --> 1.toml:37:1
       |
    37 | [[waiver]]
       | ^^^^^^^^^^
       = add `max_time = "1h"`

    `reason` is `true` or `false`, not a string
      --> 1.toml:39:10
       |
    39 | reason = "yes"
       |          ^^^^^
    "#);
}

#[test]
fn everything_that_can_be_wrong_with_circumstances() {
    insta::assert_snapshot!(faults(&format!("{RULES}{}", r##"
[[test]]
as = ["developer"]
push = "update PAY/api refs/heads/main"
paths = ["/a", "b"]
approved_by = [["developr"], 5]
commit = { merg = true, blob = "5" }
waivers = ["freeze"]
expect = "refused:pull-request-required:freeze"

[[test]]
as = ["developer"]
push = "update PAY/api refs/heads/main"
approved_by = "alice"
expect = "refused:paths-not-granted:main"

[[test]]
as = ["developer"]
push = "update PAY/api refs/heads/main"
expect = "permitted:reviewed""##)), @r#"
    the path `/a`: it has an empty component: a path begins at the top of the repository, without `/`
      --> 1.toml:33:10
       |
    33 | paths = ["/a", "b"]
       |          ^^^^

    there is no role `developr`
      --> 1.toml:34:17
       |
    34 | approved_by = [["developr"], 5]
       |                 ^^^^^^^^^^
       = did you mean `developer`?

    `approved_by` is a string, not a number
      --> 1.toml:34:30
       |
    34 | approved_by = [["developr"], 5]
       |                              ^

    `commit` has no key `merg`
      --> 1.toml:35:12
       |
    35 | commit = { merg = true, blob = "5" }
       |            ^^^^
       = did you mean `merge`?

    `5` is no size: write it as in `5MiB`, `300KiB` or `0B`
      --> 1.toml:35:32
       |
    35 | commit = { merg = true, blob = "5" }
       |                                ^^^

    there is no waiver `freeze`
      --> 1.toml:36:12
       |
    36 | waivers = ["freeze"]
       |            ^^^^^^^^
       = `freeze` is a block

    there is no require `freeze`
      --> 1.toml:37:10
       |
    37 | expect = "refused:pull-request-required:freeze"
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = `freeze` is a block: expect `refused:blocked:freeze`

    `approved_by` is a list
      --> 1.toml:42:15
       |
    42 | approved_by = "alice"
       |               ^^^^^^^
       = write `approved_by = [["developer"], "alice"]`: each by their roles, or by their name

    no rule says `paths-not-granted`, so `refused:paths-not-granted` is all that can be expected
      --> 1.toml:43:10
       |
    43 | expect = "refused:paths-not-granted:main"
       |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    there is no grant `reviewed`
      --> 1.toml:48:10
       |
    48 | expect = "permitted:reviewed"
       |          ^^^^^^^^^^^^^^^^^^^^
       = `reviewed` is a require: expect what it asks for, as in `refused:pull-request-required:reviewed`
    "#);
}

#[test]
fn paths_are_no_part_of_whole_repositories() {
    insta::assert_snapshot!(faults(r##"[[role]]
id = "developer"
any = ["okta:eng"]

[[grant]]
id = "read"
to = ["developer"]
on = ["**"]
verbs = ["read"]
paths = ["docs/**"]

[[grant]]
id = "ends"
to = ["developer"]
on = ["**"]
refs = ["refs/**"]
verbs = ["create"]
from = 2026-02-01T00:00:00Z
expires = 2026-01-01T00:00:00Z"##), @r#"
    these verbs carry no paths
      --> 1.toml:11:1
       |
    11 | paths = ["docs/**"]
       | ^^^^^
       = `read` is about whole repositories: give it by a grant of its own

    the window ends (2026-01-01T00:00:00Z) before it begins (2026-02-01T00:00:00Z)
      --> 1.toml:20:11
       |
    20 | expires = 2026-01-01T00:00:00Z
       |           ^^^^^^^^^^^^^^^^^^^^
       = `expires` is the first moment after the grant
    "#);
}
