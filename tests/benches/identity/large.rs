//! A directory of half a million people: imported, put in force while pushes are decided, changed, and read at a start.

use std::{
    fmt::Write as _,
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Instant,
};

use serde_json::json;

use crate::{
    Effort,
    build::Built,
    world::{World, judge, millis, quantile},
};

/// Groups of each person.
const GROUPS: usize = 4;
/// People of one group, about.
const OF_A_GROUP: usize = 400;
/// How often somebody is cut off among them: a hundredth of these is more than one.
const REVOCATIONS: usize = 300;
/// How many groups are made among them.
const NEW_GROUPS: usize = 20;

pub(crate) fn run(built: &Built, effort: Effort) -> u32 {
    let mut world = World::start(built);
    let id = world.user("alice");
    world.engineers(std::slice::from_ref(&id));
    let file = world.daemon.folder().join("large.json");
    fs::write(&file, directory(effort.people, 1)).unwrap();
    println!(
        "\nA directory of {} people and {} memberships, {} MB of JSON",
        effort.people,
        effort.people * GROUPS,
        fs::metadata(&file).unwrap().len() / 1_000_000
    );
    let before = world.memory("VmRSS");
    let mut calm: Vec<_> = (0..200).map(|_| millis(world.hook("alice", true))).collect();
    let first = import(&world, &file);
    println!("  import, the first, s: {first:.2}");
    println!(
        "  memory beyond an empty daemon, MiB: {:.0} (at the most {:.0})",
        world.memory("VmRSS") - before,
        world.memory("VmHWM") - before
    );
    // Everybody is different in the next one.
    fs::write(&file, directory(effort.people, 2)).unwrap();
    let ended = AtomicBool::new(false);
    let (second, mut beside) = thread::scope(|scope| {
        let pushes = scope.spawn(|| {
            let mut times = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                times.push(millis(world.hook("alice", true)));
            }
            times
        });
        let second = import(&world, &file);
        ended.store(true, Ordering::Relaxed);
        (second, pushes.join().unwrap())
    });
    println!("  import in which everybody changes, beside pushes, s: {second:.2}");
    println!(
        "  memory then, MiB: {:.0} (at the most {:.0})",
        world.memory("VmRSS") - before,
        world.memory("VmHWM") - before
    );
    let shown = |times: &mut Vec<f64>| {
        format!("{:.2} / {:.2} / {:.2}", quantile(times, 0.5), quantile(times, 0.99), quantile(times, 1.0))
    };
    println!(
        "  a push's hook, ms, p50 / p99 / longest: {} before, {} beside the import of {} pushes",
        shown(&mut calm),
        shown(&mut beside),
        beside.len()
    );
    let slower = quantile(&mut beside, 0.5) / quantile(&mut calm, 0.5);
    let mut revocations: Vec<_> = (0..REVOCATIONS)
        .map(|_| {
            world.set_active(&id, true);
            let sent = Instant::now();
            world.set_active(&id, false);
            world.hook("alice", false);
            millis(sent.elapsed())
        })
        .collect();
    world.set_active(&id, true);
    println!(
        "  a revocation among them, PATCH sent to refused, ms, p50 / p99 / longest of {REVOCATIONS}: {}",
        shown(&mut revocations)
    );
    let (mut made, mut beside_it): (Vec<_>, Vec<_>) =
        (0..NEW_GROUPS).map(|number| beside_a_new_group(&world, &id, number)).unzip();
    println!(
        "  a new group among them, ms, p50 / p99 / longest of {NEW_GROUPS}: {}, and a revocation sent beside it: {}",
        shown(&mut made),
        shown(&mut beside_it)
    );
    world.daemon.stop();
    let started = Instant::now();
    world.daemon.spawn();
    let listens = started.elapsed();
    world.hook("alice", true);
    println!(
        "  started again, s: {:.2}, the first push decided after {:.2}",
        listens.as_secs_f64(),
        started.elapsed().as_secs_f64()
    );
    println!(
        "  memory then, MiB: {:.0} (at the most {:.0})",
        world.memory("VmRSS") - before,
        world.memory("VmHWM") - before
    );
    judge("a push beside the import, x before, median", slower, 2.0)
        + judge("a revocation among them, p99 in ms", quantile(&mut revocations, 0.99), 50.0)
}

/// Makes a group, and cuts somebody off at the same time: how long the one takes until it is answered, and the other until the next
/// push is refused.
fn beside_a_new_group(world: &World, id: &str, number: usize) -> (f64, f64) {
    let group = json!({"displayName": format!("new-{number}"), "members": [{"value": id}]});
    let times = thread::scope(|scope| {
        let making = scope.spawn(|| {
            let sent = Instant::now();
            world.okta.post("/Groups", &group).expect(201);
            millis(sent.elapsed())
        });
        let sent = Instant::now();
        world.set_active(id, false);
        world.hook("alice", false);
        (millis(sent.elapsed()), making.join().unwrap())
    });
    world.set_active(id, true);
    (times.1, times.0)
}

/// Imports the file; gives the seconds that it took.
fn import(world: &World, file: &std::path::Path) -> f64 {
    let started = Instant::now();
    let done = world.daemon.oam(["snapshot", "import", file.to_str().unwrap(), "--source", "hr"]);
    done.expect_success("oam snapshot import");
    started.elapsed().as_secs_f64()
}

/// People with four groups each; another `edition` has other e-mail addresses and other memberships.
fn directory(people: usize, edition: usize) -> String {
    let groups = people * GROUPS / OF_A_GROUP;
    let mut json = String::from("{\"version\": 1, \"users\": [\n");
    for number in 0..people {
        let _ = write!(
            json,
            "{{\"username\": \"person{number}\", \"emails\": [\"person{number}@{edition}.example.com\"], \"groups\": ["
        );
        for nth in 0..GROUPS {
            let group = (number * GROUPS + nth * 7_919 + edition) % groups;
            let _ = write!(json, "{}\"hr:team-{group}\"", if nth > 0 { ", " } else { "" });
        }
        let _ = writeln!(json, "]}}{}", if number + 1 < people { "," } else { "" });
    }
    json.push_str("]}\n");
    json
}
