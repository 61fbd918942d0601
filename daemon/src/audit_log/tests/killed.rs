//! `kill -9` at any moment, and a disk that is full at any write, under load: by everything that writes in the folder,
//! those included that seal, compress and remove.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
    sync::{Arc, Mutex, mpsc},
    thread::sleep,
    time::Duration,
};

use jiff::Span;
use oam_audit::checkpoint::SignedCheckpoint;

use super::{
    faults::{FOLDER, child_of},
    growth::soak,
    *,
};
use crate::audit_log::Keeping;

/// xorshift64*: enough to spread moments, and the same ones for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

/// What is to be true of a log, whatever happened to it.
#[derive(Clone, Default)]
pub(super) struct Promises {
    /// What was acknowledged: for each entry its place.
    acknowledged: BTreeMap<u64, String>,
    /// The checkpoints that anybody may have seen.
    checkpoints: Vec<String>,
}

impl Promises {
    /// Reads `stored <place> <call>` as a child prints it; half a line is none.
    pub(super) fn note(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        if let (Some("stored"), Some(seq), Some(call), Some("ok")) =
            (words.next(), words.next(), words.next(), words.next())
        {
            let before = self.acknowledged.insert(seq.parse().unwrap(), call.to_owned());
            assert_eq!(before, None, "two have the same place");
        }
    }

    /// How many entries were acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged.len() as u64
    }

    /// Opens the log as the next start does, and looks at all of it. Returns how many entries there are.
    pub(super) async fn kept_in(&mut self, folder: &Path) -> u64 {
        let newest = |folder: &Path| fs::read_to_string(folder.join("checkpoint")).ok();
        // What a beginning leaves that was cut off is nobody's: the key comes last.
        if folder.join("checkpoint.key").exists() {
            self.checkpoints.extend(newest(folder));
        }
        let (log, report) = open(folder);
        let first = log.first();
        let held: BTreeMap<u64, String> = log
            .entries(0)
            .unwrap()
            .map(|line| Entry::decode(&line.unwrap()).unwrap())
            .filter_map(|entry| match entry.event {
                Event::AdminDenied(denied) => Some((entry.seq, denied.call)),
                _ => None,
            })
            .collect();
        log.close().await;
        self.checkpoints.extend(newest(folder));
        for (seq, call) in self.acknowledged.range(first..) {
            assert_eq!(held.get(seq), Some(call), "entry {seq} of {}", report.size);
        }
        // One history: whatever was ever signed is the beginning of what there is now.
        let key = public_key(folder);
        for text in &self.checkpoints {
            let signed = SignedCheckpoint::parse(text).unwrap().verify(&key).unwrap().clone();
            let root = folder::files(folder).edge(signed.size).unwrap().frontier().root();
            assert_eq!(root, signed.root, "a fork at {}", signed.size);
        }
        self.checkpoints.drain(..self.checkpoints.len().saturating_sub(8));
        let report = audit(folder);
        assert_eq!((report.torn_tail_bytes, report.beyond_checkpoint), (0, 0));
        report.entries
    }
}

/// `OAM_SOAK=1` kills a thousand times, `OAM_SEED` at other moments.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_to_a_kill_at_any_moment() {
    let seed = std::env::var("OAM_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_126);
    let mut random = Random(seed);
    let (rounds, of_a_log) = if soak() { (1_000, 40) } else { (12, 6) };
    let (mut entries, mut pruned, mut compressed) = (0, 0, 0);
    for _ in 0..rounds / of_a_log {
        let folder = tempfile::tempdir().unwrap();
        let mut promises = Promises::default();
        let mut size = 0;
        for kill in 0..of_a_log {
            let mut child = child_of(module_path!(), "child_writes_and_keeps", folder.path(), &[])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let (told, first) = mpsc::channel();
            let read = std::thread::spawn(move || {
                let tell = |line: &String| {
                    if line.starts_with("stored") {
                        let _ = told.send(());
                    }
                };
                lines.map_while(Result::ok).inspect(tell).collect::<Vec<_>>()
            });
            // However slow the machine is, the first of each log writes something.
            if kill == 0 {
                first.recv().unwrap();
            }
            // From before it has opened the log until after it has sealed twice.
            let longest = if random.below(4) == 0 { 2_500_000 } else { 250_000 };
            sleep(Duration::from_micros(random.below(longest)));
            child.kill().unwrap();
            child.wait().unwrap();
            read.join().unwrap().iter().for_each(|line| promises.note(line));
            size = promises.kept_in(folder.path()).await;
        }
        entries += size;
        pruned += u64::from(audit(folder.path()).pruned.is_some());
        let names = contents(&folder.path().join("tile")).into_keys();
        compressed +=
            u64::from(names.into_iter().any(|name| name.extension().is_some_and(|kind| kind == "gz")));
    }
    println!("{rounds} kills, {entries} entries; {pruned} logs pruned, {compressed} compressed; seed {seed}");
}

