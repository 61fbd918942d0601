//! Requires and waivers, and what they change for grants and blocks.

use oam_policy::lint::Lint;

use crate::tables::{block, check, check_quiet, grant, role};

/// A require beside a grant to everybody.
fn require(keys: &str) -> String {
    let or = |key: &str, default: &str| {
        let is_given = keys.lines().any(|line| line.starts_with(&format!("{key} =")));
        if is_given { String::new() } else { format!("{key} = {default}\n") }
    };
    let asks = if keys.contains("approvals") { String::new() } else { or("via", r#""pull-request""#) };
    let (on, refs) = (or("on", r#"["P/*"]"#), or("refs", r#"["refs/heads/x/**"]"#));
    format!("{}[[require]]\nid = \"q\"\n{on}{refs}{asks}{keys}\n", grant(""))
}

fn waiver(keys: &str) -> String {
    let lifts = if keys.contains("lifts") { "" } else { "lifts = [\"q\"]\n" };
    format!("[[waiver]]\nid = \"w\"\nto = [\"everybody\"]\nmax_time = \"1h\"\n{lifts}{keys}\n")
}

#[test]
fn the_lints_of_blocks_are_those_of_requires_too() {
    check(
        Lint::RuleNeverMatches,
        "require `q`",
        &[require(r#"refs = ["refs/heads/x/*", "!refs/heads/*/**"]"#), require(r#"on = ["P/a/b"]"#)],
    );
    check(Lint::RuleNeverMatches, "waiver `w`", &[require("") + &waiver(r#"on = ["P/a/b"]"#)]);
    check(Lint::Expired, "require `q`", &[require("to = 2026-01-01T00:00:00Z")]);
    let except = |group: &str| {
        role(&format!("any = [\"{group}\"]")) + &require("except = [\"r\"]").replace(&grant(""), "")
    };
    check(Lint::ExceptTooLarge, "require `q`", &[except("g:many")]);
    check_quiet(&[require(""), except("g:one-in-five"), require("") + &waiver("")]);
    let second = "[[require]]\nid = \"r\"\non = [\"p/*\"]\nrefs = [\"refs/heads/x/**\"]\nvia = \"pull-request\"\nhelp = \"x\"\n";
    check(Lint::DuplicateRule, "require `r`", &[require("") + second]);
    check_quiet(&[require("") + &second.replace("via", "commits = { linear = true }\nvia")]);
    let twice = waiver("") + &waiver("").replace("\"w\"", "\"x\"");
    check(Lint::DuplicateRule, "waiver `x`", &[require("") + &twice]);
    let allow = "allow = [{ lint = \"expired\", reason = \"x\" }]";
    check(Lint::UnusedAllow, "require `q`", &[require(allow)]);
    check(Lint::UnusedAllow, "waiver `w`", &[require("") + &waiver(allow)]);
}

#[test]
fn a_role_is_used_wherever_something_depends_on_it() {
    let role = "[[role]]\nid = \"r\"\nany = [\"g:first\"]\n";
    check_quiet(&[
        require("except = [\"r\"]") + role,
        require("approvals = [{ role = \"r\" }]") + role,
        require("") + &waiver("second_person = [\"r\"]") + role,
        require("") + &waiver("").replace("\"everybody\"", "\"r\"") + role,
    ]);
}

#[test]
fn approvals_that_nobody_could_give() {
    let asking = |count: u8| {
        role(r#"any = ["g:one-in-five"]"#)
            + &require(&format!("approvals = [{{ role = \"r\", count = {count} }}]")).replace(&grant(""), "")
    };
    check(Lint::ApprovalsOutOfReach, "require `q`", &[asking(21), asking(100)]);
    check_quiet(&[asking(20), asking(1)]);
}

#[test]
fn waivers_with_nothing_to_lift() {
    let a_block = |keys: &str| grant("") + &block(&format!("id = \"q\"\n{keys}"));
    let refs = r#"refs = ["refs/heads/x/*"]"#;
    check(
        Lint::WaiverLiftsNothing,
        "waiver `w`",
        &[
            a_block(&format!("{refs}\nmode = \"evaluate\"")) + &waiver(""),
            require("mode = \"evaluate\"") + &waiver(""),
            require("") + &waiver(r#"on = ["Q/*"]"#),
            require("") + &waiver(r#"refs = ["refs/heads/*", "refs/tags/**"]"#),
            require(r#"refs = ["refs/heads/x/**", "!refs/heads/x/?/**"]"#)
                + &waiver(r#"refs = ["refs/heads/x/a/**"]"#),
            require(r#"refs = ["refs/heads/u/${user}"]"#) + &waiver(r#"refs = ["refs/heads/u"]"#),
        ],
    );
    check_quiet(&[
        a_block(refs) + &waiver(""),
        require("") + &waiver("mode = \"evaluate\"\non = [\"Q/*\"]"),
        require("") + &waiver(r#"refs = ["refs/heads/*/a"]"#),
        require(r#"refs = ["refs/heads/u/${user}"]"#) + &waiver(r#"refs = ["refs/heads/u/b"]"#),
        require(r#"refs = ["re:refs/heads/x.*"]"#) + &waiver(r#"refs = ["refs/heads/y"]"#),
        require("")
            + &block(&format!("id = \"b\"\n{refs}\nmode = \"evaluate\""))
            + &waiver(r#"lifts = ["q", "b"]"#),
    ]);
}

#[test]
fn what_can_be_lifted_or_is_about_some_paths_covers_no_grant() {
    let all = r#"refs = ["refs/heads/x/**"]"#;
    let lift = |more: &str| waiver(&format!("lifts = [\"b\"]\n{more}"));
    check_quiet(&[
        grant("") + &block(&format!("{all}\npaths = [\"secrets/**\"]")),
        grant("") + &block(all) + &lift(""),
        require(all),
    ]);
    check(
        Lint::GrantCoveredByBlocks,
        "grant `g`",
        &[
            grant("paths = [\"docs/**\"]") + &block(all),
            grant("") + &block(all) + &lift("mode = \"evaluate\""),
        ],
    );
}
