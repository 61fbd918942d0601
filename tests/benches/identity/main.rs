//! What becomes of a push when people change: revocations, directories of half a million people, and a provider that
//! pushes changes all the while.
//!
//! `cargo bench -p oam-tests --bench identity` builds the daemon and the static hook in the release profile. `-- --quick`
//! takes few runs and a tenth of the people; `revocation`, `load` or `large` one part alone.
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

#[path = "../hook/build.rs"]
mod build;
mod large;
mod load;
mod revocation;
mod world;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Revocations, each met by the next push.
    revocations: usize,
    /// People whom the provider knows while it pushes changes.
    provisioned: usize,
    /// People in the large directory, with four groups each.
    people: usize,
    /// How often a second with changes and one without are compared.
    rounds: usize,
}

const FULL: Effort = Effort { revocations: 1_000, provisioned: 1_000, people: 500_000, rounds: 20 };
const QUICK: Effort = Effort { revocations: 50, provisioned: 50, people: 50_000, rounds: 3 };

/// Measures one part, and tells how many targets were missed.
type Run = fn(&build::Built, Effort) -> u32;

fn main() {
    let effort = if std::env::args().any(|argument| argument == "--quick") { QUICK } else { FULL };
    let built = build::release();
    // The harness finds the binaries there. Nothing else runs in this process yet.
    oam_tests::binaries::use_folder(&built.folder);
    let parts: [(&str, Run); 3] =
        [("revocation", revocation::run), ("load", load::run), ("large", large::run)];
    let named = |part: &str| std::env::args().any(|argument| argument == part);
    let is_one_named = parts.iter().any(|(part, _)| named(part));
    let wanted = parts.into_iter().filter(|(part, _)| !is_one_named || named(part));
    let misses: u32 = wanted.map(|(_, run)| run(&built, effort)).sum();
    let all_met = misses == 0;
    println!(
        "\n{}",
        if all_met { "every target met".to_owned() } else { format!("{misses} targets missed") }
    );
}
