//! Canaries: forbidden branches that the daemon tries to make in Bitbucket, on a schedule. Bitbucket may stop running
//! hook scripts without a word, and then everything goes in; that a canary is refused, by a decision in our own log, is
//! the proof that changes are still checked.
//!
//! In flow answers of Bitbucket and decisions ([`Canaries::decided`]); out flow alarms, entries of the audit log, and what
//! `oam bitbucket status` shows. It must never take anything for well that was not proved: what could not be tried is
//! unknown, and unknown for long is an alarm, for each repository. What went in is an alarm until one is refused, whoever takes
//! the daemon's right to look away, and whether or not it is started anew.

mod alarms;
mod attempt;
mod kept;
mod schedule;
mod state;
#[cfg(test)]
mod tests;

pub use kept::CanaryError;
pub use schedule::follow;
pub use state::{Canaries, Outcome, Tried};
