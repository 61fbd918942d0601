//! Everybody who may do one thing to one ref: the question of [`crate::explain`] the other way round.
//!
//! [`who`] makes no verdict; [`crate::decide()`] does. It decides once for each set of roles that somebody holds, not once
//! for each person: only for those of whom a rule may know more than their roles does it decide one by one. These are
//! people whom a grant or a role names, who have something for a while, and people whose name stands in the ref where a rule has `${user}`.

mod crowd;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use jiff::Timestamp;

use crate::{
    decide::{
        Basis, OneRef, Permit, PrincipalKind, PushVerdict, Scope, State, Subject, Verdict, WaiverUse,
        judge_as, obstacles, told,
    },
    explain::supposing,
    facts::FactsNeeded,
    name::{PrivilegeId, RoleId, RuleId, Username},
    nonempty::NonEmpty,
    question::Question,
    reason::{RefusalReason, UndecidedReason},
    rule::Policy,
};
use crowd::Crowd;

/// Everybody who may, and what stops others.
#[derive(Debug, Clone, Default)]
pub struct Who<'a> {
    /// Who may, by what carries it; in order of grant and role.
    pub can: BTreeMap<Way, Vec<Principal<'a>>>,
    /// Whom grants would carry and a block or a require stops; in order of grant and role. Not those of whom it depends on
    /// what the question does not say whether a grant would: they may not either way.
    pub stopped: BTreeMap<Stop, u64>,
    /// Those of whom it cannot be said, since the question does not say enough.
    pub unclear: Unclear,
    /// Those of whom nothing can be decided, whatever the question says.
    pub undecided: Undecided,
    /// What requires ask of those who may and the question says nothing of, so that it is taken to be so.
    pub supposing: BTreeSet<String>,
}

/// People of whom nothing can be decided: whether somebody who approved what they have may still do so is not known.
#[derive(Debug, Clone, Default)]
pub struct Undecided {
    /// How many active users and service principals.
    pub count: u64,
    /// Why; nothing twice.
    pub reasons: Vec<UndecidedReason>,
}

/// People of whom it cannot be said whether they may.
#[derive(Debug, Clone, Default)]
pub struct Unclear {
    /// How many active users and service principals.
    pub count: u64,
    /// What would tell.
    pub needed: FactsNeeded,
}

/// What carries a right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// The grant; of several that cover the changed paths together, one.
    pub grant: RuleId,
    /// The role through which that reaches somebody; `None` when it names them directly.
    pub role: Option<RoleId>,
    /// By which they have it for a while; `None` when it is a standing right.
    pub elevation: Option<PrivilegeId>,
}

/// What would carry a right, and what forbids it all the same. Its count in [`Who::stopped`] is of active users and
/// service principals; it may be 0, for a role that nobody holds by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stop {
    /// What would carry it.
    pub way: Way,
    /// The blocks that forbid it and the requires that are not met, in order; at least one.
    pub rules: Vec<RuleId>,
}

/// Somebody who may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal<'a> {
    /// Their name, as the directory spells it; of a service principal that it does not know, in lower case.
    pub username: Cow<'a, Username>,
    /// A user or a service; never unknown.
    pub kind: PrincipalKind,
}

/// Why it cannot be said who may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhoError {
    /// Nothing can be decided now.
    Undecided(NonEmpty<UndecidedReason>),
    /// Nobody wants to know any more.
    GivenUp,
}

impl Who<'_> {
    /// How many may.
    pub fn count(&self) -> u64 {
        self.can.values().map(|some| some.len() as u64).sum()
    }
}

/// Everybody in the directory, and every service principal of the policy, for whom [`crate::decide()`] permits
/// `question` at `now`.
///
/// # Errors
/// When nothing can be decided.
pub fn who<'a>(state: &'a State, question: &Question, now: Timestamp) -> Result<Who<'a>, WhoError> {
    who_while(state, question, now, &|| true)
}

