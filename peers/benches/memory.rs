//! What a compiled policy and a directory hold in memory: bytes asked of the allocator and not given back.
//!
//! A program of its own, since counting every allocation would slow down what `decide` times.

use std::{alloc::System, sync::Arc};

use oam_peers::{casbin, cedar, company::Company, ours, rego};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (people, most_rules) = if quick { (5_000, 10_000) } else { (50_000, 100_000) };
    let company = Company::new(1_000, people);
    println!("{:<48} {:>12}", "in memory", "kB");
    let (snapshot, bytes) = held(|| ours::snapshot(&company.people));
    print(&format!("directory of {people} people"), bytes);
    let policy = held(|| Arc::new(ours::policy(&company.rules)));
    print("our policy, 1,000 rules", policy.1);
    print("what binds it to the directory", held(|| ours::state(policy.0, snapshot.clone())).1);
    print("Cedar's, 1,000 rules", held(|| cedar::policies(&company.rules)).1);
    print("Rego's, compiled, with data of 1,000 rules", held(|| rego::Machine::new(&company.rules)).1);
    print("Casbin's rows and engine, 1,000 rules", held(|| casbin::enforcer(&company.rules, &Vec::new())).1);
    drop(company);
    for rules in [10, 100, 10_000, 100_000].into_iter().filter(|rules| *rules <= most_rules) {
        let company = Company::new(rules, 0);
        print(&format!("our policy, {rules} rules"), held(|| ours::large_policy(&company.rules)).1);
    }
}

/// What `make` makes, and the bytes that it still holds.
fn held<T>(make: impl FnOnce() -> T) -> (T, usize) {
    let region = Region::new(ALLOCATOR);
    let made = make();
    let change = region.change();
    let bytes = change.bytes_allocated.saturating_sub(change.bytes_deallocated);
    (made, bytes)
}

fn print(what: &str, bytes: usize) {
    println!("{what:<48} {:>12}", bytes / 1024);
}
