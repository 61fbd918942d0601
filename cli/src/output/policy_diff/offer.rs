//! What may be asked for otherwise: roles for a while, by people and by jobs.

use std::collections::BTreeMap;

use oam_policy::diff::OfferEffect;
use oam_proto::v1::{PolicyJob, PolicyOfferChange, PolicyOfferPlace};
use serde::Serialize;

use super::{
    ClassJson, RefSpelling, StepJson, WhoJson, class,
    text::{MOST, in_words, more, people},
    who,
};
use crate::output::{Page, layout::names, page::counted, shown, shown_line};

/// A role that may be asked for otherwise than before.
#[derive(Debug, Serialize)]
pub struct OfferJson<'a> {
    effect: &'a str,
    role: &'a str,
    verbs: &'a [String],
    users: u64,
    who: Vec<WhoJson<'a>>,
    who_total: u64,
    job: Option<JobJson<'a>>,
    before: &'a [String],
    after: &'a [String],
    places: Vec<PlaceJson<'a>>,
    places_total: u64,
}

#[derive(Debug, Serialize)]
struct JobJson<'a> {
    issuer: &'a str,
    claims: BTreeMap<&'a str, &'a str>,
}

#[derive(Debug, Serialize)]
struct PlaceJson<'a> {
    repositories: Option<ClassJson<'a>>,
    refs: Option<ClassJson<'a>>,
    repository: &'a str,
    #[serde(flatten)]
    name: RefSpelling<'a>,
    username: Option<&'a str>,
}

/// See [`StepJson`].
pub fn offer_json(change: &PolicyOfferChange) -> StepJson<'_> {
    StepJson::Offer(Box::new(OfferJson {
        effect: &change.effect,
        role: &change.role,
        verbs: &change.verbs,
        users: change.users,
        who: change.who.iter().map(who).collect(),
        who_total: change.who_total,
        job: change.job.as_ref().map(|job| JobJson { issuer: &job.issuer, claims: claims(job) }),
        before: &change.before,
        after: &change.after,
        places: change.places.iter().map(place).collect(),
        places_total: change.places_total,
    }))
}

fn claims(job: &PolicyJob) -> BTreeMap<&str, &str> {
    job.claims.iter().map(|(path, value)| (path.as_str(), value.as_str())).collect()
}

fn place(place: &PolicyOfferPlace) -> PlaceJson<'_> {
    PlaceJson {
        repositories: place.repositories.as_ref().map(class),
        refs: place.refs.as_ref().map(class),
        repository: &place.repository,
        name: RefSpelling::of(&place.r#ref),
        username: Some(place.username.as_str()).filter(|name| !name.is_empty()),
    }
}

