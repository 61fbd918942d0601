use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::Timestamp;
use oam_policy::{GroupName, name::UsernameKey, snapshot::Person};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Change, StoredGroup, StoredUser, mapping::folded, roster::Touched, stored::end, walk::behind};
use crate::config::{Mapping, SourceConfig};

/// Users and groups one by one, as an identity provider pushed them or a directory server has them.
#[derive(Debug, Clone)]
pub struct Provisioned {
    source: Box<str>,
    mapping: Mapping,
    users: BTreeMap<Box<str>, Arc<StoredUser>>,
    groups: BTreeMap<Box<str>, Group>,
    /// Of each Bitbucket username: the ids. More than one only after the mapping was changed.
    names: HashMap<UsernameKey, BTreeSet<Box<str>>>,
    /// Of each `userName`, folded: the id.
    user_names: HashMap<Box<str>, Box<str>>,
    /// Of each user's `externalId`: the ids.
    external_ids: HashMap<Box<str>, BTreeSet<Box<str>>>,
    /// Of each group's `displayName`, folded: the ids.
    group_names: HashMap<Box<str>, BTreeSet<Box<str>>>,
    /// Of each user: the groups.
    memberships: HashMap<Box<str>, BTreeSet<Box<str>>>,
    /// When active users will be so no more.
    ends: BTreeSet<(Timestamp, Box<str>)>,
}

#[derive(Debug, Clone)]
struct Group {
    head: Arc<StoredGroup>,
    members: BTreeSet<Box<str>>,
}

/// The same, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ProvisionedImage {
    users: Vec<Arc<StoredUser>>,
    groups: Vec<(StoredGroup, Vec<Box<str>>)>,
}

impl Provisioned {
    pub(super) fn new(config: &SourceConfig) -> Self {
        Self {
            source: config.name.as_str().into(),
            mapping: config.mapping.clone(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            names: HashMap::new(),
            user_names: HashMap::new(),
            external_ids: HashMap::new(),
            group_names: HashMap::new(),
            memberships: HashMap::new(),
            ends: BTreeSet::new(),
        }
    }

    /// What the attributes mean.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// How many users there are.
    pub fn user_count(&self) -> usize {
        self.users.len()
    }

    /// How many groups there are.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// The user with this id.
    pub fn user(&self, id: &str) -> Option<&Arc<StoredUser>> {
        self.users.get(id)
    }

    /// Every user, in the order in which we heard of them.
    pub fn users(&self) -> impl Iterator<Item = &Arc<StoredUser>> {
        self.users.values()
    }

    /// Those of whom we heard after the one with this id; everybody without one.
    pub(super) fn users_behind(&self, last: Option<&str>) -> impl Iterator<Item = &Arc<StoredUser>> {
        self.users.range::<str, _>(behind(last)).map(|(_, user)| user)
    }

    /// The user with this `userName`, in any case.
    pub fn user_called(&self, user_name: &str) -> Option<&Arc<StoredUser>> {
        self.users.get(self.user_names.get(&folded(user_name))?)
    }

    /// The users with this `externalId`.
    pub fn users_known_as(&self, external_id: &str) -> impl Iterator<Item = &Arc<StoredUser>> {
        self.external_ids.get(external_id).into_iter().flatten().filter_map(|id| self.users.get(id))
    }

    /// The ids of the users with this Bitbucket username.
    pub fn users_named<'a>(&'a self, key: &UsernameKey) -> impl Iterator<Item = &'a str> + use<'a> {
        self.names.get(key).into_iter().flatten().map(AsRef::as_ref)
    }

    /// When the next active user will be so no more.
    pub fn next_end(&self) -> Option<Timestamp> {
        self.ends.first().map(|(at, _)| *at)
    }

    /// The active users whose time is over.
    pub fn ended(&self, now: Timestamp) -> impl Iterator<Item = &Arc<StoredUser>> {
        self.ends.iter().take_while(move |(at, _)| *at <= now).filter_map(|(_, id)| self.users.get(id))
    }

    /// How many users have no Bitbucket username, or share one.
    pub fn unusable_users(&self) -> usize {
        let usable = self.names.values().filter(|ids| ids.len() == 1).count();
        self.users.len().saturating_sub(usable)
    }

    /// The group with this id.
    pub fn group(&self, id: &str) -> Option<&Arc<StoredGroup>> {
        self.groups.get(id).map(|group| &group.head)
    }

