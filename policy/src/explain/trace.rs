use std::collections::BTreeSet;

use jiff::Timestamp;

use super::conditions;
use crate::{
    decide::{Basis, Known, OneRef, Scope, Subject},
    name::{RoleId, RuleId},
    printable::Printable,
    question::Question,
    rule::{Block, Grant, Mode, PathSet, RefSet, RepositorySet, Require, VerbSet, Waiver, Window},
};

/// What one rule has to do with a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTrace {
    /// What kind of rule it is.
    pub kind: RuleKind,
    /// The rule's id.
    pub id: RuleId,
    /// Whether the rule is only being tried out and decides nothing.
    pub evaluate_only: bool,
    /// What was found in each dimension, in the order of [`Dimension::ALL`]: always all of them.
    pub findings: Vec<Finding>,
    /// What a require asks for, and what came of it; none for other rules.
    pub conditions: Vec<Condition>,
    /// The waiver that lifts the rule here and now, if one does.
    pub lifted_by: Option<RuleId>,
}

impl RuleTrace {
    /// Whether the rule surely matched: a grant that did gives the right, a block that did forbids it, a require that did
    /// must be met, a waiver that did lifts what it names.
    pub fn matched(&self) -> bool {
        self.findings.iter().all(|finding| finding.fit == Fit::Fits)
    }

    /// When it did not surely match: the first thing that did not, in words.
    pub fn why_not(&self) -> Option<&str> {
        let worst = |fit| self.findings.iter().find(|finding| finding.fit == fit);
        worst(Fit::Differs).or_else(|| worst(Fit::Unknown)).map(|finding| finding.detail.as_str())
    }
}

/// Whether something is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It is.
    Fits,
    /// It is not.
    Differs,
    /// It depends on what is not said.
    Unknown,
}

/// One thing that a require asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Whether it is so.
    pub fit: Fit,
    /// What it is and, where it is not so, what is instead; in words.
    pub detail: String,
}

/// A kind of rule that matches refs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    /// It gives a right.
    Grant,
    /// It forbids.
    Block,
    /// It adds conditions.
    Require,
    /// It lifts blocks and requires.
    Waiver,
}

impl RuleKind {
    /// The kind's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Block => "block",
            Self::Require => "require",
            Self::Waiver => "waiver",
        }
    }
}

/// What a rule says in one dimension, beside what is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The dimension.
    pub dimension: Dimension,
    /// Whether the rule matches there. A rule matches when all its dimensions do.
    pub fit: Fit,
    /// What the rule says there and, where it does not match, what is asked instead; in words.
    pub detail: String,
}

/// One of the things that a rule must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Where.
    Repository,
    /// To which ref.
    Ref,
    /// What.
    Verb,
    /// Whom a grant is for, and whom a block excepts.
    Role,
    /// When the rule is live.
    Time,
    /// Which changed paths it is about.
    Path,
}

impl Dimension {
    /// Every dimension, in the order in which they are told.
    pub const ALL: [Self; 6] = [Self::Repository, Self::Ref, Self::Verb, Self::Role, Self::Time, Self::Path];

    /// The dimension's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Ref => "ref",
            Self::Verb => "verb",
            Self::Role => "role",
            Self::Time => "time",
            Self::Path => "path",
        }
    }
}

/// What every rule on the repository, or on the ref, has to do with the question: blocks, grants, requires, waivers.
///
/// `called` is what the subject is called in the words.
pub(crate) fn rules(
    basis: Basis<'_>,
    question: &Question,
    (subject, called): (&Subject, &str),
    now: Timestamp,
) -> Vec<RuleTrace> {
    let request = question.request(subject.username.clone());
    let facts = question.facts();
    let scope = Scope::new(basis, subject, &request, &facts, now);
    let one = OneRef { scope: &scope, index: 0, update: request.updates.first() };
    let asked = Asked { one, question, subject, called, now };
    let policy = basis.policy;
    let blocks = policy.all_blocks().filter(|block| asked.concerns(&block.on, &block.refs));
    let grants = policy.grants().iter().filter(|grant| asked.concerns(&grant.on, &grant.refs));
    let requires = policy.requires().iter().filter(|require| asked.concerns(&require.on, &require.refs));
    let waivers = policy.waivers().iter().filter(|waiver| asked.concerns(&waiver.on, &waiver.refs));
    blocks
        .map(|block| asked.of_block(block))
        .chain(grants.map(|grant| asked.of_grant(grant)))
        .chain(requires.map(|require| asked.of_require(require)))
        .chain(waivers.map(|waiver| asked.of_waiver(waiver)))
        .collect()
}

