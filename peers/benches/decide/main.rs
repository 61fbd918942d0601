//! What a decision costs, as ratios within one run: absolute times drift from day to day and from machine to machine.
//!
//! `cargo bench --manifest-path peers/Cargo.toml --features bench` compares our engine with Cedar, Rego (regorus) and
//! Casbin on the same rules, people and pushes, and shows how our cost grows with the rules. `-- --quick` takes few
//! runs and a tenth of the people. The engines must agree on every push before any of them is timed.

mod anew;
mod directory;
mod growth;
mod measure;
mod peers;
mod swap;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
struct Effort {
    /// People in the directory.
    people: u64,
    /// Pushes that are decided in one round.
    pushes: usize,
    /// Rounds in which every engine has its turn.
    rounds: usize,
    /// The same for policies of all sizes: some are large.
    pushes_of_growth: usize,
    rounds_of_growth: usize,
    /// Rules of the largest policy.
    most_rules: usize,
    /// Repetitions of what is built as a whole.
    builds: usize,
}

const FULL: Effort = Effort {
    people: 50_000,
    pushes: 256,
    rounds: 21,
    pushes_of_growth: 64,
    rounds_of_growth: 7,
    most_rules: 100_000,
    builds: 7,
};
const QUICK: Effort = Effort {
    people: 5_000,
    pushes: 64,
    rounds: 5,
    pushes_of_growth: 32,
    rounds_of_growth: 3,
    most_rules: 10_000,
    builds: 3,
};

fn main() {
    let effort = if std::env::args().any(|argument| argument == "--quick") { QUICK } else { FULL };
    let mut misses = peers::run(effort);
    misses += growth::run(effort);
    directory::run(effort);
    misses += swap::run(effort);
    match misses {
        0 => println!("\nevery target met"),
        misses => println!("\n{misses} targets missed"),
    }
}
