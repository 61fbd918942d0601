//! What people and programs read: the only place of this crate that writes to a terminal.
//!
//! Every command has one JSON document (or a JSON line for each item) and one layout for people. Both are pure:
//! a message of the daemon goes in, a document or a text comes out. Whatever came from outside passes [`shown`].

pub mod audit;
pub mod bitbucket;
pub mod bitbucket_app;
pub mod decision;
pub mod drift;
pub mod erased;
pub mod explain;
pub mod faults;
pub mod help;
pub mod import;
mod json;
mod layout;
pub mod lease;
mod page;
pub mod policy;
pub mod policy_diff;
pub mod policy_import;
pub mod policy_init;
pub mod policy_proposal;
pub mod policy_test;
pub mod privilege;
mod progress;
pub mod proof;
pub mod provision;
pub mod query;
pub mod replay;
pub mod report;
pub mod secrets;
pub mod session;
pub mod signals;
pub mod snapshot;
pub mod source;
pub mod status;
mod terminal;
pub mod usage;
pub mod user;
pub mod verify;
pub mod warnings;
pub mod who;

pub(crate) use page::counted;
pub use page::{Color, Page};
pub use progress::Progress;
pub use terminal::Terminal;

use oam_policy::printable::Printable;

/// What came from outside, safe to print: on one line, with everything unprintable escaped.
pub fn shown<T: AsRef<[u8]> + ?Sized>(outside: &T) -> String {
    Printable::new(outside).to_string()
}

/// A line of a file from outside, safe to print: as [`shown`], but tabs are four spaces and backslashes are left
/// alone, since a reader wants to find it as it stands in the file.
pub fn shown_line(line: &str) -> String {
    let parts: Vec<_> = line.split('\\').map(|part| shown(&part.replace('\t', "    "))).collect();
    parts.join("\\")
}

/// A quoted name from outside.
fn quoted<T: AsRef<[u8]> + ?Sized>(outside: &T) -> String {
    format!("`{}`", shown(outside))
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
