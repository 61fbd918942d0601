//! Is the old tip an ancestor of the new one?

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    Effort,
    measure::{Case, Target, judge, medians, table},
    world::{View, World},
};

pub(crate) fn run(world: &World, effort: Effort) -> u32 {
    let (tip, before, half) = (&world.tip, &world.before, &world.half);
    let quarantined = world.quarantine.of(&world.plain);
    let mut misses = 0;
    for (title, view, old, new, answer, most, runs) in [
        ("one commit ahead", &world.plain, before, tip, true, 1.0, effort.short),
        (
            "five commits ahead, in quarantine",
            &quarantined,
            tip,
            &world.quarantine.new,
            true,
            0.2,
            effort.short,
        ),
        ("500,000 commits ahead", &world.plain, half, tip, true, 0.25, effort.short),
        ("the main line onto an old side line", &world.plain, tip, &world.other, false, 0.8, effort.short),
        ("an old side line onto the main line", &world.plain, &world.other, tip, false, 0.8, effort.short),
        ("where they parted, to the main line", &world.plain, &world.fork, tip, true, 0.8, effort.short),
        ("no commit-graph: one commit ahead", &world.no_graph, before, tip, true, 1.0, effort.short),
        ("no commit-graph: 500,000 ahead", &world.no_graph, half, tip, true, 1.05, effort.long),
        ("no commit-graph: old onto main", &world.no_graph, &world.other, tip, false, 1.05, effort.long),
    ] {
        let mut git = view.command(&["merge-base", "--is-ancestor", old, new]);
        let code = i32::from(!answer);
        let mut cases = [
            Case::new("git merge-base --is-ancestor", move |_| timed(&mut git, code)),
            Case::new("in the hook's process", |_| ours(view, old, new, answer)),
        ];
        let medians = medians(&mut cases, runs);
        table(&format!("Ancestry: {title}"), &cases, &medians);
        misses += judge(title, medians[1] / medians[0], Target::AtMost(most));
    }
    misses
}

fn ours(view: &View, old: &str, new: &str, answer: bool) -> Duration {
    let started = Instant::now();
    let found = view.is_ancestor(old, new);
    let time = started.elapsed();
    assert_eq!(found, answer);
    time
}

/// Runs a process, and says how long it took.
pub(crate) fn timed(command: &mut Command, code: i32) -> Duration {
    let started = Instant::now();
    let status = command.status().unwrap();
    let time = started.elapsed();
    assert_eq!(status.code(), Some(code), "{command:?}");
    time
}
