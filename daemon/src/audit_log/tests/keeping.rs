//! Old entries: compressed, and removed.

use jiff::{Span, Timestamp};

use super::*;
use crate::audit_log::{Keeping, Kept, rotate::tell};

/// What becomes of entries that were written by [`clock`], so many hours later.
async fn keep(log: &AuditLog, keeping: &Keeping, hours: i64) -> Kept {
    keep_taken(log, keeping, u64::MAX, hours).await
}

/// The same, when every collector has taken so many.
async fn keep_taken(log: &AuditLog, keeping: &Keeping, taken: u64, hours: i64) -> Kept {
    log.keep_once(keeping, taken, clock() + Span::new().hours(hours)).await.unwrap()
}

fn keeping(compress_after: Option<&str>, keep: Option<&str>) -> Keeping {
    let age = |text: &str| text.parse().unwrap();
    Keeping { compress_after: compress_after.map(age), keep: keep.map(age), ..Keeping::default() }
}

/// Gives a log another key, at the time of all its entries.
async fn rotate(folder: &Path) {
    let (log, _) = open(folder);
    tell(&log, &name(), "uid 0".into(), "every year".into()).await.unwrap();
    log.close().await;
    settled(folder).await;
}

async fn grow(log: &AuditLog, from: u64, to: u64) {
    for first in (from..to).step_by(100) {
        let mut many = batch(&first.to_string());
        for n in first + 1..(first + 100).min(to) {
            many = many.and(&event(&n.to_string())).unwrap();
        }
        log.append(many).await.unwrap();
    }
}

/// The files of full bundles, by their names.
fn bundles(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder.join("tile/entries/")).unwrap();
    let names = names.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.ends_with(".p")).collect();
    names.sort();
    names
}

/// Opens the log and closes it again, so that all of it is sealed and the journal has let go of what it can.
async fn settled(folder: &Path) {
    open(folder).0.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_entries_are_compressed_and_read_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    grow(&log, 0, 2_000).await;
    log.close().await;
    let before = audit(folder.path());
    let (log, _) = open(folder.path());
    let thirty_days = keeping(Some("30d"), None);
    assert_eq!(keep(&log, &thirty_days, 24 * 29).await, Kept::default(), "not old enough");
    let kept = keep(&log, &thirty_days, 24 * 31).await;
    assert!(kept.compressed >= 4 && kept.removed == 0, "{kept:?}");
    let names = bundles(folder.path());
    assert_eq!(
        names.iter().filter(|name| name.ends_with(".gz")).count() as u64,
        kept.compressed,
        "{names:?}"
    );
    assert_eq!(names.len(), 7, "each once: {names:?}");
    assert_eq!(keep(&log, &thirty_days, 24 * 31).await, Kept::default(), "once is enough");
    let expected: Vec<String> = (0..2_000).map(|n| n.to_string()).collect();
    assert_eq!(calls(&log, 0), expected);
    log.close().await;
    assert_eq!(audit(folder.path()), before);
    settled(folder.path()).await;
    assert_eq!(audit(folder.path()), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_entries_are_removed_after_the_log_has_told() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    grow(&log, 0, 500).await;
    log.close().await;
    let old = public_key(folder.path());
    rotate(folder.path()).await;
    let (log, _) = open(folder.path());
    grow(&log, 501, 2_000).await;
    log.close().await;
    let checkpoint = fs::read_to_string(folder.path().join("checkpoint")).unwrap();
    settled(folder.path()).await;

    let (log, _) = open(folder.path());
    let years = keeping(None, Some("7y"));
    assert_eq!(keep(&log, &years, 24 * 365 * 7).await, Kept::default(), "too young by a day or two");
    let kept = keep(&log, &years, 24 * 365 * 7 + 24 * 4).await;
    assert!(kept.removed >= 4, "{kept:?}");
    let first = kept.removed * 256;
    assert_eq!((log.first(), log.size()), (first, 2_001));
    let told = log.entries(0).unwrap().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(Entry::decode(&told[0]).unwrap().seq, first, "reading begins with the first that is there");
    assert_eq!(log.first_since(Timestamp::MIN).unwrap(), first);
    let Event::EntriesPruned(pruned) = Entry::decode(told.last().unwrap()).unwrap().event else { panic!() };
    assert_eq!((pruned.before, &*pruned.keep), (first, "7y"));
    assert_eq!(pruned.rotations.iter().map(|one| one.seq).collect::<Vec<_>>(), [500]);
    assert_eq!(
        keep(&log, &years, 24 * 365 * 7 + 24 * 5).await,
        Kept::default(),
        "the rest is in the journal"
    );
    log.close().await;

    let new = public_key(folder.path());
    for key in [&old, &new] {
        let report = audit_by(folder.path(), key);
        assert_eq!(report.pruned.unwrap().entries, first);
        assert_eq!(report.keys.len(), 2);
    }
    // A checkpoint from before still fits, and a crash between the entry and the removal is no fault.
    let files = folder::files(folder.path());
    let signed = oam_audit::checkpoint::SignedCheckpoint::parse(&checkpoint).unwrap();
    let signed = signed.verify(&new).unwrap();
    assert_eq!(files.edge(signed.size).unwrap().frontier().root(), signed.root);
    let (log, report) = open(folder.path());
    assert_eq!((log.first(), report.size), (first, 2_001));
    log.close().await;
}

/// The rotations that one pruning kept are kept by the next, when the entry that tells of the first is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prunings_carry_on_what_former_ones_carried() {
    let folder = tempfile::tempdir().unwrap();
    closed_log(folder.path(), &["one"]).await;
    let old = public_key(folder.path());
    rotate(folder.path()).await;
    let years = keeping(None, Some("7y"));
    let mut size = 2;
    let mut removed = Vec::new();
    for _ in 0..3 {
        let (log, _) = open(folder.path());
        grow(&log, size, size + 1_200).await;
        log.close().await;
        settled(folder.path()).await;
        let (log, _) = open(folder.path());
        removed.push(keep(&log, &years, 24 * 365 * 8).await.removed);
        size = log.size();
        log.close().await;
        let report = audit_by(folder.path(), &old);
        assert_eq!((report.keys.len(), report.entries), (2, size));
    }
    assert!(removed.iter().all(|removed| *removed > 0), "{removed:?}");
}

