//! The readers of policy files: TOML in, a [`Policy`] out, or every fault of every file at once.
//!
//! A policy is one file or several, which are merged as sets: neither their order nor how the rules are split over
//! them means anything. Nothing in a file is ever passed over: a key, a rule or a value that is not understood is a
//! fault, and a policy with a fault is not loaded.

mod allow;
mod block;
mod change;
mod circumstances;
mod commits;
mod draft;
mod elevation;
mod grammar;
mod grant;
mod list;
mod mentions;
pub(crate) mod reader;
mod require;
mod role;
pub(crate) mod suggest;
mod syntax;
mod test;
pub(crate) mod tree;
mod waiver;
mod window;
mod workload;

use crate::{
    fault::{Collector, Fault, Faults, Source},
    rule::Policy,
    snapshot::Snapshot,
    trial::{self, TestResult},
};
use draft::Draft;
pub(crate) use draft::check_version;
pub use grammar::json_schema;
use jiff::Timestamp;
use reader::{Notation, Report};
pub(crate) use syntax::read_toml;

/// One file of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySource {
    /// The file's name, for messages.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// How many bytes all files of a policy may have together.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// How many roles, rules and tests a policy may have together.
pub const MAX_RULES: usize = 100_000;

/// How many unit tests a policy may have.
pub const MAX_TESTS: usize = 2_000;
/// How many signs all patterns of a policy may have together, their alternatives multiplied out: this bounds what a
/// policy costs to keep and to decide by. A `re:` pattern counts as 2,000.
pub const MAX_SIGNS: usize = 1_000_000;

/// Reads a policy, and does not run its tests.
///
/// # Errors
/// Everything that is wrong with the files, each with its place.
pub fn parse(files: &[PolicySource]) -> Result<Policy, Faults> {
    let mut faults = Collector::new();
    if let Err(fault) = check_size(files) {
        faults.add(|| *fault);
        return faults.finish(None);
    }
    let sources: Vec<_> = files.iter().map(|file| Source::new(&file.name, &file.text)).collect();
    let mut draft = Draft::new(&sources);
    for (index, source) in sources.iter().enumerate() {
        let mut report = Report::new(Notation::Toml, source, &mut faults);
        let table = read_toml(&mut report);
        draft.read_file(index, table, &mut report);
    }
    let policy = draft.finish(&mut faults);
    faults.finish(policy)
}

/// A policy and what came of its tests.
#[derive(Debug, Clone)]
pub struct Tested {
    /// The policy.
    pub policy: Policy,
    /// Its tests, by place.
    pub tests: Vec<TestResult>,
}

impl Tested {
    /// The policy, when no test failed.
    ///
    /// # Errors
    /// The tests that failed, as faults.
    pub fn passed(self) -> Result<Policy, Faults> {
        match trial::faults(&self.tests) {
            None => Ok(self.policy),
            Some(faults) => Err(faults),
        }
    }
}

/// Reads a policy and runs its tests: what stands between a policy's files and its being in force. See
/// [`Policy::run_tests`].
///
/// # Errors
/// As [`parse`]; that a test fails is told in what is returned.
pub fn parse_and_test(
    files: &[PolicySource],
    snapshot: Option<&Snapshot>,
    now: Timestamp,
) -> Result<Tested, Faults> {
    let policy = parse(files)?;
    let tests = policy.run_tests(snapshot, now);
    Ok(Tested { policy, tests })
}

/// A policy for a daemon that has none yet: it explains the language by example, and gives rights over the
/// repositories of a project `DEMO` only.
pub fn starter() -> &'static str {
    include_str!("starter.toml")
}

fn check_size(files: &[PolicySource]) -> Result<(), Box<Fault>> {
    let Some(first) = files.first() else {
        let help =
            "an empty policy refuses every push: if that is meant, give a file that holds `version = 1`";
        return Err(Box::new(Fault::of_file("", "there is no policy file", Some(help.into()))));
    };
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    if bytes > MAX_BYTES {
        let message = format!("the policy has {bytes} bytes; {MAX_BYTES} are allowed");
        let help = "wider patterns say more in fewer rules".to_owned();
        return Err(Box::new(Fault::of_file(&first.name, message, Some(help))));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
