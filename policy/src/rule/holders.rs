//! What the roles of a policy mean in one directory: which groups, as the directory numbers them, make somebody hold
//! which roles, and so who holds which.

use std::{
    borrow::Cow,
    collections::HashMap,
    ptr,
    sync::{Arc, OnceLock, Weak},
};

use arc_swap::Guard;

use super::{Role, RolePlaces};
use crate::{
    name::{GroupName, RoleId},
    snapshot::{Place, Shard, Snapshot},
};

/// See the module.
#[derive(Debug)]
pub(crate) struct Holders {
    groups: Arc<ByGroups>,
    /// The shards of the directory. They are not kept alive: a directory that is no longer in force must not wait for a push to drop it.
    of: Weak<[Arc<Shard>]>,
    /// The roles of people by shard; one in which nobody changed shares them with the directory before.
    shards: Box<[HeldInShard]>,
}

/// The roles of those in a shard who were asked about. Not of everybody at once: a push would wait a thousandth of a second for
/// people that it does not know, in a directory of half a million. Room is made when somebody in it is first asked about.
#[derive(Debug, Clone, Default)]
struct HeldInShard(OnceLock<Arc<[OnceLock<RolePlaces>]>>);

/// Which groups it takes to hold which roles, as one table numbers the groups.
#[derive(Debug)]
struct ByGroups {
    /// All roles, by whose places the policy is known that has them.
    ids: Arc<[RoleId]>,
    table: Arc<[GroupName]>,
    /// The roles that one group is enough for.
    enough: ByGroup<u32>,
    /// Roles that it takes several groups for, by the one of these that is wanted least.
    by_several: ByGroup<Several>,
}

/// Who holds what in a directory, as long as somebody asks.
pub(crate) struct HoldersIn<'a> {
    pub(super) found: Found<'a>,
    pub(super) snapshot: &'a Snapshot,
}

/// Where it was found what roles mean in a directory.
pub(super) enum Found<'a> {
    /// Beside the directory: nobody need count who reads it.
    Beside(&'a Holders),
    /// With the policy.
    Kept(Guard<Option<Arc<Holders>>>),
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

impl Holders {
    /// What these roles, which have these ids, mean in a directory.
    pub(super) fn of(roles: &[Role], ids: &Arc<[RoleId]>, snapshot: &Snapshot) -> Self {
        let groups = Arc::new(ByGroups::of(roles, ids, snapshot.groups_table()));
        let shards = snapshot.shards().iter().map(|_| HeldInShard::default()).collect();
        Self { groups, of: Arc::downgrade(snapshot.shared_shards()), shards }
    }

    /// What they mean in `next`, which comes after `before`, of which this is: whoever is the same holds the same. `None`: the groups are
    /// others.
    pub(super) fn after(&self, before: &Snapshot, next: &Snapshot) -> Option<Self> {
        if !self.is_of(before) || !Arc::ptr_eq(&self.groups.table, next.groups_table()) {
            return None;
        }
        let pairs = before.shards().iter().zip(next.shards());
        let shards = self.shards.iter().zip(pairs).map(|(held, (was, is))| match Arc::ptr_eq(was, is) {
            true => held.clone(),
            false => HeldInShard::default(),
        });
        let shards = shards.collect();
        Some(Self { groups: Arc::clone(&self.groups), of: Arc::downgrade(next.shared_shards()), shards })
    }

    /// Whether it is about the policy that has these roles.
    #[inline]
    pub(super) fn is_by(&self, ids: &Arc<[RoleId]>) -> bool {
        Arc::ptr_eq(&self.groups.ids, ids)
    }

    /// Whether it is about these people, who are in the same groups as ever.
    #[inline]
    pub(super) fn is_of(&self, snapshot: &Snapshot) -> bool {
        ptr::addr_eq(self.of.as_ptr(), Arc::as_ptr(snapshot.shared_shards()))
    }

    /// Finds out what the user at a place holds. Of two who do at once, either is right: nobody waits for the other.
    #[cold]
    fn find_out(&self, place: Place, snapshot: &Snapshot) -> Option<&RolePlaces> {
        let users = snapshot.shards().get(place.shard)?.users();
        let HeldInShard(held) = self.shards.get(place.shard)?;
        if held.get().is_none() {
            let _ = held.set(users.iter().map(|_| OnceLock::new()).collect());
        }
        let slot = held.get()?.get(place.position)?;
        let _ = slot.set(self.groups.roles(users.get(place.position)?.groups()));
        slot.get()
    }
}

impl HoldersIn<'_> {
    /// The roles of the user at this place. Worked out once for each.
    #[inline]
    pub(crate) fn roles_at(&self, place: Place) -> Cow<'_, RolePlaces> {
        let Some(holders) = self.found.holders() else { return Cow::default() };
        let held = holders.shards.get(place.shard).and_then(|held| held.0.get());
        let known = held.and_then(|held| held.get(place.position)).and_then(OnceLock::get);
        known.or_else(|| holders.find_out(place, self.snapshot)).map_or_else(Cow::default, Cow::Borrowed)
    }
}

impl Found<'_> {
    pub(super) fn holders(&self) -> Option<&Holders> {
        match self {
            Self::Beside(holders) => Some(holders),
            Self::Kept(kept) => kept.as_deref(),
        }
    }
}

