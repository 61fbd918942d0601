//! Which commits are new to the refs of a pattern?

use std::time::Instant;

use crate::{
    Effort,
    ancestry::timed,
    measure::{Case, Target, judge, medians, table},
    peak::Peak,
    world::World,
};

pub(crate) fn run(world: &World, effort: Effort) -> u32 {
    let new = &world.quarantine.new;
    let [few, many, very_many] =
        [&world.plain, &world.refs_20_000, &world.refs_200_000].map(|view| world.quarantine.of(view));
    let no_graph = world.quarantine.of(&world.no_graph);
    let mut misses = 0;
    for (title, view, tip, cover, count, runs) in [
        ("5 in quarantine, few refs", &few, new, "refs/heads/**", 5, effort.short),
        ("5 in quarantine, no commit-graph", &no_graph, new, "refs/heads/**", 5, effort.short),
        ("5 in quarantine, 20,000 refs", &many, new, "refs/heads/**", 5, effort.short),
        ("5 in quarantine, 200,000 refs", &very_many, new, "refs/heads/**", 5, effort.long),
        ("5 to one of 200,000 refs", &very_many, new, "refs/heads/main", 5, effort.short),
        ("an old commit, 20,000 refs", &many, &world.fork, "refs/heads/team/**", 0, effort.long),
        ("a side line, 20,000 refs", &many, &world.other, "refs/heads/team/**", 1_000, effort.long),
        (
            "half of the main line to the side line",
            &few,
            &world.tip,
            "refs/heads/other",
            606_000,
            effort.long,
        ),
    ] {
        let only = format!("--glob={}", cover.replace("**", "*"));
        let mut git = view.command(&["rev-list", tip, "--not", &only]);
        let mut cases = [
            Case::new("git rev-list --not", move |_| timed(&mut git, 0)),
            Case::new("in the hook's process", |_| {
                let started = Instant::now();
                let found = view.new_commits(tip, cover);
                let time = started.elapsed();
                assert_eq!(found, count, "{title}");
                time
            }),
        ];
        let medians = medians(&mut cases, runs);
        table(&format!("New commits: {title}"), &cases, &medians);
        misses += judge(title, medians[1] / medians[0], Target::AtMost(1.0));
        misses += (Peak::of_new_commits(view, tip, cover) - Peak::of_nothing()).judge();
    }
    misses
}
