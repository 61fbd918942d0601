//! Permissions: who may write to which repository.

use std::collections::{BTreeMap, BTreeSet};

use oam_policy::Repository;

use crate::{
    GlobalLevel, ProjectKey,
    import::Found,
    permission::{Holder, HolderKind, Level, Place},
};

/// Who may do what.
#[derive(Debug)]
pub struct Rights {
    groups: BTreeMap<Holder, BTreeSet<Holder>>,
    everywhere: BTreeMap<Holder, GlobalLevel>,
    at: BTreeMap<Place, BTreeMap<Holder, Level>>,
    everybody: BTreeMap<ProjectKey, Level>,
    active: BTreeSet<Holder>,
}

impl Rights {
    /// As they were found.
    pub fn of(found: &Found) -> Self {
        let mut groups: BTreeMap<Holder, BTreeSet<Holder>> = BTreeMap::new();
        for (group, members) in &found.members {
            for member in members {
                groups.entry(member.clone()).or_default().insert(group.clone());
            }
        }
        let mut everywhere = BTreeMap::new();
        for one in &found.seen.everywhere.is {
            let most = everywhere.entry(one.holder.clone()).or_insert(one.level);
            *most = (*most).max(one.level);
        }
        Self {
            groups,
            everywhere,
            at: found
                .seen
                .permissions
                .iter()
                .map(|(place, known)| (place.clone(), known.is.iter().cloned().collect()))
                .collect(),
            everybody: found.around.everybody.iter().cloned().collect(),
            active: found.seen.active(),
        }
    }

    /// The groups that a user is in.
    pub fn groups(&self, user: &Holder) -> impl Iterator<Item = &Holder> {
        self.groups.get(user).into_iter().flatten()
    }

    /// What a user may do everywhere; `None`: Bitbucket does not let them in.
    pub fn everywhere(&self, user: &Holder) -> Option<GlobalLevel> {
        let let_in = self.active.contains(user);
        let all = self.names(user).filter_map(|name| self.everywhere.get(name)).copied();
        all.max().filter(|_| let_in)
    }

    /// The most that a user may do in a repository.
    pub fn level(&self, user: &Holder, repository: &Repository) -> Option<Level> {
        if self.everywhere(user)? >= GlobalLevel::Admin {
            return Some(Level::Admin);
        }
        let project = ProjectKey::of(repository);
        let places = [Place::Project(project.clone()), Place::Repository(repository.clone())];
        let given = places.iter().filter_map(|place| self.at.get(place));
        let own = given.flat_map(|there| self.names(user).filter_map(|name| there.get(name)).copied());
        own.chain(self.everybody.get(&project).copied()).max()
    }

    /// Whether an exemption that names these is for a user.
    pub fn is_among(&self, user: &Holder, users: &[String], groups: &[String]) -> bool {
        let named = |names: &[String], kind| {
            names.iter().filter_map(move |name| Holder::new(kind, name)).collect::<Vec<_>>()
        };
        let (users, groups) = (named(users, HolderKind::User), named(groups, HolderKind::Group));
        users.contains(user) || self.groups(user).any(|group| groups.contains(group))
    }

    fn names<'a>(&'a self, user: &'a Holder) -> impl Iterator<Item = &'a Holder> {
        std::iter::once(user).chain(self.groups(user))
    }
}
