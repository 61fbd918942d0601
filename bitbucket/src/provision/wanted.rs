use std::collections::{BTreeMap, BTreeSet};

use super::{Basis, Given, GivenTo, RoleHolders, Seen};
use crate::permission::{Holder, Level, Place};

/// What should be: for each place, who has what and why.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) at: BTreeMap<Place, BTreeMap<Holder, Want>>,
    /// Who should have something and is no user of Bitbucket yet, or is not let in there.
    pub(super) absent: BTreeSet<Holder>,
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
                match known {
                    Some(known) => wanted.want(place, known, *level, because),
                    None => drop(wanted.absent.insert(holder.clone())),
                }
            };
            match to {
                GivenTo::Account(account) => give(account, format!("rule `{rule}`")),
                GivenTo::Role(role) => {
                    let because = format!("rule `{rule}`, role `{role}`");
                    let all = holders.get(role.as_str()).into_iter().flatten();
                    all.for_each(|holder| give(holder, because.clone()));
                }
            }
        }
        wanted.drop_what_projects_give();
        wanted
    }

    fn want(&mut self, place: &Place, holder: &Holder, level: Level, because: String) {
        let there = self.at.entry(place.clone()).or_default();
        let want = Want { level, because: [because].into() };
        match there.get_mut(holder) {
            Some(known) if known.level > level => {}
            Some(known) if known.level == level => known.because.extend(want.because),
            Some(known) => *known = want,
            None => drop(there.insert(holder.clone(), want)),
        }
    }

    /// Whoever may write in a whole project need not be told so in each repository.
    fn drop_what_projects_give(&mut self) {
        let projects: BTreeMap<_, _> = self
            .at
            .iter()
            .filter(|(place, _)| matches!(place, Place::Project(_)))
            .map(|(place, there)| (place.clone(), there.clone()))
            .collect();
        for (place, there) in &mut self.at {
            let Place::Repository(_) = place else { continue };
            let Some(above) = projects.get(&Place::Project(place.project())) else { continue };
            there.retain(|holder, want| above.get(holder).is_none_or(|more| more.level < want.level));
        }
    }
}

impl RoleHolders {
    /// Who they are in Bitbucket: groups where it has all of them, people otherwise.
    fn in_bitbucket(&self, basis: &Basis, there: &BTreeSet<Holder>) -> BTreeSet<Holder> {
        let same = |group: &String| {
            let (source, name) = group.split_once(':')?;
            let known = basis.settings.groups.contains(source);
            Holder::group(name).filter(|group| known && there.contains(group))
        };
        let groups = self.groups.as_ref();
        match groups.and_then(|groups| groups.iter().map(same).collect::<Option<BTreeSet<_>>>()) {
            Some(groups) => groups.into_iter().chain(self.named.iter().cloned()).collect(),
            None => self.people.union(&self.named).cloned().collect(),
        }
    }
}
