use std::os::unix::fs::PermissionsExt;

use oam_audit::{
    checkpoint::SignedCheckpoint,
    keys::SigningKey,
    verify::{EntryError, VerifyError},
};

use super::*;

/// Crash in the middle of the last line, at every byte of it.
#[tokio::test]
async fn torn_tails_are_set_aside() {
    let base = tempfile::tempdir().unwrap();
    let whole = base.path().join("whole");
    closed_log(&whole, &["a", "b"]).await;
    let checkpoint = fs::read(file(&whole, "checkpoint")).unwrap();
    let kept = fs::read(journal(&whole)).unwrap();
    closed_log(&whole, &["c"]).await;
    let entries = fs::read(journal(&whole)).unwrap();
    fs::write(file(&whole, "checkpoint"), &checkpoint).unwrap();

    for cut in kept.len()..=entries.len() {
        let folder = base.path().join(cut.to_string());
        copy(&whole, &folder);
        fs::write(journal(&folder), &entries[..cut]).unwrap();
        let (log, report) = open(&folder);
        if cut == kept.len() || cut == entries.len() {
            assert_eq!(report.torn, None);
            assert_eq!(report.beyond_checkpoint, u64::from(cut == entries.len()));
        } else {
            let torn = report.torn.unwrap();
            assert_eq!(torn.set_aside, file(&folder, "torn-1763918474000"));
            assert_eq!(fs::read(&torn.set_aside).unwrap(), &entries[kept.len()..cut]);
            assert_eq!(torn.bytes, (cut - kept.len()) as u64);
            assert_eq!(log.size(), 2);
            assert_eq!(fs::read(journal(&folder)).unwrap(), kept);
        }
        let next = log.size();
        assert_eq!(log.append(batch("d")).await.unwrap().first, next);
        log.close().await;
        assert_eq!(audit(&folder).entries, next + 1);
    }
}

/// A machine that loses power can leave zeros where the last line should be.
#[tokio::test]
async fn zeros_at_the_end_are_a_torn_tail() {
    let folder = tempfile::tempdir().unwrap();
    closed_log(folder.path(), &["a"]).await;
    let path = journal(folder.path());
    let kept = fs::read(&path).unwrap();
    fs::write(&path, [&kept[..], &[0; 200_000]].concat()).unwrap();
    let (log, report) = open(folder.path());
    assert_eq!(report.torn.unwrap().bytes, 200_000);
    log.close().await;
    assert_eq!(fs::read(&path).unwrap(), kept);
}

/// An interrupted beginning begins again: the key is the last thing it writes.
#[tokio::test]
async fn a_log_begins_from_any_point_of_its_beginning() {
    let base = tempfile::tempdir().unwrap();
    let begun = base.path().join("begun");
    closed_log(&begun, &[]).await;
    let files = ["lock", FIRST_SEGMENT, "checkpoint", "checkpoint.pub"];
    for present in 0..=files.len() {
        let folder = base.path().join(present.to_string());
        fs::create_dir_all(folder.join(JOURNAL)).unwrap();
        for name in &files[..present] {
            fs::copy(file(&begun, name), file(&folder, name)).unwrap();
        }
        fs::write(file(&folder, "checkpoint.key.tmp"), "half").unwrap();
        let (log, report) = open(&folder);
        assert!(report.begun);
        log.append(batch("a")).await.unwrap();
        log.close().await;
        assert_eq!(audit(&folder).entries, 1);
    }
}

/// A thief of history empties the folder and keeps the key: no second history is signed with it.
#[tokio::test]
async fn a_key_signs_one_history() {
    let folder = tempfile::tempdir().unwrap();
    closed_log(folder.path(), &["a"]).await;
    let kept = fs::read(file(folder.path(), "checkpoint")).unwrap();
    fs::write(journal(folder.path()), "").unwrap();
    assert!(matches!(refusal(folder.path()), OpenError::Damaged { .. }));
    fs::remove_file(file(folder.path(), "checkpoint")).unwrap();
    assert!(matches!(refusal(folder.path()), OpenError::CheckpointMissing { .. }));
    fs::remove_file(journal(folder.path())).unwrap();
    assert!(matches!(refusal(folder.path()), OpenError::CheckpointMissing { .. }));
    fs::remove_file(file(folder.path(), "checkpoint.key")).unwrap();
    fs::write(file(folder.path(), "checkpoint"), kept).unwrap();
    assert!(matches!(refusal(folder.path()), OpenError::KeyMissing { .. }));
}

