use jiff::Timestamp;

use super::Question;
use crate::{
    decide::Subject,
    name::{RoleId, RuleId},
    printable::Printable,
    rule::{Block, Grant, Mode, Policy, RefSet, RepositorySet, VerbSet, Window},
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
}

impl RuleTrace {
    /// Whether the rule matched: a grant that did gives the right, a block that did forbids it.
    pub fn matched(&self) -> bool {
        self.findings.iter().all(|finding| finding.ok)
    }

    /// When it did not match: the first thing that did not, in words.
    pub fn why_not(&self) -> Option<&str> {
        self.findings.iter().find(|finding| !finding.ok).map(|finding| finding.detail.as_str())
    }
}

/// A kind of rule that matches refs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    /// It gives a right.
    Grant,
    /// It forbids.
    Block,
}

impl RuleKind {
    /// The kind's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Block => "block",
        }
    }
}

/// What a rule says in one dimension, beside what is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The dimension.
    pub dimension: Dimension,
    /// Whether the rule matches there. A rule matches when all its dimensions do.
    pub ok: bool,
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
}

impl Dimension {
    /// Every dimension, in the order in which they are told.
    pub const ALL: [Self; 5] = [Self::Repository, Self::Ref, Self::Verb, Self::Role, Self::Time];

    /// The dimension's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::Ref => "ref",
            Self::Verb => "verb",
            Self::Role => "role",
            Self::Time => "time",
        }
    }
}

/// What every rule on the repository, or on the ref, has to do with the question, blocks first.
///
/// `called` is what the subject is called in the words.
pub(crate) fn rules(
    policy: &Policy,
    question: &Question,
    (subject, called): (&Subject, &str),
    now: Timestamp,
) -> Vec<RuleTrace> {
    let asked = Asked { question, subject, called, now };
    let blocks = policy.all_blocks().filter(|block| asked.concerns(&block.on, &block.refs));
    let grants = policy.grants().iter().filter(|grant| asked.concerns(&grant.on, &grant.refs));
    blocks.map(|block| asked.of_block(block)).chain(grants.map(|grant| asked.of_grant(grant))).collect()
}

/// One question by one person at one moment.
struct Asked<'a> {
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
        RuleTrace {
            kind: RuleKind::Grant,
            id: grant.id.clone(),
            evaluate_only: grant.mode == Mode::Evaluate,
            findings: place.into_iter().chain([self.reached(grant), self.live(&grant.window)]).collect(),
        }
    }

    fn of_block(&self, block: &Block) -> RuleTrace {
        let place = self.place(&block.on, &block.refs, block.verbs);
        RuleTrace {
            kind: RuleKind::Block,
            id: block.id.clone(),
            evaluate_only: block.mode == Mode::Evaluate,
            findings: place.into_iter().chain([self.bound(block), self.live(&block.window)]).collect(),
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
        Finding { dimension: Dimension::Role, ok: reach.is_some(), detail }
    }

    fn bound(&self, block: &Block) -> Finding {
        let ok = block.binds(&self.subject.roles);
        let detail = if !ok {
            let held = self.subject.roles.iter().filter(|role| block.except.contains(*role));
            format!("{} is excepted as {}", self.called, listed_roles(held))
        } else if block.except.is_empty() {
            "it binds everybody".to_owned()
        } else {
            format!("it excepts {}, which {} does not hold", listed_roles(&block.except), self.called)
        };
        Finding { dimension: Dimension::Role, ok, detail }
    }

    fn live(&self, window: &Window) -> Finding {
        let ok = window.contains(self.now);
        let detail = if ok { live_for(window) } else { self.not_live(window) };
        Finding { dimension: Dimension::Time, ok, detail }
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
    Finding { dimension, ok, detail }
}

fn listed_roles<'r>(roles: impl IntoIterator<Item = &'r RoleId>) -> String {
    listed(&roles.into_iter().map(RoleId::to_string).collect::<Vec<_>>())
}

/// The first few, quoted.
fn listed(all: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = all.len().saturating_sub(SHOWN);
    let shown: Vec<_> = all.iter().take(SHOWN).map(|one| format!("`{}`", Printable::new(one))).collect();
    let list = shown.join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
}
