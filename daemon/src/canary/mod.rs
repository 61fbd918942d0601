//! Canaries: forbidden branches that the daemon tries to make in Bitbucket, on a schedule. Bitbucket may stop running
//! hook scripts without a word, and then everything goes in; that a canary is refused, by a decision in our own log, is
//! the proof that changes are still checked.
//!
//! In flow answers of Bitbucket and decisions ([`Canaries::decided`]); out flow alarms, entries of the audit log, and what
//! `oam bitbucket status` shows. It must never take anything for well that was not proved: what could not be tried is
//! unknown, and unknown for long is an alarm.

mod attempt;
mod schedule;
mod state;

pub use schedule::follow;
pub use state::{Canaries, Outcome, Tried};
