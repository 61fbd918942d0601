//! What somebody has for a while is what its role is granted, where and when it was asked for, and nothing else: the
//! decision is that of a policy whose grants to the role name the person besides, where it is good, and that without it
//! where it is not.

use std::{fmt::Write as _, sync::Arc};

use oam_policy::{
    PrivilegeId,
    decide::{ElevationUse, PushVerdict},
    rule::{Asker, RefSet, RepositorySet},
};
use proptest::{prelude::*, sample::subsequence};

use crate::{
    asking::is_same,
    cases,
    chance::{NAMES, ON, REF_PATTERNS, patterns, reason, slot, world},
    engine::{Engine, outcome},
    matching,
    oracle::{Outcome, same_name},
    pushes::push,
    world::{Live, Push, ROLES, Rule, Says, Update, Who, World},
    written::{moment, parse},
};

/// A rule that lets people ask, and what one of them was given by it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Elevated {
    evaluate: bool,
    roles: Vec<&'static str>,
    to: Vec<&'static str>,
    on: &'static [&'static str],
    refs: &'static [&'static str],
    minutes: i64,
    needs_reason: bool,
    approvers: Vec<&'static str>,
    count: usize,
    ends_with_approver: bool,
    given: Given,
}

#[derive(Debug, Clone, PartialEq)]
struct Given {
    role: &'static str,
    by: &'static str,
    on: &'static [&'static str],
    refs: &'static [&'static str],
    from: i64,
    to: i64,
    reason: &'static str,
    approved_by: Vec<&'static str>,
}

fn name() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just("zoe"), 1 => prop::sample::select(&NAMES[..])]
}

fn given() -> impl Strategy<Value = Given> {
    let place = (patterns(&ON), patterns(&REF_PATTERNS));
    let length = prop::sample::select(vec![30_i64, 400, 400]);
    let from = prop_oneof![3 => Just(0), 1 => slot()];
    let approved_by = subsequence(NAMES.to_vec(), 0..=4);
    (prop::sample::select(&ROLES[..]), name(), place, (from, length), reason(), approved_by).prop_map(
        |(role, by, (on, refs), (from, length), reason, approved_by)| Given {
            role,
            by,
            on,
            refs,
            from,
            to: from + length,
            reason,
            approved_by,
        },
    )
}

pub(crate) fn elevated() -> impl Strategy<Value = Elevated> {
    let roles = || subsequence(ROLES.to_vec(), 1..=3);
    let approvers = prop_oneof![1 => Just(vec![]), 1 => roles()];
    let flags = (prop::bool::weighted(0.1), any::<bool>(), any::<bool>());
    let wide = any::<bool>();
    let minutes = prop::sample::select(vec![30_i64, 600, 600]);
    let place = (patterns(&ON), patterns(&REF_PATTERNS));
    (roles(), roles(), place, wide, minutes, flags, (approvers, 1_usize..3), given()).prop_map(
        |(roles, to, (mut on, mut refs), wide, minutes, flags, (approvers, count), mut given)| {
            if wide {
                (on, refs) = (&["**"], &["refs/**"]);
                (given.on, given.refs) = (&["**"], &["refs/**"]);
            }
            let (evaluate, needs_reason, ends_with_approver) = flags;
            Elevated {
                evaluate,
                roles,
                to,
                on,
                refs,
                minutes,
                needs_reason,
                approvers,
                count,
                ends_with_approver,
                given,
            }
        },
    )
}

impl Elevated {
    /// As it is written, and called by its number.
    pub(crate) fn section(&self, number: usize) -> String {
        let Self { roles, to, on, refs, minutes, needs_reason, approvers, count, .. } = self;
        let mut text = format!(
            "[[elevation]]\nid = \"elevation{number}\"\nroles = {roles:?}\nto = {to:?}\non = {on:?}\nrefs = {refs:?}\n\
             max_time = \"{minutes}m\"\nreason = {needs_reason}\n"
        );
        if self.evaluate {
            text += "mode = \"evaluate\"\n";
        }
        if !approvers.is_empty() {
            writeln!(text, "approved_by = {approvers:?}\napprovals = {count}").unwrap();
            writeln!(text, "ends_with_approver = {}", self.ends_with_approver).unwrap();
        }
        text
    }

    pub(crate) fn made(&self, number: usize) -> ElevationUse {
        let given = &self.given;
        let on = given.on.iter().map(|one| RepositorySet::parse_one(one).unwrap());
        let refs = given.refs.iter().map(|one| RefSet::parse_one(one).unwrap());
        ElevationUse {
            id: PrivilegeId::parse(&format!("7k2m{number}")).unwrap(),
            elevation: format!("elevation{number}").parse().unwrap(),
            role: given.role.parse().unwrap(),
            by: given.by.parse().unwrap(),
            on: RepositorySet::new(on).unwrap(),
            refs: RefSet::new(refs).unwrap(),
            from: moment(given.from),
            to: moment(given.to),
            reason: given.reason.to_owned(),
            approved_by: given.approved_by.iter().map(|name| Asker::User(name.parse().unwrap())).collect(),
        }
    }

