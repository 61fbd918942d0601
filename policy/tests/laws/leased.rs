//! What a job has leased is what its role is granted, within the bounds of the lease and of its workload, and nothing else:
//! the decision is that of a policy whose grants to the role name the account besides, cut to the verbs and paths, where it
//! is good, and that without it where it is not.

use std::{fmt::Write as _, sync::Arc};

use oam_policy::{
    ObjectId, PrivilegeId, Verb,
    decide::{LeaseUse, PushVerdict},
    rule::{PathSet, RefSet, RepositorySet},
};
use proptest::{prelude::*, sample::select, sample::subsequence};

use crate::{
    asking::is_same,
    cases,
    chance::{NAMES, ON, REF_PATTERNS, VERBS, patterns, world},
    engine::{Engine, outcome},
    matching,
    oracle::{Outcome, same_name},
    pushes::push,
    world::{Live, Paths, Push, ROLES, Rule, Says, Shown, Update, Who, World},
    written::{moment, parse},
};

/// A workload, and what one of its jobs leased.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Leased {
    evaluate: bool,
    principal: &'static str,
    roles: Vec<&'static str>,
    on: &'static [&'static str],
    refs: &'static [&'static str],
    verbs: Vec<&'static str>,
    paths: Paths,
    minutes: i64,
    /// What the role allows.
    most: Option<i64>,
    given: Given,
}

#[derive(Debug, Clone, PartialEq)]
struct Given {
    role: &'static str,
    by: &'static str,
    /// Whether the token was one of those that the workload is about now.
    same_job: bool,
    on: &'static [&'static str],
    refs: &'static [&'static str],
    verbs: Vec<&'static str>,
    paths: Paths,
    by_token: bool,
    /// The new tip of every update in these worlds, or another commit.
    commit: Option<bool>,
    /// In minutes after the push.
    begins: i64,
    minutes: i64,
}

fn name() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just("zoe"), 1 => select(&NAMES[..])]
}

fn verbs() -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![2 => Just(VERBS.to_vec()), 1 => subsequence(VERBS.to_vec(), 1..=3)]
}

fn given() -> impl Strategy<Value = Given> {
    let place = (patterns(&ON), patterns(&REF_PATTERNS), verbs());
    let commit = prop_oneof![3 => Just(None), 2 => Just(Some(true)), 1 => Just(Some(false))];
    let time =
        (select(vec![-20_i64, -15, -14, -10, -9, -5, -4, 0, 0, 0, 1]), select(vec![5_i64, 10, 15, 100]));
    let same_job = prop::bool::weighted(0.9);
    let shown = (paths(), prop::bool::weighted(0.3));
    (select(&ROLES[..]), name(), same_job, place, commit, time, shown).prop_map(
        |(role, by, same_job, (on, refs, verbs), commit, (begins, minutes), (paths, by_token))| Given {
            role,
            by,
            same_job,
            on,
            refs,
            verbs,
            paths,
            by_token,
            commit,
            begins,
            minutes,
        },
    )
}

fn paths() -> impl Strategy<Value = Paths> {
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(vec!["deploy/**"])),
        1 => Just(Some(vec!["**", "!deploy/**"])),
    ]
}

pub(crate) fn leased() -> impl Strategy<Value = Leased> {
    let time =
        (select(vec![5_i64, 15, 15]), prop_oneof![1 => Just(None), 1 => Just(Some(5)), 1 => Just(Some(60))]);
    let place = (patterns(&ON), patterns(&REF_PATTERNS), verbs(), any::<bool>());
    let who = (name(), subsequence(ROLES.to_vec(), 1..=3), prop::bool::weighted(0.1));
    (who, place, paths(), time, given()).prop_map(
        |(
            (principal, mut roles, evaluate),
            (mut on, mut refs, verbs, wide),
            paths,
            (minutes, most),
            mut given,
        )| {
            if wide {
                (on, refs) = (&["**"], &["refs/**"]);
                (given.on, given.refs) = (&["**"], &["refs/**"]);
                roles = ROLES.to_vec();
            }
            Leased { evaluate, principal, roles, on, refs, verbs, paths, minutes, most, given }
        },
    )
}

impl Leased {
    /// The whole policy.
    fn text(&self, world: &World) -> String {
        World { leased: vec![self.clone()], ..world.clone() }.sections().concat()
    }

