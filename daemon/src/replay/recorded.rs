//! One push as the log holds it, and the question and the facts that it was decided by.

use jiff::Timestamp;
use oam_audit::entry::{
    self, Decision, DecisionPart, Entry, Event, Outcome, PrivilegeHeld, PrivilegeKind, Update,
};
use oam_policy::{
    Channel, Facts, NonEmpty, ObjectId, RefChange, RefName, RefUpdate, Repository, Request, State, Username,
    facts::{Ancestry, FactsNeeded, LeaseFault, ShownLease},
};

use super::{approvals, histories, tally::Untold};
use crate::privilege;

/// What a source that is too old, or blind, leaves undecided.
const STALE: [&str; 2] = ["source-stale", "signals-blind"];

/// One push, with all its updates.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    /// When it was recorded.
    pub(super) at: Timestamp,
    /// The decision; its parts' updates are among its own.
    pub(super) decision: Decision,
    /// Whether all its updates are there.
    pub(super) whole: bool,
}

/// Puts decisions together that take more than one entry.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    decision: String,
    parts: u32,
    updates: Vec<Update>,
}

impl Joiner {
    /// The decision that this entry completes, if it does.
    pub(super) fn take(&mut self, entry: Entry) -> Option<Recorded> {
        match entry.event {
            Event::DecisionPart(part) => {
                self.part(part);
                None
            }
            Event::Decision(decision) => Some(self.complete(entry.time.timestamp(), *decision)),
            _ => None,
        }
    }

    fn part(&mut self, part: DecisionPart) {
        // Parts of a push that was never answered are followed by others.
        if part.decision != self.decision || part.part != self.parts.saturating_add(1) {
            *self = Self { decision: part.decision.clone(), ..Self::default() };
        }
        self.parts = part.part;
        self.updates.extend(part.updates);
    }

    fn complete(&mut self, at: Timestamp, mut decision: Decision) -> Recorded {
        let Self { decision: id, parts, updates } = std::mem::take(self);
        if decision.parts > 0 && id == decision.decision && parts == decision.parts {
            let last = std::mem::replace(&mut decision.updates, updates);
            decision.updates.extend(last);
        }
        let whole = decision.updates.len() as u64 == decision.update_count;
        Recorded { at, decision, whole }
    }
}

impl Recorded {
    /// When it was decided, as nearly as the log tells: the age of the directory counts from what the directory itself
    /// says, to the millisecond. Without it, when it was recorded, which is a little later.
    pub(super) fn decided_at(&self, as_of: Option<Timestamp>) -> Timestamp {
        let age = self.decision.snapshot.as_ref().map_or(0, |used| used.age_ms);
        // While the clock of the machine was behind, that may be later than what the entry is dated by.
        let counted = || {
            let age = i64::try_from(age).ok().filter(|age| *age > 0)?;
            as_of?.checked_add(jiff::SignedDuration::from_millis(age)).ok()
        };
        counted().unwrap_or(self.at)
    }

    /// What the pusher had for a while, and nothing else.
    pub(super) fn held(&self, request: &Request) -> Result<State, Untold> {
        let held = privilege::of_held(&self.decision.privileges, &request.pusher);
        let held = held.ok_or(Untold::NotUnderstood)?;
        Ok(State {
            elevations: held.elevations.into(),
            waivers: held.waivers.into(),
            leases: held.leases.into(),
            ..State::default()
        })
    }

    /// What the daemon lacked, when it could decide nothing whatever was asked.
    pub(super) fn lacked(&self) -> Option<&str> {
        let undecided = self.decision.outcome == Outcome::Undecided;
        self.decision.reasons.first().filter(|_| undecided).map(|reason| reason.code.as_str())
    }

    /// The code for which this one of its updates was undecided, where that was for how old a source of the directory was: that is
    /// not recorded, nor whether signals about its people came, and whoever decides again cannot know it.
    pub(super) fn stale<'a>(&'a self, update: &'a Update) -> Option<&'a str> {
        let counts = || self.decision.pull_request.iter().flat_map(|one| &one.counts);
        let is_stale = |code: &&str| {
            STALE.contains(code) || (*code == "approvals-unknown" && counts().any(approvals::is_for_stale))
        };
        update.reasons.iter().map(|reason| reason.code.as_str()).find(is_stale)
    }

