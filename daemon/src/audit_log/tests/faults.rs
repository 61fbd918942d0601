use std::{
    env,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::atomic::Ordering,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;

/// Tells a test that it runs as the child of another, and in which folder.
pub(super) const FOLDER: &str = "OAM_AUDIT_TEST_FOLDER";

async fn pause() {
    tokio::time::sleep(Duration::from_millis(1050)).await;
}

#[tokio::test]
async fn a_failed_write_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    log.append(batch("a")).await.unwrap();
    let before = fs::read(journal(folder.path())).unwrap();

    log.shared.faults.write.store(true, Ordering::SeqCst);
    let error = log.append(batch("lost")).await.unwrap_err();
    assert!(matches!(error, AppendError::Storage { doing: "write", .. }), "{error}");
    assert_eq!(fs::read(journal(folder.path())).unwrap(), before);
    assert_eq!(calls(&log, 0), ["a"]);

    assert_eq!(log.append(batch("b")).await.unwrap().first, 1);
    assert_eq!(calls(&log, 0), ["a", "b"]);
    log.close().await;
    assert_eq!(audit(folder.path()).entries, 2);
}

#[tokio::test]
async fn a_failed_sync_is_doubted_until_the_disk_was_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    log.append(batch("a")).await.unwrap();
    let path = journal(folder.path());
    let before = fs::read(&path).unwrap();

    log.shared.faults.sync.store(true, Ordering::SeqCst);
    let error = log.append(batch("lost")).await.unwrap_err();
    assert!(matches!(error, AppendError::Storage { doing: "sync", .. }), "{error}");
    assert!(fs::read(&path).unwrap().len() > before.len(), "written, and not durable");
    assert_eq!(calls(&log, 0), ["a"], "so not shown");
    assert!(log.append(batch("too soon")).await.is_err());

    // The disk holds something else now.
    pause().await;
    fs::write(&path, String::from_utf8(before.clone()).unwrap().replace("mallory", "mallary")).unwrap();
    let error = log.append(batch("damaged")).await.unwrap_err();
    assert!(matches!(error, AppendError::Damaged { .. }), "{error}");
    assert!(matches!(log.append(batch("still")).await, Err(AppendError::Damaged { .. })));
    // Or too little.
    pause().await;
    fs::write(&path, &before[..before.len() - 1]).unwrap();
    assert!(matches!(log.append(batch("short")).await, Err(AppendError::Storage { doing: "cut back", .. })));
    // Or nothing at all.
    pause().await;
    fs::remove_file(&path).unwrap();
    assert!(matches!(log.append(batch("gone")).await, Err(AppendError::Storage { doing: "open", .. })));
    // Or what it should, with the rest of what was never acknowledged.
    pause().await;
    fs::write(&path, [&before[..], b"{\"v\":1"].concat()).unwrap();
    assert_eq!(log.append(batch("b")).await.unwrap().first, 1);
    assert_eq!(calls(&log, 0), ["a", "b"]);
    log.close().await;
    assert_eq!(audit(folder.path()).entries, 2);
}

/// The sync that follows the cut fails too.
#[tokio::test]
async fn a_cut_that_fails_is_doubted() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    log.append(batch("a")).await.unwrap();
    log.shared.faults.write.store(true, Ordering::SeqCst);
    log.shared.faults.sync.store(true, Ordering::SeqCst);
    assert!(matches!(log.append(batch("lost")).await, Err(AppendError::Storage { doing: "write", .. })));
    assert!(matches!(
        log.append(batch("doubted")).await,
        Err(AppendError::Storage { doing: "cut back", .. })
    ));
    pause().await;
    assert_eq!(log.append(batch("b")).await.unwrap().first, 1);
    log.close().await;
    assert_eq!(audit(folder.path()).entries, 2);
}

