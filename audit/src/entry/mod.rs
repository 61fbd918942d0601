//! What is recorded, and its one canonical encoding.
//!
//! An entry is one line of compact JSON:
//! `{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000000Z","node":"…","event":{"kind":"…",…}}`. Its bytes, without
//! the line feed, are the leaf that the Merkle tree hashes, so there must be exactly one way to write an entry:
//! fields in the order they are declared here, no white space, no floats, no maps, strings escaped as
//! `serde_json` escapes them (only `"`, `\` and the controls below U+0020, with the short escapes where JSON has
//! them and lower-case hexadecimal elsewhere). [`Entry::decode`] refuses everything else.
//!
//! An optional field that is documented as *absent* is left out when it has no value; one documented as *null*
//! is written as `null`.

mod bitbucket;
mod decision;
mod drift;
mod encode;
mod event;
pub mod history;
mod people;
mod personal;
mod policy;
mod privilege;
mod pruned;
mod pull_request;
mod ref_bytes;
mod review;
mod rotation;
mod signal;
mod split;
#[cfg(test)]
pub(crate) mod strategies;
#[cfg(test)]
mod tests;
mod time;

pub use bitbucket::{BitbucketChanged, ChangeStage};
pub use decision::{
    AskedBy, Change, Decision, DecisionPart, Lifted, Outcome, PrincipalKind, Reason, Shadow, SnapshotUsed,
    Update, Verb,
};
pub use drift::{BitbucketDrift, DriftCount, DriftFound};
pub use encode::{DecodeError, EncodeError, EncodedEvent, Entry, Format, MAX_ENTRY_BYTES, MAX_EVENT_BYTES};
pub use event::{
    AdminDenied, AppliedUpdate, CanaryOutcome, CanaryTried, DaemonStarted, Event, LogRepaired,
    PermittedWhileUnavailable, RefsApplied, SnapshotCause, SnapshotChanged, SourceToken, SpooledUpdate,
    StoreHealed, TokenChange,
};
pub use history::History;
pub use people::{PeopleForm, PeopleKept, PersonErased};
pub use personal::{Look, Personal};
pub use policy::{
    PolicyApproved, PolicyChanged, PolicyDiff, PolicyOrigin, PolicyProposed, PolicyRejected, PolicyWithdrawn,
    WithdrawnCause,
};
pub use privilege::{
    Lease, LeaseGiven, PrivilegeApproved, PrivilegeBegan, PrivilegeEnd, PrivilegeEnded, PrivilegeHeld,
    PrivilegeKind, PrivilegeReminded, PrivilegeReminder, PrivilegeRequested, PrivilegeSignedOff,
    PrivilegeSort, PrivilegeUsed,
};
pub use pruned::{EntriesPruned, PrunedRotation};
pub use pull_request::{Approval, ApprovalCount, PullRequest, Said, WeighedApproval};
pub use ref_bytes::{RefBytes, RefBytesError};
pub use review::{AccessAttested, AccessVerdict, ReviewedRow};
pub use rotation::{KeyRotated, RotationError};
pub use signal::{SignalEffect, SignalReceived, SignalStream, StreamChange};
pub(crate) use split::json_bytes;
pub use split::{Split, split};
pub use time::{Time, TimeError};
