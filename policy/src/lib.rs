//! The pure heart of Bitbucket OAM: may this person make this change to this ref?
//!
//! **For:** the names of the field ([`name`]), the rules of a policy ([`rule`]), the directory of users and groups
//! ([`snapshot`]), the question ([`request`], [`facts`]) and the one function that answers it ([`decide()`]),
//! with the words in which a person reads the answer ([`words`]).
//!
//! **In:** a [`Policy`], a [`Snapshot`], a [`Request`], the [`Facts`] known so far, and the time.
//! **Out:** a [`Decision`], or the facts that are still needed to make one.
//!
//! **Must never:** do I/O, be async, read a clock or draw a random number; and nothing outside this crate can make
//! a [`Permit`]. The same inputs give the same decision on every machine.

pub mod decide;
pub mod diff;
pub mod entitle;
pub mod examples;
pub mod explain;
pub mod facts;
pub mod fault;
pub mod file;
pub mod glob;
pub mod lint;
pub mod name;
pub mod nonempty;
pub mod printable;
pub mod question;
pub mod reason;
pub mod request;
pub mod rule;
pub mod snapshot;
pub mod trial;
pub mod who;
pub mod words;

pub use decide::{
    Decision, Evaluation, Judgement, Outcome, Permit, RefDecision, State, Verdict, decide, judge,
};
pub use facts::Facts;
pub use name::{
    Digest, GroupName, ObjectId, PrivilegeId, RefName, Repository, RoleId, RuleId, TreePath, Username,
};
pub use nonempty::NonEmpty;
pub use question::{Circumstances, Question};
pub use reason::{RefusalReason, UndecidedReason};
pub use request::{Channel, Merging, RefChange, RefUpdate, Request, Verb};
pub use rule::{CANARIES, Policy};
pub use snapshot::{Snapshot, SnapshotVersion};
