//! The question: who wants to do what to which refs of which repository, and by which way in.

use std::fmt;

use crate::{
    name::{ObjectId, RefName, Repository, Username},
    nonempty::NonEmpty,
};

/// One question. The first thing that the hook sends: names and ids only.
#[derive(Debug, Clone)]
pub struct Request {
    /// The repository that is pushed to.
    pub repository: Repository,
    /// Who pushes, as the git server names them.
    pub pusher: Username,
    /// The way in.
    pub channel: Channel,
    /// What is to change. All of it is decided against the refs as they were before the push.
    pub updates: NonEmpty<RefUpdate>,
}

/// One ref and what is to become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefUpdate {
    /// The ref.
    pub name: RefName,
    /// What is to become of it.
    pub change: RefChange,
}

/// What is to become of a ref. "Old is zero" and "new is zero" have no representation: they are `Create` and `Delete`.
///
/// Whether a [`RefChange::Move`] is an `update` or a `force` is a fact about the history, unknown until it is asked
/// for: see [`crate::facts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefChange {
    /// The ref comes to be, at `new`.
    Create {
        /// The object it will name.
        new: ObjectId,
    },
    /// The ref goes from `old` to `new`.
    Move {
        /// The object it names.
        old: ObjectId,
        /// The object it will name.
        new: ObjectId,
    },
    /// The ref ceases to be; it was at `old`.
    Delete {
        /// The object it named.
        old: ObjectId,
    },
    /// A merge that is only being looked at: the merge commit does not exist yet, and would be built upon `onto`,
    /// so it would be an `update`.
    Merge {
        /// The tip that the merge would be built upon.
        onto: ObjectId,
        /// The commit that would be merged.
        from: Option<ObjectId>,
    },
}

/// Which pull request is merged, or looked at, as the git server names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merging {
    /// Its number in the repository that it goes to.
    pub number: u64,
    /// The tip of what is merged; `None`: the git server does not say.
    pub head: Option<ObjectId>,
}

/// What a rule gives or forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// The ref did not exist.
    Create,
    /// The old tip is an ancestor of the new one.
    Update,
    /// Any other move; a tag that moves is always forced.
    Force,
    /// The ref ceases to exist.
    Delete,
    /// Reading; carries no refs and decides no push. It exists for provisioning.
    Read,
    /// Administering; carries no refs and decides no push. It exists for provisioning.
    Admin,
}

impl Verb {
    /// Every verb, in the order in which they are listed to people.
    pub const ALL: [Self; 6] =
        [Self::Create, Self::Update, Self::Force, Self::Delete, Self::Read, Self::Admin];

    /// The verb as policies write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Force => "force",
            Self::Delete => "delete",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    /// The verb that policies write as `text`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.as_str() == text)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The way in: what made the git server ask. Bitbucket's trigger ids, by their own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// `git push`.
    Push,
    /// A branch made in the browser or by REST.
    BranchCreate,
    /// A branch deleted in the browser or by REST.
    BranchDelete,
    /// A tag made in the browser or by REST.
    TagCreate,
    /// A tag deleted in the browser or by REST.
    TagDelete,
    /// A file edited in the browser or by REST.
    FileEdit,
    /// A pull request that is being merged.
    PullRequestMerge,
    /// A pull request's page asking whether it could be merged. Nothing changes whatever the answer.
    PullRequestDryRun,
    /// A merge without a pull request: a cascading or automatic one.
    Merge,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 9] = [
        Self::Push,
        Self::BranchCreate,
        Self::BranchDelete,
        Self::TagCreate,
        Self::TagDelete,
        Self::FileEdit,
        Self::PullRequestMerge,
        Self::PullRequestDryRun,
        Self::Merge,
    ];

    /// The channel's name: Bitbucket's trigger id, and `pull-request-dry-run`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::BranchCreate => "branch-create",
            Self::BranchDelete => "branch-delete",
            Self::TagCreate => "tag-create",
            Self::TagDelete => "tag-delete",
            Self::FileEdit => "file-edit",
            Self::PullRequestMerge => "pull-request-merge",
            Self::PullRequestDryRun => "pull-request-dry-run",
            Self::Merge => "merge",
        }
    }

    /// The channel of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == text)
    }

    /// Whether a pull request is merged, or looked at.
    pub const fn has_pull_request(self) -> bool {
        matches!(self, Self::PullRequestMerge | Self::PullRequestDryRun)
    }

    /// Whether nothing changes whatever the answer.
    pub const fn is_dry_run(self) -> bool {
        matches!(self, Self::PullRequestDryRun)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
