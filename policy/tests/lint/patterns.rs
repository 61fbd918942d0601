//! Patterns for nothing, beside others that do something.

use oam_policy::lint::Lint;

use crate::{
    found,
    tables::{block, check, check_quiet, grant, on, refs, told},
};

#[test]
fn patterns_that_match_nothing_beside_others() {
    check(
        Lint::PatternNeverMatches,
        "grant `g`",
        &[
            refs(r#""refs/heads/main", "refs/heads/release/[0-9]*""#),
            refs(r#""refs/heads/x.lock", "refs/heads/x.lock?""#),
            refs(r#""refs/heads/x", "refs/heads/a b""#),
            refs(r#""refs/heads/u/${user}", "refs/heads/.${user}""#),
            refs(r#""re:refs/heads/x.*", "refs/heads/a..b""#),
            refs(r#""refs/heads/{x,[ab]}""#),
            on(r#""P/a", "P/[ab]*""#),
            on(r#""P/a", "P/a/*""#),
            on(r#""P/{a,b c}""#),
        ],
    );
    check_quiet(&[
        refs(r#""refs/heads/x{.,}{lock,y}""#),
        refs(r#""refs/heads/x", "re:refs/heads/[ab]""#),
        refs(r#""refs/heads/x", "refs/heads/{x.lock,y}""#),
        on(r#""P/a", "P/x?y", "**""#),
    ]);
}

#[test]
fn exclusions_that_take_nothing_out() {
    check(
        Lint::PatternNeverMatches,
        "grant `g`",
        &[
            refs(r#""refs/heads/release/**", "!refs/heads/mian""#),
            refs(r#""refs/heads/x/*", "!refs/heads/x/*/**""#),
            refs(r#""refs/heads/x", "refs/heads/y", "!refs/heads/z*""#),
            refs(r#""refs/heads/**", "!refs/heads/[ab]*""#),
            refs(r#""refs/heads/**", "!refs/heads/{x,y.lock z}""#),
            on(r#""P/*", "!Q/*""#),
            on(r#""P/*", "!P/a b""#),
        ],
    );
    check_quiet(&[
        refs(r#""refs/heads/x/**", "!refs/heads/x/y""#),
        refs(r#""refs/heads/x/**", "!refs/heads/{mian,x/y}""#),
        refs(r#""refs/heads/x/**", "!refs/heads/${user}""#),
        refs(r#""refs/heads/u/${user}/**", "!refs/heads/u/b/**""#),
        refs(r#""refs/heads/b*", "!refs/heads/*c""#),
        refs(r#""refs/heads/x/**", "!re:refs/heads/y""#),
        refs(r#""re:refs/heads/x/.*", "!refs/heads/y""#),
        on(r#""P/*", "!*/b""#),
    ]);
}

#[test]
fn classes_of_other_systems_are_told_as_such() {
    let rules = grant("")
        + &block(
            r#"id = "b"
            refs = ["refs/heads/main", "refs/heads/release/[0-9]*", "!refs/heads/mian"]"#,
        )
        + &block(
            r#"id = "c"
            refs = ["refs/heads/{x,[ab]}", "!refs/heads/[0-9]+"]"#,
        )
        + &block(
            r#"id = "d"
            refs = ["refs/heads/[ab]*"]"#,
        )
        + &block(
            r#"id = "e"
            on = ["P/a", "P/a b", "WEB/[ab]*"]
            refs = ["refs/tags/**"]"#,
        );
    insta::assert_snapshot!(told(&found(&rules)), @"
    rule-never-matches: the block `d` never matches: git accepts no ref name that its `refs` names (a glob has no classes: write `re:refs/heads/[ab][^/]*`)
    pattern-never-matches: the block `b` names `refs/heads/release/[0-9]*` in its `refs`, and git accepts no such ref name (a glob has no classes: write `re:refs/heads/release/[0-9][^/]*`)
    pattern-never-matches: the block `b` excludes `refs/heads/mian` from its `refs`, in which there is no such ref (see how it is spelled, or take it out: it takes out of its own list only)
    pattern-never-matches: the block `c` names `refs/heads/{x,[ab]}` in its `refs`, and git accepts no ref name for one of its alternatives (a glob has no classes such as `[0-9]`: a pattern that begins with `re:` has)
    pattern-never-matches: the block `c` excludes `refs/heads/[0-9]+` from its `refs`, and git accepts no such ref name (a glob has no classes such as `[0-9]`: a pattern that begins with `re:` has)
    pattern-never-matches: the block `e` names `p/a b` in its `on`, and there can be no such repository (a repository is `PROJECT/slug`, of letters, digits, `-`, `_`, `.` and `~`)
    pattern-never-matches: the block `e` names `web/[ab]*` in its `on`, and there can be no such repository (a glob has no classes: write `re:web/[ab][^/]*`)
    ");
}
