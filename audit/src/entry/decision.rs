//! The record of one decision: who asked for what, on which grounds it was judged, and how.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{History, PrivilegeHeld, PullRequest, RefBytes};

/// One judged push, merge, or other act. With all [`DecisionPart`]s of its id before it, it is the whole record.
///
/// "Permitted" is not "applied": git may still refuse after the hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// The decision's id, a UUID in lower case.
    pub decision: String,
    /// How the question reached the daemon.
    pub asked_by: AskedBy,
    /// What was done: `push`, `branch-create`, `file-edit`, `pull-request-merge`, …
    pub channel: String,
    /// Whether only the verdict was wanted, and nothing would have changed.
    pub dry_run: bool,
    /// `PROJECT/slug`.
    pub repository: String,
    /// The username as it was given.
    pub principal: String,
    /// What kind of principal the directory knows by that name.
    pub principal_kind: PrincipalKind,
    /// The roles that were held, sorted.
    pub roles: BTreeSet<String>,
    /// The digest of the policy, in hexadecimal; null when none was loaded.
    pub policy: Option<String>,
    /// The directory snapshot; null when none was loaded.
    pub snapshot: Option<SnapshotUsed>,
    /// What the pusher had for a while; absent when they had nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub privileges: Vec<PrivilegeHeld>,
    /// The pull request that was merged; absent when the verdict did not depend on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<Box<PullRequest>>,
    /// The verdict on the whole.
    pub outcome: Outcome,
    /// The reasons that concern the whole, not one update.
    pub reasons: Vec<Reason>,
    /// How many updates were judged, in the parts and here together.
    pub update_count: u64,
    /// The updates that no part holds; they come after those of the parts.
    pub updates: Vec<Update>,
    /// How many [`DecisionPart`] entries directly precede this one.
    pub parts: u32,
    /// From the first byte of the question to the verdict, in microseconds.
    pub elapsed_us: u64,
}

/// Some updates of a decision that is too large for one entry. Parts of one decision follow each other without a
/// gap and end in their [`Decision`]; parts without one belong to a push that was never answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionPart {
    /// The decision's id.
    pub decision: String,
    /// The number of this part, from 1.
    pub part: u32,
    /// The updates, in the order in which they were asked.
    pub updates: Vec<Update>,
}

/// The peer of the connection, as the kernel or TLS vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum AskedBy {
    /// A process on the same host.
    Unix {
        /// Its user id.
        uid: u32,
        /// Its process id.
        pid: u32,
    },
    /// A host with a client certificate.
    Tls {
        /// Which certificate: `sha256:` and the SHA-256 of its DER form, in hexadecimal.
        subject: String,
    },
}

/// What a username stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A service with a lease.
    Service,
    /// Nothing the directory knows.
    Unknown,
}

/// The directory snapshot that a decision rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotUsed {
    /// Its generation.
    pub generation: u64,
    /// Its digest, in hexadecimal.
    pub digest: String,
    /// How long ago its sources were known to be current, in milliseconds.
    pub age_ms: u64,
}

/// A verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The policy says yes.
    Permitted,
    /// The policy says no.
    Refused,
    /// It could not be checked.
    Undecided,
}

/// Why a verdict is not "permitted".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// The stable code, such as `no-grant`.
    pub code: String,
    /// The rule it comes from; absent when it comes from none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// One ref update and its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// The ref.
    #[serde(flatten)]
    pub name: RefBytes,
    /// What was to happen to it.
    pub change: Change,
    /// The verb it was judged as; null when it could not be told.
    pub verb: Option<Verb>,
    /// Whether the old commit is an ancestor of the new one; null when that was not asked for.
    pub fast_forward: Option<bool>,
    /// Whether that was asked for and could not be found out; absent when it was not so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ancestry_unreadable: bool,
    /// What it rested on of its new commits; absent when nothing was asked of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub histories: Vec<History>,
    /// How many histories it rested on besides, that found no room in the entry; absent when there are none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub histories_left_out: u64,
    /// The verdict on this update.
    pub outcome: Outcome,
    /// The grant that carried it; null when none did. Of several that cover the changed paths together, one.
    pub grant: Option<String>,
    /// The others of these; absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_grants: Vec<String>,
    /// The id of what the pusher had for a while, where that carried it; absent where a standing right did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privilege: Option<String>,
    /// The ids of what else of that had a part in it, as where one thing covers some of its paths and another the rest;
    /// absent where nothing had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub privileges_beside: Vec<String>,
    /// The waiver that lifted a block or a requirement, the first one of [`Self::lifted`]; null when none was used.
    pub waiver: Option<String>,
    /// Every rule that a waiver lifted; absent when none was used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifted: Vec<Lifted>,
    /// Why it was not permitted.
    pub reasons: Vec<Reason>,
    /// What rules in evaluate mode would have said.
    pub shadow: Vec<Shadow>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// A rule that would have stood in the way, had nobody lifted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lifted {
    /// The rule.
    pub rule: String,
    /// The waiver that lifted it.
    pub waiver: String,
    /// The id of the use of it; absent where it was only supposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privilege: Option<String>,
}

/// A change to a ref, with git object ids in hexadecimal (40 or 64 digits).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// The ref did not exist.
    Create {
        /// Where it was to point.
        new: String,
    },
    /// The ref was to point elsewhere.
    Move {
        /// Where it pointed.
        old: String,
        /// Where it was to point.
        new: String,
    },
    /// The ref was to go.
    Delete {
        /// Where it pointed.
        old: String,
    },
    /// A merge that has no commit yet.
    WouldMerge {
        /// Where the target pointed.
        old: String,
        /// The commit to merge; absent when it was not given.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<String>,
    },
}

/// What an update does, in the words of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// A new ref.
    Create,
    /// A fast-forward.
    Update,
    /// A move that is none.
    Force,
    /// The end of a ref.
    Delete,
}

/// What a rule in evaluate mode would have said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shadow {
    /// The rule.
    pub rule: String,
    /// The verdict it would have led to.
    pub would: Outcome,
}