/// One change: who, where, and on which terms.
pub fn offer_text(change: &PolicyOfferChange, page: &Page) -> String {
    let verbs = if change.verbs.is_empty() { String::new() } else { format!(" to {}", names(&change.verbs)) };
    let mut text = format!("{} {}{verbs}\n", sign(&change.effect, page), shown(&change.role));
    let mut line = |label: &str, value: String| text.push_str(&format!("    {label:<8}{value}\n"));
    match &change.job {
        Some(job) => {
            line("jobs", shown(&job.issuer));
            for (path, value) in claims(job) {
                line("", format!("{} = {}", shown(path), shown(value)));
            }
        }
        None => {
            line("who", format!("{} in all", counted(change.users, "user", "users")));
            for holders in change.who.iter().take(MOST) {
                line("", people(holders));
            }
            more(&mut line, change.who_total, "sets of roles");
        }
    }
    for place in change.places.iter().take(MOST) {
        let (refs, repositories) = (in_words(place.refs.as_ref()), in_words(place.repositories.as_ref()));
        line("where", format!("{refs} in {repositories}"));
        let by =
            if place.username.is_empty() { String::new() } else { format!("{}: ", shown(&place.username)) };
        let example = format!("for example {by}{} {}", shown(&place.repository), shown(&place.r#ref));
        line("", page.dim(&example));
    }
    more(&mut line, change.places_total, "such places");
    for (label, terms) in [("before", &change.before), ("after", &change.after)] {
        let mut told: Vec<_> = terms.iter().map(|one| shown_line(one)).collect();
        if told.is_empty() {
            told.push("nothing".to_owned());
        }
        for (at, one) in told.into_iter().enumerate() {
            line(if at == 0 { label } else { "" }, one);
        }
    }
    text
}

fn sign(effect: &str, page: &Page) -> String {
    match OfferEffect::parse(effect) {
        Some(OfferEffect::MayAsk) => page.good("+ may now ask for"),
        Some(OfferEffect::MayNoLongerAsk) => page.bad("- may no longer ask for"),
        Some(OfferEffect::AsksOtherwise) => page.warn("~ may ask on other terms for"),
        Some(OfferEffect::MayApprove) => page.good("+ may now approve requests for"),
        Some(OfferEffect::MayNoLongerApprove) => page.bad("- may no longer approve requests for"),
        Some(OfferEffect::MayLease) => page.good("+ may now lease"),
        Some(OfferEffect::MayNoLongerLease) => page.bad("- may no longer lease"),
        Some(OfferEffect::LeasesOtherwise) => page.warn("~ may lease on other terms"),
        // Of a daemon that knows more.
        None => page.warn(&format!("~ {}:", shown(effect))),
    }
}

#[cfg(test)]
mod tests {
    use oam_proto::v1::{PatternClass, PolicyChangeHolders, PolicyJob, PolicyOfferChange, PolicyOfferPlace};

    use super::{offer_json, offer_text};
    use crate::output::samples::page;

    fn change(effect: &str) -> PolicyOfferChange {
        let class = |within: &str| Some(PatternClass { within: vec![within.into()], without: Vec::new() });
        let place = PolicyOfferPlace {
            repositories: class("pay/*"),
            refs: class("refs/heads/main"),
            repository: "PAY/a".into(),
            r#ref: b"refs/heads/main".to_vec(),
            username: String::new(),
        };
        PolicyOfferChange {
            effect: effect.into(),
            role: "release-manager".into(),
            places: vec![place],
            places_total: 1,
            ..PolicyOfferChange::default()
        }
    }

    #[test]
    fn people_may_ask() {
        let who = PolicyChangeHolders {
            known_before: true,
            roles_before: vec!["developer".into()],
            known_after: true,
            roles_after: vec!["developer".into()],
            users: 2,
            sample: vec!["ada".into(), "bob".into()],
        };
        let terms = "`on-call` (for up to 4 h, with a reason, with 1 approval by `release-manager`)";
        let change = PolicyOfferChange {
            who: vec![who],
            who_total: 1,
            users: 2,
            after: vec![terms.into()],
            ..change("may-ask")
        };
        insta::assert_snapshot!(offer_text(&change, &page()), @"
        + may now ask for release-manager
            who     2 users in all
                    developer: ada, bob
            where   refs/heads/main in pay/*
                    for example PAY/a refs/heads/main
            before  nothing
            after   `on-call` (for up to 4 h, with a reason, with 1 approval by `release-manager`)
        ");
    }

    #[test]
    fn a_job_may_no_longer_lease() {
        let claims = [("project_id".to_owned(), "7".to_owned())].into();
        let change = PolicyOfferChange {
            job: Some(PolicyJob { issuer: "https://gitlab.example.com".into(), claims }),
            verbs: vec!["create".into()],
            before: vec!["`a` (as `svc`, for up to 5 min and 1 push)".into(), "`b` (…)".into()],
            ..change("may-no-longer-lease")
        };
        insta::assert_snapshot!(offer_text(&change, &page()), @"
        - may no longer lease release-manager to create
            jobs    https://gitlab.example.com
                    project_id = 7
            where   refs/heads/main in pay/*
                    for example PAY/a refs/heads/main
            before  `a` (as `svc`, for up to 5 min and 1 push)
                    `b` (…)
            after   nothing
        ");
        let json = serde_json::to_value(offer_json(&change)).unwrap();
        assert_eq!(json["job"]["claims"]["project_id"], "7");
        assert_eq!(json["places"][0]["ref"], "refs/heads/main");
        assert_eq!(json["places"][0]["username"], serde_json::Value::Null);
    }
}
