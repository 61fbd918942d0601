//! The documentation says what is so: what it shows is run, what it lists is all that there is, and no link is dead.
//!
//! `UPDATE_EXAMPLES=1` writes the real outputs into `docs/src/examples` and the README, to be read like any change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails loudly, at the place where it fails"
)]

mod book;
mod examples;
mod links;
mod lints;
mod redact;
mod references;
mod schema;
mod snippets;
mod stale;
mod three_teams;
