//! Why a change is decided as it is: the decision, and what every rule that could have had a say had to do with it.
//!
//! [`explain`] makes no verdict; [`crate::decide()`] does. It asks each rule the same questions that `decide` asks, one
//! at a time, and says what came of each.

mod asked;
mod conditions;
mod lists;
mod trace;

use jiff::Timestamp;

use asked::rules;
pub(crate) use conditions::supposing;
pub use trace::{Condition, Dimension, Finding, Fit, RuleKind, RuleTrace};

use crate::{
    decide::{Decision, PushVerdict, State, Subject, decide, judge_as, told},
    facts::FactsNeeded,
    file::suggest::did_you_mean,
    name::{RoleId, Username},
    printable::Printable,
    question::Question,
    request::Request,
    rule::{Asker, Policy},
};

/// A decision, and why it is so.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The question as it was decided.
    pub request: Request,
    /// The decision.
    pub decision: Decision,
    /// When it is refused for who asks (cut off, deactivated, unknown): what would be decided if it were not. It is
    /// there to be told, and nothing may act on it. `None` also where that depends on what the question does not say.
    pub otherwise: Option<Decision>,
    /// Every rule on the repository, or on the ref, blocks first. Without a policy, or a directory that would say who
    /// asks, there is none to look at.
    pub rules: Vec<RuleTrace>,
}

/// That the answer depends on what the question does not say, and all that there is to tell without it.
#[derive(Debug, Clone)]
pub struct Depends {
    /// What would tell.
    pub needed: FactsNeeded,
    /// Who asks, as the directory spells them.
    pub username: Username,
    /// The roles that they hold.
    pub roles: Vec<RoleId>,
    /// As in [`Explanation::rules`]; what depends on it is [`Fit::Unknown`] there.
    pub rules: Vec<RuleTrace>,
}

/// Decides `question`, and says why.
///
/// [`Asker::Roles`] is somebody who holds just these roles and is called `${user}`: the directory has no part in it.
///
/// # Errors
/// When the verdict depends on facts that the question does not imply.
pub fn explain(
    state: &State,
    asker: &Asker,
    question: &Question,
    now: Timestamp,
) -> Result<Explanation, Box<Depends>> {
    let name = match asker {
        Asker::User(user) => user.clone(),
        Asker::Roles(_) => Username::anybody(),
    };
    let request = question.request(name);
    let state = &state.with_waivers(|policy| question.waivers(policy, &request.pusher, now));
    let subject = subject(state, asker);
    let rules = match (&state.policy, &subject) {
        (Some(policy), Some(subject)) => {
            let basis = state.basis(policy);
            rules(&basis, question, (subject, &called(asker, subject)), now)
        }
        _ => Vec::new(),
    };
    match decided(state, (asker, question), &request, now) {
        Ok((decision, otherwise)) => Ok(Explanation { request, decision, otherwise, rules }),
        Err(needed) => {
            let roles = subject.iter().flat_map(Subject::roles).cloned().collect();
            let username = subject.map_or(request.pusher, |subject| subject.username.into_owned());
            Err(Box::new(Depends { needed, username, roles, rules }))
        }
    }
}

/// The decision, and what it would be otherwise.
fn decided(
    state: &State,
    (asker, question): (&Asker, &Question),
    request: &Request,
    now: Timestamp,
) -> Result<(Decision, Option<Decision>), FactsNeeded> {
    let by_refs = |policy, subject: &Subject<'_>| {
        let basis = state.basis(policy);
        question.settle(|facts| judge_as(&basis, subject, request, facts, now, told))
    };
    match (asker, &state.policy) {
        (Asker::Roles(roles), Some(policy)) => Ok((by_refs(policy, &Subject::holder(policy, roles))?, None)),
        (Asker::Roles(_) | Asker::User(_), policy) => {
            let decision = question.settle(|facts| decide(state, request, facts, now))?;
            let otherwise = match (policy, decision.verdict()) {
                (Some(policy), PushVerdict::Refused(_)) => by_refs(policy, decision.subject()).ok(),
                _ => None,
            };
            Ok((decision, otherwise))
        }
    }
}

/// Who asks, as `decide` knows them; also by a directory that has grown too old to decide by.
fn subject<'a>(state: &'a State, asker: &'a Asker) -> Option<Subject<'a>> {
    match (asker, &state.policy, &state.snapshot) {
        (Asker::Roles(roles), Some(policy), _) => Some(Subject::holder(policy, roles)),
        (Asker::User(user), Some(policy), Some(snapshot)) => Some(Subject::resolve(policy, snapshot, user).0),
        _ => None,
    }
}

fn called(asker: &Asker, subject: &Subject<'_>) -> String {
    match asker {
        Asker::User(_) => format!("`{}`", Printable::new(subject.username.as_str())),
        Asker::Roles(_) => "somebody with just these roles".to_owned(),
    }
}

/// The first of `roles` that `policy` does not have.
pub fn unknown_role<'r>(policy: &Policy, asker: &'r Asker) -> Option<&'r RoleId> {
    let Asker::Roles(roles) = asker else { return None };
    roles.iter().find(|role| policy.roles().iter().all(|known| known.id != **role))
}

/// Which role of `policy` was most likely meant by one that it does not have: "did you mean …?"
pub fn role_meant(policy: &Policy, role: &RoleId) -> Option<String> {
    did_you_mean(role.as_str(), policy.roles().iter().map(|known| known.id.as_str()))
}

#[cfg(test)]
mod tests;
