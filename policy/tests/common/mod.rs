//! Cases written as people say them.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use oam_policy::{
    Channel, Decision, Evaluation, Facts, NonEmpty, ObjectId, Policy, RefChange, RefName, RefUpdate,
    Repository, Request, Snapshot, State, Username, decide,
    facts::{Ancestry, UpdateIndex},
    file::{self, PolicySource},
    snapshot::{Directory, Person, Revocation},
};

/// The policy that a text says.
pub(crate) fn policy(text: &str) -> Policy {
    let source = PolicySource { name: "policy.toml".into(), text: text.into() };
    match file::parse(&[source]) {
        Ok(policy) => policy,
        Err(faults) => panic!("{faults}"),
    }
}

/// alice, bob, carol: eng · rita: eng and release · dave: no group · erin: deactivated · mallory: revoked.
pub(crate) fn snapshot() -> Snapshot {
    let person = |name: &str, groups: &[&str]| Person {
        username: name.parse().unwrap(),
        id: Some(format!("id-{name}")),
        display_name: None,
        emails: vec![format!("{name}@example.com")],
        active: name != "erin",
        groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
        keys: Default::default(),
    };
    let people = vec![
        person("alice", &["okta:eng"]),
        person("bob", &["okta:eng"]),
        person("carol", &[]),
        person("rita", &["okta:eng", "okta:release"]),
        person("dave", &[]),
        person("erin", &["okta:eng"]),
        person("mallory", &["okta:eng"]),
    ];
    let directory = Directory { people, groups: Default::default() };
    let as_of = "2026-01-01T00:00:00Z".parse().unwrap();
    Snapshot::of_directory(1, as_of, &directory, BTreeMap::new())
        .unwrap()
        .revoke(&key("mallory"), revocation())
}

fn key(name: &str) -> oam_policy::name::UsernameKey {
    Username::parse(name).unwrap().key()
}

fn revocation() -> Revocation {
    Revocation { at: "2026-01-01T00:00:00Z".parse().unwrap(), by: "uid 0".into(), reason: "left".into() }
}

/// Facts about the updates at these positions.
pub(crate) fn facts(known: &[(UpdateIndex, Ancestry)]) -> Facts {
    let mut facts = Facts::none();
    for (index, ancestry) in known {
        facts.learn_ancestry(*index, ancestry.clone());
    }
    facts
}

/// A state and a time to decide by.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) state: State,
    now: Timestamp,
}

impl Case {
    pub(crate) fn new(policy: Policy, snapshot: Snapshot) -> Self {
        let state = State { policy: Some(Arc::new(policy)), snapshot: Some(snapshot), ..State::default() };
        Self { state, now: "2026-01-02T00:00:00Z".parse().unwrap() }
    }

    pub(crate) fn at(mut self, time: &str) -> Self {
        self.now = time.parse().unwrap();
        self
    }

    pub(crate) fn revoking(mut self, name: &str) -> Self {
        let snapshot = self.state.snapshot.take().unwrap();
        self.state.snapshot = Some(snapshot.revoke(&key(name), revocation()));
        self
    }

    /// Decides updates such as `create refs/heads/x`. `update` and `force` are moves whose ancestry is given along;
    /// `move` is one whose ancestry is in `facts`, or unknown.
    pub(crate) fn decide(&self, user: &str, repository: &str, updates: &[&str], facts: &Facts) -> Decision {
        match self.evaluate(user, repository, updates, facts) {
            Evaluation::Decided(decision) => decision,
            Evaluation::Needs(needed) => panic!("facts are needed: {needed:?}"),
        }
    }

    /// The positions of the updates whose ancestry is asked for.
    pub(crate) fn needs(&self, user: &str, repository: &str, updates: &[&str]) -> Vec<UpdateIndex> {
        match self.evaluate(user, repository, updates, &Facts::none()) {
            Evaluation::Decided(_) => Vec::new(),
            Evaluation::Needs(needed) => needed.ancestry,
        }
    }

    pub(crate) fn evaluate(
        &self,
        user: &str,
        repository: &str,
        updates: &[&str],
        facts: &Facts,
    ) -> Evaluation {
        self.evaluate_via(Channel::Push, user, repository, updates, facts)
    }

    pub(crate) fn evaluate_via(
        &self,
        channel: Channel,
        user: &str,
        repository: &str,
        updates: &[&str],
        facts: &Facts,
    ) -> Evaluation {
        let mut facts = facts.clone();
        for (index, update) in updates.iter().enumerate() {
            match update.split_once(' ').unwrap().0 {
                "update" => facts.learn_ancestry(index, Ancestry::FastForward),
                "force" => facts.learn_ancestry(index, Ancestry::Diverged),
                _ => {}
            }
        }
        let request = Request {
            repository: Repository::parse(repository).unwrap(),
            pusher: Username::parse(user).unwrap(),
            channel,
            updates: NonEmpty::from_vec(updates.iter().map(|update| ref_update(update)).collect()).unwrap(),
        };
        decide(&self.state, &request, &facts, self.now)
    }
}

pub(crate) fn ref_update(text: &str) -> RefUpdate {
    let (old, new) = (ObjectId::Sha1([1; 20]), ObjectId::Sha1([2; 20]));
    let (verb, name) = text.split_once(' ').unwrap();
    let change = match verb {
        "create" => RefChange::Create { new },
        "update" | "force" | "move" => RefChange::Move { old, new },
        "delete" => RefChange::Delete { old },
        "merge" => RefChange::Merge { onto: old, from: None },
        other => panic!("no verb: {other}"),
    };
    RefUpdate { name: RefName::parse(name.as_bytes()).unwrap(), change }
}
