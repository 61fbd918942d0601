//! Why a push is not permitted: two closed lists, since a refusal and an inability to decide are different things.
//! Every reason has a stable [`code`](RefusalReason::code), words in [`crate::words`], and an entry in the reference.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    examples::Examples,
    facts::{BadSignature, LeaseFault},
    name::{ObjectId, Repository, RoleId, RuleId, TreePath, Username},
    request::Verb,
    rule::CommitCheck,
};

/// Why the policy says no. The pusher, or whoever they ask, has something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefusalReason {
    /// No live grant gives the pusher this verb on this ref.
    NoGrant(NoGrant),
    /// Grants give the pusher this verb on this ref, for other paths than those that change.
    PathsNotGranted(PathsNotGranted),
    /// A block forbids it.
    Blocked(Blocked),
    /// A require asks for something that is not so.
    Unmet(Unmet),
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
    /// The pusher is neither in the directory nor named by a role or a workload as a service principal.
    UnknownPrincipal {
        /// Who.
        username: Username,
    },
    /// The push shows the token of a lease, and that does not count.
    LeaseNotAccepted(LeaseFault),
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
    /// What the pusher may ask for, to be able to do it for a while.
    pub ask: Vec<Askable>,
    /// Where a job that the pusher pushes for could lease what it takes; `None`: no job could.
    pub lease: Option<Repository>,
}

/// What a person needs to know when grants matched, and some of the changed paths are not theirs to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathsNotGranted {
    /// The paths that no grant covers.
    pub paths: Examples<TreePath>,
    /// The grants that give the rest.
    pub grants: Vec<RuleId>,
    /// The paths that leases of the pusher were narrowed to.
    pub leased: Vec<String>,
}

/// What a person needs to know when a require is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The require.
    pub rule: RuleId,
    /// What its author wants them to read.
    pub help: Option<String>,
    /// What is missing.
    pub shortfall: Shortfall,
    /// How it can be lifted for a while.
    pub lifted_by: Vec<Lifter>,
}

/// A role that the pusher may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Askable {
    /// The role.
    pub role: RoleId,
    /// In this repository.
    pub on: Repository,
    /// For how long at most.
    pub max_time: Duration,
    /// Who must approve; empty: nobody need.
    pub approved_by: Vec<RoleId>,
}

/// A waiver that lifts a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifter {
    /// Who may use it.
    pub to: Vec<RoleId>,
    /// Whether the pusher is one of them.
    pub is_yours: bool,
    /// In this repository.
    pub on: Repository,
    /// For how long at most.
    pub max_time: Duration,
    /// Who must approve; empty: nobody need.
    pub approved_by: Vec<RoleId>,
}

/// What is missing where a require is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shortfall {
    /// It goes in through a pull request only.
    PullRequest,
    /// Approvals.
    Approvals {
        /// By holders of this role.
        role: RoleId,
        /// How many it takes.
        needed: u32,
        /// How many there are that count.
        given: u32,
        /// Those of which nobody can tell whether they count, where there are any.
        doubtful: Option<Doubtful>,
        /// Those that there are and that do not count.
        discounted: Option<Examples<Discounted>>,
        /// The changed paths for which it takes them; `None`: it takes them always.
        paths: Option<Examples<TreePath>>,
    },
    /// Commits that are not as they must be.
    Commits {
        /// In which respect.
        check: CommitCheck,
        /// What is wanted, where that says more: the pattern of a message.
        wanted: Option<String>,
        /// Which.
        commits: Examples<FaultyCommit>,
    },
    /// More new commits than there may be.
    TooManyCommits {
        /// How many there may be.
        max: u64,
    },
    /// Commits with signatures that are not accepted, all for one cause.
    CommitSignatures {
        /// Why not.
        fault: SignatureFault,
        /// Which.
        commits: Examples<FaultyCommit>,
    },
    /// A tag that is no tag object.
    TagNotAnnotated,
    /// A tag object with a signature that is not accepted.
    TagSignature {
        /// Why not.
        fault: SignatureFault,
        /// What was found, where that says more.
        found: Option<String>,
    },
    /// Paths that may not be there.
    Paths {
        /// [`CommitCheck::ForbidPaths`] or [`CommitCheck::ForbidExtensions`].
        check: CommitCheck,
        /// Which.
        paths: Examples<TreePath>,
    },
    /// Files that are too large.
    Blobs {
        /// How large one may be, in bytes.
        max: u64,
        /// The files, with their sizes in bytes.
        blobs: Examples<(TreePath, u64)>,
    },
}

