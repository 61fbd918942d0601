//! Users and groups as a server has them, and who is in which group by way of others.
//!
//! Servers tell of each object alone: that a user is gone is not told again by the groups that name them, and what stands
//! in a group counts for all that it stands in. So each change here says whom and which groups it may concern.

use std::collections::{BTreeSet, HashMap, HashSet, hash_map::Entry as Slot};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{DnKey, account::Standing};

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The name by which groups know them.
    pub dn: DnKey,
    /// What may hold the Bitbucket username; `None`: the entry has no such attribute.
    pub username: Option<String>,
    /// How they are called.
    pub display_name: Option<String>,
    /// Their e-mail addresses.
    pub emails: Vec<String>,
    /// Until when they may act.
    pub standing: Standing,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The name by which other groups know it.
    pub dn: DnKey,
    /// The name by which rules know it.
    pub name: String,
    /// Whom it names: users, and groups whose members are its own.
    pub members: Vec<DnKey>,
}

/// Whom changes may concern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Users.
    pub users: BTreeSet<Uuid>,
    /// Groups: they, their names or who is in them.
    pub groups: BTreeSet<Uuid>,
}

/// Users and groups.
#[derive(Debug, Clone, Default)]
pub struct Replica {
    users: HashMap<Uuid, User>,
    groups: HashMap<Uuid, Group>,
    user_dns: HashMap<DnKey, Uuid>,
    group_dns: HashMap<DnKey, Uuid>,
    /// Of each name: the groups that name it.
    parents: HashMap<DnKey, BTreeSet<Uuid>>,
    /// Of each name that rules use, in lower case: the groups that have it.
    names: HashMap<String, BTreeSet<Uuid>>,
}

/// A replica as it can be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    users: Vec<([u8; 16], User)>,
    groups: Vec<([u8; 16], Group)>,
}

impl Replica {
    /// The replica as it can be kept.
    pub fn image(&self) -> Image {
        let mut users: Vec<_> = self.users.iter().map(|(id, user)| (*id.as_bytes(), user.clone())).collect();
        let mut groups: Vec<_> =
            self.groups.iter().map(|(id, group)| (*id.as_bytes(), group.clone())).collect();
        users.sort_unstable_by_key(|(id, _)| *id);
        groups.sort_unstable_by_key(|(id, _)| *id);
        Image { users, groups }
    }

    /// The replica that was kept.
    pub fn of_image(image: Image) -> Self {
        let (mut replica, mut touched) = (Self::default(), Touched::default());
        for (id, user) in image.users {
            replica.put_user(Uuid::from_bytes(id), user, &mut touched);
        }
        for (id, group) in image.groups {
            replica.put_group(Uuid::from_bytes(id), group, &mut touched);
        }
        replica
    }

    /// A user.
    pub fn user(&self, id: &Uuid) -> Option<&User> {
        self.users.get(id)
    }

    /// A group that no other shares its name with: nobody could tell which of them a rule means, and whoever may make
    /// groups somewhere could make themselves a member.
    pub fn group(&self, id: &Uuid) -> Option<&Group> {
        let group = self.groups.get(id)?;
        let is_alone = self.names.get(&group.name.to_lowercase()).is_some_and(|ids| ids.len() == 1);
        is_alone.then_some(group)
    }

    /// The ids of all users.
    pub fn user_ids(&self) -> impl Iterator<Item = Uuid> {
        self.users.keys().copied()
    }

    /// The ids of all groups.
    pub fn group_ids(&self) -> impl Iterator<Item = Uuid> {
        self.groups.keys().copied()
    }

    /// The name of a user or a group.
    pub fn dn(&self, id: &Uuid) -> Option<&DnKey> {
        let group = || self.groups.get(id).map(|group| &group.dn);
        self.users.get(id).map(|user| &user.dn).or_else(group)
    }

