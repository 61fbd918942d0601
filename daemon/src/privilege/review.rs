//! What ends by itself: by the clock, and when the policy or the directory do not allow it any more.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use oam_audit::entry::{Event, PrivilegeEnd, PrivilegeReminded, PrivilegeReminder};
use oam_policy::{Snapshot, State, Username, decide::NotInForce};
use tokio_util::sync::CancellationToken;

use super::{News, Privilege, Privileges, Reminded, Stage, rules::Rules, said::ended};

/// How many ends are recorded at once.
const MOST_AT_ONCE: usize = 256;

/// How long somebody may wait for an answer.
const ANSWERED_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// How long before the end it is told.
const REMINDED_BEFORE: SignedDuration = SignedDuration::from_mins(10);
/// How often the file is written where nothing happens, so that the next start knows the time.
const SAVED_EVERY: SignedDuration = SignedDuration::from_secs(30);
/// How often one is reminded that nobody has signed off what was done with a waiver.
const REMINDED_EVERY: SignedDuration = SignedDuration::from_hours(8);

impl Privileges {
    /// Ends what is over, and what is not allowed any more by what `state_for` says of whoever has it. Where that cannot be
    /// told now, only what is over, and what they have who were cut off.
    pub async fn review(&self, state_for: impl Fn(&Username) -> State) {
        if self.set().open().next().is_none() {
            return;
        }
        let now = (self.clock().now(), self.clock().of_the_machine());
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
        let set = self.set();
        let over: Vec<_> = set.iter().filter_map(|one| Some((one, ending(one)?))).collect();
        // Many at once, as after a change of the policy: whoever asks for something meanwhile waits for this.
        for some in over.chunks(MOST_AT_ONCE) {
            let ends: Vec<_> = some.iter().map(|(one, (cause, by))| ended(one, *cause, by, None)).collect();
            match self.record_all(&ends).await {
                Ok(()) => some.iter().for_each(|(one, _)| self.tell(one, News::Ended)),
                // It gives nothing any more whether or not that is written, and it is tried again.
                Err(error) => {
                    tracing::error!(%error, ends = ends.len(), "the ends of something were not recorded");
                }
            }
        }
    }

    /// Reviews and reminds, again and again, and writes the file when there is anything new.
    pub async fn keep_up(self: Arc<Self>, state_for: impl Fn(&Username) -> State, stop: CancellationToken) {
        let mut every = tokio::time::interval(Duration::from_secs(1));
        let mut saved = Timestamp::MIN;
        while stop.run_until_cancelled(every.tick()).await.is_some() {
            self.review(&state_for).await;
            self.remind().await;
            let now = self.clock().now();
            if self.is_unsaved() || now.duration_since(saved) >= SAVED_EVERY {
                self.save_beside().await;
                saved = now;
            }
        }
        self.save_beside().await;
    }

    /// Reminds of what ends soon, and of what nobody has answered for. That is recorded, so that whoever is told of
    /// entries is told of this, and nobody is told again after a restart.
    pub(super) async fn remind(&self) {
        let now = self.clock().now();
        if self.set().iter().all(|one| reminder_of(one, now).is_none()) {
            return;
        }
        let _one_at_a_time = self.changing().await;
        for one in self.set().iter() {
            let Some((about, end)) = reminder_of(one, now) else { continue };
            let (id, by) = (one.id.to_string(), one.by.as_str().to_owned());
            let (end, at) = (end.into(), now.into());
            let reminded = Event::PrivilegeReminded(PrivilegeReminded { id, by, about, end, at });
            let news = match about {
                PrivilegeReminder::EndsSoon => News::EndsSoon,
                PrivilegeReminder::Unsigned => News::Unsigned,
            };
            if let Err(error) = self.record(&one.id, &[reminded], news).await {
                tracing::error!(%error, id = %one.id, "that somebody is to be reminded was not recorded");
            }
        }
    }
}

/// What it is time to be reminded of, and when that ends or ended; `None`: of nothing.
fn reminder_of(one: &Privilege, now: Timestamp) -> Option<(PrivilegeReminder, Timestamp)> {
    let (from, to) = one.time()?;
    if one.wants_sign_off() {
        let is_due = match one.reminded {
            Some(Reminded { about: PrivilegeReminder::Unsigned, at }) => {
                now.duration_since(at) >= REMINDED_EVERY
            }
            Some(Reminded { about: PrivilegeReminder::EndsSoon, .. }) | None => true,
        };
        return is_due.then_some((PrivilegeReminder::Unsigned, to));
    }
    // Nobody waits for the end of a lease.
    if !one.is_live(now) || one.what.lease().is_some() || one.reminded.is_some() {
        return None;
    }
    // Of what is short, before its last third.
    let before = REMINDED_BEFORE.min(to.duration_since(from) / 3);
    (to.duration_since(now) <= before).then_some((PrivilegeReminder::EndsSoon, to))
}

/// Why something ends now, and by whom; `None`: it goes on.
fn end_of(
    one: &Privilege,
    state_for: impl Fn(&Username) -> State,
    (now, machine): (Timestamp, Timestamp),
) -> Option<(PrivilegeEnd, &'static str)> {
    match one.stage {
        Stage::Ended { .. } => return None,
        Stage::Live { to, .. } if to <= now => return Some((PrivilegeEnd::Over, "clock")),
        // They wait by the clock by which it was written down that they do: it gives nobody anything.
        Stage::Waiting if machine.duration_since(one.asked) >= ANSWERED_WITHIN => {
            return Some((PrivilegeEnd::Unanswered, "clock"));
        }
        Stage::Live { .. } | Stage::Waiting => {}
    }
    let state = state_for(&one.by);
    // However old what another source said is: that they were cut off is known here.
    if state.snapshot.as_ref().is_some_and(|known| is_cut_off(known, &one.by)) {
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

/// Whether somebody may act no more, by command or as a source says.
fn is_cut_off(known: &Snapshot, user: &Username) -> bool {
    let key = user.key();
    known.revocations().contains_key(&key) || known.user(&key).is_some_and(|user| !user.is_active())
}
