//! Recorded decisions, made again: under a draft of the policy, or under what was in force then.
//!
//! **In:** the audit log, a policy, the directories that are kept. **Out:** every verdict that comes out otherwise, what
//! could not be told and why, and how often each rule decided.
//!
//! It makes no verdict: [`oam_policy::decide()`] does, and the log's own writer puts it into the words of the log, in
//! which it is compared with what was recorded.
//!
//! It must never guess a fact that was not recorded, hold up whoever writes to the log, or keep more in memory than one
//! push, a few policies and directories, and what is counted.

mod again;
mod approvals;
mod compare;
mod directories;
mod histories;
mod judgement;
mod policies;
mod recorded;
mod run;
mod tally;
#[cfg(test)]
pub(crate) mod tests;
mod usage;

pub use directories::{Directories, Directory};
pub use judgement::{Effect, Ground, Judgement};
pub use policies::Policies;
pub use run::{Basis, Replay, Step};
pub use tally::{Group, Summary, Untold, UntoldCount, Verdict};
pub use usage::{RuleUse, Usage};