    /// Whoever has this name: a user, a group, or nobody.
    pub fn called(&self, dn: &DnKey) -> impl Iterator<Item = Uuid> {
        self.user_dns.get(dn).into_iter().chain(self.group_dns.get(dn)).copied()
    }

    /// The groups in which this name stands.
    pub fn naming(&self, dn: &DnKey) -> impl Iterator<Item = Uuid> {
        self.parents.get(dn).into_iter().flatten().copied()
    }

    /// Who may be in a group under another name now: it names them no more, and somebody else whom nobody knows. Where a server
    /// tells of the group before it tells of them, they would be in it no more.
    pub fn renamed_in(&self, id: &Uuid, now: &Group) -> BTreeSet<Uuid> {
        let Some(before) = self.groups.get(id) else { return BTreeSet::new() };
        let was: HashSet<&DnKey> = before.members.iter().collect();
        let is: HashSet<&DnKey> = now.members.iter().collect();
        if is.difference(&was).all(|name| self.called(name).next().is_some()) {
            return BTreeSet::new();
        }
        was.difference(&is).flat_map(|name| self.called(name)).collect()
    }

    /// Names that more than one group has, ascending.
    pub fn shared_names(&self) -> Vec<&str> {
        let mut shared: Vec<_> =
            self.names.iter().filter(|(_, ids)| ids.len() > 1).map(|(name, _)| name.as_str()).collect();
        shared.sort_unstable();
        shared
    }

    /// Everybody who is in a group, by themselves or by way of other groups. Circles are gone through once.
    pub fn members(&self, group: &Uuid) -> BTreeSet<Uuid> {
        let mut members = BTreeSet::new();
        let mut seen = HashSet::from([*group]);
        let mut open = vec![*group];
        while let Some(group) = open.pop().and_then(|id| self.groups.get(&id)) {
            for name in &group.members {
                members.extend(self.user_dns.get(name));
                open.extend(self.group_dns.get(name).filter(|id| seen.insert(**id)));
            }
        }
        members
    }

    /// Takes a user as they are now.
    pub fn put_user(&mut self, id: Uuid, user: User, touched: &mut Touched) {
        touched.users.insert(id);
        let before = self.users.get(&id).map(|before| before.dn.clone());
        if let Some(before) = before.filter(|before| *before != user.dn) {
            self.unname_user(id, &before, touched);
        }
        if self.user_dns.insert(user.dn.clone(), id) != Some(id) {
            self.touch_parents(&user.dn, touched);
        }
        self.users.insert(id, user);
    }

    /// Takes a group as it is now.
    pub fn put_group(&mut self, id: Uuid, group: Group, touched: &mut Touched) {
        let before = self.groups.get(&id).cloned();
        if before.as_ref() == Some(&group) {
            return;
        }
        touched.groups.insert(id);
        if let Some(before) = before {
            self.drop_group(id, &before, touched);
        }
        for name in &group.members {
            self.parents.entry(name.clone()).or_default().insert(id);
        }
        self.group_dns.insert(group.dn.clone(), id);
        let named = self.names.entry(group.name.to_lowercase()).or_default();
        named.insert(id);
        touched.groups.extend(named.iter());
        let dn = group.dn.clone();
        self.groups.insert(id, group);
        self.touch_parents(&dn, touched);
    }

    /// Takes out the user with this id, if there is one.
    pub fn remove_user(&mut self, id: Uuid, touched: &mut Touched) {
        if let Some(user) = self.users.remove(&id) {
            touched.users.insert(id);
            self.unname_user(id, &user.dn, touched);
        }
    }

    /// Takes out the group with this id, if there is one.
    pub fn remove_group(&mut self, id: Uuid, touched: &mut Touched) {
        if let Some(group) = self.groups.get(&id).cloned() {
            touched.groups.insert(id);
            self.drop_group(id, &group, touched);
        }
    }