/// What is not removed yet, since the daemon died in between, goes the next time; and none of it is missed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_removal_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (log, _) = open(&path("log"));
    grow(&log, 0, 2_000).await;
    log.close().await;
    settled(&path("log")).await;
    copy(&path("log"), &path("before"));
    let (log, _) = open(&path("log"));
    let years = keeping(None, Some("7y"));
    let removed = keep(&log, &years, 24 * 365 * 8).await.removed;
    log.close().await;
    // The last files that went are there again, and one that was to be compressed is there twice.
    for index in removed - 2..removed {
        let name = format!("tile/entries/{index:03}");
        fs::copy(path("before").join(&name), path("log").join(&name)).unwrap();
    }
    assert_eq!(audit(&path("log")).pruned.unwrap().entries, (removed - 2) * 256);
    let (log, _) = open(&path("log"));
    assert_eq!(log.first(), (removed - 2) * 256);
    assert_eq!(keep(&log, &years, 24 * 365 * 8).await.removed, 2);
    log.close().await;
    assert_eq!(audit(&path("log")).pruned.unwrap().entries, removed * 256);
}

#[test]
fn ages_are_in_the_past() {
    for (text, shown) in [("30d", "30d"), ("7y", "7y"), ("18mo", "18mo"), ("P1Y", "P1Y")] {
        assert_eq!(text.parse::<crate::audit_log::Age>().unwrap().to_string(), shown);
    }
    for text in ["", "7", "x", "-30d", "0s", "99999y"] {
        assert!(text.parse::<crate::audit_log::Age>().is_err(), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_collector_has_not_taken_stays_for_a_while_longer() {
    const OLD_ENOUGH: i64 = 24 * 365 * 7 + 24 * 4;
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    grow(&log, 0, 2_000).await;
    log.close().await;
    settled(folder.path()).await;
    let (log, _) = open(folder.path());
    let years = keeping(None, Some("7y"));
    assert_eq!(
        keep_taken(&log, &years, 255, OLD_ENOUGH).await,
        Kept::default(),
        "not even one file was taken"
    );
    assert_eq!(keep_taken(&log, &years, 600, OLD_ENOUGH).await.removed, 2, "of the third it lacks some");
    assert_eq!(log.first(), 512);
    assert_eq!(keep_taken(&log, &years, 600, OLD_ENOUGH + 24 * 25).await, Kept::default());
    // The law that says how long entries are kept does not wait for ever.
    assert!(keep_taken(&log, &years, 600, OLD_ENOUGH + 24 * 32).await.removed >= 2);
    log.close().await;
    let key = public_key(folder.path());
    assert_eq!(audit_by(folder.path(), &key).pruned.unwrap().entries, log.first());
}
