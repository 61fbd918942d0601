//! The verdict on one ref update: blocks first, then grants; all reasons, never only the first.

use super::{
    scope::Scope,
    verdict::{Permit, RefDecision, Shadow, Verdict, WouldHave},
};
use crate::{
    facts::Ancestry,
    name::RoleId,
    nonempty::NonEmpty,
    reason::{Blocked, NoGrant, RefusalReason, UndecidedReason},
    request::{RefChange, RefUpdate, Verb},
    rule::{Block, Mode},
};

/// One step towards the verdict on a ref.
pub(super) enum Step {
    Decided(RefDecision),
    NeedsAncestry,
}

/// What is known of the verb.
enum VerbKnown {
    Is(Verb),
    /// An update or a force, depending on the history.
    Moved,
}

pub(super) fn decide(scope: &Scope<'_>, update: &RefUpdate, ancestry: Option<&Ancestry>) -> Step {
    match (verb_of(update), ancestry) {
        (VerbKnown::Is(verb), _) => Step::Decided(with_verb(scope, update, verb)),
        (VerbKnown::Moved, Some(Ancestry::FastForward)) => {
            Step::Decided(with_verb(scope, update, Verb::Update))
        }
        (VerbKnown::Moved, Some(Ancestry::Diverged)) => Step::Decided(with_verb(scope, update, Verb::Force)),
        (VerbKnown::Moved, known) => match (either_way(scope, update), known) {
            (Some(decision), _) => Step::Decided(decision),
            (None, Some(Ancestry::Unreadable { why })) => {
                let reason = UndecidedReason::FactsUnreadable { why: why.clone() };
                let verdict = Verdict::Undecided(NonEmpty::one(reason));
                Step::Decided(RefDecision { verb: None, verdict, shadow: Vec::new() })
            }
            (None, _) => Step::NeedsAncestry,
        },
    }
}

fn verb_of(update: &RefUpdate) -> VerbKnown {
    match update.change {
        RefChange::Create { .. } => VerbKnown::Is(Verb::Create),
        RefChange::Delete { .. } => VerbKnown::Is(Verb::Delete),
        RefChange::Merge { .. } => VerbKnown::Is(Verb::Update),
        RefChange::Move { .. } if update.name.is_tag() => VerbKnown::Is(Verb::Force),
        RefChange::Move { .. } => VerbKnown::Moved,
    }
}

/// The decision that holds whether the move is an update or a force, if there is one: then nobody need look at the
/// history. A refusal is only shared when both ways are refused for the same rules, so that its words are true.
fn either_way(scope: &Scope<'_>, update: &RefUpdate) -> Option<RefDecision> {
    let as_update = with_verb(scope, update, Verb::Update);
    let as_force = with_verb(scope, update, Verb::Force);
    if as_update.shadow != as_force.shadow {
        return None;
    }
    let verdict = match (as_update.verdict, as_force.verdict) {
        (Verdict::Permitted(one), Verdict::Permitted(other)) if one == other => Verdict::Permitted(one),
        (Verdict::Refused(one), Verdict::Refused(other)) => {
            let one = NonEmpty::from_vec(one.iter().map(without_verb).collect())?;
            let other = NonEmpty::from_vec(other.iter().map(without_verb).collect())?;
            (one == other).then_some(Verdict::Refused(one))?
        }
        _ => return None,
    };
    Some(RefDecision { verb: None, verdict, shadow: as_update.shadow })
}

fn without_verb(reason: &RefusalReason) -> RefusalReason {
    match reason.clone() {
        RefusalReason::NoGrant(no_grant) => RefusalReason::NoGrant(NoGrant { verb: None, ..no_grant }),
        RefusalReason::Blocked(blocked) => RefusalReason::Blocked(Blocked { verb: None, ..blocked }),
        other @ (RefusalReason::AccountDisabled { .. }
        | RefusalReason::Revoked { .. }
        | RefusalReason::UnknownPrincipal { .. }) => other,
    }
}

fn with_verb(scope: &Scope<'_>, update: &RefUpdate, verb: Verb) -> RefDecision {
    let user = scope.subject.username.as_str();
    let mut shadow = Vec::new();
    let mut reasons = Vec::new();
    for block in &scope.blocks {
        if !block.verbs.contains(verb) || !block.refs.matches(&update.name, user) {
            continue;
        }
        match block.mode {
            Mode::Enforce => reasons.push(RefusalReason::Blocked(blocked(scope, block, verb))),
            Mode::Evaluate => shadow.push(Shadow { rule: block.id.clone(), would: WouldHave::Blocked }),
        }
    }
    let mut permit = None;
    for in_scope in &scope.grants {
        let grant = in_scope.grant;
        let Some(role) = &in_scope.reach else { continue };
        if !grant.verbs.contains(verb) || !grant.refs.matches(&update.name, user) {
            continue;
        }
        match grant.mode {
            Mode::Enforce if permit.is_none() => {
                permit = Some(Permit::by_grant(grant.id.clone(), role.clone()));
            }
            Mode::Enforce => {}
            Mode::Evaluate => shadow.push(Shadow { rule: grant.id.clone(), would: WouldHave::Granted }),
        }
    }
    let verdict = match (permit, NonEmpty::from_vec(reasons)) {
        (Some(permit), None) => Verdict::Permitted(permit),
        (Some(_), Some(reasons)) => Verdict::Refused(reasons),
        (None, Some(blocks)) => Verdict::Refused(
            blocks
                .and(RefusalReason::NoGrant(NoGrant { blocked_too: true, ..no_grant(scope, update, verb) })),
        ),
        (None, None) => {
            Verdict::Refused(NonEmpty::one(RefusalReason::NoGrant(no_grant(scope, update, verb))))
        }
    };
    RefDecision { verb: Some(verb), verdict, shadow }
}

fn blocked(scope: &Scope<'_>, block: &Block, verb: Verb) -> Blocked {
    Blocked {
        rule: block.id.clone(),
        verb: Some(verb),
        help: block.help.clone(),
        until: block.window.until(scope.now),
        except: block.except.iter().cloned().collect(),
        absolute: block.absolute,
    }
}

/// What to tell somebody whom no grant reaches: what they may do here, and who may do what they tried.
fn no_grant(scope: &Scope<'_>, update: &RefUpdate, verb: Verb) -> NoGrant {
    let user = scope.subject.username.as_str();
    let here = || {
        scope
            .grants
            .iter()
            .filter(|one| one.grant.mode == Mode::Enforce && one.grant.refs.matches(&update.name, user))
    };
    let is_mine = |verb: &Verb| here().any(|one| one.reach.is_some() && one.grant.verbs.contains(*verb));
    let may = Verb::ALL.into_iter().filter(is_mine).collect();
    let mut roles: Vec<RoleId> = here()
        .filter(|one| one.grant.verbs.contains(verb))
        .flat_map(|one| one.grant.to.iter().cloned())
        .collect();
    roles.sort();
    roles.dedup();
    NoGrant { verb: Some(verb), may, roles_that_may: roles, blocked_too: false }
}
