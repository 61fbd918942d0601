use super::{FindingKind, of_restriction};
use crate::{
    ExemptKey, Matcher, MatcherKind, Restriction,
    mirror::Mirrored,
    provision::{Change, LONGEST_TOLD, Step, shortened},
    samples::place,
};

fn restriction(users: &[&str], groups: &[&str], keys: &[u64]) -> Restriction {
    let texts = |all: &[&str]| all.iter().map(|&one| one.to_owned()).collect();
    Restriction {
        id: 7,
        kind: "read-only".into(),
        matcher: Matcher { kind: MatcherKind::Branch, id: "refs/heads/main".into(), shown: "main".into() },
        users: texts(users),
        groups: texts(groups),
        access_keys: keys.iter().map(|id| ExemptKey { id: *id, label: String::new() }).collect(),
    }
}

/// Whoever is exempted afterwards makes another finding of it; in another order, or spelled otherwise, it is the same.
#[test]
fn a_restriction_that_exempts_more_is_another_finding() {
    let thing = |one: &Restriction| of_restriction(&place("PAY"), one).thing;
    let known = restriction(&["ada", "bob"], &["leads"], &[1, 2]);
    assert_eq!(thing(&known), thing(&restriction(&["Bob", "ada"], &["LEADS"], &[2, 1])));
    let mut weaker = known.clone();
    weaker.kind = "no-deletes".into();
    let mut elsewhere = known.clone();
    elsewhere.matcher.id = "refs/heads/x".into();
    for wider in [
        restriction(&["ada", "bob", "eve"], &["leads"], &[1, 2]),
        restriction(&["ada", "bob"], &["leads", "eng"], &[1, 2]),
        restriction(&["ada", "bob"], &["leads"], &[1, 2, 3]),
        weaker,
        elsewhere,
    ] {
        assert_ne!(thing(&known), thing(&wider), "{wider:?}");
    }
}

/// A daemon takes no text that is longer, and with it nothing of what was told.
#[test]
fn however_many_are_exempt_it_may_be_told() {
    let names: Vec<String> = (0..2_000).map(|number| format!("somebody-with-a-long-name-{number}")).collect();
    let all: Vec<_> = names.iter().map(String::as_str).collect();
    let found = of_restriction(&place("PAY"), &restriction(&all, &[], &[]));
    assert_eq!(found.kind, FindingKind::Exemption);
    assert!(found.what.len() > LONGEST_TOLD && found.thing.len() < 100);
    assert!(shortened(found.what).len() <= LONGEST_TOLD);
    let mirrored = Mirrored {
        kind: "read-only".into(),
        matcher: restriction(&[], &[], &[]).matcher,
        users: names.iter().cloned().collect(),
        groups: Default::default(),
    };
    let step = Step::Restrict { place: place("PAY"), restriction: mirrored, is_ours: false };
    let told = Change { step, because: "rule `a`; ".repeat(1_000) }.told();
    assert!(told.after.len() <= LONGEST_TOLD && told.because.len() <= LONGEST_TOLD);
    assert!(told.after.contains("somebody-with-a-long-name-0") && told.after.contains("SHA-256"));
}
