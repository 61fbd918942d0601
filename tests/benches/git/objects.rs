//! Opening the objects and reading a commit: our reader, libgit2, and a git child.

use std::time::Instant;

use oam_hook::git::Objects;

use crate::{
    Effort,
    ancestry::timed,
    measure::{Case, Target, judge, medians, table},
    world::{World, id},
};

/// How many commits are read, where many are.
const MANY: usize = 20_000;

pub(crate) fn run(world: &World, effort: Effort) -> u32 {
    let places = world.plain.places();
    let folder = world.plain.path.join("objects");
    let folder = folder.to_str().unwrap();
    let mut cat_file = world.plain.command(&["cat-file", "commit", &world.tip]);
    let mut list =
        world.no_graph.command(&["rev-list", "--first-parent", "-n", &MANY.to_string(), &world.tip]);
    let mut cases = [
        Case::new("git cat-file: a commit", move |_| timed(&mut cat_file, 0)),
        Case::new("gitoxide: open, read a commit", |_| {
            let started = Instant::now();
            let objects = Objects::open(&places).unwrap();
            objects.read(id(&world.tip), &mut Vec::new()).unwrap();
            started.elapsed()
        }),
        Case::new("libgit2: open, read a commit", |_| {
            let started = Instant::now();
            let odb = git2::Odb::new().unwrap();
            odb.add_disk_alternate(folder).unwrap();
            odb.read(git2::Oid::from_str(&world.tip).unwrap()).unwrap();
            started.elapsed()
        }),
        Case::new("git rev-list without commit-graph: 20,000", move |_| timed(&mut list, 0)),
        Case::new("gitoxide: open, read 20,000 commits", |_| {
            let started = Instant::now();
            let objects = Objects::open(&places).unwrap();
            let (mut at, mut buffer) = (id(&world.tip), Vec::new());
            for _ in 0..MANY {
                at = objects.links(at, &mut buffer).unwrap().parents[0];
            }
            started.elapsed()
        }),
        Case::new("libgit2: open, read 20,000 commits", |_| {
            let started = Instant::now();
            let odb = git2::Odb::new().unwrap();
            odb.add_disk_alternate(folder).unwrap();
            let mut at = git2::Oid::from_str(&world.tip).unwrap();
            for _ in 0..MANY {
                let object = odb.read(at).unwrap();
                let text = std::str::from_utf8(object.data()).unwrap();
                at = git2::Oid::from_str(&text.split_once("\nparent ").unwrap().1[..40]).unwrap();
            }
            started.elapsed()
        }),
    ];
    let medians = medians(&mut cases, effort.short);
    table("Objects", &cases, &medians);
    judge("open and read a commit, x a git child", medians[1] / medians[0], Target::AtMost(0.2))
        + judge("20,000 commits, x libgit2", medians[4] / medians[5], Target::AtMost(1.0))
        + judge("20,000 commits, x git", medians[4] / medians[3], Target::AtMost(1.0))
}
