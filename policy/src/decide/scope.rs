use jiff::Timestamp;

use super::{Basis, Subject, waivers::WaiverUse};
use crate::{
    facts::Facts,
    name::{Repository, RoleId, Username, UsernameKey},
    request::{Channel, Request},
    rule::{Block, Grant, Policy, Require},
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
    /// See [`Grant::reaches`].
    pub(super) reach: Option<Option<RoleId>>,
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
        let key: UsernameKey = subject.username.key();
        let grants = policy
            .grants()
            .iter()
            .filter(|grant| grant.window.contains(now) && grant.on.matches(repository))
            .map(|grant| GrantInScope { grant, reach: grant.reaches(&key, &subject.roles) })
            .collect();
        let blocks = policy
            .all_blocks()
            .filter(|block| block.window.contains(now) && block.on.matches(repository))
            .filter(|block| block.binds(&subject.roles))
            .collect();
        let requires = policy
            .requires()
            .iter()
            .filter(|require| require.window.contains(now) && require.on.matches(repository))
            .filter(|require| require.binds(&subject.roles))
            .collect();
        let channel = request.channel;
        Self { policy, snapshot, waivers, subject, repository, channel, facts, now, grants, blocks, requires }
    }

    /// Whether the directory knows `email` as one of theirs. Addresses are compared without regard to ASCII case.
    pub(super) fn has_email(&self, user: &Username, email: &str) -> bool {
        let user = self.snapshot.and_then(|snapshot| snapshot.user(&user.key()));
        user.is_some_and(|user| user.emails().any(|known| known.eq_ignore_ascii_case(email)))
    }
}