    fn unname_user(&mut self, id: Uuid, dn: &DnKey, touched: &mut Touched) {
        // Somebody else may have the name by now.
        if let Slot::Occupied(slot) = self.user_dns.entry(dn.clone())
            && *slot.get() == id
        {
            slot.remove();
            self.touch_parents(dn, touched);
        }
    }

    fn drop_group(&mut self, id: Uuid, group: &Group, touched: &mut Touched) {
        for name in &group.members {
            leave(&mut self.parents, name, id);
        }
        let name = group.name.to_lowercase();
        leave(&mut self.names, &name, id);
        touched.groups.extend(self.names.get(&name).into_iter().flatten());
        if self.group_dns.get(&group.dn) == Some(&id) {
            self.group_dns.remove(&group.dn);
        }
        self.touch_parents(&group.dn, touched);
        self.groups.remove(&id);
    }

    /// Every group that names this, and every group that names one of these, and so on.
    fn touch_parents(&self, dn: &DnKey, touched: &mut Touched) {
        let mut seen = HashSet::new();
        let mut open = vec![dn];
        while let Some(dn) = open.pop() {
            for parent in self.parents.get(dn).into_iter().flatten() {
                if seen.insert(*parent) {
                    touched.groups.insert(*parent);
                    open.extend(self.groups.get(parent).map(|group| &group.dn));
                }
            }
        }
    }
}