impl ByGroups {
    fn of(roles: &[Role], ids: &Arc<[RoleId]>, table: &Arc<[GroupName]>) -> Self {
        let position = |group: &GroupName| u32::try_from(table.binary_search(group).ok()?).ok();
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
            ids: Arc::clone(ids),
            table: Arc::clone(table),
            enough: ByGroup::of(table.len(), enough),
            by_several: ByGroup::of(table.len(), by_least_wanted(by_several)),
        }
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
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use proptest::{
        collection::{btree_set, vec},
        prelude::*,
    };

    use super::Holders;
    use crate::{
        name::GroupName,
        rule::{Policy, PolicyParts, Role},
        snapshot::{Amendment, Directory, Person, Snapshot},
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

    /// What the roles mean in a directory, beside which that is kept.
    fn holders<'a>(policy: &'a Policy, snapshot: &'a Snapshot) -> &'a Holders {
        policy.prepare(snapshot, None);
        snapshot.holders().get().unwrap()
    }

    fn held(policy: &Policy, snapshot: &Snapshot) -> Vec<u32> {
        let (place, _) = snapshot.find("zoe").unwrap();
        policy.holders(snapshot).roles_at(place).iter().collect()
    }

    fn policy(roles: Vec<Role>) -> Policy {
        Policy::new(PolicyParts { roles, ..PolicyParts::default() }).unwrap()
    }

    #[test]
    fn a_directory_with_the_same_groups_and_other_people_has_other_holders() {
        let policy = policy(vec![role("a", [0], []), role("b", [1], [])]);
        let (first, other) = (zoe_in(&[0].into()), zoe_in(&[1].into()));
        let moved =
            Snapshot::assemble(2, now(), first.shared_groups(), other.shards().to_vec(), Default::default());
        let moved = moved.unwrap();
        assert!(!holders(&policy, &first).is_of(&moved));
        assert_eq!(held(&policy, &first), [0]);
        assert_eq!(held(&policy, &moved), [1]);
        assert_eq!(held(&policy, &first), [0]);
    }

    #[test]
    fn two_policies_on_one_directory_know_each_their_own() {
        let one = policy(vec![role("a", [0], []), role("b", [1], [])]);
        let other = policy(vec![role("a", [1], []), role("b", [0], [])]);
        let snapshot = zoe_in(&[0].into());
        for _ in 0..2 {
            assert_eq!(held(&one, &snapshot), [0]);
            assert_eq!(held(&other, &snapshot), [1]);
        }
        assert_eq!(held(&one.apart(), &snapshot), [0]);
    }

    #[test]
    fn whoever_is_the_same_in_the_next_directory_is_known_already() {
        let policy = policy(vec![role("a", [0], []), role("b", [1], [])]);
        let zoe = zoe_in(&[0].into());
        assert_eq!(held(&policy, &zoe), [0]);
        let amended = |snapshot: &Snapshot, name: &str, groups: &[u8]| {
            let groups = groups.iter().copied().map(group).collect();
            let person = Person { groups, ..Person::named(name.parse().unwrap()) };
            let next = snapshot.amend(&Amendment { as_of: now(), people: vec![person], groups: None });
            policy.prepare(&next, Some(snapshot));
            next
        };
        let is_known = |snapshot: &Snapshot| {
            let (place, _) = snapshot.find("zoe").unwrap();
            snapshot.holders().get().unwrap().shards[place.shard].0.get().is_some()
        };
        let with_ann = amended(&zoe, "ann", &[1]);
        assert!(is_known(&with_ann), "another one of another shard came");
        assert_eq!(held(&policy, &with_ann), [0]);
        let moved = amended(&with_ann, "zoe", &[1]);
        assert!(!is_known(&moved));
        assert_eq!(held(&policy, &moved), [1]);
        assert_eq!(held(&policy, &with_ann), [0]);
    }

    #[test]
    fn where_another_group_comes_first_everybody_is_looked_at_again() {
        let policy = policy(vec![role("a", [0], []), role("b", [1], [])]);
        let zoe = zoe_in(&[0].into());
        assert_eq!(held(&policy, &zoe), [0]);
        let ann = Person { groups: ["s:a".parse().unwrap()].into(), ..Person::named("ann".parse().unwrap()) };
        let next = zoe.amend(&Amendment { as_of: now(), people: vec![ann], groups: None });
        policy.prepare(&next, Some(&zoe));
        assert_eq!(held(&policy, &next), [0]);
        assert_eq!(held(&policy, &zoe), [0]);
    }

    proptest! {
        /// The same as looking at each role by itself.
        #[test]
        fn roles_are_those_that_each_role_says(
            wanted in vec((btree_set(0..6u8, 0..3), btree_set(0..6u8, 0..3)), 1..70),
            member_of in btree_set(0..4u8, 0..4),
        ) {
            let roles =
                wanted.into_iter().enumerate().map(|(number, (any, all))| role(&format!("r{number}"), any, all)).collect();
            let (policy, snapshot) = (policy(roles), zoe_in(&member_of));
            let zoe = snapshot.users().next().unwrap();
            let each =
                (0..).zip(policy.roles()).filter(|(_, role)| role.holds_by_group(&zoe)).map(|(place, _)| place);
            prop_assert_eq!(held(&policy, &snapshot), each.collect::<Vec<u32>>());
        }
    }
}
