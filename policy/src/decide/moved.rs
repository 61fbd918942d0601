//! The verdict on a moved ref of which it is not known whether the move is an update or a force.

use super::{
    one_ref::OneRef,
    tally::Judged,
    verdict::{Permit, RefDecision, Shadow, Verdict, WouldHave},
};
use crate::{
    nonempty::NonEmpty,
    reason::{Blocked, NoGrant, PathsNotGranted, RefusalReason, UndecidedReason},
    request::Verb,
};

impl OneRef<'_> {
    /// The decision that holds whether the move is an update or a force, if there is one: then nobody need look at the
    /// history.
    pub(super) fn either_way(&self) -> Option<RefDecision> {
        let (Judged::Decided(as_update), Judged::Decided(as_force)) =
            (self.with_verb(Verb::Update), self.with_verb(Verb::Force))
        else {
            return None;
        };
        if as_update.shadow != as_force.shadow {
            return None;
        }
        let verdict = match (as_update.verdict, as_force.verdict) {
            (Verdict::Permitted(one), Verdict::Permitted(other)) if one == other => Verdict::Permitted(one),
            (Verdict::Refused(one), Verdict::Refused(other)) => {
                let (one, other) = (without_verbs(&one), without_verbs(&other));
                // Only where both ways are refused for the same, so that all of its words are true.
                (one == other).then(|| NonEmpty::from_vec(one).map(Verdict::Refused)).flatten()?
            }
            _ => return None,
        };
        let (shadow, approvals) = (as_update.shadow, as_update.approvals);
        Some(RefDecision { verb: None, verdict, shadow, approvals })
    }

    /// The decision where nobody can tell which of the two it is: what both ways have in common, whichever grants would
    /// carry them and whatever rules on trial would say.
    pub(super) fn whichever_way(&self, why: &str) -> Judged {
        let undecided =
            || Verdict::Undecided(NonEmpty::one(UndecidedReason::FactsUnreadable { why: why.to_owned() }));
        let (as_update, as_force) = match (self.with_verb(Verb::Update), self.with_verb(Verb::Force)) {
            (Judged::Decided(as_update), Judged::Decided(as_force)) => (as_update, as_force),
            (Judged::Needs(mut needed), Judged::Needs(more)) => {
                needed.add(more);
                return Judged::Needs(needed);
            }
            (Judged::Decided(known), Judged::Needs(needed))
            | (Judged::Needs(needed), Judged::Decided(known)) => {
                return match known.verdict {
                    Verdict::Permitted(_) | Verdict::Refused(_) => Judged::Needs(needed),
                    Verdict::Undecided(_) => {
                        let (shadow, approvals) = (Vec::new(), known.approvals);
                        Judged::Decided(RefDecision { verb: None, verdict: undecided(), shadow, approvals })
                    }
                };
            }
        };
        let verdict = match (as_update.verdict, as_force.verdict) {
            (Verdict::Permitted(one), Verdict::Permitted(other)) => Verdict::Permitted(both(&one, other)),
            (Verdict::Refused(one), Verdict::Refused(other)) => {
                let other = without_verbs(&other);
                let shared = without_verbs(&one).iter().filter_map(|reason| shared(reason, &other)).collect();
                // Refused as either for nothing in common, it cannot go in, but it is not told as refused: each of the
                // reasons may be none (a pull request is asked of an update, and this may be a force), people would
                // act on it, and the log would count a rule that perhaps had no part. What is certain is that the
                // history cannot be read, and that is what somebody must mend.
                NonEmpty::from_vec(shared).map_or_else(undecided, Verdict::Refused)
            }
            _ => undecided(),
        };
        let shadow = shared_shadow(as_update.shadow, &as_force.shadow);
        Judged::Decided(RefDecision { verb: None, verdict, shadow, approvals: as_update.approvals })
    }
}

/// What would carry either: told is the grant of the force, which is the greater right, and lifted is what either lifts.
fn both(as_update: &Permit, as_force: Permit) -> Permit {
    let mut lifted = as_force.lifted().to_vec();
    lifted.extend(as_update.lifted().iter().filter(|one| !as_force.lifted().contains(one)).cloned());
    as_force.lifting(lifted).beside(as_update.given().cloned())
}

/// What rules on trial would have done; unclear where that depends on which of the two it is.
fn shared_shadow(as_update: Vec<Shadow>, as_force: &[Shadow]) -> Vec<Shadow> {
    let only_forced = as_force.iter().filter(|one| as_update.iter().all(|other| other.rule != one.rule));
    let only_forced: Vec<_> = only_forced.cloned().collect();
    let would = |one: Shadow| {
        if as_force.contains(&one) { one } else { Shadow { would: WouldHave::Unclear, ..one } }
    };
    let unclear = |one| Shadow { would: WouldHave::Unclear, ..one };
    as_update.into_iter().map(would).chain(only_forced.into_iter().map(unclear)).collect()
}

/// What of a reason is so in both ways.
fn shared(reason: &RefusalReason, others: &[RefusalReason]) -> Option<RefusalReason> {
    let one = match reason {
        RefusalReason::NoGrant(one) => one,
        RefusalReason::PathsNotGranted(one) => return shared_paths(one, others),
        _ => return others.contains(reason).then(|| reason.clone()),
    };
    others.iter().find_map(|other| match other {
        RefusalReason::NoGrant(other) => {
            let roles = one.roles_that_may.iter().filter(|role| other.roles_that_may.contains(role));
            Some(RefusalReason::NoGrant(NoGrant {
                roles_that_may: roles.cloned().collect(),
                blocked_too: one.blocked_too && other.blocked_too,
                ask: one.ask.iter().filter(|way| other.ask.contains(way)).cloned().collect(),
                lease: one.lease.clone().filter(|_| other.lease.is_some()),
                ..one.clone()
            }))
        }
        _ => None,
    })
}

/// The same paths are not granted in both ways, whichever grants give the rest: those of both are told.
fn shared_paths(one: &PathsNotGranted, others: &[RefusalReason]) -> Option<RefusalReason> {
    others.iter().find_map(|other| match other {
        RefusalReason::PathsNotGranted(other) if other.paths == one.paths => {
            let both = one.grants.iter().filter(|grant| other.grants.contains(grant));
            let grants: Vec<_> = both.cloned().collect();
            let leased = one.leased.iter().filter(|paths| other.leased.contains(paths)).cloned().collect();
            let paths = one.paths.clone();
            let shared = PathsNotGranted { paths, grants, leased };
            (!shared.grants.is_empty()).then_some(RefusalReason::PathsNotGranted(shared))
        }
        _ => None,
    })
}

fn without_verbs(reasons: &NonEmpty<RefusalReason>) -> Vec<RefusalReason> {
    reasons.iter().map(without_verb).collect()
}

fn without_verb(reason: &RefusalReason) -> RefusalReason {
    match reason.clone() {
        RefusalReason::NoGrant(no_grant) => RefusalReason::NoGrant(NoGrant { verb: None, ..no_grant }),
        RefusalReason::Blocked(blocked) => RefusalReason::Blocked(Blocked { verb: None, ..blocked }),
        other @ (RefusalReason::PathsNotGranted(_)
        | RefusalReason::Unmet(_)
        | RefusalReason::AccountDisabled { .. }
        | RefusalReason::Revoked { .. }
        | RefusalReason::UnknownPrincipal { .. }
        | RefusalReason::LeaseNotAccepted(_)) => other,
    }
}
