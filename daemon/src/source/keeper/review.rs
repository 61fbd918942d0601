use std::sync::Arc;

use oam_policy::{State, Username};

use super::Sources;
use crate::{policy::PolicyManager, privilege::Privileges};

/// What people have for a while, and the policy by which that is judged.
#[derive(Debug)]
pub(super) struct ForAWhile {
    privileges: Arc<Privileges>,
    policies: Arc<PolicyManager>,
}

impl Sources {
    /// From now on, whatever people have for a while ends with what a source takes from them, before that is answered: it is
    /// not there when they are let in again a moment later.
    pub fn end_with_it(&self, privileges: Arc<Privileges>, policies: Arc<PolicyManager>) {
        // Whoever comes first stays: there is one of each.
        let _ = self.for_a_while.set(ForAWhile { privileges, policies });
    }

    /// Who there is and what holds now, for whoever judges what `user` has for a while.
    pub(crate) fn rules_for(&self, policies: &PolicyManager, user: &Username) -> State {
        let policy = policies.live().map(|live| Arc::clone(&live.policy));
        let snapshot = self.reader.current().map(|loaded| loaded.snapshot.clone());
        State { policy, snapshot, sources: self.freshness(&user.key()).into(), ..State::default() }
    }

    /// Ends what is not allowed any more by what is in force now.
    pub(super) async fn review(&self) {
        if let Some(ForAWhile { privileges, policies }) = self.for_a_while.get() {
            privileges.review(|user| self.rules_for(policies, user)).await;
        }
    }
}
