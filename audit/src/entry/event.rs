//! The closed set of things that are recorded.

use serde::{Deserialize, Serialize};

use super::{
    AccessAttested, BitbucketChanged, BitbucketDrift, Change, Decision, DecisionPart, EntriesPruned,
    KeyRotated, PeopleKept, PersonErased, PolicyApproved, PolicyChanged, PolicyProposed, PolicyRejected,
    PolicyWithdrawn, PrivilegeApproved, PrivilegeBegan, PrivilegeEnded, PrivilegeReminded,
    PrivilegeRequested, PrivilegeSignedOff, PrivilegeUsed, RefBytes, SignalReceived, SignalStream, Time,
};

/// What happened. Tagged by `kind`, in kebab case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// A push, merge or other act was judged.
    Decision(Box<Decision>),
    /// Some of the updates of the decision that follows.
    DecisionPart(DecisionPart),
    /// The directory changed.
    SnapshotChanged(SnapshotChanged),
    /// Another policy is in force.
    PolicyChanged(PolicyChanged),
    /// A policy was offered and not taken.
    PolicyRejected(PolicyRejected),
    /// A policy waits for the approval of others.
    PolicyProposed(PolicyProposed),
    /// Somebody approved a proposed policy.
    PolicyApproved(PolicyApproved),
    /// A proposed policy is none any more.
    PolicyWithdrawn(PolicyWithdrawn),
    /// The daemon began to serve.
    DaemonStarted(DaemonStarted),
    /// The daemon ended in good order.
    DaemonStopped,
    /// A damaged store was replaced.
    StoreHealed(StoreHealed),
    /// A torn last line of this log was cut off.
    LogRepaired(LogRepaired),
    /// A hook let a push through while the daemon could not be asked, and told us later.
    PermittedWhileUnavailable(PermittedWhileUnavailable),
    /// git applied a push, as a hook that runs after it reports.
    RefsApplied(RefsApplied),
    /// From the next entry on, checkpoints are signed with another key.
    KeyRotated(KeyRotated),
    /// Old entries are removed.
    EntriesPruned(EntriesPruned),
    /// An administrative call was refused.
    AdminDenied(AdminDenied),
    /// A source has another token, or one less.
    SourceToken(SourceToken),
    /// It was tried whether a forbidden change is refused, and it came out otherwise than the time before.
    CanaryTried(CanaryTried),
    /// Somebody asked for something for a while.
    PrivilegeRequested(PrivilegeRequested),
    /// Somebody approved what another asked for.
    PrivilegeApproved(PrivilegeApproved),
    /// What somebody asked for is theirs.
    PrivilegeBegan(PrivilegeBegan),
    /// Nobody has it any more, or it was never given.
    PrivilegeEnded(PrivilegeEnded),
    /// Those who are told of what happens were reminded of something that ends soon, or that nobody answered for.
    PrivilegeReminded(PrivilegeReminded),
    /// Somebody read what was done with a waiver, and answers for it.
    PrivilegeSignedOff(PrivilegeSignedOff),
    /// People stand otherwise in the entries from here on.
    PeopleKept(PeopleKept),
    /// The table of people has forgotten somebody.
    PersonErased(PersonErased),
    /// A push was permitted by a lease.
    PrivilegeUsed(PrivilegeUsed),
    /// Somebody reviewed what others may do, and answers for it.
    AccessAttested(AccessAttested),
    /// A transmitter told of something that happened to somebody.
    SignalReceived(SignalReceived),
    /// The stream of a transmitter is set up otherwise.
    SignalStream(SignalStream),
    /// Something is changed in Bitbucket.
    BitbucketChanged(BitbucketChanged),
    /// Bitbucket has something beside what the policy says, or has it no more.
    BitbucketDrift(BitbucketDrift),
}

/// It was tried whether a forbidden change is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanaryTried {
    /// `PROJECT/slug`.
    pub repository: String,
    /// The full name of the branch that was tried.
    pub branch: String,
    /// What came of it.
    pub outcome: CanaryOutcome,
    /// The decision that was recorded about it; null when there is none.
    pub decision: Option<String>,
    /// What there is to know besides; null when there is nothing.
    pub detail: Option<String>,
}

/// What came of a forbidden change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CanaryOutcome {
    /// It was refused by a decision of ours.
    Refused,
    /// It went in.
    Accepted,
    /// Nobody can tell.
    Unknown,
}

impl Event {
    /// Every kind there is.
    pub const KINDS: [&'static str; 33] = [
        "decision",
        "decision-part",
        "snapshot-changed",
        "policy-changed",
        "policy-rejected",
        "policy-proposed",
        "policy-approved",
        "policy-withdrawn",
        "daemon-started",
        "daemon-stopped",
        "store-healed",
        "log-repaired",
        "permitted-while-unavailable",
        "refs-applied",
        "key-rotated",
        "entries-pruned",
        "admin-denied",
        "source-token",
        "canary-tried",
        "privilege-requested",
        "privilege-approved",
        "privilege-began",
        "privilege-ended",
        "privilege-reminded",
        "privilege-signed-off",
        "people-kept",
        "person-erased",
        "privilege-used",
        "access-attested",
        "signal-received",
        "signal-stream",
        "bitbucket-changed",
        "bitbucket-drift",
    ];

