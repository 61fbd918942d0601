//! What is claimed of patterns, against brute force: every short name, every repository of a small world.

use oam_policy::{
    Repository, Username,
    lint::{About, Lint, Warning, lint},
};
use proptest::{
    prelude::{Just, Strategy, prop_oneof},
    test_runner::{Config, TestRunner},
};

use crate::{
    at, common,
    world::{self, NOW, REPOSITORIES, VERBS},
};

/// Patterns that often take each other out.
fn patterns(excluded: usize) -> impl Strategy<Value = String> {
    let segment = || {
        prop_oneof![
            4 => Just("a"), 4 => Just("b"), 4 => Just("*"), 2 => Just("?"), 2 => Just("{a,b}"), 1 => Just("a*"),
            1 => Just("${user}"), 1 => Just("x.lock"), 1 => Just("?*"),
        ]
    };
    let pattern = || {
        let heads = proptest::collection::vec(segment(), 1..3)
            .prop_map(|segments| format!("refs/heads/{}", segments.join("/")));
        prop_oneof![
            6 => heads,
            2 => segment().prop_map(|one| format!("refs/heads/{one}/**")),
            1 => Just("refs/heads/**".to_owned()),
            1 => Just("refs/tags/**".to_owned()),
            1 => Just(if cfg!(feature = "regex") { "re:refs/heads/[ab]" } else { "refs/heads/*" }.to_owned()),
        ]
    };
    let excluded = proptest::collection::vec(pattern(), 0..=excluded);
    (proptest::collection::vec(pattern(), 1..3), excluded).prop_map(|(some, but)| {
        let but = but.into_iter().map(|pattern| format!("!{pattern}"));
        let all: Vec<_> = some.into_iter().chain(but).map(|pattern| format!("{pattern:?}")).collect();
        format!("[{}]", all.join(", "))
    })
}

