//! Why a change is decided as it is: every rule that could have had a say, and whether it did.
//!
//! [`explain`] makes no verdict; [`crate::decide()`] does. It asks each rule the same questions that `decide` asks, one
//! at a time, and says which was the first that did not hold.

use jiff::Timestamp;

use crate::{
    decide::{Evaluation, State, Subject, decide},
    facts::{Ancestry, Facts},
    name::{Repository, RoleId, RuleId},
    printable::Printable,
    request::{RefChange, RefUpdate, Request, Verb},
    rule::{Block, Grant, Mode, RefSet, RepositorySet, VerbSet, Window},
};

/// What one rule has to do with a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTrace {
    /// What kind of rule it is.
    pub kind: RuleKind,
    /// The rule's id.
    pub id: RuleId,
    /// Whether it matched: a grant that did gives the right, a block that did forbids it.
    pub matched: bool,
    /// When it did not match: the first thing that did not, in words.
    pub why_not: Option<String>,
    /// Whether the rule is only being tried out and decides nothing.
    pub evaluate_only: bool,
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

/// What every rule on the repository, or on the ref, has to do with the first change of `request`, blocks first.
///
/// `verb` says whether a moved ref is an [`Verb::Update`] or a [`Verb::Force`]; of every other change, and of a tag, the
/// change itself says what it is. Without a policy or a directory there is nothing to explain: the list is empty.
pub fn explain(state: &State, request: &Request, verb: Verb, now: Timestamp) -> Vec<RuleTrace> {
    let (Some(policy), Some(subject)) = (&state.policy, subject(state, request, now)) else {
        return Vec::new();
    };
    let update = request.updates.first();
    let asked = Asked {
        repository: &request.repository,
        update,
        verb: verb_of(update, verb),
        subject: &subject,
        now,
    };
    let blocks = policy.all_blocks().filter(|block| asked.concerns(&block.on, &block.refs));
    let grants = policy.grants().iter().filter(|grant| asked.concerns(&grant.on, &grant.refs));
    let blocks = blocks.map(|block| trace(RuleKind::Block, &block.id, block.mode, asked.why_no_block(block)));
    let grants = grants.map(|grant| trace(RuleKind::Grant, &grant.id, grant.mode, asked.why_no_grant(grant)));
    blocks.chain(grants).collect()
}

fn trace(kind: RuleKind, id: &RuleId, mode: Mode, why_not: Option<String>) -> RuleTrace {
    RuleTrace {
        kind,
        id: id.clone(),
        matched: why_not.is_none(),
        why_not,
        evaluate_only: mode == Mode::Evaluate,
    }
}

/// Who asks, as `decide` knows them; also by a directory that has grown too old to decide by.
fn subject(state: &State, request: &Request, now: Timestamp) -> Option<Subject> {
    state.snapshot.as_ref()?;
    let state = State { max_snapshot_age: None, ..state.clone() };
    let mut facts = Facts::none();
    for index in 0..request.updates.len() {
        // Who somebody is does not depend on it.
        facts.learn_ancestry(index, Ancestry::FastForward);
    }
    match decide(&state, request, &facts, now) {
        Evaluation::Decided(decision) => Some(decision.subject().clone()),
        Evaluation::Needs(_) => None,
    }
}

fn verb_of(update: &RefUpdate, verb: Verb) -> Verb {
    match update.change {
        RefChange::Create { .. } => Verb::Create,
        RefChange::Delete { .. } => Verb::Delete,
        RefChange::Merge { .. } => Verb::Update,
        RefChange::Move { .. } if update.name.is_tag() => Verb::Force,
        RefChange::Move { .. } => verb,
    }
}

/// One change by one person at one moment.
struct Asked<'a> {
    repository: &'a Repository,
    update: &'a RefUpdate,
    verb: Verb,
    subject: &'a Subject,
    now: Timestamp,
}

impl Asked<'_> {
    /// Whether a rule is worth telling about.
    fn concerns(&self, on: &RepositorySet, refs: &RefSet) -> bool {
        on.matches(self.repository) || self.is_ref_in(refs)
    }

    fn is_ref_in(&self, refs: &RefSet) -> bool {
        refs.matches(&self.update.name, self.subject.username.as_str())
    }

    fn why_no_grant(&self, grant: &Grant) -> Option<String> {
        self.why_not_here(&grant.on, &grant.refs, grant.verbs)
            .or_else(|| self.why_not_reached(grant))
            .or_else(|| self.why_not_live(&grant.window))
    }

    fn why_no_block(&self, block: &Block) -> Option<String> {
        self.why_not_here(&block.on, &block.refs, block.verbs)
            .or_else(|| self.why_not_bound(block))
            .or_else(|| self.why_not_live(&block.window))
    }

    fn why_not_here(&self, on: &RepositorySet, refs: &RefSet, verbs: VerbSet) -> Option<String> {
        if !on.matches(self.repository) {
            return Some(format!("it is on {}, not on `{}`", listed(&on.sources()), self.repository));
        }
        if !self.is_ref_in(refs) {
            return Some(format!("its refs are {}, not `{}`", listed(&refs.sources()), self.update.name));
        }
        if !verbs.contains(self.verb) {
            let verbs: Vec<_> = verbs.iter().map(|verb| verb.to_string()).collect();
            return Some(format!("its verbs are {}, not `{}`", listed(&verbs), self.verb));
        }
        None
    }

    fn why_not_reached(&self, grant: &Grant) -> Option<String> {
        let subject = self.subject;
        if grant.reaches(&subject.username.key(), &subject.roles).is_some() {
            return None;
        }
        if let Some(exception) = &grant.user {
            return Some(format!("it is for `{}`, not for `{}`", exception.user, subject.username));
        }
        let roles = listed(&grant.to.iter().map(RoleId::to_string).collect::<Vec<_>>());
        Some(format!("`{}` does not hold the role {roles}", subject.username))
    }

    fn why_not_bound(&self, block: &Block) -> Option<String> {
        if block.binds(&self.subject.roles) {
            return None;
        }
        let held = self.subject.roles.iter().filter(|role| block.except.contains(*role));
        let roles = listed(&held.map(RoleId::to_string).collect::<Vec<_>>());
        Some(format!("`{}` is excepted as {roles}", self.subject.username))
    }

    fn why_not_live(&self, window: &Window) -> Option<String> {
        if window.contains(self.now) {
            return None;
        }
        match (window.from().filter(|from| self.now < *from), window.to()) {
            (Some(from), _) => Some(format!("it is not live until {from}")),
            (None, Some(to)) => Some(format!("it has not been live since {to}")),
            (None, None) => Some("it is not live".to_owned()),
        }
    }
}

/// The first few, quoted.
fn listed(all: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = all.len().saturating_sub(SHOWN);
    let shown: Vec<_> = all.iter().take(SHOWN).map(|one| format!("`{}`", Printable::new(one))).collect();
    let list = shown.join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
}

#[cfg(test)]
mod tests;
