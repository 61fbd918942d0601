//! How often leases were used: taken before the push is permitted, in one step for all that it takes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use oam_policy::PrivilegeId;

use super::{Leased, Privilege, Privileges, Set};

type Taken = BTreeMap<PrivilegeId, BTreeSet<Box<str>>>;

/// The decisions that leases were good for. One that could not be recorded counts: nobody can tell whether it is in the
/// log.
#[derive(Debug)]
pub(super) struct Uses(Mutex<Taken>);

impl Uses {
    /// Those that a set accounts for.
    pub(super) fn of(set: &Set) -> Self {
        let used = set.iter().filter(|one| !one.used.is_empty());
        Self(Mutex::new(used.map(|one| (one.id.clone(), one.used.clone())).collect()))
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them.
    pub(super) fn taken(&self) -> Taken {
        self.lock().clone()
    }

    /// How many were taken of one.
    pub(super) fn count(&self, id: &PrivilegeId) -> u32 {
        let taken = self.lock().get(id).map_or(0, BTreeSet::len);
        u32::try_from(taken).unwrap_or(u32::MAX)
    }

    /// Whether it is a lease that is good for no more pushes.
    pub(super) fn is_used_up(&self, one: &Privilege) -> bool {
        one.what.lease().is_some_and(|lease| self.count(&one.id) >= lease.uses())
    }

    /// Lets go of what is nobody's any more.
    pub(super) fn forget(&self, set: &Set) {
        self.lock().retain(|id, _| set.get(id).is_some());
    }
}

impl Privileges {
    /// Takes one use of each of these leases for a decision: of all or of none. Of what is no lease none is taken, but it
    /// must be in force still. `None`: one is used up, or over; then the decision is none.
    pub fn take<'i>(
        &self,
        ids: impl IntoIterator<Item = &'i PrivilegeId>,
        decision: &str,
    ) -> Option<Vec<PrivilegeId>> {
        let mut ids = ids.into_iter().peekable();
        if ids.peek().is_none() {
            return Some(Vec::new());
        }
        let mut taken = self.uses.lock();
        // With the lock held: what was ended since this was decided is over, and what is forgotten by now is, too.
        let (set, now) = (self.set(), self.clock().now());
        let in_force = |id| set.get(id).filter(|one| one.is_live(now));
        let all = ids.map(|id| Some((id, in_force(id)?))).collect::<Option<Vec<_>>>()?;
        let leases: Vec<_> = all.into_iter().filter_map(|(id, one)| Some((id, one.what.lease()?))).collect();
        let is_left = |(id, lease): &(&PrivilegeId, &Leased)| {
            taken.get(*id).map_or(0, BTreeSet::len) < lease.uses() as usize
        };
        if !leases.iter().all(is_left) {
            return None;
        }
        for (id, _) in &leases {
            taken.entry((*id).clone()).or_default().insert(decision.into());
        }
        Some(leases.into_iter().map(|(id, _)| id.clone()).collect())
    }

    /// How many uses of a lease were taken.
    pub fn uses_of(&self, id: &PrivilegeId) -> u32 {
        self.uses.count(id)
    }
}
