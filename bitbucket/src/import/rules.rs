//! Blocks and requires, from branch restrictions.

use std::collections::{BTreeMap, BTreeSet};

use oam_policy::{Repository, Verb};

use super::{
    Choices, Found, LeftKind,
    draft::{Draft, on},
    pattern::{Refs, refs},
};
use crate::{
    Forbids, Restriction, model,
    permission::{Holder, Place},
};

/// The verbs that a block may name.
const CHANGES: [Verb; 4] = [Verb::Create, Verb::Update, Verb::Force, Verb::Delete];

/// A block or a require.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) says: Says,
    pub(super) on: BTreeSet<String>,
    pub(super) refs: BTreeSet<String>,
    pub(super) except: BTreeSet<String>,
    /// The restrictions that it was made of.
    pub(super) from: BTreeSet<String>,
}

/// What a rule says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Says {
    /// A block of these verbs.
    Blocks(BTreeSet<Verb>),
    /// A require of a pull request.
    ThroughPullRequest,
}

/// What is made of one restriction in some repositories.
struct Part {
    on: BTreeSet<String>,
    refs: BTreeSet<String>,
}

/// A rule but for where it holds.
type Same = (Says, BTreeSet<String>, BTreeSet<String>);
/// A rule's repositories, refs and exceptions.
type There = (BTreeSet<String>, BTreeSet<String>, BTreeSet<String>);

/// Adds the rules to a draft.
pub(super) fn draft(draft: &mut Draft, found: &Found, choices: &Choices) {
    let mut blocks: BTreeMap<There, (BTreeSet<Verb>, Sources)> = BTreeMap::new();
    let mut requires: BTreeMap<There, Sources> = BTreeMap::new();
    for (place, one) in &found.around.restrictions {
        let Some(forbids) = one.forbids() else {
            let what = format!("restriction {} is a `{}` on {}", one.id, one.kind, one.matcher.shown);
            draft.leave(LeftKind::UnknownRestriction, Some(place), None, what);
            continue;
        };
        let except = exempt(draft, found, choices, place, one);
        for Part { on, refs } in parts(draft, found, place, one) {
            let there = (on, refs, except.clone());
            let sources = match forbids {
                Forbids::DirectChanges => requires.entry(there).or_default(),
                _ => {
                    let (verbs, sources) = blocks.entry(there).or_default();
                    verbs.extend(blocked(forbids));
                    sources
                }
            };
            sources.note(place, one);
        }
    }
    let blocks = blocks.into_iter().map(|(there, (verbs, sources))| (Says::Blocks(verbs), there, sources));
    let requires = requires.into_iter().map(|(there, sources)| (Says::ThroughPullRequest, there, sources));
    let mut alike: BTreeMap<(Same, BTreeSet<String>), (BTreeSet<String>, Sources)> = BTreeMap::new();
    for (says, (on, refs, except), sources) in blocks.chain(requires) {
        // What one list excludes, another one may be about.
        let alone = if on.iter().any(|one| one.starts_with('!')) { on.clone() } else { BTreeSet::new() };
        let (all, from) = alike.entry(((says, refs, except), alone)).or_default();
        all.extend(on);
        from.add(sources);
    }
    for (((says, refs, except), _), (on, sources)) in alike {
        let id = draft.rule_ids.fresh(&format!("{}-{}", sources.shown, says.word()));
        draft.rules.push(Rule { id, says, on, refs, except, from: sources.from });
    }
}

/// Which restrictions a rule was made of.
#[derive(Debug, Default)]
struct Sources {
    /// On what the first of them is.
    shown: String,
    from: BTreeSet<String>,
}

impl Sources {
    fn note(&mut self, place: &Place, one: &Restriction) {
        if self.shown.is_empty() {
            self.shown.clone_from(&one.matcher.shown);
        }
        self.from.insert(format!("{place} {}: {} on {}", one.id, one.kind, one.matcher.shown));
    }

    fn add(&mut self, other: Self) {
        if self.shown.is_empty() {
            self.shown = other.shown;
        }
        self.from.extend(other.from);
    }
}

impl Says {
    fn word(&self) -> String {
        match self {
            Self::ThroughPullRequest => "by-pull-request".to_owned(),
            Self::Blocks(verbs) if verbs.len() == CHANGES.len() => "no-changes".to_owned(),
            Self::Blocks(verbs) => {
                format!("no-{}", verbs.iter().map(|verb| verb.as_str()).collect::<Vec<_>>().join("-"))
            }
        }
    }

