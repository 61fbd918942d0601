//! What each rule says to one question.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    conditions,
    lists::{first_few, listed, listed_roles},
    trace::{Dimension, Finding, Fit, RuleKind, RuleTrace, any_path, compared, path, unknown_path},
};
use crate::{
    decide::{Basis, Given, Known, OneRef, Part, Scope, Subject, Within},
    name::{RoleId, RuleId},
    printable::Printable,
    question::Question,
    rule::{
        Block, Elevation, Grant, Mode, RefSet, RepositorySet, Require, VerbSet, Waiver, Window, Workload,
    },
};

/// Between two sets of paths that bound the same.
const AND_OF_THOSE: &str = ", and of those for ";

/// Between what somebody has in one way and in another.
const OR_FOR: &str = ", or for ";

/// What every rule on the repository, or on the ref, has to do with the question: blocks, grants, requires, waivers,
/// elevations, workloads.
///
/// `called` is what the subject is called in the words.
pub(super) fn rules(
    basis: &Basis<'_>,
    question: &Question,
    (subject, called): (&Subject<'_>, &str),
    now: Timestamp,
) -> Vec<RuleTrace> {
    let request = question.request(subject.username.clone().into_owned());
    let facts = question.facts();
    let scope = Scope::new(basis, subject, &request, &facts, now);
    let one = OneRef { scope: &scope, index: 0, update: request.updates.first() };
    let asked = Asked { one, question, subject, called, now };
    let policy = basis.policy;
    let blocks = policy.all_blocks().filter(|block| asked.concerns(&block.on, &block.refs));
    let grants = policy.grants().iter().filter(|grant| asked.concerns(&grant.on, &grant.refs));
    let requires = policy.requires().iter().filter(|require| asked.concerns(&require.on, &require.refs));
    let waivers = policy.waivers().iter().filter(|waiver| asked.concerns(&waiver.on, &waiver.refs));
    let elevations = policy.elevations().iter().filter(|one| asked.concerns(&one.on, &one.refs));
    let workloads = policy.workloads().iter().filter(|one| asked.concerns(&one.on, &one.refs));
    blocks
        .map(|block| asked.of_block(block))
        .chain(grants.map(|grant| asked.of_grant(grant)))
        .chain(requires.map(|require| asked.of_require(require)))
        .chain(waivers.map(|waiver| asked.of_waiver(waiver)))
        .chain(elevations.map(|elevation| asked.of_elevation(elevation)))
        .chain(workloads.map(|workload| asked.of_workload(workload)))
        .collect()
}

/// One question by one person at one moment.
struct Asked<'a> {
    one: OneRef<'a, 'a>,
    question: &'a Question,
    subject: &'a Subject<'a>,
    called: &'a str,
    now: Timestamp,
}

