//! A provider pushes changes all the while, and pushes are decided beside it.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    Effort,
    build::Built,
    world::{World, judge, millis, patch, quantile},
};

/// How many changes a second.
const RATE: u32 = 200;
/// How many connections they come over.
const CLIENTS: u32 = 4;
/// How long pushes are timed, with changes and without.
const WINDOW: Duration = Duration::from_secs(1);
/// For how long as many changes are pushed as are taken.
const UNPACED: Duration = Duration::from_secs(5);

/// Seconds with changes and seconds without take turns, so that what else the machine does slows both alike.
pub(crate) fn run(built: &Built, effort: Effort) -> u32 {
    let world = World::start(built);
    let ids: Vec<_> = (0..effort.provisioned).map(|number| world.user(&format!("user-{number}"))).collect();
    let group = world.engineers(&ids);
    let (busy, ended, changes) = (AtomicBool::new(false), AtomicBool::new(false), AtomicUsize::new(0));
    let (mut calm, mut loaded, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut under_load = Duration::ZERO;
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (world, ids, group, busy, ended, changes) = (&world, &ids, &group, &busy, &ended, &changes);
            let pace = Duration::from_secs(1) / (RATE / CLIENTS);
            let flags = (busy, ended, changes);
            scope.spawn(move || push_changes(world, ids, group, client as usize, pace, flags));
        }
        for _ in 0..effort.rounds {
            let mut without = pushes(&world, WINDOW);
            busy.store(true, Ordering::Relaxed);
            let started = Instant::now();
            let mut with = pushes(&world, WINDOW);
            busy.store(false, Ordering::Relaxed);
            under_load += started.elapsed();
            ratios.push(quantile(&mut with, 0.5) / quantile(&mut without, 0.5));
            calm.append(&mut without);
            loaded.append(&mut with);
        }
        ended.store(true, Ordering::Relaxed);
    });
    let rate = changes.load(Ordering::Relaxed) as f64 / under_load.as_secs_f64();
    println!("\nPushes beside {rate:.0} changes a second by SCIM (ms)         p50      p99");
    for (what, times) in [("without changes", &mut calm), ("with changes", &mut loaded)] {
        println!("  {what:<48}{:>8.2}{:>9.2}", quantile(times, 0.5), quantile(times, 0.99));
    }
    let p99 = quantile(&mut loaded, 0.99) / quantile(&mut calm, 0.99);
    println!("  x without, p99: {p99:.2}");
    let (most, mut beside) = as_many_as_it_takes(&world, &ids, &group);
    println!(
        "  as many changes as {CLIENTS} connections get answered: {most:.0} a second; a push beside them, ms, p50 / p99: {:.2} / {:.2}",
        quantile(&mut beside, 0.5),
        quantile(&mut beside, 0.99)
    );
    // The rate must be reached, or the ratio is of another load.
    judge("changes that were not made, of 200 a second", f64::from(RATE) - rate, f64::from(RATE) * 0.1)
        + judge("a push, x without changes, median of rounds", quantile(&mut ratios, 0.5), 1.5)
}

/// Pushes one after the other, for so long.
fn pushes(world: &World, window: Duration) -> Vec<f64> {
    let started = Instant::now();
    let mut times = Vec::new();
    while started.elapsed() < window {
        times.push(millis(world.hook("user-0", true)));
    }
    times
}

/// How many changes a second are answered where nobody waits, and how long pushes take beside them.
fn as_many_as_it_takes(world: &World, ids: &[String], group: &str) -> (f64, Vec<f64>) {
    let (busy, ended, changes) = (AtomicBool::new(true), AtomicBool::new(false), AtomicUsize::new(0));
    let started = Instant::now();
    let beside = thread::scope(|scope| {
        for client in 0..CLIENTS {
            let flags = (&busy, &ended, &changes);
            scope.spawn(move || push_changes(world, ids, group, client as usize, Duration::ZERO, flags));
        }
        let beside = pushes(world, UNPACED);
        ended.store(true, Ordering::Relaxed);
        beside
    });
    (changes.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64(), beside)
}

/// Names change, people are deactivated and come back, and leave the group and join it.
fn push_changes(
    world: &World,
    ids: &[String],
    group: &str,
    client: usize,
    pace: Duration,
    (busy, ended, changes): (&AtomicBool, &AtomicBool, &AtomicUsize),
) {
    let mut number = 0;
    let mut next = Instant::now();
    while !ended.load(Ordering::Relaxed) {
        if !busy.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(1));
            next = Instant::now();
            continue;
        }
        // Everybody but the first, who pushes; each client has its own.
        let id = &ids[1 + (number / 5 * CLIENTS as usize + client) % (ids.len() - 1)];
        let member = json!([{"value": id}]);
        let (path, operations) = match number % 5 {
            0 => (
                format!("/Users/{id}"),
                json!([{"op": "replace", "path": "title", "value": number.to_string()}]),
            ),
            1 => (format!("/Users/{id}"), json!([{"op": "replace", "path": "active", "value": false}])),
            2 => (format!("/Users/{id}"), json!([{"op": "replace", "path": "active", "value": true}])),
            3 => (format!("/Groups/{group}"), json!([{"op": "remove", "path": "members", "value": member}])),
            _ => (format!("/Groups/{group}"), json!([{"op": "add", "path": "members", "value": member}])),
        };
        let answer = world.okta.patch(&path, &patch(&operations));
        assert!(matches!(answer.status, 200 | 204), "{answer:?}");
        changes.fetch_add(1, Ordering::Relaxed);
        number += 1;
        next += pace;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}
