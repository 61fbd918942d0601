use std::{collections::BTreeSet, num::NonZeroU32};

use serde::Serialize;

use super::{CommitChecks, Mode, PathSet, RefSet, RepositorySet, TagChecks, VerbSet, Window};
use crate::{
    name::{RoleId, RuleId},
    request::Channel,
};

/// Adds conditions to what is granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Require {
    /// The rule's id.
    pub id: RuleId,
    /// Whether it decides.
    pub mode: Mode,
    /// The repositories.
    pub on: RepositorySet,
    /// The refs.
    pub refs: RefSet,
    /// The verbs that it is about.
    pub verbs: VerbSet,
    /// When it is live.
    pub window: Window,
    /// Roles that it does not bind.
    pub except: BTreeSet<RoleId>,
    /// What the author wants a refused person to read.
    pub help: Option<String>,
    /// The only way in, if there is one.
    pub via: Option<Via>,
    /// Whose approvals it takes. Each is a condition of its own: one person who holds the roles of two counts for both.
    pub approvals: Vec<ApprovalsOf>,
    /// Whose approvals do not count.
    pub exclude: BTreeSet<Excluded>,
    /// Whether only approvals of the pull request's present head count.
    pub reset_on_push: bool,
    /// What each new commit must be like.
    pub commits: CommitChecks,
    /// What a tag must be like. A rule that does not say has the digest that it had before there was a way to say.
    #[serde(skip_serializing_if = "TagChecks::is_empty")]
    pub tags: TagChecks,
}

/// A way in that can be required.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// Through a pull request.
    PullRequest,
}

/// Approvals by holders of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApprovalsOf {
    /// The role.
    pub role: RoleId,
    /// How many people.
    pub count: NonZeroU32,
    /// Wanted only when one of these paths changes; `None`: always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<PathSet>,
}

/// Somebody whose approval does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Excluded {
    /// Whoever opened the pull request.
    Author,
    /// Whoever made one of its commits.
    Committers,
}

impl Excluded {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Author, Self::Committers];

    /// The word that policies write.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Committers => "committers",
        }
    }
}

impl Via {
    /// Whether `channel` is this way in.
    pub const fn is(self, channel: Channel) -> bool {
        match self {
            // A cascading merge has none: nobody approved it.
            Self::PullRequest => channel.has_pull_request(),
        }
    }
}

impl Require {
    /// Whether the rule binds somebody who holds `roles`.
    pub fn binds(&self, roles: &[RoleId]) -> bool {
        !roles.iter().any(|role| self.except.contains(role))
    }
}
