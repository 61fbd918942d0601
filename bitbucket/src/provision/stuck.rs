//! Memberships that Bitbucket refused to end, as in a group of a directory that it only reads: tried again once a day, and told meanwhile.

use std::mem;

use super::{Change, Dated, HeldBack, Seen, Step};
use crate::Error;

/// How long none is tried again, in seconds.
const RESTS_FOR: u64 = 24 * 60 * 60;

/// Puts aside what Bitbucket refused a short while ago.
pub(super) fn hold_back(seen: &Seen, leavers: &mut Vec<Change>) -> Vec<HeldBack> {
    let mut held = Vec::new();
    for change in mem::take(leavers) {
        match refused(seen, &change.step) {
            None => leavers.push(change),
            Some(said) => held.push(HeldBack { change, why: format!("{said}; it is tried once a day") }),
        }
    }
    held
}

/// What Bitbucket said then.
fn refused<'a>(seen: &'a Seen, step: &Step) -> Option<&'a str> {
    let Step::LeaveGroup { holder, group } = step else { return None };
    let known = seen.stuck.get(holder)?.get(group.name())?;
    let rests = seen.accounts.at.checked_sub(known.at).is_some_and(|past| past < RESTS_FOR);
    rests.then_some(known.is.as_str())
}

/// Whether Bitbucket refused it once, however long ago: then it was counted when it was tried first, and whoever is stuck would
/// otherwise keep everybody else from being tried, and by that be stuck for good.
pub(super) fn was_refused(seen: &Seen, step: &Step) -> bool {
    let Step::LeaveGroup { holder, group } = step else { return false };
    seen.stuck.get(holder).is_some_and(|all| all.contains_key(group.name()))
}

/// Notes that it refused a step.
pub(super) fn note(step: &Step, error: &Error, seen: &mut Seen) {
    if let Step::LeaveGroup { holder, group } = step {
        let said = Dated { at: seen.accounts.at, is: error.to_string() };
        seen.stuck.entry(holder.clone()).or_default().insert(group.name().to_owned(), said);
    }
}
