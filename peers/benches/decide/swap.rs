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
    measure::{processor_time, target, time},
};

/// How often another directory comes into force meanwhile, and how long after the one before.
const SWAPS: usize = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// Runs the measurement; returns how many targets are missed.
pub(crate) fn run(effort: Effort) -> usize {
    let people = effort.people * 10;
    let mut company = Company::new(1_000, people);
    let questions: Vec<_> = company.pushes(4_096).iter().map(Question::new).collect();
    let directory = ours::directory(&std::mem::take(&mut company.people));
    let policy = Arc::new(ours::policy(&company.rules));
    // Made apart, so that they share nothing.
    let states =
        [1, 2].map(|generation| ours::state(Arc::clone(&policy), ours::snapshot_of(generation, &directory)));
    drop(directory);
    let live = ArcSwap::from_pointee(states[0].clone());
    let calm = decisions(&live, &questions, || thread::sleep(PAUSE * SWAPS as u32));
    let swapping = decisions(&live, &questions, || {
        for state in states.iter().cycle().skip(1).take(SWAPS) {
            if let State { policy: Some(policy), snapshot: Some(snapshot), .. } = state {
                policy.prepare(snapshot, None);
            }
            live.store(Arc::new(state.clone()));
            thread::sleep(PAUSE);
        }
    });
    println!(
        "\n{:<48} {:>12} {:>12}",
        format!("a decision, {people} people, processor time"),
        "99.9 %",
        "longest"
    );
    for (what, taken) in
        [("on another thread nothing happens", &calm), ("the directory is swapped", &swapping)]
    {
        println!(
            "{what:<48} {:>12} {:>12}",
            time(taken[taken.len() * 999 / 1_000]),
            time(taken[taken.len() - 1])
        );
    }
    println!();
    target("a swap delays no decision by more than 1 ms", swapping[swapping.len() - 1] <= 1e6)
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
