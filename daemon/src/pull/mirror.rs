//! What a provider has: users, and groups with whom they name. By the provider's ids, which stay the same.

use std::{
    borrow::Borrow,
    collections::{BTreeSet, HashMap, HashSet},
    hash::Hash,
};

use jiff::Timestamp;
use oam_scim::{Document, schema::ENTERPRISE};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    config::{GroupAttribute, PullConfig, SourceConfig},
    follow::{Picture, Touched},
};

/// A user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) username: Option<Box<str>>,
    pub(super) nick_name: Option<Box<str>>,
    pub(super) display_name: Option<Box<str>>,
    pub(super) email: Option<Box<str>>,
    pub(super) employee_number: Option<Box<str>>,
    pub(super) active: bool,
}

/// A group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) name: Box<str>,
    /// Whom it names: users, and other groups.
    pub(super) members: BTreeSet<Box<str>>,
}

/// Which groups rules may name, and who counts as in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct View {
    /// Whether members of a group in a group are members of that one, too.
    nested: bool,
    /// The groups that are taken, by name or id; `None`: all.
    only: Option<BTreeSet<String>>,
    /// Whether rules name groups by their ids.
    by_id: bool,
}

/// Users and groups.
#[derive(Debug, Clone, Default)]
pub(super) struct Mirror {
    view: View,
    users: HashMap<Box<str>, User>,
    groups: HashMap<Box<str>, Group>,
    /// Of each user and group: the groups that name it.
    parents: HashMap<Box<str>, BTreeSet<Box<str>>>,
    /// Of each name of a group, in lower case: the groups that have it.
    names: HashMap<String, BTreeSet<Box<str>>>,
}

/// The same, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Image {
    users: Vec<(Box<str>, User)>,
    groups: Vec<(Box<str>, Group)>,
}

impl View {
    pub(super) fn new(source: &SourceConfig, pull: &PullConfig, nested: bool) -> Self {
        Self { nested, only: pull.groups.clone(), by_id: source.mapping.group == GroupAttribute::ExternalId }
    }

    /// Whether a group is named as one that is taken.
    pub(super) fn names(&self, id: &str, name: &str) -> bool {
        self.only.as_ref().is_some_and(|only| only.contains(name) || only.contains(id))
    }

    /// Whether rules may name a group.
    pub(super) fn takes(&self, id: &str, name: &str) -> bool {
        self.only.is_none() || self.names(id, name)
    }
}

impl Mirror {
    pub(super) fn new(view: View) -> Self {
        Self {
            view,
            users: HashMap::new(),
            groups: HashMap::new(),
            parents: HashMap::new(),
            names: HashMap::new(),
        }
    }

    pub(super) fn view(&self) -> &View {
        &self.view
    }

    pub(super) fn has_user(&self, id: &str) -> bool {
        self.users.contains_key(id)
    }

    /// Whether this user may not act, or is not there at all.
    pub(super) fn is_inactive(&self, id: &str) -> bool {
        self.users.get(id).is_none_or(|user| !user.active)
    }

    /// What is known of a user.
    pub(super) fn known(&self, id: &str) -> User {
        self.users.get(id).cloned().unwrap_or_default()
    }

    /// What is known of a group.
    pub(super) fn known_group(&self, id: &str) -> Group {
        self.groups.get(id).cloned().unwrap_or_default()
    }

    /// How many users and groups there are.
    pub(super) fn len(&self) -> usize {
        self.users.len() + self.groups.len()
    }

    /// Names that more than one group has that is taken, ascending; none where rules name groups by their ids.
    pub(super) fn shared_names(&self) -> Vec<String> {
        if self.view.by_id {
            return Vec::new();
        }
        let is_taken = |id: &str| self.groups.get(id).is_some_and(|group| self.view.takes(id, &group.name));
        let shared = self.names.iter().filter(|(_, ids)| ids.len() > 1 && ids.iter().any(|id| is_taken(id)));
        let mut shared: Vec<_> = shared.map(|(name, _)| name.clone()).collect();
        shared.sort_unstable();
        shared
    }

    /// Takes a user as they are now.
    pub(super) fn put_user(&mut self, id: Box<str>, user: User, touched: &mut Touched) {
        if !self.users.contains_key(&id) {
            self.touch_parents(&id, touched);
        }
        touched.users.insert(id.clone());
        self.users.insert(id, user);
    }

    /// Takes out a user. That they were not known is no reason not to look.
    pub(super) fn drop_user(&mut self, id: &str, touched: &mut Touched) {
        touched.users.insert(id.into());
        if self.users.remove(id).is_some() {
            self.touch_parents(id, touched);
        }
    }

    /// Takes a group as it is now.
    pub(super) fn put_group(&mut self, id: Box<str>, group: Group, touched: &mut Touched) {
        if self.groups.get(&id) == Some(&group) {
            touched.groups.insert(id);
            return;
        }
        self.drop_group(&id, touched);
        for member in &group.members {
            self.parents.entry(member.clone()).or_default().insert(id.clone());
        }
        let named = self.names.entry(group.name.to_lowercase()).or_default();
        named.insert(id.clone());
        touched.groups.extend(named.iter().cloned());
        self.groups.insert(id.clone(), group);
        self.touch_parents(&id, touched);
    }

