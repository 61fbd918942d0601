//! Another key for a log, whole or interrupted.

use oam_audit::checkpoint::SignedCheckpoint;

use super::*;
use crate::audit_log::rotate::{rotate, tell};

const KEYS: [&str; 3] = ["checkpoint.key", "checkpoint.key.next", "checkpoint.pub"];

/// The keys of the log, and from how many entries on each signs, whichever of them an auditor has kept.
fn keys(folder: &Path, kept: &[&VerifierKey]) -> Vec<(u64, VerifierKey)> {
    let reports: Vec<Report> = kept.iter().map(|key| audit_by(folder, key)).collect();
    assert!(reports.iter().all(|report| *report == reports[0]), "{reports:?}");
    reports[0].keys.iter().map(|one| (one.from, one.key.clone())).collect()
}

fn signed_size(folder: &Path) -> u64 {
    SignedCheckpoint::parse(&fs::read_to_string(folder.join("checkpoint")).unwrap())
        .unwrap()
        .unverified()
        .size
}

#[tokio::test]
async fn another_key_signs_and_the_old_one_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    closed_log(folder.path(), &["one", "two"]).await;
    let first = public_key(folder.path());
    let secret = fs::read_to_string(file(folder.path(), KEYS[0])).unwrap();
    let second = rotate(folder.path(), &name(), None, "uid 0".into(), "every year".into()).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(public_key(folder.path()), second);
    assert_eq!(signed_size(folder.path()), 3);
    let text = fs::read_to_string(folder.path().join("checkpoint")).unwrap();
    let both = SignedCheckpoint::parse(&text).unwrap();
    assert!([&first, &second].iter().all(|key| both.verify(key).is_ok()), "both keys vouch for the change");

    let (log, report) = open(folder.path());
    assert_eq!((report.size, log.verifier()), (3, &second));
    log.append(batch("four")).await.unwrap();
    log.close().await;
    let third = rotate(folder.path(), &name(), None, "uid 0".into(), "stolen".into()).await.unwrap();
    let expected = [(0, first.clone()), (3, second.clone()), (5, third.clone())];
    assert_eq!(keys(folder.path(), &[&first, &second, &third]), expected);
    for (path, bytes) in contents(folder.path()) {
        let holds = bytes.windows(secret.trim().len()).any(|window| window == secret.trim().as_bytes());
        assert!(!holds, "the old secret is in {path:?}");
    }
    let (log, _) = open(folder.path());
    let refused = rotate(folder.path(), &name(), None, "uid 0".into(), "again".into()).await.unwrap_err();
    assert!(refused.to_string().contains("in use by another daemon"), "{refused}");
    log.close().await;
}

/// Every state that a crash can leave, from the one before it.
#[tokio::test]
async fn an_interrupted_rotation_is_finished_or_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    closed_log(&path("before"), &["one", "two"]).await;
    let first = public_key(&path("before"));

    // Told, and sealed.
    copy(&path("before"), &path("told"));
    let (log, _) = open(&path("told"));
    tell(&log, &name(), "uid 0".into(), "every year".into()).await.unwrap();
    log.close().await;
    assert_eq!((public_key(&path("told")), signed_size(&path("told"))), (first.clone(), 3));

    // Not told yet.
    copy(&path("before"), &path("stored"));
    fs::copy(path("told").join(KEYS[1]), path("stored").join(KEYS[1])).unwrap();
    let (log, report) = open(&path("stored"));
    assert_eq!((report.size, log.verifier()), (2, &first));
    log.close().await;
    assert!(!path("stored").join(KEYS[1]).exists(), "nobody was told of it");
    assert_eq!(keys(&path("stored"), &[&first]), [(0, first.clone())]);

    // Told, and nothing was signed after it.
    copy(&path("told"), &path("unsigned"));
    fs::copy(path("before").join("checkpoint"), path("unsigned").join("checkpoint")).unwrap();
    // The new checkpoint; then without the public half; then the key in its place.
    copy(&path("told"), &path("whole"));
    open(&path("whole")).0.close().await;
    let second = public_key(&path("whole"));
    copy(&path("told"), &path("signed"));
    fs::copy(path("whole").join("checkpoint"), path("signed").join("checkpoint")).unwrap();
    copy(&path("signed"), &path("hidden"));
    fs::remove_file(path("hidden").join(KEYS[2])).unwrap();
    copy(&path("hidden"), &path("placed"));
    fs::rename(path("placed").join(KEYS[1]), path("placed").join(KEYS[0])).unwrap();
    for state in ["told", "unsigned", "whole", "signed", "hidden", "placed"] {
        let (log, report) = open(&path(state));
        assert_eq!((report.size, log.verifier()), (3, &second), "{state}");
        log.append(batch("four")).await.unwrap();
        log.close().await;
        assert_eq!(public_key(&path(state)), second, "{state}");
        assert!(!path(state).join(KEYS[1]).exists(), "{state}");
        assert_eq!(
            keys(&path(state), &[&first, &second]),
            [(0, first.clone()), (3, second.clone())],
            "{state}"
        );
    }
}