/// The same as long as somebody wants to know: with many rules and roles it takes a while.
///
/// # Errors
/// When nothing can be decided, or `is_wanted` says no.
pub fn who_while<'a>(
    state: &'a State,
    question: &Question,
    now: Timestamp,
    is_wanted: &dyn Fn() -> bool,
) -> Result<Who<'a>, WhoError> {
    if let Some(reasons) = NonEmpty::from_vec(obstacles(state, now)) {
        return Err(WhoError::Undecided(reasons));
    }
    let (Some(policy), Some(snapshot)) = (&state.policy, &state.snapshot) else {
        return Err(WhoError::Undecided(NonEmpty::one(UndecidedReason::PolicyMissing)));
    };
    let mut found = Who::default();
    let (by_roles, supposing) = Default::default();
    let mut judge = Judge { state, policy, question, now, is_wanted, by_roles, supposing };
    for role in policy.roles() {
        if let Answer::Stopped(stop) = judge.of(&Subject::holder(policy, [&role.id]))? {
            found.stopped.entry(stop).or_insert(0);
        }
    }
    // It may be that nobody holds just one role.
    judge.supposing.clear();
    let crowd = Crowd::of(policy, snapshot, state, question);
    crowd.each(&mut judge, &mut found)?;
    found.supposing = judge.supposing;
    for some in found.can.values_mut() {
        some.sort_by_cached_key(|one| one.username.key());
    }
    Ok(found)
}

/// What is decided for somebody.
#[derive(Debug, Clone)]
enum Answer {
    Can(Way),
    Stopped(Stop),
    Unclear(FactsNeeded),
    Undecided(NonEmpty<UndecidedReason>),
    Cannot,
}

impl<'a> Who<'a> {
    fn add(&mut self, username: Cow<'a, Username>, kind: PrincipalKind, answer: &Answer) {
        match answer {
            // Looked for first: ways are few, and people many.
            Answer::Can(way) => match self.can.get_mut(way) {
                Some(some) => some.push(Principal { username, kind }),
                None => drop(self.can.insert(way.clone(), vec![Principal { username, kind }])),
            },
            Answer::Stopped(stop) => match self.stopped.get_mut(stop) {
                Some(count) => *count += 1,
                None => drop(self.stopped.insert(stop.clone(), 1)),
            },
            Answer::Unclear(needed) => self.unclear.add(needed),
            Answer::Undecided(reasons) => self.undecided.add(reasons),
            Answer::Cannot => {}
        }
    }
}

impl Undecided {
    fn add(&mut self, reasons: &NonEmpty<UndecidedReason>) {
        for reason in reasons {
            if !self.reasons.contains(reason) {
                self.reasons.push(reason.clone());
            }
        }
        self.count += 1;
    }
}

impl Unclear {
    fn add(&mut self, needed: &FactsNeeded) {
        if self.count == 0 || self.needed != *needed {
            self.needed.add(needed.clone());
            self.needed = std::mem::take(&mut self.needed).in_order();
        }
        self.count += 1;
    }
}

/// Decides one question for one after the other.
struct Judge<'p> {
    state: &'p State,
    policy: &'p Policy,
    question: &'p Question,
    now: Timestamp,
    is_wanted: &'p dyn Fn() -> bool,
    /// What was decided for somebody of whom no rule knows more than these roles.
    by_roles: HashMap<Vec<RoleId>, Answer>,
    /// What is supposed of those who may.
    supposing: BTreeSet<String>,
}

