//! Entries about the policy.

use oam_audit::entry::{
    PolicyApproved, PolicyChanged, PolicyDiff, PolicyOrigin, PolicyProposed, PolicyWithdrawn, WithdrawnCause,
};

use super::super::{
    layout::names,
    page::{counted, short},
    quoted, shown, shown_line,
};

pub(super) fn changed(changed: &PolicyChanged) -> String {
    let approved = match changed.approved_by.as_slice() {
        [] => String::new(),
        by => format!(", approved by {}", names(by)),
    };
    let forced = if changed.unapproved { ", WITHOUT the approvals that were needed" } else { "" };
    format!(
        "policy {} in force, from {} by {}{approved}{forced}{}{}",
        short(&changed.digest),
        origin(changed.origin),
        quoted(&changed.author),
        reason(changed.reason.as_deref()),
        diff(changed.diff.as_ref())
    )
}

pub(super) fn proposed(proposed: &PolicyProposed) -> String {
    format!(
        "policy {} proposed, from {} by {}, needs {}{}{}",
        short(&proposed.digest),
        origin(proposed.origin),
        quoted(&proposed.author),
        counted(proposed.needed.into(), "approval", "approvals"),
        reason(proposed.reason.as_deref()),
        diff(proposed.diff.as_ref())
    )
}

pub(super) fn approved(approved: &PolicyApproved) -> String {
    format!(
        "policy {} by {} approved by {}, {} of {}{}",
        short(&approved.digest),
        quoted(&approved.author),
        quoted(&approved.by),
        approved.approvals,
        approved.needed,
        reason(approved.reason.as_deref())
    )
}

pub(super) fn withdrawn(withdrawn: &PolicyWithdrawn) -> String {
    let what = match withdrawn.cause {
        WithdrawnCause::Withdrawn => format!("withdrawn by {}", quoted(&withdrawn.by)),
        WithdrawnCause::FilesChanged => "withdrawn, since its files say something else".into(),
        WithdrawnCause::Outdated => format!("outdated by a change of {}", quoted(&withdrawn.by)),
    };
    format!(
        "proposed policy {} by {} {what}{}",
        short(&withdrawn.digest),
        quoted(&withdrawn.author),
        reason(withdrawn.reason.as_deref())
    )
}

/// ` (2 changes; gains force: …)`.
fn diff(diff: Option<&PolicyDiff>) -> String {
    let Some(diff) = diff else { return String::new() };
    let more = if diff.exact { "" } else { " or more" };
    let first = diff.first.first().map_or_else(String::new, |first| format!("; {}", shown_line(first)));
    format!(" ({}{more}{first})", counted(diff.changes, "change", "changes"))
}

pub(super) fn origin(origin: PolicyOrigin) -> &'static str {
    match origin {
        PolicyOrigin::Starter => "the starter",
        PolicyOrigin::File => "its file",
        PolicyOrigin::Apply => "`oam policy apply`",
        PolicyOrigin::Rollback => "`oam policy rollback`",
        PolicyOrigin::Start => "before a restart",
    }
}

pub(super) fn reason(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(": {}", shown(reason)))
}