/// An approval that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discounted {
    /// Whose it is; `None` in a question about roles and nobody in particular.
    pub by: Option<Username>,
    /// Why not.
    pub why: WhyNot,
}

/// Approvals of which nobody can tell whether they count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubtful {
    /// How many they are.
    pub count: u32,
    /// Why nobody can tell of the first.
    pub why: String,
}

/// Why an approval does not count; of several causes the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyNot {
    /// The directory does not know them.
    Unknown,
    /// They were deactivated or cut off.
    Inactive,
    /// They do not hold the role now.
    WithoutRole,
    /// They opened the pull request.
    Author,
    /// They made one of its commits.
    Committer,
    /// They approved what was there before the last push.
    Outdated,
}

impl WhyNot {
    /// Each of them.
    pub const ALL: [Self; 6] =
        [Self::Unknown, Self::Inactive, Self::WithoutRole, Self::Author, Self::Committer, Self::Outdated];

    /// Its stable name, as the log writes it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Inactive => "inactive",
            Self::WithoutRole => "without-role",
            Self::Author => "author",
            Self::Committer => "committer",
            Self::Outdated => "outdated",
        }
    }
}

/// Why a signature is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignatureFault {
    /// There is none.
    Missing,
    /// It is good, and by somebody who is not the committer or the tagger.
    ByOther,
    /// It is not to be relied upon.
    Bad(BadSignature),
}

impl SignatureFault {
    /// Each of them.
    pub const ALL: [Self; 7] = [
        Self::Missing,
        Self::Bad(BadSignature::Invalid),
        Self::Bad(BadSignature::KeyUnknown),
        Self::Bad(BadSignature::KeyExpired),
        Self::Bad(BadSignature::KeyRevoked),
        Self::ByOther,
        Self::Bad(BadSignature::KindUnknown),
    ];

    /// The stable name of the reason.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "signature-missing",
            Self::ByOther => "signature-by-other",
            Self::Bad(BadSignature::Invalid) => "signature-invalid",
            Self::Bad(BadSignature::KeyUnknown) => "signature-key-unknown",
            Self::Bad(BadSignature::KeyExpired) => "signature-key-expired",
            Self::Bad(BadSignature::KeyRevoked) => "signature-key-revoked",
            Self::Bad(BadSignature::KindUnknown) => "signature-kind-unknown",
        }
    }
}

/// A commit that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultyCommit {
    /// Its id.
    pub id: ObjectId,
    /// The first line of its message.
    pub subject: Vec<u8>,
    /// What it has instead, where that says more: an e-mail, why a signature is not accepted.
    pub found: Option<String>,
}

impl Shortfall {
    /// The stable name of the reason.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PullRequest => "pull-request-required",
            Self::Approvals { .. } => "approval-missing",
            Self::Blobs { .. } => "blob-too-large",
            Self::TooManyCommits { .. } => CommitCheck::MaxCommits.code(),
            Self::TagNotAnnotated => "tag-not-annotated",
            Self::CommitSignatures { fault, .. } | Self::TagSignature { fault, .. } => fault.code(),
            Self::Commits { check, .. } | Self::Paths { check, .. } => check.code(),
        }
    }
}

impl CommitCheck {
    /// The stable name of the reason for which a push fails it; of several, the plainest.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CommitterIsPusher => "committer-not-pusher",
            Self::AuthorKnown => "author-unknown",
            Self::Signed => SignatureFault::Missing.code(),
            Self::Message => "message-not-matching",
            Self::SignOff => "sign-off-missing",
            Self::MaxBlob => "blob-too-large",
            Self::ForbidPaths => "path-forbidden",
            Self::ForbidExtensions => "extension-forbidden",
            Self::Linear => "merge-commit",
            Self::NoForeignMerges => "foreign-merge",
            Self::MaxCommits => "too-many-commits",
        }
    }
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
    /// The changed paths that it forbids; `None`: whatever changes.
    pub paths: Option<Examples<TreePath>>,
    /// How it can be lifted for a while.
    pub lifted_by: Vec<Lifter>,
}

