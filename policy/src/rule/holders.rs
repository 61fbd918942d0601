//! What the roles of a policy mean in one directory: which groups, as the directory numbers them, make somebody hold
//! which roles.

use std::sync::Arc;

use super::Role;
use crate::name::GroupName;

/// Some roles of a policy, as bits at their places among its roles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RoleBits(Vec<u64>);

impl RoleBits {
    pub(crate) fn insert(&mut self, place: usize) {
        let (word, bit) = (place / 64, place % 64);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << bit;
        }
    }

    pub(crate) fn contains(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|bits| bits & (1 << (place % 64)) != 0)
    }

    /// The first of `places` that is among them.
    pub(crate) fn first_of(&self, places: &[usize]) -> Option<usize> {
        places.iter().copied().find(|place| self.contains(*place))
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = usize> {
        let of_word = |(word, bits): (usize, &u64)| {
            let lowest = |bits: &u64| (*bits != 0).then_some(*bits);
            let rest = std::iter::successors(lowest(bits), move |bits| lowest(&(bits & (bits - 1))));
            rest.map(move |bits| word * 64 + bits.trailing_zeros() as usize)
        };
        self.0.iter().enumerate().flat_map(of_word)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|bits| bits.count_ones() as usize).sum()
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Holders {
    groups: Arc<[GroupName]>,
    /// For each group of the directory, where its roles begin in `enough`; and one more, where the last ones end.
    begins: Vec<u32>,
    /// The roles that one group is enough for, group after group: close together, since a person is in many groups.
    enough: Vec<u32>,
    /// Roles that it takes several groups for.
    by_several: Vec<Several>,
}

/// A role that wants every one of some groups.
#[derive(Debug)]
struct Several {
    role: usize,
    /// One of these, where there are any.
    any: Option<Vec<u32>>,
    /// And all of these.
    all: Vec<u32>,
}

impl Holders {
    pub(super) fn of(roles: &[Role], groups: &Arc<[GroupName]>) -> Self {
        let position = |group: &GroupName| u32::try_from(groups.binary_search(group).ok()?).ok();
        let mut by_any: Vec<(u32, u32)> = Vec::new();
        let mut by_several = Vec::new();
        for (role, rule) in roles.iter().enumerate() {
            let any: Vec<u32> = rule.any.iter().filter_map(position).collect();
            if rule.all.is_empty() {
                let role = u32::try_from(role).unwrap_or(u32::MAX);
                by_any.extend(any.into_iter().map(|group| (group, role)));
                continue;
            }
            // With a group that the directory does not know, nobody is in all of them.
            if let Some(all) = rule.all.iter().map(position).collect::<Option<Vec<_>>>() {
                let any = (!rule.any.is_empty()).then_some(any);
                by_several.push(Several { role, any, all });
            }
        }
        by_any.sort_unstable();
        let mut begins = vec![0_u32; groups.len() + 1];
        for (group, _) in &by_any {
            if let Some(count) = begins.get_mut(*group as usize + 1) {
                *count += 1;
            }
        }
        let mut total = 0;
        for begin in &mut begins {
            total += *begin;
            *begin = total;
        }
        let enough = by_any.into_iter().map(|(_, role)| role).collect();
        Self { groups: Arc::clone(groups), begins, enough, by_several }
    }

    /// Whether it is about this table of groups.
    pub(super) fn is_of(&self, groups: &Arc<[GroupName]>) -> bool {
        Arc::ptr_eq(&self.groups, groups)
    }

    fn enough(&self, group: usize) -> Option<&[u32]> {
        let (begin, end) = (*self.begins.get(group)?, *self.begins.get(group + 1)?);
        self.enough.get(begin as usize..end as usize)
    }

    /// The roles of somebody who is in these groups, which are ascending.
    pub(crate) fn roles(&self, groups: &[u32]) -> RoleBits {
        let mut held = RoleBits::default();
        for roles in groups.iter().filter_map(|group| self.enough(*group as usize)) {
            roles.iter().for_each(|role| held.insert(*role as usize));
        }
        let is_in = |group: &u32| groups.binary_search(group).is_ok();
        for several in &self.by_several {
            if several.all.iter().all(is_in) && several.any.as_ref().is_none_or(|any| any.iter().any(is_in)) {
                held.insert(several.role);
            }
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::{collection::btree_set, prelude::*};

    use super::{Holders, RoleBits};
    use crate::{
        name::GroupName,
        rule::Role,
        snapshot::{Directory, Person, Snapshot},
    };

    #[test]
    fn bits_are_at_their_places() {
        let mut bits = RoleBits::default();
        for place in [0, 63, 64, 200] {
            bits.insert(place);
        }
        assert_eq!(bits.places().collect::<Vec<_>>(), [0, 63, 64, 200]);
        assert!(bits.contains(64) && !bits.contains(65) && !bits.contains(10_000));
        assert_eq!(bits.first_of(&[1, 64, 0]), Some(64));
        assert_eq!(bits.first_of(&[]), None);
    }

    proptest! {
        /// The same as looking at each role by itself.
        #[test]
        fn roles_are_those_that_each_role_says(
            wanted in proptest::collection::vec((btree_set(0..6u8, 0..3), btree_set(0..6u8, 0..3)), 1..70),
            member_of in btree_set(0..4u8, 0..4),
        ) {
            let group = |number: &u8| format!("s:g{number}").parse::<GroupName>().unwrap();
            let role = |(number, (any, all)): (usize, &(std::collections::BTreeSet<u8>, std::collections::BTreeSet<u8>))| Role {
                id: format!("r{number}").parse().unwrap(),
                any: any.iter().map(group).collect(),
                all: all.iter().map(group).collect(),
                service: Default::default(),
                max_lease: None,
                exclusive: Default::default(),
            };
            let roles: Vec<Role> = wanted.iter().enumerate().map(role).collect();
            let person = Person {
                username: "zoe".parse().unwrap(),
                id: None,
                display_name: None,
                emails: vec![],
                active: true,
                groups: member_of.iter().map(group).collect(), keys: Default::default() };
            let directory = Directory { people: vec![person], groups: (0..4u8).map(|one| group(&one)).collect() };
            let now = "2026-01-01T00:00:00Z".parse().unwrap();
            let snapshot = Snapshot::of_directory(1, now, &directory, Default::default()).unwrap();
            let zoe = snapshot.users().next().unwrap();
            let holders = Holders::of(&roles, &snapshot.shared_groups());
            let found: Vec<usize> = holders.roles(zoe.group_positions()).places().collect();
            let each: Vec<usize> = (0..roles.len()).filter(|place| roles[*place].holds_by_group(&zoe)).collect();
            prop_assert_eq!(found, each);
            prop_assert!(holders.is_of(&snapshot.shared_groups()) && !holders.is_of(&Arc::from([])));
        }
    }
}