fn leave<K: std::hash::Hash + Eq + Clone>(index: &mut HashMap<K, BTreeSet<Uuid>>, key: &K, id: Uuid) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dn(name: &str) -> DnKey {
        DnKey::of(&format!("cn={name},dc=x")).unwrap()
    }

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn user(name: &str) -> User {
        User {
            dn: dn(name),
            username: Some(name.into()),
            display_name: None,
            emails: Vec::new(),
            standing: Standing::Active,
        }
    }

    fn group(name: &str, members: &[&str]) -> Group {
        Group { dn: dn(name), name: name.into(), members: members.iter().map(|name| dn(name)).collect() }
    }

    #[test]
    fn members_of_members_are_members_and_circles_end() {
        let (mut replica, mut touched) = (Replica::default(), Touched::default());
        replica.put_user(id(1), user("alice"), &mut touched);
        replica.put_user(id(2), user("bob"), &mut touched);
        replica.put_group(id(11), group("all", &["team", "bob"]), &mut touched);
        replica.put_group(id(12), group("team", &["alice", "all", "nobody"]), &mut touched);
        assert_eq!(replica.members(&id(11)), BTreeSet::from([id(1), id(2)]));
        assert_eq!(replica.members(&id(12)), BTreeSet::from([id(1), id(2)]));
        // Nothing is told of the groups when a user goes.
        let mut touched = Touched::default();
        replica.remove_user(id(1), &mut touched);
        assert_eq!(touched.groups, BTreeSet::from([id(11), id(12)]));
        assert_eq!(replica.members(&id(11)), BTreeSet::from([id(2)]));
    }

    #[test]
    fn two_groups_of_one_name_are_neither() {
        let (mut replica, mut touched) = (Replica::default(), Touched::default());
        replica.put_group(id(11), group("eng", &["alice"]), &mut touched);
        assert!(replica.group(&id(11)).is_some());
        let mut touched = Touched::default();
        let other = Group { dn: dn("elsewhere"), ..group("ENG", &["mallory"]) };
        replica.put_group(id(12), other, &mut touched);
        assert_eq!(touched.groups, BTreeSet::from([id(11), id(12)]));
        assert!(replica.group(&id(11)).is_none() && replica.group(&id(12)).is_none());
        assert_eq!(replica.shared_names(), ["eng"]);
        replica.remove_group(id(12), &mut touched);
        assert!(replica.group(&id(11)).is_some());
    }

    #[test]
    fn who_may_be_called_otherwise_is_told_where_somebody_is_new_whom_nobody_knows() {
        let (mut replica, mut touched) = (Replica::default(), Touched::default());
        replica.put_user(id(1), user("alice"), &mut touched);
        replica.put_user(id(2), user("bob"), &mut touched);
        replica.put_group(id(11), group("eng", &["alice", "team"]), &mut touched);
        replica.put_group(id(12), group("team", &[]), &mut touched);
        assert_eq!((replica.dn(&id(1)), replica.dn(&id(12))), (Some(&dn("alice")), Some(&dn("team"))));
        assert_eq!(replica.naming(&dn("team")).collect::<Vec<_>>(), [id(11)]);
        assert_eq!(replica.called(&dn("team")).collect::<Vec<_>>(), [id(12)]);
        let of = |members: &[&str]| replica.renamed_in(&id(11), &group("eng", members));
        assert_eq!(of(&["alicia", "team"]), BTreeSet::from([id(1)]));
        assert_eq!(of(&["alicia", "squad"]), BTreeSet::from([id(1), id(12)]));
        // Who left simply left.
        assert_eq!(of(&["bob"]), BTreeSet::new());
        assert_eq!(of(&["alice", "team", "stranger"]), BTreeSet::new());
        assert_eq!(replica.renamed_in(&id(13), &group("new", &["alicia"])), BTreeSet::new());
    }

    #[derive(Debug, Clone)]
    enum Step {
        User(u128, usize),
        Group(u128, usize, Vec<usize>),
        RemoveUser(u128),
        RemoveGroup(u128),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0..6_u128, 0..8_usize).prop_map(|(id, name)| Step::User(id, name)),
            (6..12_u128, 0..8_usize, prop::collection::vec(0..8_usize, 0..4))
                .prop_map(|(id, name, members)| Step::Group(id, name, members)),
            (0..6_u128).prop_map(Step::RemoveUser),
            (6..12_u128).prop_map(Step::RemoveGroup),
        ];
        prop::collection::vec(step, 0..30)
    }

    #[test]
    fn what_is_kept_is_what_was_known() {
        let (mut replica, mut touched) = (Replica::default(), Touched::default());
        for (number, name) in [(1, "a"), (2, "b")] {
            replica.put_user(id(number), user(name), &mut touched);
        }
        replica.put_group(id(3), group("c", &["a", "d"]), &mut touched);
        replica.put_group(id(4), group("d", &["b", "c"]), &mut touched);
        let kept = Replica::of_image(replica.image());
        assert_eq!(kept.image(), replica.image());
        assert_eq!(kept.members(&id(3)), BTreeSet::from([id(1), id(2)]));
        // And it goes on as the other would.
        let mut again = kept;
        again.remove_group(id(4), &mut touched);
        assert_eq!(again.members(&id(3)), BTreeSet::from([id(1)]));
    }

    proptest! {
        /// Whoever looks at nothing but what is touched knows as much as whoever looks at all.
        #[test]
        fn what_is_not_touched_is_as_it_was(steps in steps()) {
            const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
            let mut replica = Replica::default();
            let mut known: HashMap<Uuid, (Option<Group>, BTreeSet<Uuid>)> = HashMap::new();
            for step in steps {
                let mut touched = Touched::default();
                match step {
                    Step::User(number, name) => replica.put_user(id(number), user(NAMES[name]), &mut touched),
                    Step::Group(number, name, members) => {
                        let members: Vec<_> = members.into_iter().map(|member| NAMES[member]).collect();
                        replica.put_group(id(number), group(NAMES[name], &members), &mut touched);
                    }
                    Step::RemoveUser(number) => replica.remove_user(id(number), &mut touched),
                    Step::RemoveGroup(number) => replica.remove_group(id(number), &mut touched),
                }
                for group in touched.groups {
                    known.insert(group, (replica.group(&group).cloned(), replica.members(&group)));
                }
                for group in replica.group_ids() {
                    let now = (replica.group(&group).cloned(), replica.members(&group));
                    prop_assert_eq!(known.get(&group), Some(&now));
                }
            }
        }
    }
}