/// Many write at once, and another part compresses and removes what it can, as if eight years had passed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child of the tests in here"]
async fn child_writes_and_keeps() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let (log, report) = open(Path::new(&folder));
    for writer in 0..8 {
        let log = log.clone();
        tokio::spawn(async move {
            for n in 0.. {
                let call = format!("{}-{writer}-{n}", report.size);
                let place = log.append(batch(&call)).await.unwrap().first;
                println!("\nstored {place} {call} ok");
            }
        });
    }
    let age = |text: &str| text.parse().ok();
    // Now and then a file goes, and those behind it are compressed.
    for n in 0.. {
        let years = if n % 5 == 0 { Some("7y") } else { None };
        let keeping = Keeping { compress_after: age("30d"), keep: years.and_then(age), ..Keeping::default() };
        log.keep_once(&keeping, u64::MAX, clock() + Span::new().hours(24 * 365 * 8)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A disk of its own, so small that it is full now here, now there. It needs a mount of its own, so root or a user
/// namespace; where neither can be had it says so.
#[test]
fn a_disk_that_is_full_at_any_write_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=3m tmpfs "$OAM_AUDIT_TEST_FOLDER" || { echo no mount; exit 0; }; exec "$0" "$@""#;
    let program = ["unshare", "--mount", "--map-root-user", "sh", "-c", script];
    let output = child_of(module_path!(), "child_on_a_small_disk", folder.path(), &program).output();
    let Ok(output) = output else { return eprintln!("SKIPPED: a full disk: install util-linux") };
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("no mount") || !output.status.success() && text.is_empty() {
        assert!(std::env::var_os("OAM_NEEDS_MOUNT").is_none(), "no mount of one's own: {output:?}");
        return eprintln!("SKIPPED: a full disk: a mount of one's own is not allowed here: {output:?}");
    }
    assert!(output.status.success() && text.contains("1 passed"), "{output:?}");
    print!("{}", text.lines().filter(|line| line.contains("times full")).collect::<String>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child of a_disk_that_is_full_at_any_write_loses_nothing"]
async fn child_on_a_small_disk() {
    let Some(disk) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let (folder, ballast) = (disk.join("audit"), disk.join("ballast"));
    let mut random = Random(20_261_126);
    let rounds = if soak() { 100 } else { 6 };
    let (mut full, mut unsealed) = (0, 0);
    let mut promises = Promises::default();
    let (mut log, _) = open(&folder);
    for round in 0..rounds {
        // Some pages are left: the journal, a tile, a folder, the checkpoint, whichever comes first, finds none.
        let _ = fs::remove_file(&ballast);
        let free = rustix::fs::statvfs(&disk).unwrap();
        let left = 1 + random.below(12);
        let bytes = free.f_bfree.saturating_sub(left) * free.f_frsize;
        fs::File::create(&ballast).unwrap().write_all(&vec![0; usize::try_from(bytes).unwrap()]).unwrap();
        let noted = Arc::new(Mutex::new(Vec::new()));
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..8 {
            let (log, noted) = (log.clone(), Arc::clone(&noted));
            writers.spawn(async move {
                for n in 0..200 {
                    let call = format!("{round}-{writer}-{n}");
                    match log.append(batch(&call)).await {
                        Ok(place) => {
                            noted.lock().unwrap().push(format!("stored {} {call} ok", place.first));
                        }
                        Err(_) => return 1,
                    }
                }
                0
            });
        }
        full += writers.join_all().await.into_iter().sum::<u32>();
        noted.lock().unwrap().iter().for_each(|line| promises.note(line));
        // The sealer meets the full disk as well.
        tokio::time::sleep(Duration::from_millis(if round % 3 == 0 { 1_200 } else { 0 })).await;
        unsealed += u32::from(log.trouble().is_some());
        fs::remove_file(&ballast).unwrap();
        // It goes on by itself; a start in between is as good.
        if round % 2 == 0 {
            log.close().await;
            promises.kept_in(&folder).await;
            log = open(&folder).0;
        }
        let again = async {
            loop {
                match log.append(batch("again")).await {
                    Ok(place) => break place,
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        };
        let place = again.await;
        promises.note(&format!("stored {} again ok", place.first));
        // The disk is small: what is old goes, as if eight years had passed.
        let keeping = Keeping { compress_after: None, keep: "7y".parse().ok(), ..Keeping::default() };
        let later = clock() + Span::new().hours(24 * 365 * 8);
        if let Err(error) = log.keep_once(&keeping, u64::MAX, later).await {
            println!("not kept: {error}");
        }
    }
    log.close().await;
    let entries = promises.kept_in(&folder).await;
    println!("{full} times full, {unsealed} times not sealed, {entries} entries");
    assert!(full > 0 && !promises.acknowledged.is_empty());
}
