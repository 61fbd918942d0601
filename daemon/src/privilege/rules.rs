//! What the policy in force says to those who ask, and to those who answer.

use std::{collections::BTreeSet, time::Duration};

use jiff::{SignedDuration, Timestamp};
use oam_policy::{
    Policy, RoleId, RuleId, Snapshot, State, Username,
    decide::{NotInForce, Subject, obstacles},
    rule::{Elevation, Mode, RefSet, RepositorySet, Waiver},
};

use super::{Ask, Privilege, PrivilegeError, Wanted, What};

/// How long a reason may be, in characters.
pub(super) const MAX_REASON: usize = 1_000;

/// The policy and the directory of a moment, where something can be decided by them.
pub(super) struct Rules<'a> {
    pub(super) policy: &'a Policy,
    pub(super) snapshot: &'a Snapshot,
}

/// What a rule allows.
#[derive(Debug)]
pub(super) struct Allowed {
    pub(super) what: What,
    /// How many others must approve it.
    pub(super) needed: u32,
}

impl<'a> Rules<'a> {
    /// How fresh sources are is told by the clock of the machine, by which it is noted when they were heard.
    pub(super) fn of(state: &'a State) -> Result<Self, PrivilegeError> {
        if let Some(obstacle) = obstacles(state, Timestamp::now()).first() {
            return Err(PrivilegeError::Undecided(oam_policy::words::of_undecided(obstacle).summary));
        }
        match (state.policy.as_deref(), state.snapshot.as_ref()) {
            (Some(policy), Some(snapshot)) => Ok(Self { policy, snapshot }),
            _ => Err(PrivilegeError::Undecided("no policy is loaded".into())),
        }
    }

    /// Somebody as the directory knows them, when they may act at all.
    pub(super) fn subject<'s>(&'s self, user: &'s Username) -> Result<Subject<'s>, PrivilegeError> {
        match Subject::resolve(self.policy, self.snapshot, user) {
            (subject, None) => Ok(subject),
            (_, Some(_)) => Err(PrivilegeError::Barred(user.as_str().to_owned())),
        }
    }

    /// What the policy makes of somebody's wish.
    pub(super) fn allowed(&self, subject: &Subject<'_>, ask: &Ask) -> Result<Allowed, PrivilegeError> {
        let reason = ask.reason.trim().chars().count();
        if reason > MAX_REASON {
            return Err(PrivilegeError::LongReason(reason));
        }
        let (allowed, max_time, wants_reason) = match &ask.wanted {
            Wanted::Role(role) => {
                let rule = self.elevation(subject, role, ask)?;
                let what = What::Grant { elevation: rule.id.clone(), role: role.clone() };
                let needed = rule.approval.as_ref().map_or(0, |approval| approval.count.get().into());
                (Allowed { what, needed }, rule.max_time, rule.reason)
            }
            Wanted::Lift(rules) => {
                let rule = self.waiver(subject, rules, ask)?;
                let what = What::Waiver { waiver: rule.id.clone(), lifts: rules.clone() };
                let needed = u32::from(!rule.second_person.is_empty());
                (Allowed { what, needed }, rule.max_time, rule.reason)
            }
        };
        let rule = allowed.what.rule();
        if ask.length > max_time {
            let (most, asked) = (told(max_time), told(ask.length));
            return Err(PrivilegeError::TooLong { rule: rule.clone(), most, asked });
        }
        if ask.length < Duration::from_secs(1) {
            return Err(PrivilegeError::NoTime);
        }
        if wants_reason && reason == 0 {
            return Err(PrivilegeError::NoReason(rule.clone()));
        }
        Ok(allowed)
    }

