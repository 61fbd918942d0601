//! How long it takes to look through a large policy for what is probably not meant, as `oam policy check` does, with the
//! directory of a large company in force, and what is told as not looked for everywhere.

use std::time::Instant;

use oam_peers::{company::Company, ours};
use oam_policy::{
    Policy, Snapshot,
    lint::{Lint, lint},
};

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (people, sizes) =
        if quick { (50_000, &[1_000, 10_000][..]) } else { (500_000, &[1_000, 10_000, 100_000][..]) };
    let most = sizes[sizes.len() - 1];
    let snapshot = ours::snapshot_of(1, &ours::directory(&Company::new(most, people).people));
    println!("{:<32} {:>10} {:>10}  not looked for everywhere", "lints", "time", "warnings");
    for rules in sizes {
        let policy = ours::large_policy(&Company::new(*rules, 0).rules);
        look(&format!("{rules} rules, {people} people"), &policy, &snapshot);
    }
}

fn look(what: &str, policy: &Policy, snapshot: &Snapshot) {
    let start = Instant::now();
    let report = lint(policy, Some(snapshot), snapshot.as_of());
    let took = start.elapsed();
    let unfinished: Vec<_> = report.unfinished.iter().map(|lint: &Lint| lint.id()).collect();
    let unfinished = if unfinished.is_empty() { "nothing".to_owned() } else { unfinished.join(", ") };
    let warnings = report.warnings.len() + report.omitted;
    println!("{what:<32} {:>9.2}s {warnings:>10}  {unfinished}", took.as_secs_f64());
}
