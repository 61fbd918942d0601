//! A log that grows: neither writing nor starting may become slower by what is there already.

use std::time::{Duration, Instant};

use super::*;

/// How many entries a batch has here: what a second of a busy day comes to.
const BATCH: u64 = 500;

pub(super) fn soak() -> bool {
    std::env::var_os("OAM_SOAK").is_some_and(|value| value == "1")
}

/// Appends entries, and says how long that took.
async fn append(log: &AuditLog, entries: u64) -> Duration {
    let mut many = batch("0");
    for n in 1..BATCH {
        many = many.and(&event(&n.to_string())).unwrap();
    }
    let start = Instant::now();
    for _ in 0..entries / BATCH {
        log.append(many.clone()).await.unwrap();
    }
    start.elapsed()
}

/// The fastest of a few starts, since other programs take their turns.
async fn start(folder: &Path) -> (Duration, OpenReport) {
    let mut fastest = None;
    for _ in 0..3 {
        let start = Instant::now();
        let (log, report) = open(folder);
        let took = start.elapsed();
        log.close().await;
        fastest = Some(fastest.map_or(took, |fastest: Duration| fastest.min(took)));
        assert_eq!(report.beyond_checkpoint, 0);
        if fastest.is_some_and(|_| report.begun) {
            break;
        }
    }
    let (log, report) = open(folder);
    log.close().await;
    (fastest.unwrap(), report)
}

/// How much memory this process holds, in kilobytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// `OAM_SOAK=1 cargo nextest run --release -p oam-daemon growth` writes ten million entries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writing_and_starting_stay_as_fast_as_they_were() {
    let round = if soak() { 2_500_000 } else { 20_000 };
    let folder = tempfile::tempdir().unwrap();
    let mut rounds = Vec::new();
    for n in 1..=4 {
        let (log, _) = open(folder.path());
        let appended = append(&log, round).await;
        let memory = resident();
        log.close().await;
        let (started, report) = start(folder.path()).await;
        assert_eq!(report.size, n * round);
        let journal: u64 =
            contents(&folder.path().join(JOURNAL)).values().map(|file| file.len() as u64).sum();
        println!(
            "{} entries: {round} more in {appended:?}, start in {started:?}, {memory} kB, journal {journal} bytes",
            n * round
        );
        rounds.push((appended, started, memory, journal));
    }
    let (first, last) = (rounds[0], rounds[3]);
    // What grows with the log would be four times as much. Other programs may take as much of the machine: times are
    // compared only where somebody has asked for it.
    if soak() {
        assert!(last.0 < first.0 * 3, "writing: {rounds:?}");
        assert!(last.1 < first.1 * 3 + Duration::from_millis(50), "starting: {rounds:?}");
    }
    assert!(last.2 < first.2 * 2, "memory: {rounds:?}");
    assert!(last.3 < first.3 * 3 + (1 << 20), "journal: {rounds:?}");
    if !soak() {
        assert_eq!(audit(folder.path()).entries, 4 * round);
    }
}
