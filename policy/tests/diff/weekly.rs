//! Weekly windows: what comes again every week.

use oam_policy::{
    Facts, Outcome,
    diff::{Effect, Limits, PolicyDiff, diff},
};

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

#[test]
fn more_windows_than_are_looked_at_matter_only_where_something_changes_for_whom_they_are() {
    let own = |number: usize| {
        freeze(&format!("f{number}"), "UTC").replace("Fri 18:00", &format!("Fri 18:{number:02}"))
    };
    let many = GRANT.to_owned() + &(0..40).map(own).collect::<String>();
    let same = compared(&many, &many);
    assert!(same.exact && same.total() == 0, "{:?}", same.bounded);
    let found = compared(&many, &(many.clone() + &GRANT.replace("main", "docs")));
    assert!(found.bounded.iter().any(|bounded| bounded.why.contains("more than 32")), "{:?}", found.bounded);
}

#[test]
fn hours_that_the_clock_skips_in_the_week_that_is_compared_are_said_to_be_left_out() {
    let night =
        freeze("f", "Europe/Berlin").replace("Fri 18:00", "Sun 02:10").replace("Mon 06:00", "Sun 02:50");
    let [old, new] =
        [GRANT.to_owned(), GRANT.to_owned() + &night].map(|rules| common::policy(&format!("{HEAD}{rules}")));
    let on = |day: &str| diff(&old, &new, Some(&directory()), at(day), &Limits::default());
    // On 2026-03-29 it is 03:00 in Berlin after 01:59:59.
    let found = on("2026-03-25T00:00:00Z");
    assert!(!found.exact && found.bounded[0].why.contains("the clock skips"), "{found:?}");
    let found = on("2026-04-01T00:00:00Z");
    assert!(found.exact && found.changes.iter().any(|change| change.effect == Effect::Loses), "{found:?}");
}

#[test]
fn windows_that_meet_only_where_the_clock_is_set_back_are_said_to_be_left_out() {
    // On 2026-10-25 it is 02:30 in Berlin at 00:30 UTC and again at 01:30 UTC; in no other week the grant meets the block.
    let hours = |rule: &str, from: &str, to: &str| {
        format!("{rule}weekly = {{ from = \"{from}\", to = \"{to}\", zone = \"Europe/Berlin\" }}\n")
    };
    let grant = hours(GRANT, "Sun 01:00", "Sun 02:30");
    let block = "[[block]]\nid = \"f\"\non = [\"**\"]\nrefs = [\"refs/heads/main\"]\n";
    let blocked = |from: &str| grant.clone() + &hours(block, from, "Sun 04:00");
    let outcome = |rules: &str| {
        let policy = common::policy(&format!("{HEAD}{rules}"));
        let case = common::Case::new(policy, directory()).at("2026-10-25T00:45:00Z");
        case.decide("a", "P/a", &["update refs/heads/main"], &Facts::none()).outcome()
    };
    assert_eq!(
        [outcome(&blocked("Sun 02:30")), outcome(&blocked("Sun 03:00")), outcome(&grant)],
        [Outcome::Refused, Outcome::Permitted, Outcome::Permitted]
    );
    let found = compared(&blocked("Sun 02:30"), &grant);
    assert!(!found.exact && found.bounded[0].why.contains("the clock is set"), "{found:?}");
    let found = compared(&blocked("Sun 03:10"), &grant);
    assert!(found.exact && found.total() == 0, "{found:?}");
}
