//! The rules of a policy. All are plain sets: no priority, no "most specific wins", no negative grant.

mod allowance;
mod block;
mod candidate;
mod change;
mod commit_checks;
mod compiled;
mod elevation;
mod grant;
mod holders;
mod index;
mod paths;
mod pattern;
mod policy;

mod regex;
mod require;
mod role;
mod role_places;
mod shelf;
mod tag_checks;
mod test;
mod waiver;
mod weekly;
mod window;
mod workload;

pub use allowance::Allowance;
pub use block::Block;
pub(crate) use candidate::{Candidate, Kind, Met};
pub use change::ChangeRule;
pub use commit_checks::{CommitCheck, CommitChecks, MessagePattern};
pub(crate) use compiled::Compiled;
pub use elevation::{Elevation, ElevationApproval};
pub use grant::{Grant, UserException};
use holders::Found;
pub(crate) use holders::{Holders, HoldersIn};
pub(crate) use index::Candidates;
pub use paths::PathSet;
pub use pattern::{Pattern, PatternError, RefSet, RepositorySet, VerbSet};
pub(crate) use policy::built_in_id;
pub use policy::{CANARIES, Policy, PolicyError, PolicyParts};
pub use regex::RegexPattern;
pub use require::{ApprovalsOf, Excluded, Require, Via};
pub use role::Role;
pub(crate) use role_places::RolePlaces;
pub use tag_checks::{TagCheck, TagChecks};
pub use test::{Asker, Because, Expectation, Supposed, TestCase};
pub use waiver::Waiver;
pub use weekly::{TimeOfWeek, Weekly, WeeklyError, Zone};
pub use window::{Window, WindowError};
pub use workload::{Profile, Workload};

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
