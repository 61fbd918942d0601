//! Patterns of messages in two policies.

use std::collections::BTreeSet;

use oam_policy::diff::{Effect, Limits, PolicyDiff, diff};

use super::{
    common,
    world::{NOW, at, directory},
};

const HEAD: &str = r#"
version = 1
[[role]]
id = "one"
any = ["g:1"]
[[grant]]
id = "all"
to = ["one"]
on = ["**"]
refs = ["refs/heads/**"]
verbs = ["create"]
"#;

fn require(id: &str, message: &str, more: &str) -> String {
    let text = "[[require]]\nid = \"ID\"\non = [\"**\"]\nrefs = [\"refs/heads/**\"]\ncommits = { message = \"LIKE\"MORE }\n";
    text.replace("ID", id).replace("LIKE", message).replace("MORE", more)
}

fn compared(old: &str, new: &str) -> PolicyDiff {
    let [old, new] = [old, new].map(|rules| common::policy(&format!("{HEAD}{rules}")));
    diff(&old, &new, Some(&directory()), at(NOW), &Limits::default())
}

/// Whether one pattern of messages holds what another does is not looked at: that is said wherever it matters.
#[test]
fn patterns_of_messages_are_compared_as_they_are_written_and_that_is_said() {
    let one = |message: &str| require("a", message, "");
    for (old, new) in [("{PAY,WEB}-*", "{WEB,PAY}-*"), ("PAY-*", "PAY-1*"), ("PAY-1*", "PAY-*")] {
        let found = compared(&one(old), &one(new));
        let why = &found.bounded[0];
        assert!(!found.exact && why.why.contains("patterns of messages"), "{found:?}");
        assert_eq!(BTreeSet::from_iter(why.patterns.iter().map(String::as_str)), BTreeSet::from([old, new]));
    }
    let two = one("PAY-*") + &require("b", "PAY-1*", "");
    assert!(!compared(&one("PAY-*"), &two).exact);
    let waiver = "[[waiver]]\nid = \"w\"\nlifts = [\"b\"]\nto = [\"one\"]\nmax_time = \"1h\"\n";
    let lifted = compared(&two, &format!("{two}{waiver}"));
    assert!(!lifted.exact && lifted.changes[0].effect == Effect::MayLift, "{lifted:?}");
    // Where one side asks for none, or both for the same, there is nothing to be compared.
    for (old, new, effect) in [
        (String::new(), one("PAY-*"), Effect::Tightens),
        (two, String::new(), Effect::Loosens),
        (one("PAY-*"), require("a", "PAY-*", ", signed = true"), Effect::Tightens),
    ] {
        let found = compared(&old, &new);
        assert!(found.exact && found.changes[0].effect == effect, "{found:?}");
    }
}

/// `**` is none of them: it asks for a message, which a commit need not have.
#[test]
fn what_every_message_is_like_asks_for_nothing() {
    let mut all = vec!["{**,}", "**/*", "{A-*,*,**}"];
    all.extend(cfg!(feature = "regex").then_some("re:.*"));
    for like_all in all {
        let asks = require("a", like_all, "");
        let beside = require("b", "PAY-*", "");
        for (old, new) in [
            (String::new(), asks.clone()),
            (asks.clone(), String::new()),
            (beside.clone(), format!("{asks}{beside}")),
        ] {
            let found = compared(&old, &new);
            assert!(found.exact && found.total() == 0, "{like_all}: {found:?}");
        }
        let found = compared(&asks, &require("a", "PAY-*", ""));
        assert!(found.exact && found.changes[0].effect == Effect::Tightens, "{like_all}: {found:?}");
    }
    let found = compared("", &require("a", "**", ""));
    assert!(found.exact && found.changes[0].effect == Effect::Tightens, "{found:?}");
}

/// Where nobody can tell whether every message is like that, it is told as a condition, and that it may be none.
#[test]
fn a_pattern_that_may_match_every_message_is_not_compared_exactly() {
    let perhaps = require("a", "**/**/*", "");
    let signed = require("a", "**/**/*", ", signed = true");
    let waiver = "[[waiver]]\nid = \"w\"\nlifts = [\"a\"]\nto = [\"one\"]\nmax_time = \"1h\"\n";
    let lifted = format!("{perhaps}{waiver}");
    for (old, new, effect) in [
        ("", &*perhaps, Effect::Tightens),
        (&*perhaps, "", Effect::Loosens),
        (&*perhaps, &*lifted, Effect::MayLift),
    ] {
        let found = compared(old, new);
        let [bounded] = found.bounded.as_slice() else { panic!("{found:?}") };
        assert!(!found.exact && bounded.why.contains("patterns of messages"), "{found:?}");
        assert_eq!(
            (bounded.patterns.as_slice(), found.changes[0].effect),
            (&["**/**/*".to_owned()][..], effect)
        );
    }
    // Where both sides ask for it, it makes no difference.
    let found = compared(&perhaps, &signed);
    assert!(found.exact && found.changes[0].effect == Effect::Tightens, "{found:?}");
}