    /// The verbs of a block that is not of all of them.
    pub(super) fn verbs(&self) -> Option<&BTreeSet<Verb>> {
        match self {
            Self::Blocks(verbs) if verbs.len() < CHANGES.len() => Some(verbs),
            Self::Blocks(_) | Self::ThroughPullRequest => None,
        }
    }
}

fn blocked(forbids: Forbids) -> Vec<Verb> {
    match forbids {
        Forbids::Changes => CHANGES.into(),
        Forbids::Deletes => vec![Verb::Delete],
        Forbids::Rewrites => vec![Verb::Force],
        Forbids::Creates => vec![Verb::Create],
        Forbids::DirectChanges => vec![],
    }
}

/// The roles to which a restriction does not apply.
fn exempt(
    draft: &mut Draft,
    found: &Found,
    choices: &Choices,
    place: &Place,
    one: &Restriction,
) -> BTreeSet<String> {
    let about = format!("restriction {} ({} on {})", one.id, one.kind, one.matcher.shown);
    for key in &one.access_keys {
        let what = format!("{about} does not apply to the access key {} `{}`", key.id, key.label);
        draft.leave(LeftKind::AccessKey, Some(place), None, what);
    }
    let users = one.users.iter().filter_map(|name| Holder::user(name));
    let groups = one.groups.iter().filter_map(|name| Holder::group(name));
    let what = format!("{about} does not apply to them");
    let told = (LeftKind::ExemptPerson, Some(place), what.as_str());
    users.chain(groups).filter_map(|holder| draft.role(found, choices, &holder, told)).collect()
}

/// Where a restriction holds, and on which refs there.
fn parts(draft: &mut Draft, found: &Found, place: &Place, one: &Restriction) -> Vec<Part> {
    let about = format!("restriction {} ({} on {})", one.id, one.kind, one.matcher.shown);
    if !one.matcher.kind.needs_model() {
        let here = [on(place)].into();
        return said(draft, place, &about, refs(&one.matcher, None))
            .map(|refs| Part { on: here, refs })
            .into_iter()
            .collect();
    }
    let inside = found.repositories().filter(|repository| model::holds(place, repository));
    let mut alike: BTreeMap<BTreeSet<String>, Vec<&Repository>> = BTreeMap::new();
    let mut none = Vec::new();
    for repository in inside {
        let here = Place::Repository(repository.clone());
        match said(draft, &here, &about, refs(&one.matcher, found.model(repository))) {
            Some(refs) => alike.entry(refs).or_default().push(repository),
            None => none.push(repository),
        }
    }
    let most = alike.iter().max_by_key(|(_, repositories)| repositories.len()).map(|(refs, _)| refs.clone());
    if most.is_none() && none.is_empty() {
        let what = format!("{about} goes by branching models, and there is no repository");
        draft.leave(LeftKind::UnknownRefs, Some(place), None, what);
    }
    let others: Vec<_> = alike
        .iter()
        .filter(|(refs, _)| Some(*refs) != most.as_ref())
        .flat_map(|(_, all)| all)
        .copied()
        .collect();
    let excluded: BTreeSet<_> =
        others.iter().chain(&none).map(|repository| format!("!{repository}")).collect();
    let parts = alike.iter().map(|(refs, all)| {
        // What is said of a project holds for its next repository, too.
        let on = match place {
            Place::Project(_) if Some(refs) == most.as_ref() => {
                excluded.iter().cloned().chain([on(place)]).collect()
            }
            _ => all.iter().map(ToString::to_string).collect(),
        };
        Part { on, refs: refs.clone() }
    });
    parts.collect()
}

/// The refs, and a note of what cannot be said of them.
fn said(draft: &mut Draft, place: &Place, about: &str, refs: Refs) -> Option<BTreeSet<String>> {
    let (kind, what, refs) = match refs {
        Refs::Are(refs) if !refs.is_empty() => return Some(refs),
        Refs::Are(_) => (LeftKind::UnknownRefs, "matches no ref as things are", None),
        Refs::AtMost(refs) => (LeftKind::WiderRefs, "has a pattern that cannot be said exactly", Some(refs)),
        Refs::Unknown => (LeftKind::UnknownRefs, "is on refs of which nobody can tell which they are", None),
    };
    draft.leave(kind, Some(place), None, format!("{about} {what}"));
    refs
}