    /// Lets somebody have much by it.
    pub(crate) fn give_much(&mut self) {
        (self.evaluate, self.needs_reason) = (false, false);
        (self.roles, self.to, self.approvers) = (ROLES.to_vec(), ROLES.to_vec(), vec![]);
        (self.on, self.refs, self.minutes) = (&["**"], &["refs/**"], 600);
        (self.given.on, self.given.refs) = (&["**"], &["refs/**"]);
        (self.given.role, self.given.by) = (ROLES[2], "zoe");
        (self.given.from, self.given.to) = (-30, 400);
    }

    /// The same as much as can be, by a rule that is only tried out.
    pub(crate) fn on_trial(mut self) -> Self {
        self.give_much();
        Self { evaluate: true, ..self }
    }

    /// The role that was given.
    pub(crate) fn role(&self) -> &'static str {
        self.given.role
    }

    /// Whether it is good for this update, by the text of the reference.
    pub(crate) fn is_good(&self, world: &World, push: &Push, update: &Update) -> bool {
        let given = &self.given;
        let Who::Name(pusher) = push.by else { return false };
        let spelled = world.person(pusher).map_or(pusher, |person| person.name);
        let counts = |name: &&&'static str| {
            let roles = world.roles_that_count(&Who::Name(name));
            !same_name(name, given.by)
                && (!self.ends_with_approver || self.approvers.iter().any(|role| roles.contains(role)))
        };
        let mut approvals: Vec<_> =
            given.approved_by.iter().filter(counts).map(|name| name.to_lowercase()).collect();
        approvals.sort();
        approvals.dedup();
        let places = [(self.on, self.refs), (given.on, given.refs)];
        !self.evaluate
            && self.roles.contains(&given.role)
            && same_name(given.by, pusher)
            && world.roles_of(pusher).iter().any(|role| self.to.contains(role))
            && (given.from..given.to.min(given.from + self.minutes)).contains(&push.now)
            && (!self.needs_reason || !given.reason.trim().is_empty())
            && (self.approvers.is_empty() || approvals.len() >= self.count)
            && places.iter().all(|(on, refs)| {
                matching::any_in_any_case(on, push.repository) && matching::any(refs, update.name, spelled)
            })
    }

    /// The world in which the grants to the role name the person.
    fn spelled_out(&self, world: &World) -> World {
        let mut spelled = world.clone();
        for (number, rule) in world.rules.iter().enumerate() {
            if let Says::Grant { user: None, paths } = &rule.says
                && rule.roles.contains(&self.given.role)
            {
                let says = Says::Grant { user: Some(self.given.by), paths: paths.clone() };
                let live = Live { to: Some(rule.live.to.unwrap_or(10_000)), ..rule.live.clone() };
                let id = format!("named{number}");
                spelled.rules.push(Rule { id, roles: vec![], live, says, ..rule.clone() });
            }
        }
        spelled
    }
}

/// The engine in a world where somebody has something for a while.
fn with<'w>(world: &'w World, elevated: &Elevated) -> Engine<'w> {
    let mut engine = Engine::new(world);
    engine.state.policy = Some(Arc::new(parse(&[world.sections().concat() + &elevated.section(0)])));
    engine.state.elevations = [elevated.made(0)].into();
    engine
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn what_somebody_has_for_a_while_is_what_its_role_is_granted_and_nothing_else(
        world in world(), push in push(), elevated in elevated(),
    ) {
        let (plain, spelled) = (Engine::new(&world), elevated.spelled_out(&world));
        let (named, engine) = (Engine::new(&spelled), with(&world, &elevated));
        for index in 0..push.updates.len() {
            let push = push.only(index);
            let good = elevated.is_good(&world, &push, &push.updates[0]);
            let expected = if good { named.outcome(&push) } else { plain.outcome(&push) };
            prop_assert_eq!(engine.outcome(&push), expected, "good: {}", good);
            let asked = outcome(&engine.asking(&push).decision);
            let but = (Outcome::Undecided, Outcome::Refused);
            prop_assert!(is_same(&push, &asked, &expected, &but), "asking: {:?}; good: {}", asked, good);
            let decision = engine.knowing_all(&push);
            if let PushVerdict::PerRef(refs) = decision.verdict()
                && let oam_policy::Verdict::Permitted(permit) = &refs.first().verdict
                && permit.elevation().is_some()
            {
                // It is told wherever it made the difference, and named by its role.
                prop_assert!(good);
                prop_assert_eq!(permit.role().map(ToString::to_string), Some(elevated.given.role.to_owned()));
            } else if expected == Outcome::Permitted {
                prop_assert_eq!(plain.outcome(&push), Outcome::Permitted);
            }
        }
    }
}
