//! Who gains or loses what by another policy.

use oam_proto::v1::{
    Faults, PatternClass, PolicyChange, PolicyChangeHolders, PolicyChangePlace, PolicyDiffDone, PolicyWitness,
};
use serde::Serialize;

use super::{
    Page,
    decision::RefSpelling,
    faults::{self, FaultJson},
    json,
    layout::names,
    page::{counted, moment, number, short, utc},
    shown, shown_line,
};

/// How many sets of roles, and how many classes of refs, a person is shown of one change.
const MOST: usize = 3;

/// What is wrong with the new policy.
#[derive(Debug, Serialize)]
pub struct FaultsJson<'a> {
    faults_total: u64,
    faults: Vec<FaultJson<'a>>,
}

/// See [`FaultsJson`].
pub fn faults_json(found: &Faults) -> FaultsJson<'_> {
    FaultsJson { faults_total: faults::total(found), faults: faults::list(found) }
}

/// One line: a change, or at last how much of the answer they are.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum StepJson<'a> {
    /// A change.
    Change(ChangeJson<'a>),
    /// The end.
    Done(DoneJson<'a>),
}

/// A right that some people gain or lose.
#[derive(Debug, Serialize)]
pub struct ChangeJson<'a> {
    effect: &'a str,
    verbs: &'a [String],
    users: u64,
    who: Vec<WhoJson<'a>>,
    who_total: u64,
    from: Option<String>,
    to: Option<String>,
    rules_before: &'a [String],
    rules_after: &'a [String],
    places: Vec<PlaceJson<'a>>,
    places_total: u64,
}

#[derive(Debug, Serialize)]
struct WhoJson<'a> {
    roles_before: Option<&'a [String]>,
    roles_after: Option<&'a [String]>,
    users: u64,
    sample: &'a [String],
}

#[derive(Debug, Serialize)]
struct PlaceJson<'a> {
    repositories: Option<ClassJson<'a>>,
    refs: Option<ClassJson<'a>>,
    witness: Option<WitnessJson<'a>>,
}

#[derive(Debug, Serialize)]
struct ClassJson<'a> {
    within: &'a [String],
    without: &'a [String],
}

#[derive(Debug, Serialize)]
struct WitnessJson<'a> {
    username: &'a str,
    is_person: bool,
    verb: &'a str,
    repository: &'a str,
    #[serde(flatten)]
    name: RefSpelling<'a>,
    at: Option<String>,
}

/// How much of the answer the changes are.
#[derive(Debug, Serialize)]
pub struct DoneJson<'a> {
    old: &'a str,
    new: &'a str,
    changes: u64,
    exact: bool,
    bounded: Vec<BoundJson<'a>>,
    generation: Option<u64>,
    at: Option<String>,
    approvals_before: u32,
    approvals_after: u32,
}

#[derive(Debug, Serialize)]
struct BoundJson<'a> {
    why: &'a str,
    patterns: &'a [String],
    patterns_total: u64,
}

/// See [`StepJson`].
pub fn change_json(change: &PolicyChange) -> StepJson<'_> {
    StepJson::Change(ChangeJson {
        effect: &change.effect,
        verbs: &change.verbs,
        users: change.users,
        who: change.who.iter().map(who).collect(),
        who_total: change.who_total,
        from: json::time(change.from_micros),
        to: json::time(change.to_micros),
        rules_before: &change.rules_before,
        rules_after: &change.rules_after,
        places: change.places.iter().map(place).collect(),
        places_total: change.places_total,
    })
}

fn who(holders: &PolicyChangeHolders) -> WhoJson<'_> {
    WhoJson {
        roles_before: holders.known_before.then_some(&holders.roles_before),
        roles_after: holders.known_after.then_some(&holders.roles_after),
        users: holders.users,
        sample: &holders.sample,
    }
}

fn place(place: &PolicyChangePlace) -> PlaceJson<'_> {
    PlaceJson {
        repositories: place.repositories.as_ref().map(class),
        refs: place.refs.as_ref().map(class),
        witness: place.witness.as_ref().map(|witness| WitnessJson {
            username: &witness.username,
            is_person: witness.is_person,
            verb: &witness.verb,
            repository: &witness.repository,
            name: RefSpelling::of(&witness.r#ref),
            at: json::time(witness.at_micros),
        }),
    }
}

fn class(class: &PatternClass) -> ClassJson<'_> {
    ClassJson { within: &class.within, without: &class.without }
}

/// See [`StepJson`].
pub fn done_json(done: &PolicyDiffDone) -> StepJson<'_> {
    StepJson::Done(DoneJson {
        old: &done.old,
        new: &done.new,
        changes: done.changes,
        exact: done.exact,
        bounded: done
            .bounded
            .iter()
            .map(|one| BoundJson {
                why: &one.why,
                patterns: &one.patterns,
                patterns_total: one.patterns_total,
            })
            .collect(),
        generation: done.snapshot.as_ref().map(|info| info.generation),
        at: json::time(done.at_micros),
        approvals_before: done.approvals_before,
        approvals_after: done.approvals_after,
    })
}

