//! Why a push is not permitted: two closed lists, since a refusal and an inability to decide are different things.
//! Every reason has a stable [`code`](RefusalReason::code), words in [`crate::words`], and an entry in the reference.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    name::{RoleId, RuleId, Username},
    request::Verb,
};

/// Why the policy says no. The pusher, or whoever they ask, has something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefusalReason {
    /// No live grant gives the pusher this verb on this ref.
    NoGrant(NoGrant),
    /// A block forbids it.
    Blocked(Blocked),
    /// The pusher's account is not active at its source.
    AccountDisabled {
        /// Who.
        username: Username,
    },
    /// The pusher was cut off by an administrator.
    Revoked {
        /// Who.
        username: Username,
        /// Since when.
        since: Timestamp,
    },
    /// The pusher is neither in the directory nor named by a role as a service principal.
    UnknownPrincipal {
        /// Who.
        username: Username,
    },
}

/// What a person needs to know when no grant matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoGrant {
    /// What was tried; `None` where the outcome is the same for an update and a force, so that it was not found out.
    pub verb: Option<Verb>,
    /// What the pusher may do to this ref.
    pub may: Vec<Verb>,
    /// The roles that could have done it.
    pub roles_that_may: Vec<RoleId>,
    /// Whether a block forbids it besides: then no role would have helped.
    pub blocked_too: bool,
}

/// What a person needs to know when a block matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// The block.
    pub rule: RuleId,
    /// What was tried, as in [`NoGrant::verb`].
    pub verb: Option<Verb>,
    /// What the block's author wants them to read.
    pub help: Option<String>,
    /// When the block is over, if it ends.
    pub until: Option<Timestamp>,
    /// The roles that it does not bind.
    pub except: Vec<RoleId>,
    /// No waiver lifts it.
    pub absolute: bool,
}

/// Why it could not be decided. The pusher is not at fault, and has nothing to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndecidedReason {
    /// No policy is loaded.
    PolicyMissing,
    /// No directory is loaded.
    SnapshotMissing,
    /// The directory is older than it may be.
    SourceStale {
        /// How old it is.
        age: Duration,
        /// How old it may be.
        bound: Duration,
    },
    /// A fact that the verdict depends on could not be found out.
    FactsUnreadable {
        /// What went wrong.
        why: String,
    },
    /// The audit log did not take the entry, so nothing may be permitted.
    AuditUnavailable,
}

impl RefusalReason {
    /// One of each, for tests and references that must not forget any.
    pub const CODES: [&'static str; 5] =
        ["no-grant", "blocked", "account-disabled", "revoked", "unknown-principal"];

    /// The reason's stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoGrant(_) => "no-grant",
            Self::Blocked(_) => "blocked",
            Self::AccountDisabled { .. } => "account-disabled",
            Self::Revoked { .. } => "revoked",
            Self::UnknownPrincipal { .. } => "unknown-principal",
        }
    }

    /// The rule that said no, if one did.
    pub fn rule(&self) -> Option<&RuleId> {
        match self {
            Self::Blocked(blocked) => Some(&blocked.rule),
            Self::NoGrant(_)
            | Self::AccountDisabled { .. }
            | Self::Revoked { .. }
            | Self::UnknownPrincipal { .. } => None,
        }
    }
}

impl UndecidedReason {
    /// One of each, for tests and references that must not forget any.
    pub const CODES: [&'static str; 5] =
        ["policy-missing", "snapshot-missing", "source-stale", "facts-unreadable", "audit-unavailable"];

    /// The reason's stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PolicyMissing => "policy-missing",
            Self::SnapshotMissing => "snapshot-missing",
            Self::SourceStale { .. } => "source-stale",
            Self::FactsUnreadable { .. } => "facts-unreadable",
            Self::AuditUnavailable => "audit-unavailable",
        }
    }
}