#[tokio::test]
async fn the_key_is_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    closed_log(folder.path(), &[]).await;
    let mode = |name: &str| file(folder.path(), name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("checkpoint.key"), 0o600);
    assert_eq!(mode(FIRST_SEGMENT) & 0o137, 0);
    let secret = fs::read_to_string(file(folder.path(), "checkpoint.key")).unwrap();
    let (log, report) = open(folder.path());
    assert!(!format!("{log:?} {report:?}").contains(secret.rsplit('+').next().unwrap().trim()));
    log.close().await;
}

#[tokio::test]
async fn a_folder_has_one_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    log.append(batch("a")).await.unwrap();
    // The open log writes its checkpoint in its own time; everything else lies still.
    let still = || {
        [FIRST_SEGMENT, "checkpoint.key", "checkpoint.pub"]
            .map(|name| fs::read(file(folder.path(), name)).unwrap())
    };
    let before = still();
    assert!(matches!(refusal(folder.path()), OpenError::Locked { .. }));
    assert_eq!(still(), before);
    log.append(batch("b")).await.unwrap();
    log.close().await;
    let (log, report) = open(folder.path());
    assert_eq!(report.size, 2);
    log.close().await;
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    let edited = text.replacen(from, to, 1);
    assert_ne!(text, edited, "{from} is not there");
    fs::write(path, edited).unwrap();
}

fn key_of(folder: &Path) -> SigningKey {
    fs::read_to_string(file(folder, "checkpoint.key")).unwrap().trim().parse().unwrap()
}

