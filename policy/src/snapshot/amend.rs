use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Person, Shard, Snapshot, User, UserView, digest, directory::user, shard_of};
use crate::name::{GroupName, UsernameKey};

/// What is different in the next snapshot, by person: what a source that tells of single changes leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    /// When a source last said that this is how things are.
    pub as_of: Timestamp,
    /// People as they are now, found by their names.
    pub people: Vec<Person>,
    /// Every group, when there are others than before.
    pub groups: Option<BTreeSet<GroupName>>,
}

impl Amendment {
    /// Whether it gives nobody anything: nobody becomes active, is new and active, or comes into a group.
    pub fn only_takes(&self, before: &Snapshot) -> bool {
        self.people.iter().all(|person| {
            let was = before.user(&person.username.key());
            !person.active || was.is_some_and(|was| was.active_at_source() && is_within(person, &was))
        })
    }

    /// The part of it that only takes: nobody in it has anything that they did not have before.
    #[must_use]
    pub fn taking_part(&self, before: &Snapshot) -> Self {
        let taken = |person: &Person| {
            let was = before.user(&person.username.key())?.to_person();
            let active = was.active && person.active;
            let groups: BTreeSet<_> = was.groups.intersection(&person.groups).cloned().collect();
            (active != was.active || groups != was.groups).then_some(Person { active, groups, ..was })
        };
        Self { as_of: before.as_of(), people: self.people.iter().filter_map(taken).collect(), groups: None }
    }
}

fn is_within(person: &Person, was: &UserView<'_>) -> bool {
    // Whatever a rule may look at besides groups is as good as a group.
    let only_groups = Person { groups: was.to_person().groups, ..person.clone() };
    only_groups == was.to_person() && person.groups.iter().all(|group| was.is_member_of(group))
}

impl Snapshot {
    /// The next snapshot, in which these people are as given. Shards in which none of them lies are shared with this
    /// one, unless there are other groups than before.
    #[must_use]
    pub fn amend(&self, amendment: &Amendment) -> Self {
        let mut next = self.clone();
        next.version.generation = next.version.generation.saturating_add(1);
        next.as_of = amendment.as_of;
        next.renumber_groups(amendment);
        let number = |group: &GroupName| place(&next.groups, group);
        let mut by_shard: BTreeMap<usize, BTreeMap<UsernameKey, User>> = BTreeMap::new();
        for person in &amendment.people {
            let key = person.username.key();
            by_shard.entry(shard_of(&key)).or_default().insert(key, user(person, number));
        }
        let shards = next.shards.iter().enumerate().map(|(number, shard)| match by_shard.remove(&number) {
            Some(amended) => Arc::new(with(shard, amended)),
            None => Arc::clone(shard),
        });
        next.shards = shards.collect();
        next.roll = self.roll.after(&self.shards, &next.shards);
        next.version.digest = digest(next.as_of, &next.groups, &next.shards, &next.revocations);
        Self { emails: self.emails_after(amendment), holders: Arc::default(), ..next }
    }

    /// Makes the table of groups that of the amendment, and lets every user name the same groups by the new numbers.
    fn renumber_groups(&mut self, amendment: &Amendment) {
        let mut named = amendment.people.iter().flat_map(|person| &person.groups);
        if amendment.groups.is_none() && named.all(|group| place(&self.groups, group).is_some()) {
            // Mostly: nobody looks at all the groups there are for a change to one person.
            return;
        }
        let mut groups: BTreeSet<&GroupName> = match &amendment.groups {
            Some(groups) => groups.iter().collect(),
            None => self.groups.iter().collect(),
        };
        // A person in a group that was not told of is in it all the same.
        groups.extend(amendment.people.iter().flat_map(|person| &person.groups));
        if groups.iter().copied().eq(self.groups.iter()) {
            return;
        }
        let table: Arc<[GroupName]> = groups.into_iter().cloned().collect();
        let moved: Vec<Option<u32>> = self.groups.iter().map(|group| place(&table, group)).collect();
        let renumbered = |user: &User| {
            let groups = user.groups.iter().filter_map(|old| moved.get(*old as usize).copied().flatten());
            User { groups: groups.collect(), ..user.clone() }
        };
        let shards = self.shards.iter();
        self.shards =
            shards.map(|shard| Arc::new(Shard::of(shard.users().iter().map(renumbered).collect()))).collect();
        self.groups = table;
    }
}

