//! The arithmetic of the audit log: all that an auditor has to trust.
//!
//! In flow entries (one JSON line each) and the text of a signed checkpoint; out flow hashes, proofs, and a
//! verdict on whether a log is whole. The daemon writes with this crate and an auditor checks with it, so both
//! sides share one definition of every byte:
//!
//! - [`entry`]: what is recorded, and the one canonical encoding of it;
//! - [`merkle`]: the RFC 6962 tree over the entries, and its two kinds of proof;
//! - [`keys`] and [`checkpoint`]: the tree head, signed as a C2SP note;
//! - [`tile`]: the log as files of 256 hashes or entries each, C2SP tlog-tiles;
//! - [`files`]: reading those, by whatever opens them;
//! - [`people`]: names in entries as aliases, and back, by a table that can forget somebody;
//! - [`lines`] and [`verify`]: reading a log and checking all of it, or some;
//! - [`proof`] and [`witness`]: what is shown to others without the log, and what a witness makes of it.
//!
//! It must never do I/O of its own, look at a clock, draw randomness, or depend on another crate of this
//! project: time, seeds and readers are parameters. It must never put a secret into an entry, an error or a
//! `Debug`.

pub mod checkpoint;
pub mod entry;
pub mod files;
pub mod keys;
pub mod lines;
pub mod merkle;
mod name;
mod note;
pub mod people;
pub mod proof;
pub mod tile;
pub mod verify;
pub mod witness;

pub use name::{Name, NameError};
