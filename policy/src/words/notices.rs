//! What somebody is told whose push is permitted, for another reason than a standing right.

use std::collections::BTreeSet;

use super::minute;
use crate::decide::{Decision, Outcome, Permit, PushVerdict, Verdict};

/// The rules that were lifted and the rights that are there for a while, a sentence each; none where a push is not
/// permitted.
pub fn notices(decision: &Decision) -> Vec<String> {
    let PushVerdict::PerRef(refs) = decision.verdict() else { return Vec::new() };
    if decision.outcome() != Outcome::Permitted {
        return Vec::new();
    }
    let permits = || {
        refs.iter().filter_map(|one| match &one.verdict {
            Verdict::Permitted(permit) => Some(permit),
            Verdict::Refused(_) | Verdict::Undecided(_) => None,
        })
    };
    let lifted: BTreeSet<_> =
        permits().flat_map(Permit::lifted).map(|one| (&one.rule, &one.waiver, &one.by)).collect();
    let lifted = lifted.into_iter().map(|(rule, waiver, by)| {
        let by = by.as_ref().map(|id| format!(" as `{id}`")).unwrap_or_default();
        format!("BREAK-GLASS: rule `{rule}` is lifted by the waiver `{waiver}`{by}. It is on the record, and will be reviewed.")
    });
    let elevated: BTreeSet<_> =
        permits().filter_map(|permit| Some((permit.elevation()?, permit.role()?, permit.until()?))).collect();
    let elevated = elevated.into_iter().map(|(id, role, until)| {
        format!("You have what the role `{role}` is granted for a while, as `{id}`, until {}.", minute(until))
    });
    lifted.chain(elevated).collect()
}
