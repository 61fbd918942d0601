use std::collections::{BTreeSet, HashMap};

use oam_policy::{
    GroupName,
    name::UsernameKey,
    snapshot::{Directory, Person},
};

use super::roster::Touched;

/// Everybody, as a file lists them.
#[derive(Debug, Clone, Default)]
pub(super) struct Listed {
    people: HashMap<UsernameKey, Person>,
    groups: BTreeSet<GroupName>,
}

impl Listed {
    pub(super) fn of(directory: Directory) -> Self {
        let named = directory.people.iter().flat_map(|person| &person.groups).cloned();
        let groups = named.chain(directory.groups.iter().cloned()).collect();
        let people = directory.people.into_iter().map(|person| (person.username.key(), person)).collect();
        Self { people, groups }
    }

    /// Puts another list in the place of this one, and tells who is no longer on it.
    pub(super) fn replace(&mut self, directory: Directory, touched: &mut Touched) -> Vec<Person> {
        let before = std::mem::replace(self, Self::of(directory));
        touched.groups |= before.groups != self.groups;
        let differs = |key: &&UsernameKey| before.people.get(*key) != self.people.get(*key);
        touched.names.extend(before.people.keys().chain(self.people.keys()).filter(differs).cloned());
        // Whoever is named again has no tombstone any more, be they the same as before it.
        touched.names.extend(self.people.keys().filter(|key| !before.people.contains_key(*key)).cloned());
        let left = before.people.into_iter().filter(|(key, _)| !self.people.contains_key(key));
        left.map(|(_, person)| person).collect()
    }

    pub(super) fn person(&self, key: &UsernameKey) -> Option<&Person> {
        self.people.get(key)
    }

    pub(super) fn people(&self) -> &HashMap<UsernameKey, Person> {
        &self.people
    }

    pub(super) fn groups(&self) -> &BTreeSet<GroupName> {
        &self.groups
    }

    pub(super) fn directory(&self) -> Directory {
        Directory { people: self.people.values().cloned().collect(), groups: self.groups.clone() }
    }
}
