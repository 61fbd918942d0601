//! Entries about what people have for a while.

use oam_audit::entry::{
    PrivilegeApproved, PrivilegeBegan, PrivilegeEnded, PrivilegeKind, PrivilegeReminded, PrivilegeReminder,
    PrivilegeRequested, PrivilegeSignedOff, PrivilegeUsed,
};

use super::super::{
    layout::names,
    page::{counted, utc},
    quoted, shown,
};

pub(super) fn requested(requested: &PrivilegeRequested) -> String {
    let what = match &requested.privilege {
        PrivilegeKind::Grant { role, .. } => format!("the role {}", quoted(role)),
        PrivilegeKind::Waiver { lifts, waiver } => {
            format!("to lift {} by the waiver {}", names(lifts), quoted(waiver))
        }
        PrivilegeKind::Lease(lease) => {
            format!("a lease of the role {} by the workload {}", quoted(&lease.role), quoted(&lease.workload))
        }
    };
    // A job says no more than that.
    let reason = match requested.reason.as_str() {
        "" => String::new(),
        reason => format!(": {}", shown(reason)),
    };
    let seconds = i64::try_from(requested.seconds).unwrap_or(i64::MAX);
    format!(
        "{} asks for {what} on {} in {} for {:#}, as {}{reason}",
        quoted(&requested.by),
        names(&requested.refs),
        names(&requested.on),
        jiff::SignedDuration::from_secs(seconds),
        quoted(&requested.id)
    )
}

pub(super) fn approved(approved: &PrivilegeApproved) -> String {
    let reason = approved.reason.as_deref().map(|reason| format!(": {}", shown(reason))).unwrap_or_default();
    let (approvals, needed) = (approved.approvals, approved.needed);
    format!("{} approved by {}, {approvals} of {needed}{reason}", quoted(&approved.id), quoted(&approved.by))
}

pub(super) fn began(began: &PrivilegeBegan) -> String {
    format!("{} in force until {}", quoted(&began.id), utc(began.to.timestamp()))
}

pub(super) fn ended(ended: &PrivilegeEnded) -> String {
    let reason = ended.reason.as_deref().map(|reason| format!(": {}", shown(reason))).unwrap_or_default();
    format!("{} ended, {}, by {}{reason}", quoted(&ended.id), ended.cause.as_str(), quoted(&ended.by))
}

pub(super) fn used(used: &PrivilegeUsed) -> String {
    format!("{} used by {}, for decision {}", quoted(&used.id), quoted(&used.by), shown(&used.decision))
}

pub(super) fn reminded(reminded: &PrivilegeReminded) -> String {
    let (id, by) = (quoted(&reminded.id), quoted(&reminded.by));
    let end = utc(reminded.end.timestamp());
    match reminded.about {
        PrivilegeReminder::EndsSoon => format!("reminded: {id} of {by} ends at {end}"),
        PrivilegeReminder::Unsigned => {
            format!("reminded: {by} lifted rules as {id} until {end}, and nobody has answered for it")
        }
    }
}

pub(super) fn signed_off(signed: &PrivilegeSignedOff) -> String {
    format!(
        "{} signed off by {}, {}: {}",
        quoted(&signed.id),
        quoted(&signed.by),
        counted(signed.pushes, "push", "pushes"),
        shown(&signed.reason)
    )
}
