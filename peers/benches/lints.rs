//! What it takes to look through a large policy for what is probably not meant, as `oam policy check` does, with the
//! directory of a large company in force: time, memory, and what is told as not looked for everywhere.
//!
//! A program of its own, since it is the most that it held at any time that counts.

use std::{fs, time::Instant};

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
    println!(
        "{:<24} {:>10} {:>10} {:>10}  not looked for everywhere",
        "lints", "time", "kB more", "warnings"
    );
    for rules in sizes {
        let policy = ours::large_policy(&Company::new(*rules, 0).rules);
        look(&format!("{rules} rules, {people} people"), &policy, &snapshot);
    }
}

fn look(what: &str, policy: &Policy, snapshot: &Snapshot) {
    let before = peak_from_now_on();
    let start = Instant::now();
    let report = lint(policy, Some(snapshot), snapshot.as_of());
    let took = start.elapsed();
    let more = kilobytes("VmHWM:").saturating_sub(before);
    let unfinished: Vec<_> = report.unfinished.iter().map(|lint: &Lint| lint.id()).collect();
    let unfinished = if unfinished.is_empty() { "nothing".to_owned() } else { unfinished.join(", ") };
    println!(
        "{what:<24} {:>9.2}s {more:>10} {:>10}  {unfinished}",
        took.as_secs_f64(),
        report.warnings.len() + report.omitted
    );
}

/// Forgets the most that this process held so far; returns what it holds, in kilobytes.
fn peak_from_now_on() -> u64 {
    fs::write("/proc/self/clear_refs", "5").expect("Linux takes it");
    kilobytes("VmRSS:")
}

fn kilobytes(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("Linux tells it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
