//! What the hook costs, as ratios within one run: absolute times drift from day to day and from machine to machine.
//!
//! `cargo bench -p oam-tests --bench hook` builds the daemon and the static hook in the release profile and compares
//! the hook's process, and a whole push, with doing nothing and with other hooks. `-- --quick` takes few runs, `-- page`
//! measures the page of a pull request alone.
//! gitolite (Debian's `gitolite3`) is compared with where it is installed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark prints, and fails loudly"
)]

mod build;
mod measure;
mod page;
mod peers;
mod process;
mod push;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Runs of a short process.
    processes: usize,
    /// Pushes of one ref.
    pushes: usize,
    /// Pushes of a hundred refs.
    wide_pushes: usize,
    /// Runs with very many refs.
    large: usize,
}

const FULL: Effort = Effort { processes: 100, pushes: 60, wide_pushes: 10, large: 7 };
const QUICK: Effort = Effort { processes: 20, pushes: 10, wide_pushes: 3, large: 3 };

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if measure::is_peak_child(&arguments) {
        return;
    }
    let page_alone = arguments.iter().any(|argument| argument == "page");
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let effort = if quick { QUICK } else { FULL };
    let built = build::release();
    println!("hook: {} ({} kB)", built.hook.display(), std::fs::metadata(&built.hook).unwrap().len() / 1024);
    let world = peers::World::start(&built);
    let mut misses = page::run(&world, effort);
    if !page_alone {
        misses += process::run(&world, effort);
        misses += push::run(&world, effort);
        misses += process::run_large(&world, effort);
    }
    println!(
        "\n{}",
        if misses == 0 { "every target met".to_owned() } else { format!("{misses} targets missed") }
    );
}
