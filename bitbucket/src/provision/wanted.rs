use std::collections::{BTreeMap, BTreeSet};

use super::{Basis, Given, GivenTo, RoleHolders, Seen};
use crate::permission::{Holder, Level, Place};

/// How many rules are named that give the same.
const MOST_REASONS: usize = 5;

/// What should be: for each place, who has what and why.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) at: BTreeMap<Place, BTreeMap<Holder, Want>>,
    /// Who should have something and is no user of Bitbucket yet, or is not let in there.
    pub(super) absent: BTreeSet<Holder>,
    /// What groups should have of which Bitbucket had something of ours, and that it has no more.
    pub(super) vanished: BTreeMap<Place, BTreeMap<Holder, Want>>,
    /// Whom a rule gives something that cannot be given now: what they have stays, and stays known as ours.
    kept: BTreeSet<(Place, Holder)>,
}

/// What somebody should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Want {
    pub(super) level: Level,
    /// The rules that give as much, with the role through which they do.
    pub(super) because: BTreeSet<String>,
}

impl Wanted {
    pub(super) fn of(basis: &Basis, seen: &Seen) -> Self {
        let mut wanted = Self::default();
        let groups: BTreeSet<_> = seen.groups.is.iter().filter_map(|name| Holder::group(name)).collect();
        let active = seen.active();
        let holders: BTreeMap<_, _> = basis
            .roles
            .iter()
            .map(|(role, holders)| (role.as_str(), holders.in_bitbucket(basis, &groups)))
            .collect();
        for Given { place, level, rule, to } in &basis.given {
            if !seen.places.is.contains(place) {
                continue;
            }
            let mut give = |holder: &Holder, because: String| {
                if basis.settings.ignores(Some(place), holder) || basis.is_gone(holder) {
                    return;
                }
                // By the name that Bitbucket writes.
                let known = match holder.as_user() {
                    Some(_) => active.get(holder),
                    None => groups.get(holder),
                };
                if let Some(known) = known {
                    want(&mut wanted.at, place, known, *level, because);
                    return;
                }
                wanted.kept.insert((place.clone(), holder.clone()));
                match holder.as_user() {
                    Some(_) => drop(wanted.absent.insert(holder.clone())),
                    None => want(&mut wanted.vanished, place, holder, *level, because),
                }
            };
            match to {
                GivenTo::Account(account) => give(account, format!("rule `{rule}`")),
                GivenTo::Role(role) => {
                    let because = format!("rule `{rule}`, role `{role}`");
                    let Some(InBitbucket { holders, kept }) = holders.get(role.as_str()) else { continue };
                    holders.iter().for_each(|holder| give(holder, because.clone()));
                    wanted.kept.extend(kept.iter().map(|holder| (place.clone(), holder.clone())));
                }
            }
        }
        drop_what_projects_give(&mut wanted.at);
        drop_what_projects_give(&mut wanted.vanished);
        wanted
    }

    /// Whether what somebody has at a place is left alone, whatever else gives it no more.
    pub(super) fn keeps(&self, place: &Place, holder: &Holder) -> bool {
        let keeps = |place| self.kept.contains(&(place, holder.clone()));
        keeps(place.clone()) || keeps(Place::Project(place.project()))
    }
}

impl Want {
    /// The first rules that give it, and how many more there are.
    pub(super) fn reasons(&self) -> String {
        let first = self.because.iter().take(MOST_REASONS).cloned().collect::<Vec<_>>().join("; ");
        match self.because.len().saturating_sub(MOST_REASONS) {
            0 => first,
            many => format!("{first}; and {many} more"),
        }
    }
}

fn want(
    all: &mut BTreeMap<Place, BTreeMap<Holder, Want>>,
    place: &Place,
    holder: &Holder,
    level: Level,
    because: String,
) {
    let there = all.entry(place.clone()).or_default();
    let want = Want { level, because: [because].into() };
    match there.get_mut(holder) {
        Some(known) if known.level > level => {}
        Some(known) if known.level == level => known.because.extend(want.because),
        Some(known) => *known = want,
        None => drop(there.insert(holder.clone(), want)),
    }
}

/// Whoever may write in a whole project need not be told so in each repository.
fn drop_what_projects_give(all: &mut BTreeMap<Place, BTreeMap<Holder, Want>>) {
    let projects: BTreeMap<_, _> = all
        .iter()
        .filter(|(place, _)| matches!(place, Place::Project(_)))
        .map(|(place, there)| (place.clone(), there.clone()))
        .collect();
    for (place, there) in all {
        let Place::Repository(_) = place else { continue };
        let Some(above) = projects.get(&Place::Project(place.project())) else { continue };
        there.retain(|holder, want| above.get(holder).is_none_or(|more| more.level < want.level));
    }
}

/// Who holds a role, in Bitbucket.
struct InBitbucket {
    holders: BTreeSet<Holder>,
    /// Who has it through a group that is there no more.
    kept: BTreeSet<Holder>,
}

impl RoleHolders {
    /// Groups where it has all of them, and people otherwise. Where it had a group, and something of ours was given to that, the people
    /// are not given thousands of permissions by name for it.
    fn in_bitbucket(&self, basis: &Basis, there: &BTreeSet<Holder>) -> InBitbucket {
        let same = |group: &String| {
            let (source, name) = group.split_once(':')?;
            Holder::group(name).filter(|_| basis.settings.groups.contains(source))
        };
        let was_ours = |group: &Holder| {
            !basis.settings.ignores(None, group) && basis.managed.keys().any(|(_, holder)| holder == group)
        };
        let groups = self.groups.as_ref();
        let groups = groups.and_then(|groups| groups.iter().map(same).collect::<Option<BTreeSet<_>>>());
        let missing = |groups: &BTreeSet<Holder>| groups.difference(there).cloned().collect::<Vec<_>>();
        let named = self.named.iter().cloned();
        match groups.map(|groups| (missing(&groups), groups)) {
            Some((missing, groups)) if missing.is_empty() => {
                InBitbucket { holders: groups.into_iter().chain(named).collect(), kept: BTreeSet::new() }
            }
            Some((missing, groups)) if missing.iter().any(was_ours) => {
                InBitbucket { holders: groups.into_iter().chain(named).collect(), kept: self.people.clone() }
            }
            _ => InBitbucket {
                holders: self.people.union(&self.named).cloned().collect(),
                kept: BTreeSet::new(),
            },
        }
    }
}
