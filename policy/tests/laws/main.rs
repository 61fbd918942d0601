//! The laws of the policy language, on random policies, people, pushes and facts, and against a second implementation of
//! the whole language that was written from the specification's text and shares no code with the first.
//!
//! `OAM_SOAK=1` tries many more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod asking;
mod carried;
mod chance;
#[path = "../common/mod.rs"]
mod common;
mod conditions;
mod decision;
mod elevated;
mod engine;
mod explained;
mod folding;
mod history;
mod invariance;
mod leased;
mod matching;
mod matrix;
mod monotone;
mod oracle;
mod pushes;
mod starter;
mod stopped;
mod truth;
mod variety;
mod world;
mod written;

use proptest::test_runner::Config;

/// How many cases a law is tried on.
fn cases(usual: u32) -> Config {
    let more = if std::env::var_os("OAM_SOAK").is_some() { 20 } else { 1 };
    Config { cases: usual * more, max_global_rejects: 1 << 20, ..Config::default() }
}
