//! Who may do what otherwise by another policy.

mod offer;
mod right;
mod role;
mod text;

use base64::{Engine, engine::general_purpose::STANDARD};
use oam_proto::v1::{
    Faults, PathChange, PatternClass, PolicyBecause, PolicyChange, PolicyChangeHolders, PolicyChangePlace,
    PolicyDiffDone, PolicyLifting, path_change,
};
use serde::Serialize;

use offer::OfferJson;
pub use offer::{offer_json, offer_text};
use right::RightJson;
pub use right::{right_json, right_text};
use role::RoleJson;
pub use role::{role_json, role_text};
pub use text::{change_text, done_text};

use super::{
    decision::RefSpelling,
    faults::{self, FaultJson},
    json,
};

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
    Change(Box<ChangeJson<'a>>),
    /// A change of what may be asked for.
    Offer(Box<OfferJson<'a>>),
    /// A change of a right in whole repositories.
    Right(Box<RightJson<'a>>),
    /// A change of who holds a role.
    Role(Box<RoleJson<'a>>),
    /// The end.
    Done(DoneJson<'a>),
}

/// Something that some people may do otherwise than before.
#[derive(Debug, Serialize)]
pub struct ChangeJson<'a> {
    effect: &'a str,
    verbs: &'a [String],
    users: u64,
    who: Vec<WhoJson<'a>>,
    who_total: u64,
    from: Option<String>,
    to: Option<String>,
    weekly: bool,
    before: Option<BecauseJson<'a>>,
    after: Option<BecauseJson<'a>>,
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
struct BecauseJson<'a> {
    permitted: bool,
    rules: &'a [String],
    conditions: &'a [String],
    requires: &'a [String],
    lifting: Option<LiftingJson<'a>>,
}

#[derive(Debug, Serialize)]
struct LiftingJson<'a> {
    rules: &'a [String],
    conditions: &'a [String],
}

#[derive(Debug, Serialize)]
struct PlaceJson<'a> {
    repositories: Option<ClassJson<'a>>,
    refs: Option<ClassJson<'a>>,
    paths: Option<PathsJson<'a>>,
    witness: Option<WitnessJson<'a>>,
}

#[derive(Debug, Serialize)]
struct ClassJson<'a> {
    within: &'a [String],
    without: &'a [String],
}

/// `"whatever"`, `"nothing"`, `{"none_of": …}`, or a class.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum PathsJson<'a> {
    Word(&'static str),
    NoneOf { none_of: &'a [String] },
    Of(ClassJson<'a>),
}

/// A path of a witness: `null` where there is none.
#[derive(Debug, Serialize)]
enum PathSpelling<'a> {
    #[serde(rename = "path")]
    Text(Option<&'a str>),
    #[serde(rename = "path_b64")]
    Base64(String),
}

#[derive(Debug, Serialize)]
struct WitnessJson<'a> {
    username: &'a str,
    is_person: bool,
    verb: &'a str,
    repository: &'a str,
    #[serde(flatten)]
    name: RefSpelling<'a>,
    #[serde(flatten)]
    path: PathSpelling<'a>,
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
    StepJson::Change(Box::new(ChangeJson {
        effect: &change.effect,
        verbs: &change.verbs,
        users: change.users,
        who: change.who.iter().map(who).collect(),
        who_total: change.who_total,
        from: json::time(change.from_micros),
        to: json::time(change.to_micros),
        weekly: change.weekly,
        before: change.before.as_ref().map(because),
        after: change.after.as_ref().map(because),
        places: change.places.iter().map(place).collect(),
        places_total: change.places_total,
    }))
}

fn because(because: &PolicyBecause) -> BecauseJson<'_> {
    BecauseJson {
        permitted: because.permitted,
        rules: &because.rules,
        conditions: &because.conditions,
        requires: &because.requires,
        lifting: because.lifting.as_ref().map(lifting),
    }
}

fn lifting(lifting: &PolicyLifting) -> LiftingJson<'_> {
    LiftingJson { rules: &lifting.rules, conditions: &lifting.conditions }
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
        paths: place.paths.as_ref().and_then(paths),
        witness: place.witness.as_ref().map(|witness| WitnessJson {
            username: &witness.username,
            is_person: witness.is_person,
            verb: &witness.verb,
            repository: &witness.repository,
            name: RefSpelling::of(&witness.r#ref),
            path: path(&witness.path),
            at: json::time(witness.at_micros),
        }),
    }
}

fn paths(paths: &PathChange) -> Option<PathsJson<'_>> {
    paths.paths.as_ref().map(|paths| match paths {
        path_change::Paths::Whatever(_) => PathsJson::Word("whatever"),
        path_change::Paths::Nothing(_) => PathsJson::Word("nothing"),
        path_change::Paths::NoneOf(patterns) => PathsJson::NoneOf { none_of: &patterns.without },
        path_change::Paths::Of(within) => PathsJson::Of(class(within)),
    })
}

fn path(path: &[u8]) -> PathSpelling<'_> {
    match str::from_utf8(path) {
        Ok("") => PathSpelling::Text(None),
        Ok(text) => PathSpelling::Text(Some(text)),
        Err(_) => PathSpelling::Base64(STANDARD.encode(path)),
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