/// One change: who, where, why, and a push that shows it.
pub fn change_text(change: &PolicyChange, page: &Page) -> String {
    let gains = change.effect == "gains";
    let sign = if gains { page.good("+ may now") } else { page.bad("- may no longer") };
    let mut text = format!("{sign} {}{}\n", names(&change.verbs), period(change));
    let mut line = |label: &str, value: String| text.push_str(&format!("    {label:<8}{value}\n"));
    line("who", format!("{} in all", counted(change.users, "user", "users")));
    for holders in change.who.iter().take(MOST) {
        line("", people(holders));
    }
    more(&mut line, change.who_total, "sets of roles");
    for place in change.places.iter().take(MOST) {
        line(
            "where",
            format!("{} in {}", in_words(place.refs.as_ref()), in_words(place.repositories.as_ref())),
        );
        if let Some(witness) = &place.witness {
            line("", page.dim(&format!("for example {}", push(witness))));
        }
    }
    more(&mut line, change.places_total, "such places");
    line("before", because(&change.rules_before, !gains));
    line("after", because(&change.rules_after, gains));
    text
}

fn more(line: &mut impl FnMut(&str, String), total: u64, what: &str) {
    let rest = total.saturating_sub(MOST as u64);
    if rest > 0 {
        line("", format!("and {} more {what}: see --json", number(rest)));
    }
}

fn period(change: &PolicyChange) -> String {
    let at = |micros| moment(micros).map(utc);
    match (at(change.from_micros), at(change.to_micros)) {
        (None, None) => String::new(),
        (Some(from), None) => format!(", from {from}"),
        (None, Some(to)) => format!(", until {to}"),
        (Some(from), Some(to)) => format!(", from {from} until {to}"),
    }
}

fn people(holders: &PolicyChangeHolders) -> String {
    let roles = |known: bool, roles: &[String]| match (known, roles) {
        (false, _) => "unknown".to_owned(),
        (true, []) => "without a role".into(),
        (true, roles) => names(roles),
    };
    let before = roles(holders.known_before, &holders.roles_before);
    let after = roles(holders.known_after, &holders.roles_after);
    let roles = if before == after { before } else { format!("{before} (then {after})") };
    if holders.users == 0 {
        return format!("{roles}: nobody now");
    }
    let rest = holders.users.saturating_sub(holders.sample.len() as u64);
    let rest = if rest == 0 { String::new() } else { format!(" and {} more", number(rest)) };
    format!("{roles}: {}{rest}", names(&holders.sample))
}

fn in_words(class: Option<&PatternClass>) -> String {
    let Some(class) = class else { return "?".into() };
    let all = |patterns: &[String], word: &str| patterns.iter().map(shown).collect::<Vec<_>>().join(word);
    let without = if class.without.is_empty() {
        String::new()
    } else {
        format!(" but not {}", all(&class.without, " nor "))
    };
    format!("{}{without}", all(&class.within, " and "))
}

fn push(witness: &PolicyWitness) -> String {
    let who = if witness.is_person { shown(&witness.username) } else { "somebody".into() };
    format!("{who}: {} {} {}", shown(&witness.verb), shown(&witness.repository), shown(&witness.r#ref))
}

fn because(rules: &[String], permitted: bool) -> String {
    match (permitted, rules) {
        (true, rules) => format!("granted by {}", names(rules)),
        (false, []) => "no grant".into(),
        (false, rules) => format!("blocked by {}", names(rules)),
    }
}

/// How much of the answer it was.
pub fn done_text(done: &PolicyDiffDone, page: &Page) -> String {
    let (old, new) = (short(&done.old), short(&done.new));
    let mut text = if done.changes == 0 && done.exact {
        format!("Nobody gains or loses anything between policy {old} and {new}.\n")
    } else {
        format!("{} between policy {old} and {new}.\n", counted(done.changes, "change", "changes"))
    };
    if done.approvals_before != done.approvals_after {
        let (before, after) = (done.approvals_before, done.approvals_after);
        let told = format!("What comes after it needs the approval of {after} others; now it is {before}.");
        text.push_str(&format!("{}\n", page.warn(&told)));
    }
    for bound in &done.bounded {
        let rest = bound.patterns_total.saturating_sub(bound.patterns.len() as u64);
        let rest = if rest == 0 { String::new() } else { format!(" and {} more", number(rest)) };
        let about = if bound.patterns.is_empty() {
            String::new()
        } else {
            format!(" ({}{rest})", names(&bound.patterns))
        };
        text.push_str(&format!("{} {}{about}\n", page.warn("warning:"), shown_line(&bound.why)));
    }
    if !done.exact {
        text.push_str("This is not all: there may be changes that are not listed.\n");
    }
    if done.snapshot.is_none() {
        text.push_str("No directory is loaded: this is about the holder of each role alone.\n");
    }
    text
}