    fn elevation(
        &self,
        subject: &Subject<'_>,
        role: &RoleId,
        ask: &Ask,
    ) -> Result<&Elevation, PrivilegeError> {
        let name = subject.username.as_str();
        let of_role = self
            .policy
            .elevations()
            .iter()
            .filter(|rule| rule.mode == Mode::Enforce && rule.roles.contains(role));
        let of_role: Vec<_> = of_role.collect();
        let theirs: Vec<_> =
            of_role.iter().filter(|rule| subject.roles().any(|held| rule.to.contains(held))).collect();
        let here = theirs.iter().find(|rule| is_within(ask, &rule.on, &rule.refs, name));
        here.map(|rule| **rule).ok_or_else(|| {
            PrivilegeError::NotAllowed(if of_role.is_empty() {
                // None is in force: what there is is tried out.
                let tried = self.policy.elevations().iter().find(|rule| rule.roles.contains(role));
                tried.map_or_else(
                    || format!("the policy lets nobody ask for the role `{role}`"),
                    |rule| on_trial("elevation", &rule.id),
                )
            } else if theirs.is_empty() {
                let to = roles(of_role.iter().flat_map(|rule| &rule.to));
                format!("`{name}` may not ask for the role `{role}`: whoever holds {to} may")
            } else {
                let where_to = theirs.iter().map(|rule| place(&rule.on, &rule.refs)).collect::<Vec<_>>();
                format!("the role `{role}` may be asked for {}, and not there", where_to.join(" or "))
            })
        })
    }

    fn waiver(
        &self,
        subject: &Subject<'_>,
        rules: &BTreeSet<RuleId>,
        ask: &Ask,
    ) -> Result<&Waiver, PrivilegeError> {
        let name = subject.username.as_str();
        let lifting = self
            .policy
            .waivers()
            .iter()
            .filter(|waiver| waiver.mode == Mode::Enforce && rules.is_subset(&waiver.lifts));
        let lifting: Vec<_> = lifting.collect();
        let theirs: Vec<_> =
            lifting.iter().filter(|rule| subject.roles().any(|held| rule.to.contains(held))).collect();
        let here = theirs.iter().find(|rule| is_within(ask, &rule.on, &rule.refs, name));
        here.map(|rule| **rule).ok_or_else(|| {
            let named = rules.iter().map(|rule| format!("`{rule}`")).collect::<Vec<_>>().join(" and ");
            PrivilegeError::NotAllowed(if lifting.is_empty() {
                let tried = self.policy.waivers().iter().find(|waiver| rules.is_subset(&waiver.lifts));
                tried.map_or_else(
                    || format!("no waiver of the policy lifts {named}"),
                    |waiver| on_trial("waiver", &waiver.id),
                )
            } else if theirs.is_empty() {
                let to = roles(lifting.iter().flat_map(|rule| &rule.to));
                format!("`{name}` may not lift {named}: whoever holds {to} may")
            } else {
                let where_to = theirs.iter().map(|rule| place(&rule.on, &rule.refs)).collect::<Vec<_>>();
                format!("{named} may be lifted {}, and not there", where_to.join(" or "))
            })
        })
    }

    /// Who may approve something, and deny it or take it away.
    pub(super) fn answering(&self, what: &What) -> BTreeSet<RoleId> {
        answering_by(self.policy, what)
    }

    /// Who may sign off what was done with a waiver.
    pub(super) fn signing(&self, what: &What) -> BTreeSet<RoleId> {
        signing_by(self.policy, what)
    }
    /// Who it is that answers what another asks for, as the directory spells them, when they may.
    pub(super) fn may_answer(
        &self,
        user: &Username,
        with: &BTreeSet<RoleId>,
    ) -> Result<Username, PrivilegeError> {
        let subject = self.subject(user)?;
        if subject.roles().any(|role| with.contains(role)) {
            return Ok(subject.username.into_owned());
        }
        Err(PrivilegeError::MayNotAnswer {
            by: user.as_str().to_owned(),
            roles: if with.is_empty() { "the policy names none".to_owned() } else { roles(with) },
        })
    }

    /// Why something that is in force, or waits to be, may not be so any more.
    pub(super) fn objection(&self, one: &Privilege, now: Timestamp) -> Option<NotInForce> {
        let Ok(subject) = self.subject(&one.by) else { return Some(NotInForce::Asker) };
        let time = one.time().unwrap_or((now, Timestamp::MAX));
        let snapshot = Some(self.snapshot);
        if let Some(lease) = one.leased(time) {
            return lease.judge(self.policy, &subject, now).err();
        }
        let judged = match (one.elevation(time), one.waiver(time)) {
            (Some(elevation), _) => elevation.judge(self.policy, snapshot, &subject, now).err(),
            (None, Some(waiver)) => waiver.judge(self.policy, snapshot, &subject, now).err(),
            (None, None) => None,
        };
        let waits = one.time().is_none();
        judged.filter(|objection| !(waits && *objection == NotInForce::Approval))
    }
}