fn repositories() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        4 => Just(r#"["**"]"#),
        2 => Just(r#"["P/*"]"#),
        1 => Just(r#"["P/a", "P/b"]"#),
        1 => Just(r#"["p/?", "!*/a"]"#),
        1 => Just(r#"["*/a"]"#),
        1 => Just(r#"["P/*", "!P/?"]"#),
    ]
}

fn verbs() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        2 => Just(r#"["create"]"#),
        1 => Just(r#"["update"]"#),
        1 => Just(r#"["force", "delete"]"#),
        4 => Just(r#"["create", "update", "force", "delete"]"#),
    ]
}

fn ends() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just(""), 1 => Just("2026-06-03T00:00:00Z"), 1 => Just("2026-06-05T00:00:00Z")]
}

/// A grant to everybody and some blocks.
fn policies() -> impl Strategy<Value = String> {
    let grant = (repositories(), patterns(3), verbs(), ends()).prop_map(|(on, refs, verbs, end)| {
        let end = if end.is_empty() { String::new() } else { format!("expires = {end}\n") };
        format!("[[grant]]\nid = \"g\"\nto = [\"one\"]\non = {on}\nrefs = {refs}\nverbs = {verbs}\n{end}")
    });
    let block = (repositories(), patterns(1), verbs(), ends(), 0..8_u8);
    let blocks = proptest::collection::vec(block, 2..7).prop_map(|blocks| {
        let one = |(number, (on, refs, verbs, end, kind)): (usize, (&str, String, &str, &str, u8))| {
            let end = if end.is_empty() { String::new() } else { format!("to = {end}\n") };
            let more = match kind {
                0 => "mode = \"evaluate\"\n",
                1 => "except = [\"two\"]\n",
                2 => "from = 2026-06-02T00:00:00Z\n",
                _ => "",
            };
            format!("[[block]]\nid = \"b{number}\"\non = {on}\nrefs = {refs}\nverbs = {verbs}\n{end}{more}")
        };
        blocks.into_iter().enumerate().map(one).collect::<String>()
    });
    (grant, blocks).prop_map(|(grant, blocks)| {
        let roles = "[[role]]\nid = \"one\"\nany = [\"g:1\", \"g:2\"]\n[[role]]\nid = \"two\"\nall = [\"g:1\", \"g:2\"]\n";
        format!("version = 1\n{roles}{grant}{blocks}")
    })
}

/// Every push of the small world that the policy's one grant permits, at its beginning and later on.
fn is_ever_permitted(policy: &str) -> bool {
    let state = world::state(&common::policy(policy));
    let names = world::names(3);
    let users = ["a", "b", "ab", "b/a"].iter();
    users.into_iter().any(|user| {
        let user: Username = user.parse().unwrap();
        REPOSITORIES.iter().any(|repository| {
            let repository: Repository = repository.parse().unwrap();
            [NOW, "2026-06-02T00:00:00Z", "2026-06-04T00:00:00Z", "2026-06-06T00:00:00Z"].iter().any(|now| {
                VERBS.iter().any(|verb| {
                    let permitted = world::permitted(&state, &user, &repository, *verb, &names, at(now));
                    permitted.contains(&true)
                })
            })
        })
    })
}

/// Whether the policy's one grant permits the same without the pattern that a warning names first.
fn is_for_nothing(grant: &str, message: &str) -> bool {
    let pattern = message.split('`').nth(3).unwrap();
    let sign = if message.contains(" excludes ") { "!" } else { "" };
    let pattern = format!("\"{sign}{pattern}\"");
    let without = grant.replace(&format!("{pattern}, "), "").replace(&format!(", {pattern}"), "");
    assert!(!without.contains(&pattern), "{message}\n{grant}");
    let [with, without] = [grant, without.as_str()].map(|text| world::state(&common::policy(text)));
    let names = world::names(3);
    ["a", "b", "ab", "b/a"].iter().all(|user| {
        let user: Username = user.parse().unwrap();
        REPOSITORIES.iter().all(|repository| {
            let repository: Repository = repository.parse().unwrap();
            VERBS.iter().all(|verb| {
                let permitted = |state| world::permitted(state, &user, &repository, *verb, &names, at(NOW));
                permitted(&with) == permitted(&without)
            })
        })
    })
}

#[test]
fn what_is_proved_is_so() {
    let (mut never, mut covered, mut for_nothing) = (0, 0, 0);
    let mut runner = TestRunner::new_with_rng(
        Config::with_cases(500),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let counted = std::cell::RefCell::new((&mut never, &mut covered, &mut for_nothing));
    runner
        .run(&policies(), |text| {
            let report = lint(&common::policy(&text), None, at(NOW));
            let claims = |lint: Lint| {
                report
                    .warnings
                    .iter()
                    .any(|warning| warning.lint == lint && matches!(&warning.about, About::Grant(_)))
            };
            if claims(Lint::GrantCoveredByBlocks) {
                *counted.borrow_mut().1 += 1;
                proptest::prop_assert!(!is_ever_permitted(&text), "{}", text);
            }
            let grant = text.split("[[block]]").next().unwrap_or_default();
            if claims(Lint::RuleNeverMatches) {
                *counted.borrow_mut().0 += 1;
                proptest::prop_assert!(!is_ever_permitted(grant), "{}", text);
            }
            let of_pattern = |warning: &&Warning| {
                warning.lint == Lint::PatternNeverMatches && matches!(&warning.about, About::Grant(_))
            };
            for warning in report.warnings.iter().filter(of_pattern) {
                *counted.borrow_mut().2 += 1;
                proptest::prop_assert!(is_for_nothing(grant, &warning.message), "{}", text);
            }
            Ok(())
        })
        .unwrap();
    assert!(never > 50 && covered > 20, "{never} never match, {covered} are covered: too few to tell");
    assert!(for_nothing > 20, "{for_nothing} patterns are for nothing: too few to tell");
}

/// The other way round: where only globs without `${user}` are in play, whatever no short name shows is proved.
#[test]
fn what_is_so_is_proved() {
    for (refs, blocks) in [
        ("refs/heads/{a,b}", &["refs/heads/a", "refs/heads/?"][..]),
        ("refs/heads/**", &["refs/heads/*", "refs/heads/*/*", "refs/heads/*/*/**"]),
        ("refs/heads/?*", &["refs/heads/*"]),
        ("refs/heads/*/a", &["refs/heads/**/a"]),
        ("refs/heads/a/**/b", &["refs/heads/a/b", "refs/heads/**/*/b"]),
    ] {
        let block = |(number, refs): (usize, &&str)| {
            format!("[[block]]\nid = \"b{number}\"\non = [\"**\"]\nrefs = [\"{refs}\"]\n")
        };
        let blocks: String = blocks.iter().enumerate().map(block).collect();
        let text = format!(
            "version = 1\n[[role]]\nid = \"one\"\nany = [\"g:1\"]\n[[grant]]\nid = \"g\"\nto = [\"one\"]\non = [\"**\"]\n\
             refs = [\"{refs}\"]\nverbs = [\"create\"]\n{blocks}"
        );
        let report = lint(&common::policy(&text), None, at(NOW));
        let lints: Vec<_> = report.warnings.iter().map(|warning| warning.lint).collect();
        assert_eq!(lints, [Lint::GrantCoveredByBlocks], "{refs}");
    }
}