/// Everything that makes a folder unfit, and what is said of it. Nothing in it is changed.
#[tokio::test]
async fn what_is_not_in_order_is_not_opened() {
    type Spoil = fn(&Path);
    type Told = fn(&OpenError) -> bool;
    let cases: [(&str, Spoil, Told); 17] = [
        (
            "an entry edited",
            |folder| edit(&journal(folder), "\"call\":\"b\"", "\"call\":\"x\""),
            |error| matches!(error, OpenError::Damaged { source, fault, .. } if matches!(**source, VerifyError::Root { size: 3, .. }) && fault.0.is_none()),
        ),
        (
            "a signed entry garbled",
            |folder| edit(&journal(folder), "\"seq\":1,", "\"seq\":l,"),
            |error| matches!(error, OpenError::Damaged { fault, .. } if matches!(fault.0, Some(EntryError::Decode { index: 1, .. }))),
        ),
        (
            "an entry of the middle removed",
            |folder| {
                let path = journal(folder);
                let text = fs::read_to_string(&path).unwrap();
                let lines: Vec<&str> = text.split_inclusive('\n').collect();
                fs::write(path, [lines[0], lines[2], lines[3]].concat()).unwrap();
            },
            |error| matches!(error, OpenError::Damaged { fault, .. } if matches!(fault.0, Some(EntryError::Sequence { index: 1, found: 2 }))),
        ),
        (
            "signed entries cut off",
            |folder| {
                let path = journal(folder);
                let text = fs::read_to_string(&path).unwrap();
                fs::write(path, text.split_inclusive('\n').next().unwrap()).unwrap();
            },
            |error| matches!(error, OpenError::Damaged { source, .. } if matches!(**source, VerifyError::Short { entries: 1, signed: 3, .. })),
        ),
        (
            "a signed entry torn",
            |folder| {
                let path = journal(folder);
                let text = fs::read_to_string(&path).unwrap();
                let signed: usize = text.split_inclusive('\n').take(3).map(str::len).sum();
                fs::write(path, &text.as_bytes()[..signed - 1]).unwrap();
            },
            |error| matches!(error, OpenError::Damaged { source, .. } if matches!(**source, VerifyError::Short { entries: 2, signed: 3, .. })),
        ),
        (
            "an unsigned line garbled",
            |folder| edit(&journal(folder), "\"seq\":3,", "\"seq\":3 ,"),
            |error| matches!(error, OpenError::Damaged { source, .. } if matches!(**source, VerifyError::Entry(EntryError::Decode { index: 3, .. }))),
        ),
        (
            "an unsigned line in another's place",
            |folder| edit(&journal(folder), "\"seq\":3,", "\"seq\":4,"),
            |error| matches!(error, OpenError::Damaged { source, .. } if matches!(**source, VerifyError::Entry(EntryError::Sequence { index: 3, found: 4 }))),
        ),
        (
            "no entries",
            |folder| fs::remove_file(journal(folder)).unwrap(),
            |error| matches!(error, OpenError::JournalMissing { .. }),
        ),
        (
            "no checkpoint",
            |folder| fs::remove_file(file(folder, "checkpoint")).unwrap(),
            |error| matches!(error, OpenError::CheckpointMissing { .. }),
        ),
        (
            "an empty checkpoint",
            |folder| fs::write(file(folder, "checkpoint"), "").unwrap(),
            |error| matches!(error, OpenError::Checkpoint { .. }),
        ),
        (
            "an edited checkpoint",
            |folder| edit(&file(folder, "checkpoint"), "\n3\n", "\n2\n"),
            |error| matches!(error, OpenError::Checkpoint { .. }),
        ),
        (
            "a checkpoint of another key",
            |folder| {
                let key = SigningKey::from_seed(name(), &[9; 32]);
                let root = oam_audit::merkle::TreeHash::empty();
                fs::write(file(folder, "checkpoint"), SignedCheckpoint::sign(0, root, &key).to_string())
                    .unwrap();
            },
            |error| matches!(error, OpenError::Checkpoint { .. }),
        ),
        (
            "no key",
            |folder| fs::remove_file(file(folder, "checkpoint.key")).unwrap(),
            |error| matches!(error, OpenError::KeyMissing { .. }),
        ),
        (
            "a broken key",
            |folder| edit(&file(folder, "checkpoint.key"), "PRIVATE", "PIRATE"),
            |error| matches!(error, OpenError::Key { .. }),
        ),
        (
            "a key for all to read",
            |folder| {
                fs::set_permissions(file(folder, "checkpoint.key"), fs::Permissions::from_mode(0o644))
                    .unwrap();
            },
            |error| matches!(error, OpenError::KeyExposed { mode: 0o644, .. }),
        ),
        (
            "the key of another name",
            |folder| {
                let key = SigningKey::from_seed("other".parse().unwrap(), &[9; 32]);
                fs::write(file(folder, "checkpoint.key"), key.expose_secret_text()).unwrap();
            },
            |error| matches!(error, OpenError::KeyName { .. }),
        ),
        (
            "another public key",
            |folder| {
                let key = SigningKey::from_seed(name(), &[9; 32]);
                fs::write(file(folder, "checkpoint.pub"), key.verifier().to_string()).unwrap();
            },
            |error| matches!(error, OpenError::VerifierDiffers { .. }),
        ),
    ];

    let base = tempfile::tempdir().unwrap();
    let whole = base.path().join("whole");
    closed_log(&whole, &["a", "b", "c"]).await;
    let signed = fs::read(file(&whole, "checkpoint")).unwrap();
    closed_log(&whole, &["d"]).await;
    fs::write(file(&whole, "checkpoint"), signed).unwrap();

    for (n, (what, spoil, told)) in cases.into_iter().enumerate() {
        let folder = base.path().join(n.to_string());
        copy(&whole, &folder);
        spoil(&folder);
        let before = contents(&folder);
        let error = refusal(&folder);
        assert!(told(&error), "{what}: {error:?}");
        assert!(error.to_string().contains(';'), "{what}: says what to do: {error}");
        assert_eq!(contents(&folder), before, "{what}");
        assert!(!format!("{error:?} {error}").contains(&secret(&whole)), "{what}");
    }
}

/// The secret itself: what follows `PRIVATE+KEY+<name>+<hash>+`. In base64, which may hold a `+`, too.
fn secret(folder: &Path) -> String {
    key_of(folder).expose_secret_text().splitn(5, '+').nth(4).unwrap().trim_end().to_owned()
}

#[tokio::test]
async fn a_lost_public_key_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    closed_log(folder.path(), &["a"]).await;
    let path = file(folder.path(), "checkpoint.pub");
    let before = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    closed_log(folder.path(), &["b"]).await;
    assert_eq!(fs::read(&path).unwrap(), before);
}
