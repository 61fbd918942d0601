//! What the roles of a policy mean in one directory: which groups, as the directory numbers them, make somebody hold
//! which roles, and so who holds which.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, OnceLock, Weak},
};

use super::{Role, RolePlaces};
use crate::{
    name::GroupName,
    snapshot::{Place, SHARDS, Shard, Snapshot},
};

/// See the module.
#[derive(Debug)]
pub(crate) struct Holders {
    groups: Arc<[GroupName]>,
    /// The roles that one group is enough for.
    enough: ByGroup<u32>,
    /// Roles that it takes several groups for, by the one of these that is wanted least.
    by_several: ByGroup<Several>,
    /// The roles of people by shard, made room for when somebody in it is first asked about.
    shards: Box<[OnceLock<HeldInShard>]>,
}

/// What groups stand for, group after group: close together, since a person is in many groups.
#[derive(Debug)]
struct ByGroup<T> {
    /// For each group of the directory, where its values begin; and one more, where the last ones end.
    begins: Vec<u32>,
    values: Vec<T>,
}

/// A role that wants every one of some groups.
#[derive(Debug)]
struct Several {
    role: u32,
    /// One of these, where there are any.
    any: Option<Vec<u32>>,
    /// And all of these.
    all: Vec<u32>,
}

/// The roles of those in a shard who were asked about. Not of everybody at once: a push would wait a thousandth of a second for
/// people that it does not know, in a directory of half a million.
#[derive(Debug)]
struct HeldInShard {
    /// The shard. It is not kept alive: a directory that is no longer in force must not wait for a push to drop it.
    shard: Weak<Shard>,
    /// For each of its users, the roles.
    roles: Box<[OnceLock<RolePlaces>]>,
}

impl Holders {
    pub(super) fn of(roles: &[Role], groups: &Arc<[GroupName]>) -> Self {
        let position = |group: &GroupName| u32::try_from(groups.binary_search(group).ok()?).ok();
        let mut enough: Vec<(u32, u32)> = Vec::new();
        let mut by_several = Vec::new();
        for (role, rule) in (0..).zip(roles) {
            let any: Vec<u32> = rule.any.iter().filter_map(position).collect();
            if rule.all.is_empty() {
                enough.extend(any.into_iter().map(|group| (group, role)));
                continue;
            }
            // With a group that the directory does not know, nobody is in all of them.
            if let Some(all) = rule.all.iter().map(position).collect::<Option<Vec<_>>>() {
                let any = (!rule.any.is_empty()).then_some(any);
                by_several.push(Several { role, any, all });
            }
        }
        Self {
            groups: Arc::clone(groups),
            enough: ByGroup::of(groups.len(), enough),
            by_several: ByGroup::of(groups.len(), by_least_wanted(by_several)),
            shards: (0..SHARDS).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Whether it is about this table of groups.
    #[inline]
    pub(super) fn is_of(&self, groups: &Arc<[GroupName]>) -> bool {
        Arc::ptr_eq(&self.groups, groups)
    }

    /// The roles of the user at this place. Worked out once for each; readers never wait for one another.
    #[inline]
    pub(crate) fn roles_at(&self, place: Place, snapshot: &Snapshot) -> Cow<'_, RolePlaces> {
        let (Some(shard), Some(held)) = (snapshot.shards().get(place.shard), self.shards.get(place.shard))
        else {
            return Cow::default();
        };
        let Some(user) = shard.users().get(place.position) else { return Cow::default() };
        if held.get().is_none() {
            // Of two who work it out at once, either is right.
            let _ = held.set(HeldInShard::nobody_yet(shard));
        }
        let known = held.get().filter(|held| held.shard.as_ptr() == Arc::as_ptr(shard));
        let Some(slot) = known.and_then(|held| held.roles.get(place.position)) else {
            return Cow::Owned(self.roles(user.groups()));
        };
        if slot.get().is_none() {
            let _ = slot.set(self.roles(user.groups()));
        }
        slot.get().map_or_else(Cow::default, Cow::Borrowed)
    }

    /// The roles of somebody who is in these groups, which are ascending.
    fn roles(&self, groups: &[u32]) -> RolePlaces {
        let mut held = Vec::new();
        let is_in = |group: &u32| groups.binary_search(group).is_ok();
        for group in groups {
            held.extend_from_slice(self.enough.get(*group));
            for several in self.by_several.get(*group) {
                if several.all.iter().all(is_in)
                    && several.any.as_ref().is_none_or(|any| any.iter().any(is_in))
                {
                    held.push(several.role);
                }
            }
        }
        held.into_iter().collect()
    }
}

impl HeldInShard {
    fn nobody_yet(shard: &Arc<Shard>) -> Self {
        let roles = shard.users().iter().map(|_| OnceLock::new()).collect();
        Self { shard: Arc::downgrade(shard), roles }
    }
}

impl<T> ByGroup<T> {
    fn of(groups: usize, mut values: Vec<(u32, T)>) -> Self {
        values.sort_by_key(|(group, _)| *group);
        let mut begins = vec![0_u32; groups + 1];
        for (group, _) in &values {
            if let Some(count) = begins.get_mut(*group as usize + 1) {
                *count += 1;
            }
        }
        let mut total = 0;
        for begin in &mut begins {
            total += *begin;
            *begin = total;
        }
        Self { begins, values: values.into_iter().map(|(_, value)| value).collect() }
    }