/// One question by one person at one moment.
struct Asked<'a> {
    one: OneRef<'a>,
    question: &'a Question,
    subject: &'a Subject,
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
        let paths = match &grant.paths {
            None => any_path(),
            Some(paths) => match self.one.uncovered(&[grant]) {
                Known::Is(None) => path(Fit::Fits, format!("it is for {}", listed(&paths.sources()))),
                Known::Is(Some(others)) => path(
                    Fit::Differs,
                    format!(
                        "it is for {}, not for {}",
                        listed(&paths.sources()),
                        others.told(|one| format!("`{one}`"))
                    ),
                ),
                Known::Needs(_) | Known::Unreadable(_) => unknown_path(paths),
            },
        };
        RuleTrace {
            kind: RuleKind::Grant,
            id: grant.id.clone(),
            evaluate_only: grant.mode == Mode::Evaluate,
            findings: place
                .into_iter()
                .chain([self.reached(grant), self.live(&grant.window), paths])
                .collect(),
            conditions: Vec::new(),
            lifted_by: None,
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
                Known::Needs(_) | Known::Unreadable(_) => unknown_path(paths),
            },
        };
        let bound = self.bound(&block.except);
        RuleTrace {
            kind: RuleKind::Block,
            id: block.id.clone(),
            evaluate_only: block.mode == Mode::Evaluate,
            findings: place.into_iter().chain([bound, self.live(&block.window), paths]).collect(),
            conditions: Vec::new(),
            lifted_by: self.one.lifting(&block.id).filter(|_| !block.absolute).cloned(),
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
                .map(|asked| conditions::told(&self.one, require, asked))
                .collect(),
            lifted_by: self.one.lifting(&require.id).cloned(),
        }
    }

    fn of_waiver(&self, waiver: &Waiver) -> RuleTrace {
        let place = self.place(&waiver.on, &waiver.refs, crate::rule::VerbSet::ALL);
        let held: Vec<_> = self.subject.roles.iter().filter(|role| waiver.to.contains(*role)).collect();
        let role = if held.is_empty() {
            format!("{} does not hold the role {}", self.called, listed_roles(&waiver.to))
        } else {
            format!("{} holds the role {}", self.called, listed_roles(held.iter().copied()))
        };
        let lifts = listed(&waiver.lifts.iter().map(ToString::to_string).collect::<Vec<_>>());
        let in_use = self.one.is_in_use(waiver);
        let time = if in_use {
            format!("it is in use, and lifts {lifts}")
        } else {
            format!("it is not in use; it would lift {lifts}")
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

    fn reached(&self, grant: &Grant) -> Finding {
        let (subject, called) = (self.subject, self.called);
        let reach = grant.reaches(&subject.username.key(), &subject.roles);
        let detail = match (&reach, &grant.user) {
            (Some(None), _) => format!("it is for {called}"),
            (Some(Some(role)), _) => format!("{called} holds the role `{role}`"),
            (None, Some(exception)) => format!("it is for `{}`, not for {called}", exception.user),
            (None, None) => format!("{called} does not hold the role {}", listed_roles(&grant.to)),
        };
        Finding { dimension: Dimension::Role, fit: reach.is_some().into(), detail }
    }

    fn bound(&self, except: &BTreeSet<RoleId>) -> Finding {
        let held: Vec<_> = self.subject.roles.iter().filter(|role| except.contains(*role)).collect();
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

/// What the rule says; where it does not match, also what is asked instead.
fn compared((dimension, ok): (Dimension, bool), says: String, asked: &str) -> Finding {
    let detail = if ok { says } else { format!("{says}, {asked}") };
    Finding { dimension, fit: ok.into(), detail }
}

impl From<bool> for Fit {
    fn from(is_so: bool) -> Self {
        if is_so { Self::Fits } else { Self::Differs }
    }
}

fn path(fit: Fit, detail: String) -> Finding {
    Finding { dimension: Dimension::Path, fit, detail }
}

fn any_path() -> Finding {
    path(Fit::Fits, "whatever paths change".to_owned())
}

fn unknown_path(paths: &PathSet) -> Finding {
    path(
        Fit::Unknown,
        format!("it is about {}, and it is not said which paths change", listed(&paths.sources())),
    )
}

fn listed_roles<'r>(roles: impl IntoIterator<Item = &'r RoleId>) -> String {
    listed(&roles.into_iter().map(RoleId::to_string).collect::<Vec<_>>())
}

/// The first few, quoted.
pub(super) fn listed(all: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = all.len().saturating_sub(SHOWN);
    let shown: Vec<_> = all.iter().take(SHOWN).map(|one| format!("`{}`", Printable::new(one))).collect();
    let list = shown.join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
}
