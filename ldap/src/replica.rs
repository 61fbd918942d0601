//! Users and groups as a server has them, and who is in which group by way of others.
//!
//! Servers tell of each object alone: that a user is gone is not told again by the groups that name them, and what stands
//! in a group counts for all that it stands in. So each change here says whom and which groups it may concern.

#[cfg(test)]
mod tests;

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
    /// Names that stand in groups, and that somebody has now who had them not.
    pub taken: BTreeSet<DnKey>,
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
            self.take_name(&user.dn, touched);
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
        if before.as_ref().is_none_or(|before| before.dn != group.dn) {
            self.take_name(&group.dn, touched);
        }
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

    fn take_name(&self, dn: &DnKey, touched: &mut Touched) {
        if self.parents.contains_key(dn) {
            touched.taken.insert(dn.clone());
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