    /// The word for what happened, as `kind` of an entry says it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Decision(_) => "decision",
            Self::DecisionPart(_) => "decision-part",
            Self::SnapshotChanged(_) => "snapshot-changed",
            Self::PolicyChanged(_) => "policy-changed",
            Self::PolicyRejected(_) => "policy-rejected",
            Self::PolicyProposed(_) => "policy-proposed",
            Self::PolicyApproved(_) => "policy-approved",
            Self::PolicyWithdrawn(_) => "policy-withdrawn",
            Self::DaemonStarted(_) => "daemon-started",
            Self::DaemonStopped => "daemon-stopped",
            Self::StoreHealed(_) => "store-healed",
            Self::LogRepaired(_) => "log-repaired",
            Self::PermittedWhileUnavailable(_) => "permitted-while-unavailable",
            Self::RefsApplied(_) => "refs-applied",
            Self::KeyRotated(_) => "key-rotated",
            Self::EntriesPruned(_) => "entries-pruned",
            Self::AdminDenied(_) => "admin-denied",
            Self::SourceToken(_) => "source-token",
            Self::CanaryTried(_) => "canary-tried",
            Self::PrivilegeRequested(_) => "privilege-requested",
            Self::PrivilegeApproved(_) => "privilege-approved",
            Self::PrivilegeBegan(_) => "privilege-began",
            Self::PrivilegeEnded(_) => "privilege-ended",
            Self::PrivilegeReminded(_) => "privilege-reminded",
            Self::PrivilegeSignedOff(_) => "privilege-signed-off",
            Self::PeopleKept(_) => "people-kept",
            Self::PersonErased(_) => "person-erased",
            Self::PrivilegeUsed(_) => "privilege-used",
            Self::AccessAttested(_) => "access-attested",
            Self::SignalReceived(_) => "signal-received",
            Self::SignalStream(_) => "signal-stream",
            Self::BitbucketChanged(_) => "bitbucket-changed",
            Self::BitbucketDrift(_) => "bitbucket-drift",
        }
    }
}

/// The directory changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotChanged {
    /// The new generation.
    pub generation: u64,
    /// The new digest, in hexadecimal.
    pub digest: String,
    /// The digest before; absent when there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// What made it change.
    pub cause: SnapshotCause,
    /// Who did: a source or an administrator.
    pub actor: String,
    /// Why, in their words; absent when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many users it holds.
    pub users: u64,
    /// How many groups it holds.
    pub groups: u64,
    /// The one user it is about; absent when it is about more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// What made the directory change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotCause {
    /// A file was imported.
    Import,
    /// A source told of a change.
    Source,
    /// An administrator went back.
    Rollback,
    /// A user was cut off.
    UserDeactivated,
    /// A user was let back in.
    UserReactivated,
    /// It was made anew from its sources.
    Rebuilt,
    /// It was read from the store at start.
    Loaded,
}

/// The daemon began to serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DaemonStarted {
    /// The version of the daemon.
    pub version: String,
    /// How many entries the log held when it was opened.
    pub log_size: u64,
}

/// A damaged store was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreHealed {
    /// Which store.
    pub what: String,
    /// Where the damaged one is kept.
    pub set_aside: String,
    /// What was wrong with it.
    pub found: String,
    /// The generation it was rebuilt to; absent when it starts empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebuilt_generation: Option<u64>,
}

/// A torn last line of this log was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogRepaired {
    /// How many bytes.
    pub torn_bytes: u64,
    /// Where they are kept.
    pub set_aside: String,
}

/// A hook let a push through while the daemon could not be asked, and told us later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermittedWhileUnavailable {
    /// The id under which the hook kept it.
    pub spool: String,
    /// The git host.
    pub host: String,
    /// When the hook let it through, by the clock of that host.
    pub at: Time,
    /// `PROJECT/slug`.
    pub repository: String,
    /// The username as it was given.
    pub principal: String,
    /// What was let through.
    pub updates: Vec<SpooledUpdate>,
    /// Why the daemon could not be asked.
    pub why: String,
}

/// A ref update that nobody judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpooledUpdate {
    /// The ref.
    #[serde(flatten)]
    pub name: RefBytes,
    /// What was to happen to it.
    pub change: Change,
}

/// git applied a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefsApplied {
    /// The id of the hook's report.
    pub report: String,
    /// The git host.
    pub host: String,
    /// When it was applied, by the clock of that host.
    pub at: Time,
    /// `PROJECT/slug`.
    pub repository: String,
    /// The username as it was given.
    pub principal: String,
    /// The way in, as in a decision.
    pub channel: String,
    /// What was applied.
    pub updates: Vec<AppliedUpdate>,
}

/// A ref update that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedUpdate {
    /// The ref.
    #[serde(flatten)]
    pub name: RefBytes,
    /// What happened to it.
    pub change: Change,
    /// The decision that permitted it, or the record of the hook that let it in without one; null when nobody did.
    pub decision: Option<String>,
}

/// An administrative call was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminDenied {
    /// Who called.
    pub actor: String,
    /// What was called.
    pub call: String,
    /// How often, where this stands for more than one: those of a minute after the first are one entry.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub times: u64,
}

const fn once() -> u64 {
    1
}

const fn is_once(times: &u64) -> bool {
    *times == 1
}

/// A source has another token, or one less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceToken {
    /// The source.
    pub source: String,
    /// The name of the token, which says nothing about it.
    pub token: String,
    /// What happened to it.
    pub change: TokenChange,
    /// Who did it.
    pub actor: String,
}

/// What happened to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenChange {
    /// It was made.
    Created,
    /// It is worth nothing any more.
    Revoked,
}
