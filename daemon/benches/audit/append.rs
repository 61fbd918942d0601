//! Appending, by few and by many at once, beside the plainest thing that is as durable.

use std::{
    fs::OpenOptions,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use oam_daemon::audit_log::AuditLog;
use tokio::task::JoinSet;

use crate::entry;

/// How many append at once.
const WRITERS: [u64; 4] = [1, 16, 64, 256];
/// How often each is measured; they take turns.
const ROUNDS: usize = 5;

/// What a round measured.
struct Times {
    /// How long each append took, in order.
    each: Vec<Duration>,
    all: Duration,
}

impl Times {
    fn new(mut each: Vec<Duration>, all: Duration) -> Self {
        each.sort_unstable();
        Self { each, all }
    }

    fn micros(&self, percent: usize) -> f64 {
        self.each[(self.each.len() - 1) * percent / 100].as_secs_f64() * 1e6
    }

    fn rate(&self) -> f64 {
        self.each.len() as f64 / self.all.as_secs_f64()
    }
}

/// Prints the table.
pub(crate) async fn run(part: u64) {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = AuditLog::open(&folder.path().join("audit"), &"bench".parse().unwrap()).unwrap();
    let mut rounds = Vec::new();
    for round in 0..=ROUNDS {
        let appends = 5_000 / part;
        let mut times = vec![plain(&folder.path().join("plain"), appends)];
        for writers in WRITERS {
            // As many as take about as long, by what is known of this.
            times.push(appending(&log, writers, appends / 2 * (1 + writers.ilog2() as u64)).await);
        }
        // The first warms up.
        if round > 0 {
            rounds.push(times);
        }
    }
    log.close().await;
    println!(
        "appending an entry, durably; ratios to the plain append of the same round, medians of {ROUNDS} rounds"
    );
    println!("                       each: p50        p99    × plain    entries/s    × plain");
    let median = |figure: &dyn Fn(&[Times]) -> f64| {
        let mut figures: Vec<f64> = rounds.iter().map(|times| figure(times)).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    for (case, name) in ["plain append + fdatasync", "1 writer", "16 writers", "64 writers", "256 writers"]
        .into_iter()
        .enumerate()
    {
        println!(
            "  {name:<25}{:>7.0} µs {:>7.0} µs {:>8.2}   {:>10.0} {:>9.2}",
            median(&|times| times[case].micros(50)),
            median(&|times| times[case].micros(99)),
            median(&|times| times[case].micros(50) / times[0].micros(50)),
            median(&|times| times[case].rate()),
            median(&|times| times[case].rate() / times[0].rate()),
        );
    }
}

/// One line after the other, each made durable.
fn plain(path: &Path, appends: u64) -> Times {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    let line = [b'x'; 900];
    let start = Instant::now();
    let each = (0..appends).map(|_| {
        let start = Instant::now();
        file.write_all(&line).unwrap();
        file.sync_data().unwrap();
        start.elapsed()
    });
    let each = each.collect();
    Times::new(each, start.elapsed())
}

/// `appends` by `writers`, each of whom waits for one before the next.
async fn appending(log: &AuditLog, writers: u64, appends: u64) -> Times {
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for writer in 0..writers {
        let (log, appends) = (log.clone(), appends / writers);
        tasks.spawn(async move {
            let mut each = Vec::new();
            for n in 0..appends {
                let batch = entry::batch(&log, writer * 1_000_000 + n);
                let start = Instant::now();
                log.append(batch).await.unwrap();
                each.push(start.elapsed());
            }
            each
        });
    }
    let each = tasks.join_all().await.concat();
    Times::new(each, start.elapsed())
}
