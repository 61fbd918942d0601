use jiff::Timestamp;

use super::{Basis, Subject, people::People, waivers::WaiverUse};
use crate::{
    facts::Facts,
    name::{Repository, RoleId, UsernameKey},
    request::{Channel, Request},
    rule::{Block, ByRepository, Grant, Policy, RepositorySet, Require, RoleBits},
    snapshot::Snapshot,
};

/// The rules that one push can meet at all: those on its repository that are live, found once for all its refs.
pub(crate) struct Scope<'a> {
    pub(super) policy: &'a Policy,
    /// The directory; `None` where the question is about roles and nobody in particular.
    pub(super) snapshot: Option<&'a Snapshot>,
    pub(super) waivers: &'a [WaiverUse],
    pub(super) subject: &'a Subject,
    pub(super) repository: &'a Repository,
    pub(super) channel: Channel,
    pub(super) facts: &'a Facts,
    /// When it is decided.
    pub(super) now: Timestamp,
    /// Every grant on the repository; for each, how it reaches the pusher, if it does.
    pub(super) grants: Vec<GrantInScope<'a>>,
    /// Every block on the repository that binds the pusher.
    pub(super) blocks: Vec<&'a Block>,
    /// Every require on the repository that binds the pusher.
    pub(super) requires: Vec<&'a Require>,
}

pub(super) struct GrantInScope<'a> {
    pub(super) grant: &'a Grant,
    /// Its place among the policy's grants.
    pub(super) place: usize,
    /// How it reaches the pusher, if it does.
    pub(super) reach: Option<Reach>,
}

/// How a grant reaches somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It names them.
    Person,
    /// Through the role at this place among the policy's roles.
    Role(usize),
}

impl<'a> Scope<'a> {
    pub(crate) fn new(
        basis: Basis<'a>,
        subject: &'a Subject,
        request: &'a Request,
        facts: &'a Facts,
        now: Timestamp,
    ) -> Self {
        let Basis { policy, snapshot, waivers } = basis;
        let repository = &request.repository;
        let (compiled, held) = (policy.compiled(), subject.held());
        // Few policies name anybody.
        let key = (!compiled.exceptions.is_empty()).then(|| subject.username.key());
        let mut grants = Vec::new();
        on(
            policy.grants(),
            &compiled.grants,
            |grant| &grant.on,
            repository,
            &mut grants,
            |place, grant| {
                let is_live = grant.window.contains(now);
                let reach = || reach(policy, place, held, key.as_ref());
                is_live.then(|| GrantInScope { grant, place, reach: reach() })
            },
        );
        let binds =
            |except: Option<&Box<[usize]>>| except.is_none_or(|except| held.first_of(except).is_none());
        let built_in = policy.built_in().iter().filter(|block| block.on.matches(repository));
        let mut blocks: Vec<&Block> = built_in.collect();
        on(
            policy.blocks(),
            &compiled.blocks,
            |block| &block.on,
            repository,
            &mut blocks,
            |place, block| {
                (block.window.contains(now) && binds(compiled.blocks_except.get(place))).then_some(block)
            },
        );
        let mut requires = Vec::new();
        on(
            policy.requires(),
            &compiled.requires,
            |rule| &rule.on,
            repository,
            &mut requires,
            |place, rule| {
                (rule.window.contains(now) && binds(compiled.requires_except.get(place))).then_some(rule)
            },
        );
        let channel = request.channel;
        Self { policy, snapshot, waivers, subject, repository, channel, facts, now, grants, blocks, requires }
    }

    /// The role through which a grant reaches the pusher; `None` when it names them.
    pub(super) fn role(&self, reach: Reach) -> Option<RoleId> {
        match reach {
            Reach::Person => None,
            Reach::Role(place) => self.policy.roles().get(place).map(|role| role.id.clone()),
        }
    }

    /// Who is meant by what commits name.
    pub(super) fn people(&self) -> People<'_> {
        People { snapshot: self.snapshot, pusher: &self.subject.username }
    }
}

/// Adds what `take` makes of each rule on `repository` and of its place.
fn on<'a, R, T>(
    rules: &'a [R],
    index: &ByRepository,
    set: impl Fn(&R) -> &RepositorySet,
    repository: &Repository,
    found: &mut Vec<T>,
    take: impl Fn(usize, &'a R) -> Option<T>,
) {
    let candidates = index.candidates(repository);
    found.reserve(candidates.len());
    for candidate in candidates.iter() {
        if let Some(rule) = rules.get(candidate.place)
            && (candidate.surely || set(rule).matches(repository))
        {
            found.extend(take(candidate.place, rule));
        }
    }
}

/// How the grant at `place` reaches somebody who holds these roles and, where that matters, is called so.
fn reach(policy: &Policy, place: usize, held: &RoleBits, key: Option<&UsernameKey>) -> Option<Reach> {
    let compiled = policy.compiled();
    if key.is_some() && compiled.exceptions.get(&place) == key {
        return Some(Reach::Person);
    }
    held.first_of(compiled.receivers.get(place)?).map(Reach::Role)
}