/// While in doubt nothing is signed, and closing neither hangs nor signs.
#[tokio::test]
async fn a_doubtful_log_is_not_signed() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    log.append(batch("a")).await.unwrap();
    pause().await;
    log.append(batch("b")).await.unwrap();
    pause().await;
    let checkpoint = log.checkpoint();
    log.shared.faults.sync.store(true, Ordering::SeqCst);
    log.append(batch("lost")).await.unwrap_err();
    log.close().await;
    assert_eq!(fs::read_to_string(file(folder.path(), "checkpoint")).unwrap(), *checkpoint);
    // The next start finds a whole line that nobody was answered for, and keeps it: it says what was decided.
    let (log, report) = open(folder.path());
    assert_eq!((report.size, report.beyond_checkpoint), (3, 1));
    log.close().await;
}

#[tokio::test]
async fn all_of_a_group_fail_together() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    log.shared.faults.write.store(true, Ordering::SeqCst);
    let both = batch("a").and(&event("b")).unwrap();
    log.append(both).await.unwrap_err();
    assert_eq!(log.size(), 0);
    assert_eq!(fs::read(journal(folder.path())).unwrap(), b"");
    log.close().await;
}

/// This test program, running one of its ignored tests in `folder`.
fn child(test: &str, folder: &Path, program: &[&str]) -> Command {
    child_of(module_path!(), test, folder, program)
}

/// The same for a test of another module.
pub(super) fn child_of(module: &str, test: &str, folder: &Path, program: &[&str]) -> Command {
    let this = env::current_exe().unwrap();
    let (first, rest) = program.split_first().map_or((this.to_str().unwrap(), vec![]), |(first, rest)| {
        (*first, [rest, &[this.to_str().unwrap()]].concat())
    });
    let path = module.split_once("::").unwrap().1;
    let mut command = Command::new(first);
    command
        .args(rest)
        .args([&format!("{path}::{test}"), "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder);
    command
}

/// What was acknowledged survives `kill -9`, whatever the moment.
#[tokio::test]
async fn nothing_acknowledged_is_lost_to_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged: u64 = 0;
    for round in 1..=5 {
        let mut child =
            child("child_appends_until_killed", folder.path(), &[]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let stored = lines.filter_map(|line| line.strip_prefix("stored ").map(|seq| seq.parse().unwrap()));
        acknowledged = stored.take(round * 40).max().unwrap_or(acknowledged);
        child.kill().unwrap();
        child.wait().unwrap();
        let (log, report) = open(folder.path());
        assert!(report.size > acknowledged, "{report:?} after {acknowledged}");
        log.close().await;
        audit(folder.path());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child of nothing_acknowledged_is_lost_to_kill"]
async fn child_appends_until_killed() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let (log, _) = open(Path::new(&folder));
    loop {
        let (a, b) = tokio::join!(log.append(batch("a")), log.append(batch("b").and(&event("c")).unwrap()));
        println!("\nstored {}", a.unwrap().last.max(b.unwrap().last));
    }
}

/// A disk that is really full, as far as the process can tell: a limit on the size of its files.
#[test]
fn a_full_disk_refuses_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let limited = ["sh", "-c", r#"trap "" XFSZ; ulimit -S -f 16; exec "$0" "$@""#];
    let output = child("child_fills_the_disk", folder.path(), &limited).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
    let report = audit(folder.path());
    assert!(
        report.entries > 10 && report.beyond_checkpoint == 0 && report.torn_tail_bytes == 0,
        "{report:?}"
    );
}

#[tokio::test]
#[ignore = "the child of a_full_disk_refuses_and_recovers"]
async fn child_fills_the_disk() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let (log, _) = open(Path::new(&folder));
    let error = loop {
        if let Err(error) = log.append(batch(&"x".repeat(99))).await {
            break error;
        }
    };
    assert!(matches!(error, AppendError::Storage { doing: "write", .. }), "{error}");
    let full = log.size();
    assert!(log.append(batch(&"x".repeat(99))).await.is_err(), "still full");
    let stored = fs::read(journal(Path::new(&folder))).unwrap();
    assert_eq!(stored.iter().filter(|byte| **byte == b'\n').count() as u64, full);
    assert!(stored.ends_with(b"\n"), "no half line");

    let Rlimit { maximum, .. } = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: maximum, maximum }).unwrap();
    assert_eq!(log.append(batch("free again")).await.unwrap().first, full);
    log.close().await;
}