    /// The same of the whole, or of any of its updates.
    pub(super) fn stale_anywhere(&self) -> Option<&str> {
        let mut whole = self.decision.reasons.iter().map(|reason| reason.code.as_str());
        whole
            .find(|code| STALE.contains(code))
            .or_else(|| self.decision.updates.iter().find_map(|update| self.stale(update)))
    }

    /// The lease whose token was shown: one that counts for no other push is there only where it was, and where it did not
    /// count that is the reason.
    fn shown_lease(&self) -> Option<ShownLease> {
        let fault = self.decision.reasons.iter().find_map(|reason| LeaseFault::parse(&reason.code));
        let by_token =
            |held: &&PrivilegeHeld| matches!(&held.privilege, PrivilegeKind::Lease(lease) if lease.by_token);
        let lease = || self.decision.privileges.iter().find(by_token)?.id.parse().ok();
        fault.map(ShownLease::NotAccepted).or_else(|| lease().map(ShownLease::Of))
    }

    /// The question as it was asked, and the facts that were found out for it; nothing when the entry names something
    /// that this version does not know.
    pub(super) fn question(&self) -> Option<(Request, Facts)> {
        let decision = &self.decision;
        let updates = decision.updates.iter().map(update).collect::<Option<Vec<_>>>()?;
        let request = Request {
            repository: Repository::parse(&decision.repository).ok()?,
            pusher: Username::parse(&decision.principal).ok()?,
            channel: Channel::parse(&decision.channel)?,
            updates: NonEmpty::from_vec(updates)?,
        };
        let mut facts = facts(&decision.updates);
        if let Some(shown) = self.shown_lease() {
            facts.learn_shown_lease(shown);
        }
        let pull_request = decision.pull_request.as_ref().and_then(|one| approvals::learnt(one));
        pull_request.into_iter().for_each(|known| facts.learn_pull_request(known));
        Some((request, facts))
    }
}

fn update(update: &Update) -> Option<RefUpdate> {
    let id = |hex: &String| ObjectId::parse_hex(hex.as_bytes()).ok();
    let change = match &update.change {
        entry::Change::Create { new } => RefChange::Create { new: id(new)? },
        entry::Change::Move { old, new } => RefChange::Move { old: id(old)?, new: id(new)? },
        entry::Change::Delete { old } => RefChange::Delete { old: id(old)? },
        entry::Change::WouldMerge { old, from: None } => RefChange::Merge { onto: id(old)?, from: None },
        entry::Change::WouldMerge { old, from: Some(from) } => {
            RefChange::Merge { onto: id(old)?, from: Some(id(from)?) }
        }
    };
    Some(RefUpdate { name: RefName::parse(update.name.as_bytes()).ok()?, change })
}

/// What was found out then. A fact that could not be found out is one, too.
fn facts(updates: &[Update]) -> Facts {
    let unreadable = "facts-unreadable";
    let mut facts = Facts::none();
    for (index, update) in updates.iter().enumerate() {
        histories::learn(&mut facts, index, update);
        let ancestry = match update.fast_forward {
            Some(true) => Ancestry::FastForward,
            Some(false) => Ancestry::Diverged,
            None if update.ancestry_unreadable => not_known(),
            // Entries from before that was written.
            None if update.reasons.iter().any(|reason| reason.code == unreadable) => not_known(),
            None => continue,
        };
        facts.learn_ancestry(index, ancestry);
    }
    facts
}

fn not_known() -> Ancestry {
    Ancestry::Unreadable { why: "it could not be read then".into() }
}

/// Which updates cannot be told for want of a fact that was not asked for then, and what they lack; and `facts` with
/// the word that these cannot be read, so that the other updates can be told: a push is the conjunction of its updates.
pub(super) fn without(mut facts: Facts, needed: &FactsNeeded) -> (Facts, Vec<usize>, &'static str) {
    let FactsNeeded { ancestry, histories, pull_request, refused_anyway: _ } = needed;
    facts.learn_lack(needed, "it was not recorded");
    // Of a pull request there is one update.
    let of_histories = histories.iter().map(|history| history.update);
    let updates = ancestry.iter().copied().chain(of_histories).chain(pull_request.then_some(0)).collect();
    let lacks = match (histories.is_empty(), pull_request) {
        (true, false) => "ancestry-not-recorded",
        (false, _) => "commits-not-recorded",
        (true, true) => "approvals-not-recorded",
    };
    (facts, updates, lacks)
}