/// Where a group stands in the table of all.
fn place(table: &[GroupName], group: &GroupName) -> Option<u32> {
    table.binary_search(group).ok().and_then(|at| u32::try_from(at).ok())
}

/// The shard with these users in it, both ascending.
fn with(shard: &Shard, amended: BTreeMap<UsernameKey, User>) -> Shard {
    let mut users = Vec::with_capacity(shard.users().len() + amended.len());
    let mut rest = shard.users();
    for (key, user) in amended {
        let before = rest.partition_point(|user| user.key_text() < key.as_str());
        let (ahead, from) = rest.split_at_checked(before).unwrap_or((rest, &[]));
        users.extend_from_slice(ahead);
        users.push(user);
        rest = match from {
            [same, behind @ ..] if same.key_text() == key.as_str() => behind,
            _ => from,
        };
    }
    users.extend_from_slice(rest);
    Shard::of(users)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::{collection::vec, prelude::*};

    use super::Amendment;
    use crate::{
        name::{GroupName, Username},
        snapshot::{Directory, Person, Snapshot},
    };

    fn person() -> impl Strategy<Value = Person> {
        let groups = proptest::collection::btree_set(0_u8..5, 0..4);
        ("[a-d]", any::<bool>(), groups).prop_map(|(name, active, groups)| Person {
            active,
            groups: groups.into_iter().map(|n| GroupName::parse(&format!("s:{n}")).unwrap()).collect(),
            ..Person::named(Username::parse(&name).unwrap())
        })
    }

    fn people() -> impl Strategy<Value = BTreeMap<String, Person>> {
        vec(person(), 0..5)
            .prop_map(|people| people.into_iter().map(|p| (p.username.as_str().to_owned(), p)).collect())
    }

    fn snapshot(people: &BTreeMap<String, Person>, groups: &BTreeSet<GroupName>) -> Snapshot {
        let directory = Directory { people: people.values().cloned().collect(), groups: groups.clone() };
        let as_of = "2026-01-01T00:00:00Z".parse().unwrap();
        Snapshot::of_directory(7, as_of, &directory, BTreeMap::new()).unwrap()
    }

    proptest! {
        #[test]
        fn step_by_step_is_the_same_as_at_once(before in people(), more in people(), groups: Option<[bool; 5]>) {
            let named = |people: &BTreeMap<String, Person>| -> BTreeSet<GroupName> {
                people.values().flat_map(|person| person.groups.clone()).collect()
            };
            let groups = groups.map(|kept| {
                let numbered = (0..5).zip(kept).filter(|(_, kept)| *kept);
                numbered.map(|(n, _)| GroupName::parse(&format!("s:{n}")).unwrap()).collect::<BTreeSet<_>>()
            });
            let old = snapshot(&before, &BTreeSet::new());
            let as_of = old.as_of();
            let people = more.values().cloned().collect();
            let next = old.amend(&Amendment { as_of, people, groups: groups.clone() });
            let mut expected = before.clone();
            expected.extend(more.clone());
            // A group that is gone has no members, but for those who were put into it just now.
            let table = groups.unwrap_or_else(|| named(&before)).union(&named(&more)).cloned().collect();
            for person in expected.values_mut() {
                person.groups = person.groups.intersection(&table).cloned().collect();
            }
            let expected = snapshot(&expected, &table);
            prop_assert!(next.is_same_directory(&expected));
            prop_assert_eq!(next.version().digest, expected.version().digest);
            prop_assert_eq!(next.version().generation, old.version().generation + 1);
        }

        #[test]
        fn the_taking_part_only_takes(before in people(), more in people()) {
            let old = snapshot(&before, &BTreeSet::new());
            let whole = Amendment { as_of: old.as_of(), people: more.values().cloned().collect(), groups: None };
            let taking = whole.taking_part(&old);
            prop_assert!(taking.only_takes(&old));
            let taken = old.amend(&taking);
            for user in taken.users() {
                let was = old.user(&user.username().key()).unwrap();
                prop_assert!(was.is_active() || !user.is_active());
                prop_assert!(user.groups().all(|group| was.is_member_of(group)));
                if let Some(is) = more.get(user.username().as_str()) {
                    prop_assert!(is.active || !user.is_active());
                    prop_assert!(user.groups().all(|group| is.groups.contains(group)));
                }
            }
            let rest = Amendment { people: more.values().cloned().collect(), ..whole };
            prop_assert!(taken.amend(&rest).is_same_directory(&old.amend(&rest)));
        }
    }
}
