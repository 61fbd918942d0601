use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use oam_audit::entry::{Change, Decision, Event, Outcome, RefBytes};
use oam_policy::{Digest, Username};

use crate::audit_log::{AuditLog, ReadError};

/// How many updates are remembered. Of a larger push the first ones are forgotten.
const REMEMBERED: usize = 1_000_000;
/// How many entries of the log are read at the start: what was permitted just before a restart is applied after it.
const READ_AT_START: u64 = 10_000;

/// What was permitted of late, so that what was applied without a decision can be told apart.
#[derive(Debug)]
pub struct Permits {
    recent: Mutex<Recent>,
    most: usize,
}

#[derive(Debug, Default)]
struct Recent {
    decisions: HashMap<Key, Box<str>>,
    order: VecDeque<Key>,
}

/// One update by one person in one repository, by its digest: names may be long.
type Key = Digest;

impl Permits {
    /// Those that the end of the log tells of.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn of(log: &AuditLog) -> Result<Self, ReadError> {
        let permits = Self { recent: Mutex::default(), most: REMEMBERED };
        let mut parts = Vec::new();
        for line in log.entries(log.size().saturating_sub(READ_AT_START))? {
            // What does not parse is for the verifier to say.
            let Ok(entry) = log.read(&line?) else { continue };
            match entry.event {
                Event::DecisionPart(part) => parts.push(part),
                Event::Decision(decision) => {
                    let of_it = parts.drain(..).filter(|part| part.decision == decision.decision);
                    let earlier =
                        of_it.flat_map(|part| part.updates).map(|update| (update.name, update.change));
                    permits.learn(&decision, earlier);
                }
                Event::PermittedWhileUnavailable(push) => {
                    let updates = push.updates.into_iter().map(|update| (update.name, update.change));
                    permits.add(&push.spool, &push.repository, &push.principal, updates);
                }
                _ => {}
            }
        }
        Ok(permits)
    }

    fn learn(&self, decision: &Decision, earlier: impl Iterator<Item = (RefBytes, Change)>) {
        if decision.outcome == Outcome::Permitted {
            let last = decision.updates.iter().map(|update| (update.name.clone(), update.change.clone()));
            self.add(&decision.decision, &decision.repository, &decision.principal, earlier.chain(last));
        }
    }

    /// Remembers that these updates were permitted, by a decision or a hook.
    pub fn add(
        &self,
        decision: &str,
        repository: &str,
        principal: &str,
        updates: impl IntoIterator<Item = (RefBytes, Change)>,
    ) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let Recent { decisions, order } = &mut *recent;
        for (name, change) in updates {
            let key = key(repository, principal, &name, &change);
            if decisions.insert(key, decision.into()).is_none() {
                order.push_back(key);
            }
            if order.len() > self.most
                && let Some(oldest) = order.pop_front()
            {
                decisions.remove(&oldest);
            }
        }
    }

    /// What permitted this update, if it is remembered.
    pub fn of_update(
        &self,
        repository: &str,
        principal: &str,
        name: &RefBytes,
        change: &Change,
    ) -> Option<String> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.decisions.get(&key(repository, principal, name, change)).map(ToString::to_string)
    }
}

fn key(repository: &str, principal: &str, name: &RefBytes, change: &Change) -> Key {
    // Names compare without regard to case; what is none was never permitted.
    let principal = Username::parse(principal)
        .map_or_else(|_| principal.to_owned(), |name| name.key().as_str().to_owned());
    let (kind, ids) = match change {
        Change::Create { new } => ("create", ["", new]),
        Change::Move { old, new } => ("move", [old.as_str(), new]),
        Change::Delete { old } => ("delete", [old.as_str(), ""]),
        Change::WouldMerge { .. } => ("would-merge", ["", ""]),
    };
    let [old, new] = ids;
    // No part but the last can hold a line feed.
    let mut text = format!("{repository}\n{principal}\n{kind}\n{old}\n{new}\n").into_bytes();
    text.extend_from_slice(name.as_bytes());
    Digest::of(&text)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use oam_audit::entry::{Change, RefBytes};

    use super::Permits;

    fn create(name: &str) -> (RefBytes, Change) {
        (RefBytes::from(name.as_bytes()), Change::Create { new: "1".repeat(40) })
    }

    #[test]
    fn the_same_update_by_the_same_person_and_no_other() {
        let permits = Permits { recent: Mutex::default(), most: 10 };
        permits.add("d1", "PAY/api", "alice", [create("refs/heads/x")]);
        let of = |repository, principal, (name, change): (RefBytes, Change)| {
            permits.of_update(repository, principal, &name, &change)
        };
        assert_eq!(of("PAY/api", "Alice", create("refs/heads/x")).as_deref(), Some("d1"));
        assert_eq!(of("PAY/api", "bob", create("refs/heads/x")), None);
        assert_eq!(of("PAY/web", "alice", create("refs/heads/x")), None);
        assert_eq!(of("PAY/api", "alice", create("refs/heads/y")), None);
        let deleted = (RefBytes::from(&b"refs/heads/x"[..]), Change::Delete { old: "1".repeat(40) });
        assert_eq!(of("PAY/api", "alice", deleted), None);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let permits = Permits { recent: Mutex::default(), most: 2 };
        for name in ["refs/heads/a", "refs/heads/b", "refs/heads/a", "refs/heads/c"] {
            permits.add("d", "PAY/api", "alice", [create(name)]);
        }
        let known = |name| {
            let (name, change) = create(name);
            permits.of_update("PAY/api", "alice", &name, &change).is_some()
        };
        assert_eq!(["refs/heads/a", "refs/heads/b", "refs/heads/c"].map(known), [false, true, true]);
    }
}