    /// Every group, in the order in which we heard of them.
    pub fn groups(&self) -> impl Iterator<Item = &Arc<StoredGroup>> {
        self.groups.values().map(|group| &group.head)
    }

    /// Those of which we heard after the one with this id; all without one.
    pub(super) fn groups_behind(&self, last: Option<&str>) -> impl Iterator<Item = &Arc<StoredGroup>> {
        self.groups.range::<str, _>(behind(last)).map(|(_, group)| &group.head)
    }

    /// The groups that are called so, in any case.
    pub fn groups_called(&self, display_name: &str) -> impl Iterator<Item = &Arc<StoredGroup>> {
        self.group_names.get(&folded(display_name)).into_iter().flatten().filter_map(|id| self.group(id))
    }

    /// The group that is called so, exactly.
    pub fn group_called(&self, display_name: &str) -> Option<&Arc<StoredGroup>> {
        self.groups_called(display_name).find(|group| *group.display_name == *display_name)
    }

    /// The ids of a group's members.
    pub fn members(&self, group: &str) -> impl Iterator<Item = &str> + Clone {
        self.groups.get(group).into_iter().flat_map(|group| &group.members).map(AsRef::as_ref)
    }

    /// How many members a group has.
    pub fn member_count(&self, group: &str) -> usize {
        self.groups.get(group).map_or(0, |group| group.members.len())
    }

    /// Whether a user is in a group.
    pub fn is_member(&self, group: &str, user: &str) -> bool {
        self.groups.get(group).is_some_and(|group| group.members.contains(user))
    }

    /// The groups of a user.
    pub fn groups_of(&self, user: &str) -> impl Iterator<Item = &Arc<StoredGroup>> {
        self.memberships.get(user).into_iter().flatten().filter_map(|group| self.group(group))
    }

