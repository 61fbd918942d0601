//! The enforced rules of a policy as they are written, in one form for all kinds.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{condition::Condition, table::Kind};
use crate::{
    name::RuleId,
    rule::{
        Block, CommitChecks, Grant, MessagePattern, Mode, PathSet, Policy, RefSet, RepositorySet, Require,
        VerbSet, Waiver, Window,
    },
};

/// One rule.
pub(super) struct Written<'p> {
    pub(super) id: &'p RuleId,
    pub(super) on: &'p RepositorySet,
    pub(super) refs: &'p RefSet,
    pub(super) verbs: VerbSet,
    pub(super) window: Window,
    /// All else that it says, so that saying the same is being equal.
    pub(super) says: String,
    pub(super) paths: Option<&'p PathSet>,
    pub(super) asks: Vec<WrittenAsked<'p>>,
    pub(super) kind: Kind<'p>,
}

/// See [`super::table::Asked`].
pub(super) struct WrittenAsked<'p> {
    pub(super) condition: Condition,
    pub(super) paths: Option<&'p PathSet>,
    pub(super) of_commits: bool,
    pub(super) of_tags: bool,
}

/// All rules that decide something, those that are built in among them.
pub(super) fn rules(policy: &Policy) -> Vec<Written<'_>> {
    // How a rule is called matters where a waiver names it.
    let named: BTreeSet<&RuleId> = policy.waivers().iter().flat_map(|waiver| &waiver.lifts).collect();
    let name = |id| named.get(id).copied();
    let grants = policy.grants().iter().filter(|rule| rule.mode == Mode::Enforce).map(grant);
    let blocks = policy.all_blocks().filter(|rule| rule.mode == Mode::Enforce);
    let blocks = blocks.map(|rule| block(rule, name(&rule.id).filter(|_| !rule.absolute)));
    let requires = policy.requires().iter().filter(|rule| rule.mode == Mode::Enforce);
    let requires = requires.map(|rule| require(rule, name(&rule.id)));
    let waivers = policy.waivers().iter().filter(|rule| rule.mode == Mode::Enforce).map(waiver);
    grants.chain(blocks).chain(requires).chain(waivers).collect()
}

/// The patterns of messages in these policies.
pub(super) fn messages(policies: [&Policy; 2]) -> impl Iterator<Item = &MessagePattern> {
    let requires = policies.into_iter().flat_map(Policy::requires);
    let enforced = requires.filter(|require| require.mode == Mode::Enforce);
    enforced.filter_map(|require| require.commits.message.as_ref())
}

fn grant(grant: &Grant) -> Written<'_> {
    Written {
        id: &grant.id,
        on: &grant.on,
        refs: &grant.refs,
        verbs: grant.verbs,
        window: grant.window,
        says: text(&grant.paths),
        paths: grant.paths.as_ref(),
        asks: Vec::new(),
        kind: Kind::Grant(grant),
    }
}

fn block<'p>(block: &'p Block, name: Option<&'p RuleId>) -> Written<'p> {
    Written {
        id: &block.id,
        on: &block.on,
        refs: &block.refs,
        verbs: block.verbs,
        window: block.window,
        says: text(&(&block.paths, name)),
        paths: block.paths.as_ref(),
        asks: Vec::new(),
        kind: Kind::Block(block),
    }
}

fn require<'p>(require: &'p Require, name: Option<&'p RuleId>) -> Written<'p> {
    let Require { via, approvals, exclude, reset_on_push, commits, tags, .. } = require;
    Written {
        id: &require.id,
        on: &require.on,
        refs: &require.refs,
        verbs: require.verbs,
        window: require.window,
        says: text(&(via, approvals, exclude, reset_on_push, commits, tags, name)),
        paths: None,
        asks: asked(require),
        kind: Kind::Require(require),
    }
}

fn waiver(waiver: &Waiver) -> Written<'_> {
    let Waiver { lifts, max_time, reason, second_person, .. } = waiver;
    Written {
        id: &waiver.id,
        on: &waiver.on,
        refs: &waiver.refs,
        verbs: VerbSet::ALL,
        window: Window::ALWAYS,
        says: text(&(lifts, max_time, reason, second_person)),
        paths: None,
        asks: Vec::new(),
        kind: Kind::Waiver(waiver),
    }
}

fn asked(require: &Require) -> Vec<WrittenAsked<'_>> {
    let via = require.via.map(|_| WrittenAsked {
        condition: Condition::PullRequest,
        paths: None,
        of_commits: false,
        of_tags: false,
    });
    let approvals = require.approvals.iter().map(|wanted| WrittenAsked {
        condition: Condition::Approvals {
            role: wanted.role.clone(),
            count: wanted.count.get(),
            exclude: require.exclude.clone(),
            reset_on_push: require.reset_on_push,
        },
        paths: wanted.paths.as_ref(),
        of_commits: false,
        of_tags: false,
    });
    let CommitChecks { forbid_paths, .. } = &require.commits;
    let commits = Condition::of_commits(&require.commits).into_iter().map(|condition| (condition, None));
    let files = forbid_paths.as_ref().map(|paths| (Condition::NoFile, Some(paths)));
    let commits = commits.chain(files).map(|(condition, paths)| WrittenAsked {
        condition,
        paths,
        of_commits: true,
        of_tags: false,
    });
    let tags = Condition::of_tags(require.tags).map(|condition| WrittenAsked {
        condition,
        paths: None,
        of_commits: false,
        of_tags: true,
    });
    via.into_iter().chain(approvals).chain(commits).chain(tags).collect()
}

/// Serializing plain sets and strings to memory cannot fail; see [`Policy::digest`].
fn text(says: &impl Serialize) -> String {
    serde_json::to_string(says).unwrap_or_default()
}
