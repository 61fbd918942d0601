//! The verdict on a moved ref of which it is not known whether the move is an update or a force.

use super::{
    judgement::{Aside, Carried, Judged, JudgedRef, Refusal, Refusals},
    one_ref::OneRef,
    verdict::{Shadow, WouldHave},
};
use crate::{
    facts::FactsNeeded,
    nonempty::NonEmpty,
    reason::{Blocked, NoGrant, PathsNotGranted, RefusalReason, UndecidedReason},
    request::Verb,
};

impl<'a> OneRef<'_, 'a> {
    /// The judgement that holds whether the move is an update or a force, if there is one: then nobody need look at the
    /// history.
    pub(super) fn either_way(&self) -> Option<JudgedRef<'a>> {
        let (as_update, as_force) = (self.with_verb(Verb::Update).ok()?, self.with_verb(Verb::Force).ok()?);
        let (update_aside, force_aside) = (aside(as_update.aside), aside(as_force.aside));
        if update_aside.shadow != force_aside.shadow {
            return None;
        }
        let verdict = match (as_update.verdict, as_force.verdict) {
            (Judged::Permitted(one), Judged::Permitted(other)) if one == other => Judged::Permitted(one),
            (Judged::Refused(one), Judged::Refused(other)) => {
                let (one, other) = (self.without_verbs(one), self.without_verbs(other));
                // Only where both ways are refused for the same, so that all of its words are true.
                refused((one == other).then_some(one)?)?
            }
            _ => return None,
        };
        Some(JudgedRef { verb: None, verdict, aside: Some(Box::new(update_aside)) })
    }

    /// The judgement where nobody can tell which of the two it is: what both ways have in common, whichever grants would
    /// carry them and whatever rules on trial would say.
    pub(super) fn whichever_way(&self, why: &str) -> Result<JudgedRef<'a>, FactsNeeded> {
        let undecided =
            || Judged::Undecided(NonEmpty::one(UndecidedReason::FactsUnreadable { why: why.to_owned() }));
        let (as_update, as_force) = match (self.with_verb(Verb::Update), self.with_verb(Verb::Force)) {
            (Ok(as_update), Ok(as_force)) => (as_update, as_force),
            (Err(mut needed), Err(more)) => {
                needed.add(more);
                return Err(needed);
            }
            (Ok(known), Err(needed)) | (Err(needed), Ok(known)) => {
                return match known.verdict {
                    Judged::Permitted(_) | Judged::Refused(_) => Err(needed),
                    Judged::Undecided(_) => {
                        let aside = Aside { shadow: Vec::new(), ..aside(known.aside) };
                        Ok(JudgedRef { verb: None, verdict: undecided(), aside: Some(Box::new(aside)) })
                    }
                };
            }
        };
        let verdict = match (as_update.verdict, as_force.verdict) {
            (Judged::Permitted(one), Judged::Permitted(other)) => Judged::Permitted(self.both(&one, other)),
            (Judged::Refused(one), Judged::Refused(other)) => {
                let other = self.without_verbs(other);
                let one = self.without_verbs(one);
                // Refused as either for nothing in common, it cannot go in, but it is not told as refused: each of the
                // reasons may be none (a pull request is asked of an update, and this may be a force), people would
                // act on it, and the log would count a rule that perhaps had no part. What is certain is that the
                // history cannot be read, and that is what somebody must mend.
                refused(one.iter().filter_map(|reason| shared(reason, &other)).collect())
                    .unwrap_or_else(undecided)
            }
            _ => undecided(),
        };
        let Aside { shadow, approvals } = aside(as_update.aside);
        let shadow = shared_shadow(shadow, &aside(as_force.aside).shadow);
        Ok(JudgedRef { verb: None, verdict, aside: Some(Box::new(Aside { shadow, approvals })) })
    }

    /// What would carry either: told is the grant of the force, which is the greater right, and lifted is what either lifts.
    fn both(&self, as_update: &Carried<'a>, as_force: Carried<'a>) -> Carried<'a> {
        as_force.lifting(as_update.lifted().to_vec()).beside(as_update.given(self.scope))
    }

    fn without_verbs(&self, refusals: Refusals<'_>) -> Vec<RefusalReason> {
        refusals.told(self).iter().map(without_verb).collect()
    }
}

fn aside(known: Option<Box<Aside>>) -> Aside {
    known.map(|aside| *aside).unwrap_or_default()
}

/// The refusal for these reasons; `None`: there are none.
fn refused<'a>(reasons: Vec<RefusalReason>) -> Option<Judged<'a>> {
    let mut refusals = None;
    for reason in reasons {
        Refusals::push(&mut refusals, Refusal::Told(Box::new(reason)));
    }
    refusals.map(Judged::Refused)
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