    /// As it is written, and called by its number.
    pub(crate) fn section(&self, number: usize) -> String {
        let mut text = String::new();
        let Self { principal, roles, on, refs, verbs, minutes, .. } = self;
        write!(
            text,
            "[[workload]]\nid = \"workload{number}\"\nprofile = \"generic\"\nissuer = \"https://ci\"\nclaims = {{ job = \"7\" }}\n\
             principal = {principal:?}\nroles = {roles:?}\non = {on:?}\nrefs = {refs:?}\nverbs = {verbs:?}\n\
             max_lease = \"{minutes}m\"\n"
        )
        .unwrap();
        if let Some(paths) = &self.paths {
            writeln!(text, "paths = {paths:?}").unwrap();
        }
        if self.evaluate {
            text += "mode = \"evaluate\"\n";
        }
        text
    }

    /// Lets somebody have much by it.
    pub(crate) fn give_much(&mut self) {
        (self.evaluate, self.principal, self.roles) = (false, "zoe", ROLES.to_vec());
        (self.on, self.refs, self.verbs) = (&["**"], &["refs/**"], VERBS.to_vec());
        let given = &mut self.given;
        (given.on, given.refs, given.verbs) = (&["**"], &["refs/**"], VERBS.to_vec());
        (given.role, given.by, given.same_job) = (ROLES[2], "zoe", true);
        given.begins = given.begins.clamp(-4, 0);
    }

    /// The same as much as can be, by a workload that is only tried out.
    pub(crate) fn on_trial(mut self) -> Self {
        self.give_much();
        Self { evaluate: true, ..self }
    }

    /// The role that was leased.
    pub(crate) fn role(&self) -> &'static str {
        self.given.role
    }

    /// How long the role may be leased, in minutes.
    pub(crate) fn most(&self) -> Option<i64> {
        self.most
    }

    /// The same bound as of another lease of the role.
    pub(crate) fn bound_as(&mut self, other: &Self) {
        self.most = other.most;
    }

    /// The account that pushes for the jobs, where the workload gives anything.
    pub(crate) fn account(&self) -> Option<&'static str> {
        (!self.evaluate).then_some(self.principal)
    }

    /// Whether it is for a verb.
    pub(crate) fn is_for(&self, verb: &str) -> bool {
        self.verbs.contains(&verb) && self.given.verbs.contains(&verb)
    }

    /// The paths that it is for: all of these must hold a path.
    pub(crate) fn within(&self) -> [Option<&Vec<&'static str>>; 2] {
        [self.paths.as_ref(), self.given.paths.as_ref()]
    }

    /// Whether it counts, being the lease of that number.
    pub(crate) fn counts(&self, number: usize, shown: Option<Shown>) -> bool {
        match shown {
            None => !self.given.by_token,
            Some(Shown::Of(other)) => other == number,
            Some(Shown::Not(_)) => false,
        }
    }

    pub(crate) fn made(&self, number: usize, now: i64) -> LeaseUse {
        let given = &self.given;
        let on = given.on.iter().map(|one| RepositorySet::parse_one(one).unwrap());
        let refs = given.refs.iter().map(|one| RefSet::parse_one(one).unwrap());
        let job = if given.same_job { "7" } else { "8" };
        LeaseUse {
            id: id(number),
            workload: format!("workload{number}").parse().unwrap(),
            role: given.role.parse().unwrap(),
            issuer: "https://ci".into(),
            claims: [("job".parse().unwrap(), job.to_owned())].into(),
            by: given.by.parse().unwrap(),
            on: RepositorySet::new(on).unwrap(),
            refs: RefSet::new(refs).unwrap(),
            verbs: given.verbs.iter().map(|verb| Verb::parse(verb).unwrap()).collect(),
            commit: given.commit.map(|same| ObjectId::Sha1([if same { 2 } else { 3 }; 20])),
            paths: given
                .paths
                .as_ref()
                .map(|paths| PathSet::new(paths.iter().map(|one| PathSet::parse_one(one).unwrap())).unwrap()),
            by_token: given.by_token,
            from: moment(now + given.begins),
            to: moment(now + given.begins + given.minutes),
        }
    }

    /// Whether it gives this pusher anything now, wherever that is, by the text of the reference.
    pub(crate) fn is_in_force(&self, push: &Push) -> bool {
        let given = &self.given;
        let Who::Name(pusher) = push.by else { return false };
        let longest = self.minutes.min(self.most.unwrap_or(self.minutes));
        let until = given.begins + given.minutes.min(longest);
        !self.evaluate
            && given.same_job
            && self.roles.contains(&given.role)
            && same_name(given.by, pusher)
            && same_name(self.principal, pusher)
            && given.begins <= 0
            && 0 < until
    }

    /// Whether it is good for this update, verbs and paths aside, by the text of the reference.
    pub(crate) fn is_good(&self, world: &World, push: &Push, update: &Update) -> bool {
        let given = &self.given;
        let Who::Name(pusher) = push.by else { return false };
        let spelled = world.person(pusher).map_or(pusher, |person| person.name);
        let comes_to_be = matches!(update.change, "create" | "move");
        self.is_in_force(push)
            && given.commit.is_none_or(|same| same && comes_to_be)
            && [(self.on, self.refs), (given.on, given.refs)].iter().all(|(on, refs)| {
                matching::any_in_any_case(on, push.repository) && matching::any(refs, update.name, spelled)
            })
    }

    /// The world in which the grants to the role name the account, for what the lease is for.
    fn spelled_out(&self, world: &World) -> World {
        let mut spelled = world.clone();
        for (number, rule) in world.rules.iter().enumerate() {
            let Says::Grant { user: None, paths } = &rule.says else { continue };
            let is_for = |verb: &&&str| self.verbs.contains(*verb) && self.given.verbs.contains(*verb);
            let verbs: Vec<_> = rule.verbs.iter().filter(is_for).copied().collect();
            if verbs.is_empty() || !rule.roles.contains(&self.given.role) {
                continue;
            }
            // Nothing changes at any path where a ref goes away.
            let of_lease = || self.within().into_iter().flatten().next().cloned();
            let paths = paths.clone().or_else(of_lease).filter(|_| verbs != ["delete"]);
            let says = Says::Grant { user: Some(self.given.by), paths };
            let live = Live { to: Some(rule.live.to.unwrap_or(10_000)), ..rule.live.clone() };
            let id = format!("named{number}");
            spelled.rules.push(Rule { id, verbs, roles: vec![], live, says, ..rule.clone() });
        }
        spelled
    }

    /// A list of patterns says no "both of these": where grants to the role are of some paths, the workload and its lease
    /// are of all, and else one of them is.
    fn sensible(mut self, world: &World) -> Self {
        let is_of_some = |rule: &Rule| {
            rule.roles.contains(&self.given.role) && matches!(rule.says, Says::Grant { paths: Some(_), .. })
        };
        if world.rules.iter().any(is_of_some) {
            (self.paths, self.given.paths) = (None, None);
        }
        if self.paths.is_some() {
            self.given.paths = None;
        }
        self
    }
}

