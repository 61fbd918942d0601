//! Who may read and administer whole repositories otherwise.

use oam_policy::diff::RightEffect;
use oam_proto::v1::{PolicyRightChange, PolicyRightPlace};
use serde::Serialize;

use super::{
    ClassJson, StepJson, WhoJson, class,
    text::{MOST, in_words, more, people, period},
    who,
};
use crate::output::{Page, json, layout::names, page::counted, shown};

/// A right in whole repositories that people have otherwise than before.
#[derive(Debug, Serialize)]
pub struct RightJson<'a> {
    effect: &'a str,
    right: &'a str,
    users: u64,
    who: Vec<WhoJson<'a>>,
    who_total: u64,
    from: Option<String>,
    to: Option<String>,
    before: &'a [String],
    after: &'a [String],
    places: Vec<PlaceJson<'a>>,
    places_total: u64,
}

#[derive(Debug, Serialize)]
struct PlaceJson<'a> {
    repositories: Option<ClassJson<'a>>,
    repository: &'a str,
}

/// See [`StepJson`].
pub fn right_json(change: &PolicyRightChange) -> StepJson<'_> {
    StepJson::Right(Box::new(RightJson {
        effect: &change.effect,
        right: &change.right,
        users: change.users,
        who: change.who.iter().map(who).collect(),
        who_total: change.who_total,
        from: json::time(change.from_micros),
        to: json::time(change.to_micros),
        before: &change.before,
        after: &change.after,
        places: change.places.iter().map(place).collect(),
        places_total: change.places_total,
    }))
}

fn place(place: &PolicyRightPlace) -> PlaceJson<'_> {
    PlaceJson { repositories: place.repositories.as_ref().map(class), repository: &place.repository }
}

/// One change: who, where, and by which rules.
pub fn right_text(change: &PolicyRightChange, page: &Page) -> String {
    let period = period(change.from_micros, change.to_micros);
    let mut text = format!("{} {} all of it{period}\n", sign(&change.effect, page), shown(&change.right));
    let mut line = |label: &str, value: String| text.push_str(&format!("    {label:<8}{value}\n"));
    line("who", format!("{} in all", counted(change.users, "user", "users")));
    for holders in change.who.iter().take(MOST) {
        line("", people(holders));
    }
    more(&mut line, change.who_total, "sets of roles");
    for place in change.places.iter().take(MOST) {
        line("where", in_words(place.repositories.as_ref()));
        line("", page.dim(&format!("for example {}", shown(&place.repository))));
    }
    more(&mut line, change.places_total, "such places");
    for (label, rules) in [("before", &change.before), ("after", &change.after)] {
        line(
            label,
            if rules.is_empty() { "nothing".to_owned() } else { format!("granted by {}", names(rules)) },
        );
    }
    text
}

fn sign(effect: &str, page: &Page) -> String {
    match RightEffect::parse(effect) {
        Some(RightEffect::Given) => page.good("+ may now"),
        Some(RightEffect::Taken) => page.bad("- may no longer"),
        // Of a daemon that knows more.
        None => page.warn(&format!("~ {}:", shown(effect))),
    }
}

#[cfg(test)]
mod tests {
    use oam_proto::v1::{PatternClass, PolicyChangeHolders, PolicyRightChange, PolicyRightPlace};

    use super::{right_json, right_text};
    use crate::output::samples::page;

    #[test]
    fn whoever_is_made_an_administrator_is_told() {
        let who = PolicyChangeHolders {
            known_before: true,
            roles_before: vec!["developer".into()],
            known_after: true,
            roles_after: vec!["developer".into()],
            users: 2,
            sample: vec!["ada".into(), "bo".into()],
        };
        let place = PolicyRightPlace {
            repositories: Some(PatternClass { within: vec!["**".into()], without: Vec::new() }),
            repository: "A/a".into(),
        };
        let change = PolicyRightChange {
            effect: "given".into(),
            right: "admin".into(),
            who: vec![who],
            who_total: 1,
            users: 2,
            after: vec!["oops".into()],
            places: vec![place],
            places_total: 1,
            ..PolicyRightChange::default()
        };
        insta::assert_snapshot!(right_text(&change, &page()), @"
        + may now admin all of it
            who     2 users in all
                    developer: ada, bo
            where   **
                    for example A/a
            before  nothing
            after   granted by oops
        ");
        insta::assert_snapshot!(serde_json::to_string(&right_json(&change)).unwrap(), @r#"{"effect":"given","right":"admin","users":2,"who":[{"roles_before":["developer"],"roles_after":["developer"],"users":2,"sample":["ada","bo"]}],"who_total":1,"from":null,"to":null,"before":[],"after":["oops"],"places":[{"repositories":{"within":["**"],"without":[]},"repository":"A/a"}],"places_total":1}"#);
    }
}
