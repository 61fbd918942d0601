//! Children that are killed, or that find the disk full. A child is this test program again, told by a variable.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::{Bench, Dice, people, rounds};

const STATE: &str = "OAM_TEST_STATE";

fn child(test: &str, state: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([&format!("{}::{test}", module_path!().split_once("::").unwrap().1), "--exact", "--nocapture"])
        .env(STATE, state)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn told_state() -> Option<PathBuf> {
    std::env::var_os(STATE).map(PathBuf::from)
}

/// What a child acknowledged: `saved <generation> <digest>`.
fn acknowledged(line: &str) -> Option<(u64, String)> {
    let mut words = line.split("saved ").nth(1)?.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.to_owned()))
}

fn acknowledge(bench: &Bench) {
    let version = bench.snapshot().version();
    println!("\nsaved {} {} ", version.generation, version.digest);
}

#[test]
fn child_that_saves_until_it_is_killed() {
    let Some(state) = told_state() else { return };
    let mut bench = Bench::open(&state);
    assert!(bench.report.healed.is_empty() && bench.report.lost.is_none(), "{:?}", bench.report);
    // Told first, and shelved later.
    bench.shelves = false;
    if bench.current.is_none() {
        bench.import(&people(200)).unwrap();
        acknowledge(&bench);
    }
    for round in 0.. {
        let user = format!("user-{}", round % 200);
        match round % 7 {
            6 => bench.import(&people(200 + round % 5)).unwrap(),
            _ if bench.is_active(&user) => bench.revoke(&user).unwrap(),
            _ => bench.lift(&user).or_else(|_| bench.revoke("nobody")).unwrap(),
        }
        acknowledge(&bench);
        if round % 3 == 0 || bench.store.is_to_be_shelved() {
            bench.store.shelve();
        }
    }
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    if told_state().is_some() {
        return;
    }
    let mut dice = Dice(5);
    let mut last = 0;
    let state = tempfile::tempdir().unwrap();
    for round in 0..rounds(12, 300) {
        let mut child = child("child_that_saves_until_it_is_killed", state.path());
        let output = BufReader::new(child.stdout.take().unwrap());
        let lines = thread::spawn(move || output.lines().map_while(Result::ok).collect::<Vec<_>>());
        thread::sleep(Duration::from_millis(30 + dice.below(400)));
        child.kill().unwrap();
        child.wait().unwrap();
        let told = lines.join().unwrap().iter().filter_map(|line| acknowledged(line)).next_back();
        let mut bench = Bench::open(state.path());
        assert_eq!(bench.report, super::OpenReport::default(), "round {round}: a crash is no damage");
        if let Some((generation, digest)) = told {
            let version = bench.snapshot().version();
            assert!(version.generation >= generation, "round {round}: {version} after {generation}");
            assert!(version.generation > last, "round {round}");
            if version.generation == generation {
                assert_eq!(version.digest.to_string(), digest);
            }
            last = version.generation;
        }
        if bench.current.is_none() {
            bench.import(&people(200)).unwrap();
        }
    }
    assert!(last > 0, "no child ever came so far as to save");
}

#[test]
fn child_that_finds_the_disk_full() {
    let Some(state) = told_state() else { return };
    let mut bench = Bench::open(&state);
    bench.import(&people(50)).unwrap();
    bench.revoke("user-1").unwrap();
    acknowledge(&bench);
    let kept = bench.snapshot().version();
    // No file may grow beyond 2 KiB: the base of another import does not fit. The signal that would come with it is
    // ignored by the shell that started us.
    setrlimit(Resource::Fsize, Rlimit { current: Some(2048), maximum: None }).unwrap();
    let error = bench.import(&people(5_000)).unwrap_err();
    assert!(error.to_string().contains("free space"), "{error}");
    assert_eq!(bench.snapshot().version(), kept);
    assert!(bench.store.next_generation() > kept.generation + 1);
    setrlimit(Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
    bench.revoke("user-2").unwrap();
    acknowledge(&bench);
    println!("\nwent on");
}

#[test]
fn a_full_disk_changes_nothing() {
    if told_state().is_some() {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let test = format!("{}::child_that_finds_the_disk_full", module_path!().split_once("::").unwrap().1);
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$1\" --exact --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(STATE, state.path())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("went on"), "{output:?}");
    let (generation, digest) = stdout.lines().filter_map(acknowledged).next_back().unwrap();
    let bench = Bench::open(state.path());
    assert_eq!(bench.report, super::OpenReport::default());
    assert_eq!(bench.snapshot().version().generation, generation);
    assert_eq!(bench.snapshot().version().digest.to_string(), digest);
    assert!(!bench.is_active("user-1") && !bench.is_active("user-2") && bench.is_active("user-3"));
}
