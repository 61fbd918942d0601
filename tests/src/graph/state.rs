use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value, json};

use super::Door;
use crate::assertion::{Known, Taken};

/// Everything that is in a tenant, and how it behaves.
#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) per_page: usize,
    pub(super) door: Arc<Door>,
    made: u64,
    /// How much has changed so far: whatever changed has the number of its change.
    pub(super) now: u64,
    /// Places before this one are given up.
    pub(super) oldest_place: u64,
    pub(super) users: BTreeMap<String, User>,
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) tokens: BTreeSet<String>,
    /// What is known of the application's certificate; `None`: it has a secret.
    pub(super) certificate: Option<Known>,
    pub(super) taken: Taken,
    pub(super) subscriptions: BTreeMap<String, Subscription>,
    pub(super) next_base: Option<String>,
    pub(super) shows_nothing: bool,
    pub(super) hides_from_loads: bool,
    pub(super) goes_round: bool,
    /// How many requests are answered with "later" yet, and in how many seconds.
    pub(super) slow: (u32, u32),
}

#[derive(Debug)]
pub(super) struct User {
    pub(super) principal: String,
    pub(super) enabled: bool,
    pub(super) is_deleted: bool,
    pub(super) changed: u64,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) members: BTreeSet<String>,
    /// Who came and who went, with the number of the change.
    pub(super) moves: Vec<(u64, String, bool)>,
    pub(super) is_deleted: bool,
    pub(super) changed: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub(super) resource: String,
    pub(super) place: String,
    pub(super) state: String,
}

impl Tenant {
    pub(super) fn new(per_page: usize, door: Arc<Door>) -> Self {
        Self {
            per_page,
            door,
            made: 0,
            now: 0,
            oldest_place: 0,
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            tokens: BTreeSet::new(),
            certificate: None,
            taken: Taken::default(),
            subscriptions: BTreeMap::new(),
            next_base: None,
            shows_nothing: false,
            hides_from_loads: false,
            goes_round: false,
            slow: (0, 0),
        }
    }

    pub(super) fn next_id(&mut self) -> String {
        self.made += 1;
        format!("aaaaaaaa-0000-4000-8000-{:012}", self.made)
    }

    pub(super) fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    pub(super) fn set_deleted(&mut self, user: &str, is_deleted: bool) {
        let changed = self.tick();
        let user = self.users.get_mut(user).unwrap();
        (user.is_deleted, user.changed) = (is_deleted, changed);
    }

    pub(super) fn add_group(&mut self, name: &str) -> String {
        let (id, changed) = (self.next_id(), self.tick());
        let (members, moves) = (BTreeSet::new(), Vec::new());
        let group = Group { name: name.to_owned(), members, moves, is_deleted: false, changed };
        self.groups.insert(id.clone(), group);
        id
    }

    pub(super) fn set_member(&mut self, group: &str, member: &str, is_member: bool) {
        let changed = self.tick();
        let group = self.groups.get_mut(group).unwrap();
        group.changed = changed;
        group.moves.push((changed, member.to_owned(), is_member));
        if is_member {
            group.members.insert(member.to_owned());
        } else {
            group.members.remove(member);
        }
    }

    pub(super) fn forget_places(&mut self) {
        self.oldest_place = self.tick() + 1;
        self.now += 1;
    }

    fn kind(&self, id: &str) -> &'static str {
        if self.groups.contains_key(id) { "#microsoft.graph.group" } else { "#microsoft.graph.user" }
    }

    /// What a delta of users tells of those that changed after `since`; everybody, where that is nothing.
    pub(super) fn users_since(&self, since: Option<u64>) -> Vec<Value> {
        let changed = self.users.iter().filter(|(_, user)| since.is_none_or(|since| user.changed > since));
        let told = changed.filter(|(_, user)| since.is_some() || !user.is_deleted);
        told.map(|(id, user)| user.json(id)).collect()
    }

    /// The same of groups, each as often as its members take pages.
    pub(super) fn groups_since(&self, since: Option<u64>) -> Vec<Value> {
        let mut told = Vec::new();
        for (id, group) in &self.groups {
            if since.is_some_and(|since| group.changed <= since) || (since.is_none() && group.is_deleted) {
                continue;
            }
            if group.is_deleted {
                told.push(json!({"id": id, "@removed": {"reason": "deleted"}}));
                continue;
            }
            let member = |id: &String, is_member: bool| {
                let mut member = json!({"@odata.type": self.kind(id), "id": id});
                if !is_member {
                    member["@removed"] = json!({"reason": "deleted"});
                }
                member
            };
            let members: Vec<_> = match since {
                None => group.members.iter().map(|id| member(id, true)).collect(),
                Some(since) => {
                    // The last that became of each.
                    let moves = group.moves.iter().filter(|(changed, ..)| *changed > since);
                    let last: BTreeMap<_, _> = moves.map(|(_, id, is_member)| (id, *is_member)).collect();
                    last.into_iter().map(|(id, is_member)| member(id, is_member)).collect()
                }
            };
            if members.is_empty() {
                told.push(json!({"id": id, "displayName": group.name}));
            }
            for part in members.chunks(self.per_page) {
                told.push(json!({"id": id, "displayName": group.name, "members@delta": part}));
            }
        }
        told
    }
}

impl User {
    pub(super) fn new(principal: &str, changed: u64) -> Self {
        Self { principal: principal.to_owned(), enabled: true, is_deleted: false, changed }
    }

    pub(super) fn json(&self, id: &str) -> Value {
        if self.is_deleted {
            return json!({"id": id, "@removed": {"reason": "changed"}});
        }
        // What never had a value is left out.
        json!({
            "id": id, "userPrincipalName": self.principal, "mailNickname": self.principal.split('@').next(),
            "displayName": self.principal, "mail": self.principal, "accountEnabled": self.enabled,
        })
    }
}
