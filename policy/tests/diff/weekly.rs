//! Weekly windows: what comes again every week.

use oam_policy::diff::{Effect, Limits, PolicyDiff, diff};

use super::{
    common,
    world::{NOW, at, directory},
};

const HEAD: &str = "version = 1\n[[role]]\nid = \"one\"\nany = [\"g:1\"]\n";
const GRANT: &str = "[[grant]]\nid = \"main\"\nto = [\"one\"]\non = [\"**\"]\nverbs = [\"update\"]\nrefs = [\"refs/heads/main\"]\n";

fn freeze(id: &str, zone: &str) -> String {
    format!(
        "[[block]]\nid = \"{id}\"\non = [\"**\"]\nrefs = [\"refs/heads/main\"]\n\
         weekly = {{ from = \"Fri 18:00\", to = \"Mon 06:00\", zone = \"{zone}\" }}\n"
    )
}

fn compared(old: &str, new: &str) -> PolicyDiff {
    let [old, new] = [old, new].map(|rules| common::policy(&format!("{HEAD}{rules}")));
    diff(&old, &new, Some(&directory()), at(NOW), &Limits::default())
}

/// When each change is so, and whether that comes again.
fn when(found: &PolicyDiff) -> Vec<(Effect, Option<String>, Option<String>, bool)> {
    let text = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string());
    let told = found.changes.iter();
    let mut told: Vec<_> =
        told.map(|change| (change.effect, text(change.from), text(change.to), change.is_weekly)).collect();
    told.sort();
    told
}

#[test]
fn a_weekly_rule_that_stays_leaves_the_answer_exact() {
    let docs = GRANT.replace("main", "docs");
    let (old, new) = (format!("{GRANT}{}", freeze("f", "Europe/Berlin")), freeze("f", "Europe/Berlin"));
    let found = compared(&old, &(GRANT.to_owned() + &new + &docs));
    assert!(found.exact, "{:?}", found.bounded);
    // The new grant is of a ref that the weekly rule does not meet: for good, and not week by week.
    assert_eq!(when(&found), [(Effect::Gains, None, None, false)]);
}

#[test]
fn a_weekly_rule_that_comes_is_told_with_its_hours() {
    let found = compared(GRANT, &format!("{GRANT}{}", freeze("f", "UTC")));
    assert!(found.exact, "{:?}", found.bounded);
    // It is Monday, 00:00.
    let time = |text: &str| Some(text.to_owned());
    assert_eq!(
        when(&found),
        [
            (Effect::Loses, None, time("2026-06-01T06:00:00Z"), true),
            (Effect::Loses, time("2026-06-05T18:00:00Z"), time("2026-06-08T06:00:00Z"), true),
        ]
    );
}

#[test]
fn hours_by_the_clocks_of_several_places_are_said_not_to_be_all() {
    let both = freeze("f", "UTC") + &freeze("g", "Europe/Berlin");
    let found = compared(&both, &(GRANT.to_owned() + &both));
    assert!(!found.exact);
    assert!(found.bounded[0].why.contains("several time zones"), "{:?}", found.bounded);
}