/// Why nobody is given anything by a rule that would give it.
pub(super) fn on_trial(kind: &str, rule: &RuleId) -> String {
    format!("the {kind} `{rule}` is on trial (`mode = \"evaluate\"`), and nobody is given anything by it")
}

/// Whether what is asked for can lie within what a rule allows. Patterns are not compared: whatever lies outside of the
/// rule is not given by it.
fn is_within(ask: &Ask, on: &RepositorySet, refs: &RefSet, user: &str) -> bool {
    let repositories = ask.on.sources();
    let one = match repositories.as_slice() {
        [one] => oam_policy::Repository::parse(one).ok(),
        _ => None,
    };
    let names = ask.refs.sources();
    let name = match names.as_slice() {
        [one] => oam_policy::RefName::parse(one.as_bytes()).ok(),
        _ => None,
    };
    one.is_none_or(|one| on.matches(&one)) && name.is_none_or(|name| refs.matches(&name, user))
}

fn place(on: &RepositorySet, refs: &RefSet) -> String {
    let quoted = |all: Vec<String>| all.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ");
    format!("on {} in {}", quoted(refs.sources()), quoted(on.sources()))
}

fn roles<'r>(roles: impl IntoIterator<Item = &'r RoleId>) -> String {
    let roles: BTreeSet<_> = roles.into_iter().map(|role| format!("`{role}`")).collect();
    roles.into_iter().collect::<Vec<_>>().join(" or ")
}

/// A length of time as it is typed.
pub(super) fn told(length: Duration) -> String {
    let length =
        SignedDuration::try_from(Duration::from_secs(length.as_secs())).unwrap_or(SignedDuration::MAX);
    format!("{length:#}")
}

/// Who may approve something, and deny it or take it away.
fn answering_by(policy: &Policy, what: &What) -> BTreeSet<RoleId> {
    match what {
        What::Grant { elevation, .. } => {
            let rule = policy.elevations().iter().find(|rule| rule.id == *elevation);
            let approval = rule.and_then(|rule| rule.approval.as_ref());
            approval.map(|approval| approval.by.clone()).unwrap_or_default()
        }
        What::Waiver { waiver, .. } => {
            let rule = policy.waivers().iter().find(|rule| rule.id == *waiver);
            rule.map(|rule| rule.second_person.clone()).unwrap_or_default()
        }
        // Whoever may take anything from anybody ends a lease.
        What::Lease(_) => BTreeSet::new(),
    }
}

/// Who may sign off what was done with a waiver: who could have approved it; where nobody need, who may use it.
fn signing_by(policy: &Policy, what: &What) -> BTreeSet<RoleId> {
    let answering = answering_by(policy, what);
    if !answering.is_empty() {
        return answering;
    }
    let rule = policy.waivers().iter().find(|rule| rule.id == *what.rule());
    rule.map(|rule| rule.to.clone()).unwrap_or_default()
}

/// The roles whose holders may answer now: approve what waits, sign off what is over.
pub fn answering(policy: &Policy, one: &Privilege) -> BTreeSet<RoleId> {
    if one.wants_sign_off() { signing_by(policy, &one.what) } else { answering_by(policy, &one.what) }
}

/// Whether something is somebody's own, or theirs to answer or to sign off, as far as that can be told.
pub fn concerns(state: &State, user: &Username, one: &Privilege) -> bool {
    if one.by.key() == user.key() {
        return true;
    }
    let Ok(rules) = Rules::of(state) else { return false };
    let may = |with: BTreeSet<RoleId>| rules.may_answer(user, &with).is_ok();
    may(rules.answering(&one.what)) || may(rules.signing(&one.what))
}