/// What the lease of that number is called.
pub(crate) fn id(number: usize) -> PrivilegeId {
    PrivilegeId::parse(&format!("8k2m{number}")).unwrap()
}

/// The engine in a world with the workload.
fn with<'w>(world: &'w World, leased: &Leased) -> Engine<'w> {
    let mut engine = Engine::new(world);
    engine.state.policy = Some(Arc::new(parse(&[leased.text(world)])));
    engine
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn what_a_job_has_leased_is_what_its_role_is_granted_within_its_bounds(
        world in world(), push in push(), leased in leased(), shows in any::<bool>(),
    ) {
        let leased = leased.sensible(&world);
        let spelled = leased.spelled_out(&world);
        let (plain, named) = (with(&world, &leased), with(&spelled, &leased));
        let showing = World { shown: shows.then_some(Shown::Of(0)), ..world.clone() };
        let mut engine = with(&showing, &leased);
        engine.state.leases = [leased.made(0, push.now)].into();
        for index in 0..push.updates.len() {
            let push = push.only(index);
            let good = leased.is_good(&world, &push, &push.updates[0]);
            let good = good && leased.counts(0, showing.shown);
            let expected = match good {
                _ if shows && !leased.is_in_force(&push) => Outcome::Refused,
                true => named.outcome(&push),
                false => plain.outcome(&push),
            };
            prop_assert_eq!(engine.outcome(&push), expected, "good: {}", good);
            let asked = outcome(&engine.asking(&push).decision);
            let but = (Outcome::Undecided, Outcome::Refused);
            prop_assert!(is_same(&push, &asked, &expected, &but), "asking: {:?}; good: {}", asked, good);
            let decision = engine.knowing_all(&push);
            let permit = match decision.verdict() {
                PushVerdict::PerRef(refs) => match &refs.first().verdict {
                    oam_policy::Verdict::Permitted(permit) => Some(permit.clone()),
                    _ => None,
                },
                _ => None,
            };
            // It is told, and so used, just where it made the difference.
            let made_the_difference = expected == Outcome::Permitted && plain.outcome(&push) != Outcome::Permitted;
            let is_told = permit.is_some_and(|permit| permit.given().count() == 1);
            prop_assert_eq!(is_told, made_the_difference, "good: {}", good);
        }
    }
}