    pub(super) fn knows(&self, key: &UsernameKey) -> bool {
        self.names.contains_key(key)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &UsernameKey> {
        self.names.keys()
    }

    /// Who is called so. Two who share a name are nobody who may act: nobody knows which of them pushes.
    pub(super) fn person(&self, key: &UsernameKey) -> Option<Person> {
        let ids = self.names.get(key)?;
        let id = ids.first()?;
        let mut person = self.mapping.person(id, &self.users.get(id)?.document())?;
        if ids.len() > 1 {
            person.active = false;
            return Some(person);
        }
        person.groups = self.groups_of(id).filter_map(|group| self.named(group)).collect();
        Some(person)
    }

    /// Every group as rules name it.
    pub(super) fn group_names(&self) -> BTreeSet<GroupName> {
        self.groups().filter_map(|group| self.named(group)).collect()
    }

    fn named(&self, group: &StoredGroup) -> Option<GroupName> {
        self.mapping.group(&self.source, &group.display_name, group.external_id.as_deref())
    }

    /// What is different by a change; tells who has a name no more.
    pub(super) fn apply(&mut self, change: Change, touched: &mut Touched) -> Vec<Person> {
        match change {
            Change::PutUser(user) => return self.put_user(user, touched),
            Change::DropUser(id) => {
                for group in self.memberships.remove(&id).unwrap_or_default() {
                    if let Some(group) = self.groups.get_mut(&group) {
                        group.members.remove(&id);
                    }
                }
                return self.take_user(&id, touched).into_iter().collect();
            }
            Change::PutGroup(head) => self.put_group(head, touched),
            Change::TouchGroup { group, at } => {
                if let Some(group) = self.groups.get_mut(&group) {
                    let head = Arc::make_mut(&mut group.head);
                    (head.version, head.modified) = (head.version + 1, at);
                }
            }
            Change::DropGroup(id) => {
                let Some(group) = self.groups.remove(&id) else { return Vec::new() };
                leave(&mut self.group_names, &folded(&group.head.display_name), &id);
                touched.groups = true;
                for user in &group.members {
                    self.part(user, &id);
                    self.touch(user, touched);
                }
            }
            Change::Join { group, users } => {
                for user in users {
                    let (Some(to), true) = (self.groups.get_mut(&group), self.users.contains_key(&user))
                    else {
                        continue;
                    };
                    to.members.insert(user.clone());
                    self.memberships.entry(user.clone()).or_default().insert(group.clone());
                    self.touch(&user, touched);
                }
            }
            Change::Leave { group, users } => {
                for user in users {
                    if let Some(from) = self.groups.get_mut(&group) {
                        from.members.remove(&user);
                    }
                    self.part(&user, &group);
                    self.touch(&user, touched);
                }
            }
            Change::List(_) | Change::Forget(_) | Change::Complete => {}
        }
        Vec::new()
    }

    fn put_user(&mut self, user: StoredUser, touched: &mut Touched) -> Vec<Person> {
        let before = self.take_user(&user.id, touched);
        let (id, document) = (user.id.clone(), user.document());
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        if let Some(user_name) = text("userName") {
            self.user_names.insert(folded(user_name), id.clone());
        }
        if let Some(external_id) = text("externalId") {
            self.external_ids.entry(external_id.into()).or_default().insert(id.clone());
        }
        if let Some(username) = self.mapping.username(&document) {
            self.names.entry(username.key()).or_default().insert(id.clone());
        }
        self.ends.extend(end(&document).map(|at| (at, id.clone())));
        self.users.insert(id.clone(), Arc::new(user));
        self.touch(&id, touched);
        before.into_iter().filter(|person| !self.names.contains_key(&person.username.key())).collect()
    }

    /// Takes a user out, but for their memberships; tells who they were, if nobody else is called so.
    fn take_user(&mut self, id: &str, touched: &mut Touched) -> Option<Person> {
        self.touch(id, touched);
        let user = self.users.remove(id)?;
        let document = user.document();
        if let Some(at) = end(&document) {
            self.ends.remove(&(at, id.into()));
        }
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        if let Some(user_name) = text("userName").map(folded)
            && self.user_names.get(&user_name).is_some_and(|owner| **owner == *id)
        {
            self.user_names.remove(&user_name);
        }
        if let Some(external_id) = text("externalId") {
            leave(&mut self.external_ids, external_id, id);
        }
        let person = self.mapping.person(id, &document)?;
        let key = person.username.key();
        leave(&mut self.names, &key, id);
        (!self.names.contains_key(&key)).then_some(person)
    }

    fn put_group(&mut self, head: StoredGroup, touched: &mut Touched) {
        let (id, name) = (head.id.clone(), folded(&head.display_name));
        let before = self.groups.get(&id).map(|group| self.named(&group.head));
        if before != Some(self.named(&head)) {
            touched.groups = true;
            let members: Vec<_> = self.members(&id).map(Box::<str>::from).collect();
            members.iter().for_each(|user| self.touch(user, touched));
        }
        let head = Arc::new(head);
        if let Some(group) = self.groups.get_mut(&id) {
            let old = std::mem::replace(&mut group.head, head);
            leave(&mut self.group_names, &folded(&old.display_name), &id);
        } else {
            self.groups.insert(id.clone(), Group { head, members: BTreeSet::new() });
        }
        self.group_names.entry(name).or_default().insert(id);
    }

    fn part(&mut self, user: &str, group: &str) {
        if let Some(groups) = self.memberships.get_mut(user) {
            groups.remove(group);
            if groups.is_empty() {
                self.memberships.remove(user);
            }
        }
    }

    fn touch(&self, user: &str, touched: &mut Touched) {
        let document = self.users.get(user).map(|user| user.document());
        touched
            .names
            .extend(document.and_then(|document| self.mapping.username(&document)).map(|name| name.key()));
    }

    pub(super) fn image(&self) -> ProvisionedImage {
        let groups = self.groups.values();
        ProvisionedImage {
            users: self.users.values().cloned().collect(),
            groups: groups
                .map(|group| (StoredGroup::clone(&group.head), group.members.iter().cloned().collect()))
                .collect(),
        }
    }

    pub(super) fn of_image(image: ProvisionedImage, config: &SourceConfig) -> Self {
        let (mut provisioned, mut touched) = (Self::new(config), Touched::default());
        for user in image.users {
            provisioned.put_user(Arc::unwrap_or_clone(user), &mut touched);
        }
        for (head, users) in image.groups {
            let group = head.id.clone();
            provisioned.put_group(head, &mut touched);
            provisioned.apply(Change::Join { group, users }, &mut touched);
        }
        provisioned
    }
}

fn leave<K: std::hash::Hash + Eq + std::borrow::Borrow<Q>, Q: std::hash::Hash + Eq + ?Sized>(
    index: &mut HashMap<K, BTreeSet<Box<str>>>,
    key: &Q,
    id: &str,
) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}
