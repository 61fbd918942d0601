//! The rules of a policy. All are plain sets: no priority, no "most specific wins", no negative grant.
//!
//! `require` and `waiver` rules are part of the language and are not decided by this version: a policy that holds
//! one is refused when it is read (see [`crate::file`]), so it can never be half obeyed.

mod block;
mod change;
mod grant;
mod pattern;
mod policy;
mod regex;
mod role;
mod test;
mod weekly;
mod window;

pub use block::Block;
pub use change::ChangeRule;
pub use grant::{Grant, UserException};
pub use pattern::{Pattern, PatternError, RefSet, RepositorySet, VerbSet};
pub(crate) use policy::built_in_id;
pub use policy::{Policy, PolicyError, PolicyParts};
pub use regex::RegexPattern;
pub use role::Role;
pub use test::{Asker, Because, Expectation, TestCase};
pub use weekly::{TimeOfWeek, Weekly, WeeklyError, Zone};
pub use window::{Window, WindowError};

use serde::Serialize;

/// Whether a rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It does.
    #[default]
    Enforce,
    /// It never does; the log says what it would have decided.
    Evaluate,
}
