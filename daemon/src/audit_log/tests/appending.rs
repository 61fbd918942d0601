use std::time::{Duration, Instant};

use oam_audit::{
    checkpoint::SignedCheckpoint,
    entry::{Change, DaemonStarted, Outcome, Update},
};

use super::*;
use crate::audit_log::sample;

#[tokio::test]
async fn what_was_appended_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (log, report) = open(folder.path());
    assert_eq!(report, OpenReport { size: 0, begun: true, beyond_checkpoint: 0, torn: None });
    assert_eq!(log.append(batch("a")).await.unwrap(), Appended { first: 0, last: 0 });
    let two = batch("b").and(&event("c")).unwrap();
    assert_eq!(log.append(two).await.unwrap(), Appended { first: 1, last: 2 });
    // Durable and readable before the reply.
    assert_eq!(fs::read_to_string(journal(folder.path())).unwrap().lines().count() as u64, log.size());
    assert_eq!(calls(&log, 0), ["a", "b", "c"]);
    log.close().await;
    assert!(matches!(log.append(batch("d")).await, Err(AppendError::Closed)));
    log.close().await;

    let report = audit(folder.path());
    assert_eq!((report.entries, report.beyond_checkpoint), (3, 0));
    let size = log.size();
    let (log, report) = open(folder.path());
    assert_eq!(report, OpenReport { size: 3, begun: false, beyond_checkpoint: 0, torn: None });
    assert_eq!(log.size(), size);
    assert_eq!(log.append(batch("d")).await.unwrap(), Appended { first: 3, last: 3 });
    assert_eq!(calls(&log, 0), ["a", "b", "c", "d"]);

    let entry = Entry::decode(&log.entries(3).unwrap().next().unwrap().unwrap()).unwrap();
    assert_eq!((entry.seq, entry.node, entry.time.timestamp()), (3, name(), clock()));
    log.close().await;
    assert_eq!(audit(folder.path()).entries, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_append_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    let writers = (0..32).map(|writer| {
        let log = log.clone();
        tokio::spawn(async move {
            let mut places = Vec::new();
            for n in 0..25 {
                let batch =
                    batch(&format!("{writer}:{n}:0")).and(&event(&format!("{writer}:{n}:1"))).unwrap();
                let place = log.append(batch).await.unwrap();
                assert!(log.size() > place.last, "published before the reply");
                places.push(place);
            }
            places
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut expected = vec![String::new(); 32 * 25 * 2];
    for (writer, places) in writers.into_iter().enumerate() {
        let places = places.await.unwrap();
        assert!(places.is_sorted_by(|a, b| a.last < b.first), "one after the other");
        for (n, place) in places.iter().enumerate() {
            assert_eq!(place.last, place.first + 1, "a batch is not torn apart");
            for half in 0..2 {
                expected[usize::try_from(place.first).unwrap() + half] = format!("{writer}:{n}:{half}");
            }
        }
    }
    assert_eq!(calls(&log, 0), expected);
    log.close().await;
    assert_eq!(audit(folder.path()).entries, 1600);
}

#[tokio::test]
async fn readers_start_anywhere_and_follow() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    let mut all = batch("0");
    for n in 1..600 {
        all = all.and(&event(&n.to_string())).unwrap();
    }
    let mut growth = log.watch();
    log.append(all).await.unwrap();
    assert!(growth.has_changed().unwrap());
    assert_eq!(*growth.borrow_and_update(), 600);

    for from in [0, 1, 255, 256, 257, 511, 512, 599] {
        let tail = log.tail(from, 3).await.unwrap();
        let expected: Vec<String> = (from..600).take(3).map(|n| n.to_string()).collect();
        assert_eq!(tail.iter().map(|line| call(line)).collect::<Vec<_>>(), expected, "from {from}");
    }
    for beyond in [600, 601, u64::MAX] {
        assert!(log.tail(beyond, 3).await.unwrap().is_empty());
    }
    log.close().await;

    // The index after a restart is the one that grew.
    let (log, _) = open(folder.path());
    assert_eq!(calls(&log, 258).first().unwrap(), "258");
    log.append(batch("600")).await.unwrap();
    assert_eq!(calls(&log, 599), ["599", "600"]);
    log.close().await;
}

#[tokio::test]
async fn decisions_of_any_size_stand_together() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    let head = sample::decision("ada", Outcome::Undecided);
    let updates = (0..20_000).map(|n| Update {
        name: format!("refs/heads/{n}").as_str().into(),
        change: Change::Delete { old: "1".repeat(40) },
        verb: None,
        fast_forward: None,
        outcome: Outcome::Undecided,
        grant: None,
        privilege: None,
        privileges_beside: Vec::new(),
        waiver: None,
        lifted: Vec::new(),
        ancestry_unreadable: false,
        other_grants: Vec::new(),
        histories: Vec::new(),
        histories_left_out: 0,
        reasons: vec![],
        shadow: vec![],
    });
    let large = Batch::decision(head, updates).unwrap();
    let (large, small) = tokio::join!(log.append(large), log.append(batch("small")));
    let (large, small) = (large.unwrap(), small.unwrap());
    assert!(large.last - large.first > 20, "in parts");
    assert!(small.last < large.first || small.first > large.last);
    log.close().await;
    let report = audit(folder.path());
    assert_eq!((report.entries, report.abandoned_parts), (small.last.max(large.last) + 1, 0));
}

#[tokio::test]
async fn checkpoints_follow_promptly_and_not_too_often() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    let signed = |log: &AuditLog| {
        let text = log.checkpoint();
        SignedCheckpoint::parse(&text).unwrap().verify(log.verifier()).unwrap().size
    };
    assert_eq!(signed(&log), 0);

    let start = Instant::now();
    let mut checkpoints = std::collections::BTreeSet::new();
    while start.elapsed() < Duration::from_millis(1500) {
        log.append(batch("busy")).await.unwrap();
        checkpoints.insert(signed(&log));
    }
    assert!((2..=4).contains(&checkpoints.len()), "about one a second: {checkpoints:?}");
    tokio::time::sleep(Duration::from_millis(1300)).await;
    assert_eq!(signed(&log), log.size(), "all of it when idle");
    assert_eq!(*log.checkpoint(), fs::read_to_string(file(folder.path(), "checkpoint")).unwrap());
    log.close().await;
}

#[tokio::test]
async fn a_batch_too_large_for_an_entry_is_told_before_it_is_queued() {
    let started = Event::DaemonStarted(DaemonStarted { version: "x".repeat(70_000), log_size: 0 });
    assert!(Batch::new(&started).is_err());
    assert!(batch("a").and(&started).is_err());
}

#[tokio::test]
async fn the_last_handle_closes_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    log.append(batch("a")).await.unwrap();
    drop(log);
    let deadline = Instant::now() + Duration::from_secs(5);
    let (log, report) = loop {
        match AuditLog::open(folder.path(), &name()) {
            Ok(opened) => break opened,
            Err(OpenError::Locked { .. }) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!((report.size, report.beyond_checkpoint), (1, 0));
    log.close().await;
}

/// `cargo test --release -p oam-daemon -- --ignored --nocapture how_fast`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn how_fast() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    for clients in [1, 64] {
        let start = Instant::now();
        let tasks: Vec<_> = (0..clients)
            .map(|_| {
                let log = log.clone();
                tokio::spawn(async move {
                    let mut waits = Vec::new();
                    for _ in 0..2_000 {
                        let start = Instant::now();
                        log.append(batch("a")).await.unwrap();
                        waits.push(start.elapsed());
                    }
                    waits
                })
            })
            .collect();
        let mut waits = Vec::new();
        for task in tasks {
            waits.extend(task.await.unwrap());
        }
        waits.sort();
        let rate = waits.len() as f64 / start.elapsed().as_secs_f64();
        let (half, most) = (waits[waits.len() / 2], waits[waits.len() * 99 / 100]);
        println!("{clients} clients: {rate:.0}/s, p50 {half:?}, p99 {most:?}");
    }
    log.close().await;
}

/// A clock that goes on by an hour with each entry.
fn hourly() -> Timestamp {
    use std::sync::atomic::{AtomicI64, Ordering};
    static HOUR: AtomicI64 = AtomicI64::new(0);
    Timestamp::from_second(3_600 * HOUR.fetch_add(1, Ordering::Relaxed)).unwrap()
}

#[tokio::test]
async fn a_moment_is_found_among_the_entries() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = AuditLog::open_with_clock(folder.path(), &name(), hourly).unwrap();
    assert_eq!(log.first_since(Timestamp::UNIX_EPOCH).unwrap(), 0, "there is nothing");
    for _ in 0..600 {
        log.append(batch("x")).await.unwrap();
    }
    let times: Vec<_> =
        log.entries(0).unwrap().map(|line| Entry::decode(&line.unwrap()).unwrap().time.timestamp()).collect();
    let second = jiff::SignedDuration::from_secs(1);
    for time in [0, 1, 299, 300, 599].map(|place: usize| times[place]) {
        for moment in [time - second, time, time + second] {
            let expected = times.partition_point(|time| *time < moment) as u64;
            assert_eq!(log.first_since(moment).unwrap(), expected, "{moment}");
        }
    }
}
