use jiff::Timestamp;

use super::{About, never::VERBS};
use crate::{
    diff::proof::List,
    rule::{
        Block, Elevation, Grant, Mode, Policy, RefSet, RepositorySet, Require, VerbSet, Waiver, Window,
        Workload,
    },
};

/// Where and when a rule is live, whatever its kind.
pub(super) struct Scope<'p> {
    pub(super) about: About,
    pub(super) on: &'p RepositorySet,
    pub(super) refs: &'p RefSet,
    pub(super) verbs: VerbSet,
    pub(super) window: Window,
}

impl<'p> Scope<'p> {
    /// Of every rule that has one, by id within each kind.
    pub(super) fn all(policy: &'p Policy) -> impl Iterator<Item = Self> {
        let grants = policy.grants().iter().map(Self::grant);
        let blocks = policy.blocks().iter().map(Self::block);
        let requires = policy.requires().iter().map(Self::require);
        let waivers = policy.waivers().iter().map(Self::waiver);
        let elevations = policy.elevations().iter().map(Self::elevation);
        let workloads = policy.workloads().iter().map(Self::workload);
        grants.chain(blocks).chain(requires).chain(waivers).chain(elevations).chain(workloads)
    }

    pub(super) fn grant(grant: &'p Grant) -> Self {
        let Grant { id, on, refs, verbs, window, .. } = grant;
        Self { about: About::Grant(id.clone()), on, refs, verbs: *verbs, window: *window }
    }

    pub(super) fn block(block: &'p Block) -> Self {
        let Block { id, on, refs, verbs, window, .. } = block;
        Self { about: About::Block(id.clone()), on, refs, verbs: *verbs, window: *window }
    }

    pub(super) fn require(require: &'p Require) -> Self {
        let Require { id, on, refs, verbs, window, .. } = require;
        Self { about: About::Require(id.clone()), on, refs, verbs: *verbs, window: *window }
    }

    /// A waiver has no verbs and no time of its own.
    pub(super) fn waiver(waiver: &'p Waiver) -> Self {
        let Waiver { id, on, refs, .. } = waiver;
        let verbs = VERBS.into_iter().collect();
        Self { about: About::Waiver(id.clone()), on, refs, verbs, window: Window::ALWAYS }
    }

    /// Nor has an elevation.
    pub(super) fn elevation(elevation: &'p Elevation) -> Self {
        let Elevation { id, on, refs, .. } = elevation;
        let verbs = VERBS.into_iter().collect();
        Self { about: About::Elevation(id.clone()), on, refs, verbs, window: Window::ALWAYS }
    }

    /// Nor has a workload a time.
    pub(super) fn workload(workload: &'p Workload) -> Self {
        let Workload { id, on, refs, verbs, .. } = workload;
        Self { about: About::Workload(id.clone()), on, refs, verbs: *verbs, window: Window::ALWAYS }
    }
}

/// A block that nothing but a change of the policy lifts, with its patterns for proofs.
pub(super) struct Standing<'p> {
    pub(super) block: &'p Block,
    pub(super) on: List,
    pub(super) refs: List,
}

impl<'p> Standing<'p> {
    /// The enforced blocks that forbid whole refs, those of the product among them.
    pub(super) fn all(policy: &'p Policy) -> Vec<Self> {
        let stands = |block: &&Block| block.mode == Mode::Enforce && block.paths.is_none();
        let enforced = policy.all_blocks().filter(stands);
        let lists = |block: &'p Block| Self {
            block,
            on: List::new(&block.on.sources()),
            refs: List::new(&block.refs.sources()),
        };
        enforced.map(lists).collect()
    }

    /// Whether the block is live whenever, from `now` on, the other window is.
    pub(super) fn outlasts(&self, other: &Window, now: Timestamp) -> bool {
        let own = &self.block.window;
        let begin = other.from().map_or(now, |from| from.max(now));
        let begins = own.from().is_none_or(|from| from <= begin);
        let ends = own.to().is_none_or(|to| other.to().is_some_and(|end| end <= to));
        begins && ends && (own.weekly().is_none() || own.weekly() == other.weekly())
    }
}
