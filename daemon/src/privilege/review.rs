//! What ends by itself: by the clock, and when the policy or the directory do not allow it any more.

use std::{sync::PoisonError, time::Duration};

use jiff::{SignedDuration, Timestamp};
use oam_audit::entry::PrivilegeEnd;
use oam_policy::{State, Username, decide::NotInForce};
use tokio_util::sync::CancellationToken;

use super::{News, Privilege, Privileges, Stage, rules::Rules};

/// How long somebody may wait for an answer.
const ANSWERED_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// How long before the end it is told.
const WARNED_BEFORE: SignedDuration = SignedDuration::from_mins(10);
/// How often the file is written, so that the next start knows the time.
const SAVED_EVERY: SignedDuration = SignedDuration::from_secs(30);
/// How often it is told that nobody has signed off what was done with a waiver.
const REMINDED_EVERY: SignedDuration = SignedDuration::from_hours(8);

impl Privileges {
    /// Ends what is over, and what is not allowed any more by what `state_for` says of whoever has it. Where that cannot be
    /// told now, only what is over, and what they have who were cut off.
    pub async fn review(&self, state_for: impl Fn(&Username) -> State) {
        let now = self.clock().now();
        let ending = |one: &Privilege| {
            let is_live = matches!(one.stage, Stage::Live { .. });
            if is_live && self.uses.is_used_up(one) {
                return Some((PrivilegeEnd::UsedUp, "uses"));
            }
            end_of(one, &state_for, now)
        };
        if self.set().iter().all(|one| ending(one).is_none()) {
            return;
        }
        let _one_at_a_time = self.changing().await;
        for one in self.set().iter() {
            let Some((cause, by)) = ending(one) else { continue };
            if let Err(error) = self.record_end(one, cause, by, None).await {
                // It gives nothing any more whether or not that is written, and it is tried again.
                tracing::error!(%error, id = %one.id, "the end of something was not recorded");
            }
        }
    }

    /// Reviews again and again, warns before ends, and reminds of what nobody has signed off.
    pub async fn keep_up(&self, state_for: impl Fn(&Username) -> State, stop: CancellationToken) {
        let mut every = tokio::time::interval(Duration::from_secs(1));
        let (mut saved, mut reminded) = (Timestamp::MIN, Timestamp::MIN);
        while stop.run_until_cancelled(every.tick()).await.is_some() {
            self.review(&state_for).await;
            self.warn();
            let now = self.clock().now();
            if now.duration_since(saved) >= SAVED_EVERY {
                let _one_at_a_time = self.changing().await;
                self.save();
                saved = now;
            }
            if now.duration_since(reminded) >= REMINDED_EVERY {
                let set = self.set();
                set.iter().filter(|one| one.wants_sign_off()).for_each(|one| self.tell(one, News::Unsigned));
                reminded = now;
            }
        }
    }

    /// Tells of what ends soon, once.
    pub(super) fn warn(&self) {
        let (now, set) = (self.clock().now(), self.set());
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        warned.retain(|id| set.get(id).is_some_and(|one| one.is_live(now)));
        // Nobody waits for the end of a lease.
        for one in set.live(now).filter(|one| one.what.lease().is_none()) {
            let Stage::Live { from, to } = one.stage else { continue };
            // Of what is short, before its last third.
            let before = WARNED_BEFORE.min(to.duration_since(from) / 3);
            if to.duration_since(now) <= before && warned.insert(one.id.clone()) {
                self.tell(one, News::EndsSoon);
            }
        }
    }
}

/// Why something ends now, and by whom; `None`: it goes on.
fn end_of(
    one: &Privilege,
    state_for: impl Fn(&Username) -> State,
    now: Timestamp,
) -> Option<(PrivilegeEnd, &'static str)> {
    match one.stage {
        Stage::Ended { .. } => return None,
        Stage::Live { to, .. } if to <= now => return Some((PrivilegeEnd::Over, "clock")),
        Stage::Waiting if now.duration_since(one.asked) >= ANSWERED_WITHIN => {
            return Some((PrivilegeEnd::Unanswered, "clock"));
        }
        Stage::Live { .. } | Stage::Waiting => {}
    }
    let state = state_for(&one.by);
    // However old what their source said is: that they were cut off is known here.
    if state.snapshot.as_ref().is_some_and(|known| known.revocations().contains_key(&one.by.key())) {
        return Some((PrivilegeEnd::NotAllowed, "directory"));
    }
    let rules = Rules::of(&state).ok()?;
    match rules.objection(one, now)? {
        NotInForce::Early => None,
        NotInForce::Over => Some((PrivilegeEnd::Over, "policy")),
        NotInForce::NoRule | NotInForce::Reason => Some((PrivilegeEnd::NotAllowed, "policy")),
        NotInForce::Asker | NotInForce::Approval => Some((PrivilegeEnd::NotAllowed, "directory")),
    }
}
