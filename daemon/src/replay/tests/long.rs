//! A log of very many decisions: read through in a memory that does not grow with it, and with an answer that is right.

use std::{collections::BTreeMap, fs};

use oam_audit::entry::Decision;

use super::{super::Effect, *};
use crate::audit_log::Batch;

/// How many entries are written together.
const TOGETHER: u64 = 500;

fn soak() -> bool {
    std::env::var_os("OAM_SOAK").is_some_and(|value| value == "1")
}

/// The decisions that the log holds.
pub(super) fn decisions(log: &AuditLog) -> Vec<Decision> {
    let entries = log.entries(0).unwrap().map(|line| Entry::decode(&line.unwrap()).unwrap());
    let decision = |entry: Entry| match entry.event {
        Event::Decision(decision) => Some(*decision),
        _ => None,
    };
    entries.filter_map(decision).collect()
}

/// Writes each of these decisions anew, `times` times, under ids of its own.
pub(super) async fn repeat(log: &AuditLog, decisions: &[Decision], times: u64) {
    let mut ids = log.size()..;
    let mut many: Option<Batch> = None;
    for n in 1..=times {
        for one in decisions {
            let decision = format!("{:08x}-0000-7000-8000-000000000000", ids.next().unwrap());
            let event = Event::Decision(Box::new(Decision { decision, ..one.clone() }));
            many = Some(many.map_or_else(|| Batch::new(&event), |many| many.and(&event)).unwrap());
        }
        if (n * decisions.len() as u64).is_multiple_of(TOGETHER) || n == times {
            log.append(many.take().unwrap()).await.unwrap();
        }
    }
}

/// What came of it, the effects as they were told one by one, and the most memory held meanwhile, in kilobytes.
fn counted(replay: Replay) -> (Summary, BTreeMap<Effect, u64>, u64) {
    // Forgets what was held before.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let mut told = BTreeMap::new();
    let mut tell = |step| {
        if let Step::Verdict(verdict) = step {
            *told.entry(verdict.effect).or_default() += 1;
        }
        ControlFlow::Continue(())
    };
    let summary = replay.run(&mut tell).unwrap().unwrap();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    (summary, told, peak.trim().trim_end_matches(" kB").parse().unwrap())
}

/// `OAM_SOAK=1 cargo nextest run --release -p oam-daemon a_long_log --no-capture` reads a million decisions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_log_is_read_in_the_memory_of_a_short_one() {
    let bench = Bench::new().await;
    for (user, update) in [
        ("alice", "create refs/heads/t/x"),
        ("alice", "update refs/heads/main"),
        ("bob", "force refs/heads/main"),
        ("bob", "delete refs/tags/1"),
        ("dave", "create refs/heads/t/x"),
    ] {
        bench.push(user, &[update]).await;
    }
    let decided = decisions(&bench.live.audit);
    assert_eq!(decided.len(), 5);
    let draft = POLICY.replace("verbs = [\"create\", \"update\"]", "verbs = [\"create\", \"force\"]");
    let quarter = if soak() { 50_000 } else { 500 };
    let mut peaks = Vec::new();
    for n in 1..=4 {
        // The first of each stands there already.
        repeat(&bench.live.audit, &decided, if n == 1 { quarter - 1 } else { quarter }).await;
        let each = n * quarter;
        let start = Instant::now();
        let (summary, told, peak) = counted(bench.by(&draft));
        println!("{} decisions made again in {:?}, {peak} kB at most", 5 * each, start.elapsed());
        assert_eq!((summary.pushes, summary.refs, summary.unchanged), (5 * each, 5 * each, 3 * each));
        let expected = BTreeMap::from([(Effect::NewlyRefused, each), (Effect::NewlyPermitted, each)]);
        assert_eq!((&told, &summary.effects), (&expected, &expected));
        assert!(summary.untold.is_empty(), "{:?}", summary.untold);
        let start = Instant::now();
        let usage = Replay { uses_since: Some(Timestamp::UNIX_EPOCH), ..bench.replay(Basis::Nothing) };
        let (summary, _, peak_of_usage) = counted(usage);
        println!(
            "the rules that {} decisions used in {:?}, {peak_of_usage} kB at most",
            5 * each,
            start.elapsed()
        );
        let uses = summary.in_force.unwrap().uses();
        let uses: Vec<_> = uses.iter().map(|one| (one.id.as_str(), one.decided, one.would)).collect();
        let expected = [
            ("bot", 0, 0),
            ("developer", 5 * each, 0),
            ("main", each, 0),
            ("more", 0, each),
            ("topics", each, 0),
            ("tags-stay", each, 0),
        ];
        assert_eq!(uses, expected);
        peaks.push(peak.max(peak_of_usage));
    }
    // What grows with the log would be four times as much, beyond what the program itself takes.
    assert!(peaks[3] < peaks[0] + peaks[0] / 2, "{peaks:?} kB");
}
