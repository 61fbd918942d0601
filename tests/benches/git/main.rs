//! What the repository is asked, as ratios to git's own plumbing within one run.
//!
//! `cargo bench -p oam-tests --bench git` builds a repository of a million commits (once, in the system's folder for
//! temporary files) and measures what a question costs the hook, in its process, beside what a git child would cost it.
//! `-- --quick` takes few runs, `-- paths` measures only that.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark prints, and fails loudly"
)]

mod ancestry;
#[path = "../hook/measure.rs"]
#[allow(dead_code, reason = "shared with the other benchmark, which needs all of it")]
mod measure;
mod new_commits;
mod objects;
mod paths;
mod peak;
mod world;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Runs of what takes milliseconds.
    short: usize,
    /// Runs of what takes seconds.
    long: usize,
}

const FULL: Effort = Effort { short: 40, long: 7 };
const QUICK: Effort = Effort { short: 10, long: 2 };

/// What is measured, in that order; those that are named on the command line, else all.
const PARTS: [&str; 4] = ["objects", "ancestry", "new-commits", "paths"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if peak::is_child(&arguments) || paths::is_child(&arguments) {
        return;
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let effort = if quick { QUICK } else { FULL };
    let parts: Vec<&str> =
        PARTS.into_iter().filter(|part| arguments.iter().any(|argument| argument == part)).collect();
    let is_wanted = |part| parts.is_empty() || parts.contains(&part);
    let world = world::World::make();
    let mut misses = 0;
    for part in PARTS.into_iter().filter(|part| is_wanted(*part)) {
        misses += match part {
            "objects" => objects::run(&world, effort),
            "ancestry" => ancestry::run(&world, effort),
            "new-commits" => new_commits::run(&world, effort),
            _ => paths::run(effort),
        };
    }
    println!(
        "\n{}",
        if misses == 0 { "every target met".to_owned() } else { format!("{misses} targets missed") }
    );
}