    /// Takes out a group.
    pub(super) fn drop_group(&mut self, id: &str, touched: &mut Touched) {
        touched.groups.insert(id.into());
        let Some(group) = self.groups.remove(id) else { return };
        for member in &group.members {
            leave(&mut self.parents, &**member, id);
        }
        let name = group.name.to_lowercase();
        leave(&mut self.names, name.as_str(), id);
        touched.groups.extend(self.names.get(&name).into_iter().flatten().cloned());
        self.touch_parents(id, touched);
    }

    /// Takes it that a user is named by these groups, as far as they are known, and by no other.
    pub(super) fn put_groups_of(&mut self, user: &str, groups: &BTreeSet<Box<str>>, touched: &mut Touched) {
        let before = self.parents.get(user).cloned().unwrap_or_default();
        let differs = before.symmetric_difference(groups).cloned().collect::<Vec<_>>();
        for id in differs {
            let Some(mut group) = self.groups.get(&id).cloned() else { continue };
            if groups.contains(&id) {
                group.members.insert(user.into());
            } else {
                group.members.remove(user);
            }
            self.put_group(id, group, touched);
        }
    }

    /// Every group that names this, and, where that counts, every group that names one of these, and so on.
    fn touch_parents(&self, id: &str, touched: &mut Touched) {
        let mut seen = HashSet::new();
        let mut open: Vec<&str> = vec![id];
        while let Some(id) = open.pop() {
            for parent in self.parents.get(id).into_iter().flatten() {
                if seen.insert(parent) {
                    touched.groups.insert(parent.clone());
                    if self.view.nested {
                        open.push(parent);
                    }
                }
            }
        }
    }

    pub(super) fn image(&self) -> Image {
        let users = self.users.iter().map(|(id, user)| (id.clone(), user.clone()));
        let groups = self.groups.iter().map(|(id, group)| (id.clone(), group.clone()));
        Image { users: users.collect(), groups: groups.collect() }
    }

    pub(super) fn of_image(view: View, image: Image) -> Self {
        let (mut mirror, mut touched) = (Self::new(view), Touched::default());
        for (id, user) in image.users {
            mirror.put_user(id, user, &mut touched);
        }
        for (id, group) in image.groups {
            mirror.put_group(id, group, &mut touched);
        }
        mirror
    }
}

impl Picture for Mirror {
    fn user(&self, id: &str, _now: Timestamp) -> Option<Document> {
        self.users.get(id).map(|user| user.document(id))
    }

    /// A group that is taken, and whose name no other has: nobody could tell which of them a rule means, and whoever may
    /// make groups somewhere could make themselves a member.
    fn group(&self, id: &str) -> Option<&str> {
        let group = self.groups.get(id).filter(|group| self.view.takes(id, &group.name))?;
        let is_alone = || self.names.get(&group.name.to_lowercase()).is_some_and(|ids| ids.len() == 1);
        (self.view.by_id || is_alone()).then_some(&*group.name)
    }

    /// Circles are gone through once.
    fn members(&self, group: &str) -> BTreeSet<Box<str>> {
        let mut members = BTreeSet::new();
        let mut seen = HashSet::from([group]);
        let mut open = vec![group];
        while let Some(group) = open.pop().and_then(|id| self.groups.get(id)) {
            for id in &group.members {
                if self.users.contains_key(id) {
                    members.insert(id.clone());
                } else if self.view.nested && self.groups.contains_key(id) && seen.insert(id) {
                    open.push(id);
                }
            }
        }
        members
    }

    fn user_ids(&self) -> Vec<Box<str>> {
        self.users.keys().cloned().collect()
    }

    fn group_ids(&self) -> Vec<Box<str>> {
        self.groups.keys().cloned().collect()
    }
}

impl User {
    /// As they are kept.
    pub(super) fn document(&self, id: &str) -> Document {
        let mut document = Document::new();
        let mut put = |name: &str, value: Option<&Box<str>>| {
            document.extend(value.map(|value| (name.to_owned(), Value::from(&**value))));
        };
        put("userName", self.username.as_ref());
        put("nickName", self.nick_name.as_ref());
        put("displayName", self.display_name.as_ref());
        document.insert("externalId".into(), id.into());
        document.insert("active".into(), self.active.into());
        document.extend(self.email.as_ref().map(|email| ("emails".into(), json!([{"value": email}]))));
        let number = self.employee_number.as_ref();
        document.extend(number.map(|number| (ENTERPRISE.into(), json!({"employeeNumber": number}))));
        document
    }
}

fn leave<K, Q>(index: &mut HashMap<K, BTreeSet<Box<str>>>, key: &Q, id: &str)
where
    K: Hash + Eq + Borrow<Q>,
    Q: Hash + Eq + ?Sized,
{
    if let Some(ids) = index.get_mut(key) {
        ids.remove(id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
