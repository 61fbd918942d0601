//! Our own engine, through its public interface: what the daemon does, without the daemon.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use oam_policy::{
    Evaluation, Facts, NonEmpty, ObjectId, Outcome, Policy, RefChange, RefName, RefUpdate, Repository,
    Request, Snapshot, State, Username, decide,
    decide::Decision,
    facts::Ancestry,
    file::{self, PolicySource},
    judge,
    rule::PolicyParts,
    snapshot::{Directory, Revocation},
};

use crate::model::{Person, Push, Rules, Update};

/// How many rules of one large policy are read at once.
const RULES_IN_A_PART: usize = 2_000;

/// Reads the rules as an administrator writes them.
///
/// # Panics
/// When they are faulty.
pub fn policy(rules: &Rules) -> Policy {
    parse(&rules.to_toml())
}

/// Makes a policy of more rules than files may hold (4 MiB, 1,000,000 signs): read in parts, and put together.
///
/// # Panics
/// When the rules are faulty.
pub fn large_policy(rules: &Rules) -> Policy {
    let by_id: BTreeMap<_, _> = rules.roles.iter().map(|role| (&role.id, role)).collect();
    let mut roles = BTreeMap::new();
    let (mut grants, mut blocks, mut requires) = (Vec::new(), Vec::new(), Vec::new());
    for part in rules.rules.chunks(RULES_IN_A_PART) {
        let named: BTreeSet<_> = part.iter().flat_map(|rule| &rule.roles).collect();
        let named = named.into_iter().map(|id| by_id[id].clone()).collect();
        let part = policy(&Rules { roles: named, rules: part.to_vec() });
        roles.extend(part.roles().iter().map(|role| (role.id.clone(), role.clone())));
        grants.extend_from_slice(part.grants());
        blocks.extend_from_slice(part.blocks());
        requires.extend_from_slice(part.requires());
    }
    let roles = roles.into_values().collect();
    Policy::new(PolicyParts { roles, grants, blocks, requires, ..PolicyParts::default() }).unwrap()
}

fn parse(text: &str) -> Policy {
    let source = PolicySource { name: "policy.toml".into(), text: format!("version = 1\n{text}") };
    file::parse(&[source]).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The directory as a source sends it.
pub fn directory(people: &[Person]) -> Directory {
    let person = |person: &Person| oam_policy::snapshot::Person {
        username: person.username.parse().unwrap(),
        id: None,
        display_name: None,
        emails: Vec::new(),
        active: person.active,
        groups: person.groups.iter().map(|group| group.parse().unwrap()).collect(),
        keys: Default::default(),
    };
    Directory { people: people.iter().map(person).collect(), groups: Default::default() }
}

/// The snapshot of a directory, with everybody cut off who is.
pub fn snapshot(people: &[Person]) -> Snapshot {
    let snapshot = snapshot_of(1, &directory(people));
    people.iter().filter(|person| person.revoked).fold(snapshot, |snapshot, person| {
        let revocation = Revocation { at: as_of(), by: "uid 0".into(), reason: "left".into() };
        snapshot.revoke(&Username::parse(&person.username).unwrap().key(), revocation)
    })
}

/// The snapshot of a directory in which nobody was cut off.
pub fn snapshot_of(generation: u64, directory: &Directory) -> Snapshot {
    Snapshot::of_directory(generation, as_of(), directory, BTreeMap::new()).unwrap()
}

fn as_of() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// What is decided by. The one place where it is put together.
pub fn state(policy: Arc<Policy>, snapshot: Snapshot) -> State {
    State { policy: Some(policy), snapshot: Some(snapshot), ..State::default() }
}

/// A push as the hook asks about it, with the ancestry that its verbs say.
#[derive(Debug, Clone)]
pub struct Question {
    request: Request,
    facts: Facts,
    now: Timestamp,
}

impl Question {
    /// The question that a push asks.
    pub fn new(push: &Push) -> Self {
        let mut facts = Facts::none();
        for (index, update) in push.updates.iter().enumerate() {
            match update.verb {
                "update" => facts.learn_ancestry(index, Ancestry::FastForward),
                "force" => facts.learn_ancestry(index, Ancestry::Diverged),
                _ => {}
            }
        }
        let request = Request {
            repository: Repository::parse(&push.repository).unwrap(),
            pusher: Username::parse(&push.pusher).unwrap(),
            channel: push.channel,
            updates: NonEmpty::from_vec(push.updates.iter().map(ref_update).collect()).unwrap(),
        };
        Self { request, facts, now: push.now }
    }

    /// What comes of it, with the rules that it is so by; reasons are written out by [`Self::decide`].
    ///
    /// # Panics
    /// When facts are asked for beyond those that every push has.
    pub fn outcome(&self, state: &State) -> Outcome {
        judge(state, &self.request, &self.facts, self.now, |judged| judged.outcome())
            .unwrap_or_else(|| panic!("facts are needed for {:?}", self.request))
    }

    /// The answer, with all that there is to tell.
    ///
    /// # Panics
    /// When facts are asked for beyond those that every push has.
    pub fn decide(&self, state: &State) -> Decision {
        match decide(state, &self.request, &self.facts, self.now) {
            Evaluation::Decided(decision) => decision,
            Evaluation::Needs(needed) => panic!("{needed:?} are needed for {:?}", self.request),
        }
    }
}

fn ref_update(update: &Update) -> RefUpdate {
    let (old, new) = (ObjectId::Sha1([1; 20]), ObjectId::Sha1([2; 20]));
    let change = match update.verb {
        "create" => RefChange::Create { new },
        "delete" => RefChange::Delete { old },
        _ => RefChange::Move { old, new },
    };
    RefUpdate { name: RefName::parse(update.name.as_bytes()).unwrap(), change }
}