impl Asked<'_> {
    /// Whether a rule is worth telling about.
    fn concerns(&self, on: &RepositorySet, refs: &RefSet) -> bool {
        on.matches(&self.question.repository) || self.is_ref_in(refs)
    }

    fn is_ref_in(&self, refs: &RefSet) -> bool {
        refs.matches(&self.question.name, self.subject.username.as_str())
    }

    fn of_grant(&self, grant: &Grant) -> RuleTrace {
        let place = self.place(&grant.on, &grant.refs, grant.verbs);
        let given = self.given_to(grant);
        RuleTrace {
            kind: RuleKind::Grant,
            id: grant.id.clone(),
            evaluate_only: grant.mode == Mode::Evaluate,
            findings: place
                .into_iter()
                .chain([self.reached(grant, &given), self.live(&grant.window), self.covered(grant, &given)])
                .collect(),
            conditions: Vec::new(),
            lifted_by: None,
        }
    }

    /// What a grant says to the paths that change, in all the ways together in which it reaches the subject.
    fn covered(&self, grant: &Grant, given: &[Given<'_>]) -> Finding {
        let mut parts: Vec<_> = given.iter().map(|one| Part { grant, within: one.paths }).collect();
        if parts.is_empty() {
            parts.push(Part { grant, within: Within::default() });
        }
        let bounds = |part: &Part<'_>| {
            part.bounds().map(|paths| listed(&paths.sources())).collect::<Vec<_>>().join(AND_OF_THOSE)
        };
        let bounds: Vec<_> = parts.iter().map(bounds).collect();
        if bounds.iter().any(String::is_empty) {
            return any_path();
        }
        let some = first_few(bounds.into_iter(), OR_FOR);
        match self.one.uncovered(&parts) {
            Known::Is(None) => path(Fit::Fits, format!("it is for {some}")),
            Known::Is(Some(others)) => {
                let others = others.told(|one| format!("`{one}`"));
                path(Fit::Differs, format!("it is for {some}, not for {others}"))
            }
            Known::Needs(_) | Known::Unreadable(_) => unknown_path(&some),
        }
    }

    fn of_block(&self, block: &Block) -> RuleTrace {
        let place = self.place(&block.on, &block.refs, block.verbs);
        let paths = match &block.paths {
            None => any_path(),
            Some(paths) => match self.one.changed_among(paths, &block.refs) {
                Known::Is(Some(met)) => path(
                    Fit::Fits,
                    format!(
                        "it is about {}, as {} is",
                        listed(&paths.sources()),
                        met.told(|one| format!("`{one}`"))
                    ),
                ),
                Known::Is(None) => path(
                    Fit::Differs,
                    format!("it is about {}, where nothing changes", listed(&paths.sources())),
                ),
                Known::Needs(_) | Known::Unreadable(_) => unknown_path(&listed(&paths.sources())),
            },
        };
        let bound = self.bound(&block.except);
        RuleTrace {
            kind: RuleKind::Block,
            id: block.id.clone(),
            evaluate_only: block.mode == Mode::Evaluate,
            findings: place.into_iter().chain([bound, self.live(&block.window), paths]).collect(),
            conditions: Vec::new(),
            lifted_by: self.one.lifting(&block.id).filter(|_| !block.absolute).map(|one| one.waiver.clone()),
        }
    }

    fn of_require(&self, require: &Require) -> RuleTrace {
        let place = self.place(&require.on, &require.refs, require.verbs);
        let bound = self.bound(&require.except);
        RuleTrace {
            kind: RuleKind::Require,
            id: require.id.clone(),
            evaluate_only: require.mode == Mode::Evaluate,
            findings: place.into_iter().chain([bound, self.live(&require.window), any_path()]).collect(),
            conditions: require
                .conditions()
                .map(|asked| conditions::told(&self.one, require, asked, self.question))
                .collect(),
            lifted_by: self.one.lifting(&require.id).map(|one| one.waiver.clone()),
        }
    }

    fn of_waiver(&self, waiver: &Waiver) -> RuleTrace {
        let place = self.place(&waiver.on, &waiver.refs, VerbSet::ALL);
        let held: Vec<_> = self.subject.roles().filter(|role| waiver.to.contains(*role)).collect();
        let role = if held.is_empty() {
            format!("{} does not hold the role {}", self.called, listed_roles(&waiver.to))
        } else {
            format!("{} holds the role {}", self.called, listed_roles(held.iter().copied()))
        };
        let lifts = listed(&waiver.lifts.iter().map(ToString::to_string).collect::<Vec<_>>());
        let in_use = self.one.is_in_use(waiver);
        let time = match (waiver.mode, in_use) {
            (Mode::Evaluate, _) => {
                format!("it is on trial, and lifts nothing; in force it could lift {lifts}")
            }
            (Mode::Enforce, true) => format!("it is in use, and lifts {lifts}"),
            (Mode::Enforce, false) => format!("it is not in use; it would lift {lifts}"),
        };
        let finding = |dimension, fits: bool, detail| Finding { dimension, fit: fits.into(), detail };
        RuleTrace {
            kind: RuleKind::Waiver,
            id: waiver.id.clone(),
            evaluate_only: waiver.mode == Mode::Evaluate,
            findings: place
                .into_iter()
                .chain([
                    finding(Dimension::Role, !held.is_empty(), role),
                    finding(Dimension::Time, in_use, time),
                    any_path(),
                ])
                .collect(),
            conditions: Vec::new(),
            lifted_by: None,
        }
    }

    fn of_elevation(&self, elevation: &Elevation) -> RuleTrace {
        let place = self.place(&elevation.on, &elevation.refs, VerbSet::ALL);
        let held: Vec<_> = self.subject.roles().filter(|role| elevation.to.contains(*role)).collect();
        let role = if held.is_empty() {
            format!("{} does not hold the role {}", self.called, listed_roles(&elevation.to))
        } else {
            format!("{} holds the role {}", self.called, listed_roles(held.iter().copied()))
        };
        let (given, roles) = (self.uses(&elevation.id), listed_roles(&elevation.roles));
        let time = match given {
            Some(one) => format!("it gives `{}` as `{}` until {}", one.role, one.id, one.to),
            None if elevation.mode == Mode::Evaluate => gives_nothing(&roles),
            None => format!("nothing was given by it for this; it could give the role {roles}"),
        };
        let finding = |dimension, fits: bool, detail| Finding { dimension, fit: fits.into(), detail };
        RuleTrace {
            kind: RuleKind::Elevation,
            id: elevation.id.clone(),
            evaluate_only: elevation.mode == Mode::Evaluate,
            findings: place
                .into_iter()
                .chain([
                    finding(Dimension::Role, !held.is_empty(), role),
                    finding(Dimension::Time, given.is_some(), time),
                    any_path(),
                ])
                .collect(),
            conditions: Vec::new(),
            lifted_by: None,
        }
    }

    fn of_workload(&self, workload: &Workload) -> RuleTrace {
        let place = self.place(&workload.on, &workload.refs, workload.verbs);
        let is_theirs = workload.principal.key() == self.subject.username.key();
        let principal = Printable::new(workload.principal.as_str());
        let role = match is_theirs {
            true => format!("its jobs push as {}", self.called),
            false => format!("its jobs push as `{principal}`, not as {}", self.called),
        };
        let (leased, roles) = (self.uses(&workload.id), listed_roles(&workload.roles));
        let time = match leased {
            Some(one) => format!("it gives `{}` as `{}` until {}", one.role, one.id, one.to),
            None if workload.mode == Mode::Evaluate => gives_nothing(&roles),
            None => format!("nothing is leased by it for this; it could give the role {roles}"),
        };
        let within =
            leased.map(|one| one.paths.sets().collect()).unwrap_or_else(|| Vec::from_iter(&workload.paths));
        let bounds: Vec<_> = within.iter().map(|paths| listed(&paths.sources())).collect();
        let paths = match bounds.join(AND_OF_THOSE) {
            all if all.is_empty() => any_path(),
            some => path(Fit::Fits, format!("it is for {some}")),
        };
        let finding = |dimension, fits: bool, detail| Finding { dimension, fit: fits.into(), detail };
        RuleTrace {
            kind: RuleKind::Workload,
            id: workload.id.clone(),
            evaluate_only: workload.mode == Mode::Evaluate,
            findings: place
                .into_iter()
                .chain([
                    finding(Dimension::Role, is_theirs, role),
                    finding(Dimension::Time, leased.is_some(), time),
                    paths,
                ])
                .collect(),
            conditions: Vec::new(),
            lifted_by: None,
        }
    }

    fn place(&self, on: &RepositorySet, refs: &RefSet, verbs: VerbSet) -> [Finding; 3] {
        let Question { repository, name, .. } = self.question;
        let verb = self.question.decided_verb();
        let listed_verbs = verbs.iter().map(|verb| format!("`{verb}`")).collect::<Vec<_>>().join(", ");
        [
            compared(
                (Dimension::Repository, on.matches(repository)),
                format!("it is on {}", listed(&on.sources())),
                &format!("not on `{repository}`"),
            ),
            compared(
                (Dimension::Ref, self.is_ref_in(refs)),
                format!("its refs are {}", listed(&refs.sources())),
                &format!("not `{name}`"),
            ),
            compared(
                (Dimension::Verb, verbs.contains(verb)),
                format!("its verbs are {listed_verbs}"),
                &format!("not `{verb}`"),
            ),
        ]
    }

    /// What the subject has for a while by a rule, as far as it is of use here.
    fn uses(&self, rule: &RuleId) -> Option<Given<'_>> {
        self.one.scope.uses(rule, self.one.update, self.question.decided_verb())
    }

    /// What the subject was given for a while by which a grant reaches them, where nothing else does.
    fn given_to(&self, grant: &Grant) -> Vec<Given<'_>> {
        let subject = self.subject;
        match grant.reaches(&subject.username.key(), subject.roles()) {
            Some(_) => Vec::new(),
            None => self.one.given_to(grant, self.question.decided_verb()),
        }
    }

    fn reached(&self, grant: &Grant, given: &[Given<'_>]) -> Finding {
        let (subject, called) = (self.subject, self.called);
        let reach = grant.reaches(&subject.username.key(), subject.roles());
        if !given.is_empty() {
            let what = |one: &Given<'_>| {
                format!("what the role `{}` is granted until {}, by `{}`", one.role, one.to, one.id)
            };
            let detail = format!("{called} has {}", first_few(given.iter().map(what), ", and "));
            return Finding { dimension: Dimension::Role, fit: Fit::Fits, detail };
        }
        let detail = match (&reach, &grant.user) {
            (Some(None), _) => format!("it is for {called}"),
            (Some(Some(role)), _) => format!("{called} holds the role `{role}`"),
            (None, Some(exception)) => format!("it is for `{}`, not for {called}", exception.user),
            (None, None) => format!("{called} does not hold the role {}", listed_roles(&grant.to)),
        };
        Finding { dimension: Dimension::Role, fit: reach.is_some().into(), detail }
    }

    fn bound(&self, except: &BTreeSet<RoleId>) -> Finding {
        let held: Vec<_> = self.subject.roles().filter(|role| except.contains(*role)).collect();
        let detail = if !held.is_empty() {
            format!("{} is excepted as {}", self.called, listed_roles(held.iter().copied()))
        } else if except.is_empty() {
            "it binds everybody".to_owned()
        } else {
            format!("it excepts {}, which {} does not hold", listed_roles(except), self.called)
        };
        Finding { dimension: Dimension::Role, fit: held.is_empty().into(), detail }
    }

    fn live(&self, window: &Window) -> Finding {
        let ok = window.contains(self.now);
        let detail = if ok { live_for(window) } else { self.not_live(window) };
        Finding { dimension: Dimension::Time, fit: ok.into(), detail }
    }

    fn not_live(&self, window: &Window) -> String {
        match (window.from().filter(|from| self.now < *from), window.to().filter(|to| *to <= self.now)) {
            (Some(from), _) => format!("it is not live until {from}"),
            (None, Some(to)) => format!("it has not been live since {to}"),
            (None, None) => match window.weekly() {
                Some(weekly) => format!("it is live from {weekly} only"),
                None => format!("it is not live at {}", self.now),
            },
        }
    }
}

/// Of a rule that is only tried out, by which nobody can have anything.
fn gives_nothing(roles: &str) -> String {
    format!("it is on trial, and gives nothing; in force it could give the role {roles}")
}

fn live_for(window: &Window) -> String {
    let bounds = match (window.from(), window.to()) {
        (Some(from), Some(to)) => format!("it is live from {from} until {to}"),
        (Some(from), None) => format!("it has been live since {from}"),
        (None, Some(to)) => format!("it is live until {to}"),
        (None, None) => match window.weekly() {
            Some(weekly) => return format!("it is live from {weekly}"),
            None => return "it is always live".to_owned(),
        },
    };
    window.weekly().map_or(bounds.clone(), |weekly| format!("{bounds}, from {weekly}"))
}
