use jiff::Timestamp;

use super::Subject;
use crate::{
    name::{Repository, RoleId, UsernameKey},
    rule::{Block, Grant, Policy},
};

/// The rules that one push can meet at all: those on its repository that are live, found once for all its refs.
pub(super) struct Scope<'a> {
    pub(super) subject: &'a Subject,
    /// When it is decided.
    pub(super) now: Timestamp,
    /// Every grant on the repository; for each, how it reaches the pusher, if it does.
    pub(super) grants: Vec<GrantInScope<'a>>,
    /// Every block on the repository that binds the pusher.
    pub(super) blocks: Vec<&'a Block>,
}

pub(super) struct GrantInScope<'a> {
    pub(super) grant: &'a Grant,
    /// See [`Grant::reaches`].
    pub(super) reach: Option<Option<RoleId>>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        policy: &'a Policy,
        repository: &Repository,
        subject: &'a Subject,
        now: Timestamp,
    ) -> Self {
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
        Self { subject, now, grants, blocks }
    }
}