/// Why it could not be decided. The pusher is not at fault, and has nothing to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndecidedReason {
    /// No policy is loaded.
    PolicyMissing,
    /// No directory is loaded.
    SnapshotMissing,
    /// A source of the directory that the decision rests on is older than it may be.
    SourceStale {
        /// The source's name.
        source: Box<str>,
        /// How old what it said is; absent when it never said anything, or when that is lost.
        age: Option<Duration>,
        /// How old it may be; absent when it may be of any age.
        bound: Option<Duration>,
    },
    /// Whoever is disabled in a source of the directory that the decision rests on would not be cut off here: the transmitter of
    /// shared signals that is to tell of it cannot be heard.
    SignalsBlind {
        /// The source's name.
        source: Box<str>,
        /// The transmitter's.
        transmitter: Box<str>,
    },
    /// A fact that the verdict depends on could not be found out.
    FactsUnreadable {
        /// What went wrong.
        why: String,
    },
    /// Whose approvals a pull request has, or whether they count, could not be found out.
    ApprovalsUnknown {
        /// What went wrong.
        why: String,
        /// Whether it stays so until somebody mends it: a commit is by somebody whom the directory does not know.
        lasting: bool,
    },
    /// The audit log did not take the entry, so nothing may be permitted.
    AuditUnavailable,
}

impl RefusalReason {
    /// One of each, for tests and references that must not forget any.
    pub const CODES: [&'static str; 31] = [
        "no-grant",
        "paths-not-granted",
        "blocked",
        "pull-request-required",
        "approval-missing",
        "committer-not-pusher",
        "author-unknown",
        "signature-missing",
        "signature-invalid",
        "signature-key-unknown",
        "signature-key-expired",
        "signature-key-revoked",
        "signature-by-other",
        "signature-kind-unknown",
        "message-not-matching",
        "sign-off-missing",
        "blob-too-large",
        "path-forbidden",
        "extension-forbidden",
        "merge-commit",
        "foreign-merge",
        "too-many-commits",
        "tag-not-annotated",
        "account-disabled",
        "revoked",
        "unknown-principal",
        "lease-malformed",
        "lease-not-ours",
        "lease-expired",
        "lease-several",
        "lease-not-in-force",
    ];

    /// Of [`Self::CODES`], those that no rule says.
    pub const WITHOUT_RULE: [&'static str; 10] = [
        "no-grant",
        "paths-not-granted",
        "account-disabled",
        "revoked",
        "unknown-principal",
        "lease-malformed",
        "lease-not-ours",
        "lease-expired",
        "lease-several",
        "lease-not-in-force",
    ];

    /// The reason's stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoGrant(_) => "no-grant",
            Self::PathsNotGranted(_) => "paths-not-granted",
            Self::Blocked(_) => "blocked",
            Self::Unmet(unmet) => unmet.shortfall.code(),
            Self::AccountDisabled { .. } => "account-disabled",
            Self::Revoked { .. } => "revoked",
            Self::UnknownPrincipal { .. } => "unknown-principal",
            Self::LeaseNotAccepted(fault) => fault.code(),
        }
    }

    /// The rule that said no, if one did.
    pub fn rule(&self) -> Option<&RuleId> {
        match self {
            Self::Blocked(blocked) => Some(&blocked.rule),
            Self::Unmet(unmet) => Some(&unmet.rule),
            Self::NoGrant(_)
            | Self::PathsNotGranted(_)
            | Self::AccountDisabled { .. }
            | Self::Revoked { .. }
            | Self::UnknownPrincipal { .. }
            | Self::LeaseNotAccepted(_) => None,
        }
    }
}

impl UndecidedReason {
    /// One of each, for tests and references that must not forget any.
    pub const CODES: [&'static str; 7] = [
        "policy-missing",
        "snapshot-missing",
        "source-stale",
        "signals-blind",
        "facts-unreadable",
        "approvals-unknown",
        "audit-unavailable",
    ];

    /// The reason's stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PolicyMissing => "policy-missing",
            Self::SnapshotMissing => "snapshot-missing",
            Self::SourceStale { .. } => "source-stale",
            Self::SignalsBlind { .. } => "signals-blind",
            Self::FactsUnreadable { .. } => "facts-unreadable",
            Self::ApprovalsUnknown { .. } => "approvals-unknown",
            Self::AuditUnavailable => "audit-unavailable",
        }
    }

    /// Whether it is about one source of the directory: whoever is known to others only is not met by it.
    pub const fn is_of_a_source(&self) -> bool {
        matches!(self, Self::SourceStale { .. } | Self::SignalsBlind { .. })
    }
}
