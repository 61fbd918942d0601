//! Patterns of messages in two policies.

use std::collections::BTreeSet;

use oam_policy::diff::{Effect, Limits, diff};

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

/// Whether one pattern of messages holds what another does is not looked at: that is said wherever it matters.
#[test]
fn patterns_of_messages_are_compared_as_they_are_written_and_that_is_said() {
    let require = |id: &str, message: &str, more: &str| {
        let text = "[[require]]\nid = \"ID\"\non = [\"**\"]\nrefs = [\"refs/heads/**\"]\ncommits = { message = \"LIKE\"MORE }\n";
        text.replace("ID", id).replace("LIKE", message).replace("MORE", more)
    };
    let compared = |old: &str, new: &str| {
        let [old, new] = [old, new].map(|rules| common::policy(&format!("{HEAD}{rules}")));
        diff(&old, &new, Some(&directory()), at(NOW), &Limits::default())
    };
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
