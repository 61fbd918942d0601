//! Whether putting another large directory in force delays whoever is just deciding.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use arc_swap::ArcSwap;
use oam_peers::{
    company::Company,
    ours::{self, Question},
};
use oam_policy::State;

use crate::{
    Effort,
    measure::{median, processor_time, target, time},
};

/// How often another directory comes into force meanwhile, and how long after the one before.
const SWAPS: usize = 50;
const PAUSE: Duration = Duration::from_millis(20);
/// How often both are measured. What the host takes from a machine is in the longest time of some run, and what a swap takes in that
/// of each: told is the median.
const RUNS: usize = 5;

/// Runs the measurement; returns how many targets are missed.
pub(crate) fn run(effort: Effort) -> usize {
    let people = effort.people * 10;
    let mut company = Company::new(1_000, people);
    let questions: Vec<_> = company.pushes(4_096).iter().map(Question::new).collect();
    let directory = ours::directory(&std::mem::take(&mut company.people));
    let policy = Arc::new(ours::policy(&company.rules));
    // Made apart, so that they share nothing.
    let snapshots = [1, 2].map(|generation| ours::snapshot_of(generation, &directory));
    drop(directory);
    let live = ArcSwap::from_pointee(ours::state(Arc::clone(&policy), snapshots[0].clone()));
    let rest = || thread::sleep(PAUSE * SWAPS as u32);
    let swap = || {
        for snapshot in snapshots.iter().cycle().skip(1).take(SWAPS) {
            // Each time one that nobody asked about yet, as when a directory is read anew.
            let next = snapshot.unasked();
            policy.prepare(&next, None);
            let before = live.swap(Arc::new(ours::state(Arc::clone(&policy), next)));
            thread::sleep(PAUSE);
            // As the daemon does: what nobody looks at any more is taken apart where nobody waits for it.
            drop(before);
        }
    };
    let mut taken = [Vec::new(), Vec::new()];
    for _ in 0..RUNS {
        taken[0].push(decisions(&live, &questions, rest));
        taken[1].push(decisions(&live, &questions, swap));
    }
    let typical = |runs: &[Vec<f64>], of: fn(&[f64]) -> f64| median(runs.iter().map(|run| of(run)).collect());
    let longest = |runs: &[Vec<f64>]| typical(runs, |run| run[run.len() - 1]);
    println!(
        "\n{:<48} {:>12} {:>12}",
        format!("a decision, {people} people, processor time"),
        "99.9 %",
        "longest"
    );
    for (what, runs) in ["on another thread nothing happens", "the directory is swapped"].iter().zip(&taken) {
        let nearly_all = typical(runs, |run| run[run.len() * 999 / 1_000]);
        println!("{what:<48} {:>12} {:>12}", time(nearly_all), time(longest(runs)));
    }
    println!();
    target("a swap delays no decision by more than 1 ms", longest(&taken[1]) <= 1e6)
}

/// What each decision took that one thread made while another did `meanwhile`, ascending.
fn decisions(live: &ArcSwap<State>, questions: &[Question], meanwhile: impl FnOnce()) -> Vec<f64> {
    let done = AtomicBool::new(false);
    let decide = || {
        let mut taken = Vec::new();
        for question in questions.iter().cycle() {
            if done.load(Ordering::Relaxed) {
                break;
            }
            let start = processor_time();
            black_box(question.decide(&live.load()));
            taken.push(processor_time() - start);
        }
        taken
    };
    thread::scope(|scope| {
        let deciding = scope.spawn(decide);
        meanwhile();
        done.store(true, Ordering::Relaxed);
        let mut taken = deciding.join().unwrap();
        taken.sort_by(f64::total_cmp);
        taken
    })
}
