//! What goes into entries.

use jiff::{SignedDuration, Timestamp};
use oam_audit::entry::{Event, PrivilegeBegan, PrivilegeEnd, PrivilegeEnded, PrivilegeSort};
use oam_policy::PrivilegeId;

use super::{Privilege, PrivilegeError, rules::MAX_REASON};

/// That something is somebody's from now on, for so many seconds.
pub(super) fn began(id: &PrivilegeId, of: PrivilegeSort, now: Timestamp, seconds: u64) -> Event {
    let length = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let to = now.checked_add(length).unwrap_or(Timestamp::MAX);
    Event::PrivilegeBegan(PrivilegeBegan {
        id: id.to_string(),
        of: Some(of),
        from: now.into(),
        to: to.into(),
    })
}

/// That something is nobody's any more.
pub(super) fn ended(one: &Privilege, cause: PrivilegeEnd, by: &str, reason: Option<String>) -> Event {
    let (id, of, by) = (one.id.to_string(), Some(one.what.sort()), by.to_owned());
    Event::PrivilegeEnded(PrivilegeEnded { id, of, cause, by, reason })
}

/// What somebody says, if they say anything.
pub(super) fn said(reason: &str) -> Result<Option<String>, PrivilegeError> {
    let (reason, length) = (reason.trim(), reason.trim().chars().count());
    if length > MAX_REASON {
        return Err(PrivilegeError::LongReason(length));
    }
    Ok(Some(reason.to_owned()).filter(|reason| !reason.is_empty()))
}