    fn get(&self, group: u32) -> &[T] {
        let begin = |group: usize| self.begins.get(group).map(|begin| *begin as usize);
        let range = begin(group as usize).zip(begin(group as usize + 1)).map(|(begin, end)| begin..end);
        range.and_then(|range| self.values.get(range)).unwrap_or_default()
    }
}

/// Each role with the group that the fewest of them want: a person in it is asked about the fewest roles in vain.
fn by_least_wanted(several: Vec<Several>) -> Vec<(u32, Several)> {
    let mut wanted = HashMap::<u32, usize>::new();
    for group in several.iter().flat_map(|several| &several.all) {
        *wanted.entry(*group).or_default() += 1;
    }
    let least = |several: &Several| several.all.iter().copied().min_by_key(|group| wanted.get(group));
    several.into_iter().filter_map(|several| Some((least(&several)?, several))).collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use jiff::Timestamp;
    use proptest::{
        collection::{btree_set, vec},
        prelude::*,
    };

    use super::Holders;
    use crate::{
        name::GroupName,
        rule::Role,
        snapshot::{Directory, Person, Snapshot},
    };

    fn group(number: u8) -> GroupName {
        format!("s:g{number}").parse().unwrap()
    }

    /// A directory of one person called `zoe`, and of four groups.
    fn zoe_in(member_of: &BTreeSet<u8>) -> Snapshot {
        let person = Person {
            username: "zoe".parse().unwrap(),
            id: None,
            display_name: None,
            emails: vec![],
            active: true,
            groups: member_of.iter().copied().map(group).collect(),
            keys: Default::default(),
        };
        let directory = Directory { people: vec![person], groups: (0..4).map(group).collect() };
        Snapshot::of_directory(1, now(), &directory, Default::default()).unwrap()
    }

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn role(id: &str, any: impl IntoIterator<Item = u8>, all: impl IntoIterator<Item = u8>) -> Role {
        Role {
            id: id.parse().unwrap(),
            any: any.into_iter().map(group).collect(),
            all: all.into_iter().map(group).collect(),
            service: Default::default(),
            max_lease: None,
            exclusive: Default::default(),
        }
    }

    fn held(holders: &Holders, snapshot: &Snapshot) -> Vec<u32> {
        let (place, _) = snapshot.find("zoe").unwrap();
        holders.roles_at(place, snapshot).iter().collect()
    }

    #[test]
    fn a_directory_with_the_same_groups_and_other_people_has_other_holders() {
        let roles = [role("a", [0], []), role("b", [1], [])];
        let (first, other) = (zoe_in(&[0].into()), zoe_in(&[1].into()));
        let moved =
            Snapshot::assemble(2, now(), first.shared_groups(), other.shards().to_vec(), Default::default());
        let moved = moved.unwrap();
        let holders = Holders::of(&roles, &first.shared_groups());
        assert!(holders.is_of(&moved.shared_groups()));
        assert_eq!(held(&holders, &first), [0]);
        assert_eq!(held(&holders, &moved), [1]);
        assert_eq!(held(&holders, &first), [0]);
    }

    proptest! {
        /// The same as looking at each role by itself.
        #[test]
        fn roles_are_those_that_each_role_says(
            wanted in vec((btree_set(0..6u8, 0..3), btree_set(0..6u8, 0..3)), 1..70),
            member_of in btree_set(0..4u8, 0..4),
        ) {
            let roles: Vec<Role> =
                wanted.into_iter().enumerate().map(|(number, (any, all))| role(&format!("r{number}"), any, all)).collect();
            let snapshot = zoe_in(&member_of);
            let zoe = snapshot.users().next().unwrap();
            let holders = Holders::of(&roles, &snapshot.shared_groups());
            let each = (0..).zip(&roles).filter(|(_, role)| role.holds_by_group(&zoe)).map(|(place, _)| place);
            prop_assert_eq!(held(&holders, &snapshot), each.collect::<Vec<u32>>());
            prop_assert!(holders.is_of(&snapshot.shared_groups()) && !holders.is_of(&Arc::from([])));
        }
    }
}