impl Judge<'_> {
    /// What is decided for everybody who holds these roles like `subject`, and of whom no rule knows more.
    fn of_holders_like(&mut self, subject: &Subject<'_>) -> Result<Answer, WhoError> {
        let roles: Vec<_> = subject.roles().cloned().collect();
        if let Some(answer) = self.by_roles.get(&roles) {
            return Ok(answer.clone());
        }
        let answer = self.of(subject)?;
        self.by_roles.insert(roles, answer.clone());
        Ok(answer)
    }

    fn of(&mut self, subject: &Subject<'_>) -> Result<Answer, WhoError> {
        if !(self.is_wanted)() {
            return Err(WhoError::GivenUp);
        }
        let request = self.question.request(subject.username.clone().into_owned());
        let waivers = self.waivers(&subject.username);
        let decided = self.question.settle(|facts| {
            let basis = self.basis(&waivers);
            judge_as(&basis, subject, &request, facts, self.now, told)
        });
        let decision = match decided {
            Ok(decision) => decision,
            Err(needed) => return Ok(Answer::Unclear(needed)),
        };
        let reasons = match decision.verdict() {
            PushVerdict::Refused(_) => return Ok(Answer::Cannot),
            PushVerdict::Undecided(reasons) => return Err(WhoError::Undecided(reasons.clone())),
            PushVerdict::PerRef(refs) => match &refs.first().verdict {
                Verdict::Permitted(permit) => {
                    let supposing = self.looked_at(decision.subject(), |one| supposing(one, self.question));
                    self.supposing.extend(supposing);
                    return Ok(Answer::Can(Way::of(permit)));
                }
                Verdict::Undecided(reasons) => return Ok(Answer::Undecided(reasons.clone())),
                Verdict::Refused(reasons) => reasons,
            },
        };
        Ok(self.stop(decision.subject(), reasons).map_or(Answer::Cannot, Answer::Stopped))
    }

    fn waivers(&self, user: &Username) -> Vec<WaiverUse> {
        let asked = self.question.waivers(self.policy, user, self.now);
        self.state.waivers.iter().cloned().chain(asked).collect()
    }

    fn basis<'a>(&'a self, waivers: &'a [WaiverUse]) -> Basis<'a> {
        Basis { waivers, ..self.state.basis(self.policy) }
    }

    /// The blocks and requires, when they are all that forbids it.
    fn stop(&self, subject: &Subject<'_>, reasons: &NonEmpty<RefusalReason>) -> Option<Stop> {
        let rules = reasons.iter().map(|reason| match reason {
            RefusalReason::Blocked(blocked) => Some(blocked.rule.clone()),
            RefusalReason::Unmet(unmet) => Some(unmet.rule.clone()),
            RefusalReason::NoGrant(_)
            | RefusalReason::PathsNotGranted(_)
            | RefusalReason::AccountDisabled { .. }
            | RefusalReason::Revoked { .. }
            | RefusalReason::UnknownPrincipal { .. }
            | RefusalReason::LeaseNotAccepted(_) => None,
        });
        let mut rules = rules.collect::<Option<Vec<_>>>()?;
        rules.dedup();
        Some(Stop { way: self.would_carry(subject)?, rules })
    }

    /// What would carry it, were there no block; `None` also where it depends on what is not said.
    fn would_carry(&self, subject: &Subject<'_>) -> Option<Way> {
        let permit = self.looked_at(subject, |one| one.would_carry(self.question.decided_verb()))?;
        Some(Way::of(&permit))
    }

    /// What is to be seen in the ref by the facts that the question implies.
    fn looked_at<T>(&self, subject: &Subject<'_>, look: impl FnOnce(&OneRef<'_, '_>) -> T) -> T {
        let waivers = self.waivers(&subject.username);
        let basis = self.basis(&waivers);
        let request = self.question.request(subject.username.clone().into_owned());
        let facts = self.question.facts();
        let scope = Scope::new(&basis, subject, &request, &facts, self.now);
        look(&OneRef { scope: &scope, index: 0, update: request.updates.first() })
    }
}

impl Way {
    fn of(permit: &Permit) -> Self {
        let elevation = permit.elevation().cloned();
        Self { grant: permit.grant().clone(), role: permit.role().cloned(), elevation }
    }
}
