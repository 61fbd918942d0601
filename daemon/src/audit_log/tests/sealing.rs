//! From the journal into tiles, and out of the journal.

use oam_audit::{
    checkpoint::SignedCheckpoint, merkle::Frontier, merkle::TreeHash, tile::Tile, tile::TileKind,
};

use super::*;

/// More than fits a few files of the journal, in batches of different sizes.
async fn grow(log: &AuditLog, entries: u64) {
    let mut left = entries;
    for n in (1..=7).cycle() {
        if left == 0 {
            break;
        }
        let mut more = batch(&format!("{left}"));
        left -= 1;
        for _ in 1..n.min(left + 1) {
            more = more.and(&event(&format!("{left}"))).unwrap();
            left -= 1;
        }
        log.append(more).await.unwrap();
    }
}

fn segments(folder: &Path) -> Vec<Segment> {
    let names = fs::read_dir(folder.join(JOURNAL)).unwrap().map(|file| file.unwrap().file_name());
    let mut segments: Vec<_> = names.map(|name| Segment::named(name.to_str().unwrap()).unwrap()).collect();
    segments.sort();
    segments
}

/// Every file that no reader needs: what a crash left half done.
fn left_over(folder: &Path) -> Vec<PathBuf> {
    contents(folder).into_keys().filter(|path| path.to_str().unwrap().ends_with(".tmp")).collect()
}

#[tokio::test]
async fn what_is_sealed_leaves_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    grow(&log, 2_000).await;
    let expected: Vec<String> = (1..=2_000).rev().map(|n| n.to_string()).collect();
    assert_eq!(calls(&log, 0), expected, "read from wherever they are");
    log.close().await;

    let kept = segments(folder.path());
    assert!(kept[0].first > 1_000, "{kept:?}");
    assert_eq!(audit(folder.path()).entries, 2_000);
    assert_eq!(
        fs::read_dir(folder.path().join("tile/entries")).unwrap().count(),
        8,
        "seven full, one partial"
    );
    assert_eq!(left_over(folder.path()), Vec::<PathBuf>::new());

    let (log, report) = open(folder.path());
    assert_eq!((report.size, report.beyond_checkpoint), (2_000, 0));
    for from in [0, 255, 256, 1_791, 1_792, kept[0].first - 1, kept[0].first, 1_999] {
        let tail = log.tail(from, 3).await.unwrap();
        let wanted: Vec<_> = expected.iter().skip(usize::try_from(from).unwrap()).take(3).collect();
        assert_eq!(
            tail.iter().map(|line| call(line)).collect::<Vec<_>>().iter().collect::<Vec<_>>(),
            wanted,
            "{from}"
        );
    }
    grow(&log, 500).await;
    log.close().await;
    assert_eq!(audit(folder.path()).entries, 2_500);
}

/// What is derived and still in the journal is made again, whatever became of it.
#[tokio::test]
async fn tiles_follow_from_the_journal() {
    let base = tempfile::tempdir().unwrap();
    let whole = base.path().join("whole");
    let (log, _) = open(&whole);
    grow(&log, 1_000).await;
    log.close().await;
    let tiles = |folder: &Path| {
        let tiles = contents(&folder.join("tile")).into_iter();
        tiles
            .map(|(path, bytes)| (path.strip_prefix(folder).unwrap().to_owned(), bytes))
            .collect::<BTreeMap<_, _>>()
    };
    let first = segments(&whole)[0].first;
    // Of a tile that grew while it was sealed the narrower ones stay for older checkpoints, and are not made again.
    let width = |path: &Path| path.file_name()?.to_str()?.parse::<u64>().ok();
    let is_outgrown = |path: &Path| {
        let is_wider = |other: &PathBuf| other.parent() == path.parent() && width(other) > width(path);
        path.parent().unwrap().to_str().unwrap().ends_with(".p") && tiles(&whole).keys().any(is_wider)
    };
    let covered: Vec<PathBuf> = tiles(&whole)
        .into_keys()
        .filter(|path| !is_outgrown(path))
        .filter(|path| {
            let bundle =
                |path: &str| path.split('/').nth(2).and_then(|n| n.split('.').next()?.parse::<u64>().ok());
            let level = path.to_str().unwrap();
            !(level.starts_with("tile/entries/") || level.starts_with("tile/0/"))
                || bundle(level).unwrap() > first / 256
        })
        .collect();
    assert!(covered.len() >= 3, "{covered:?}, journal from {first}");
    for (n, tile) in covered.iter().enumerate() {
        for (how, spoil) in [("gone", None), ("empty", Some(&b""[..])), ("other", Some(&[7; 64][..]))] {
            let folder = base.path().join(format!("{n}-{how}"));
            copy(&whole, &folder);
            match spoil {
                None => fs::remove_file(folder.join(tile)).unwrap(),
                Some(bytes) => fs::write(folder.join(tile), bytes).unwrap(),
            }
            let (log, _) = open(&folder);
            log.close().await;
            assert_eq!(tiles(&folder), tiles(&whole), "{tile:?} {how}");
            assert_eq!(audit(&folder).entries, 1_000);
        }
    }
}

/// The tiles before the journal are what the new tree grows from: a false one is not built upon.
#[tokio::test]
async fn false_tiles_are_not_built_upon() {
    let base = tempfile::tempdir().unwrap();
    let whole = base.path().join("whole");
    let (log, _) = open(&whole);
    grow(&log, 1_500).await;
    log.close().await;
    let spoil = |name: &str, tile: Tile, bytes: Option<&[u8]>| {
        let folder = base.path().join(name);
        copy(&whole, &folder);
        let path = folder.join(tile.to_string());
        match bytes {
            Some(bytes) => fs::write(path, bytes).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        let before = contents(&folder);
        let error = refusal(&folder);
        assert_eq!(contents(&folder), before, "{name}");
        error
    };
    let leaves = Tile::full(TileKind::Hashes(0), 1);
    let error = spoil("other hashes", leaves, Some(&[7; 256 * 32]));
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    let error = spoil("too few hashes", leaves, Some(&[7; 255 * 32]));
    assert!(matches!(error, OpenError::Tiles(_)), "{error}");
    let error = spoil("no hashes", leaves, None);
    assert!(matches!(error, OpenError::Tiles(_)), "{error}");
    let between = Tile::full(TileKind::Entries, segments(&whole)[0].first / 256);
    let error = spoil("no entries before the journal", between, None);
    assert!(matches!(error, OpenError::Tiles(_)), "{error}");
}

#[tokio::test]
async fn a_journal_is_whole() {
    let base = tempfile::tempdir().unwrap();
    let whole = base.path().join("whole");
    let (log, _) = open(&whole);
    log.append(batch("a")).await.unwrap();
    // While nothing is sealed any more, the journal grows.
    fs::remove_dir_all(whole.join("tile")).ok();
    fs::write(whole.join("tile"), "in the way").unwrap();
    grow(&log, 1_200).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert!(log.trouble().is_some(), "somebody is told");
    log.close().await;
    let kept = segments(&whole);
    assert!(kept.len() > 3, "{kept:?}");

    // But for the newest: nothing was signed that would tell of it.
    for (n, segment) in kept.iter().enumerate().take(kept.len() - 1) {
        let folder = base.path().join(n.to_string());
        copy(&whole, &folder);
        fs::remove_file(folder.join(segment.to_string())).unwrap();
        let error = refusal(&folder);
        let told = if n == 0 {
            matches!(error, OpenError::Tiles(_))
        } else {
            matches!(error, OpenError::JournalGap { .. })
        };
        assert!(told, "{n}: {error}");
    }
    fs::remove_file(whole.join("tile")).unwrap();
    let (log, report) = open(&whole);
    assert_eq!(report.size, 1_201);
    assert_eq!(calls(&log, 0).len(), 1_201);
    log.close().await;
    assert_eq!(log.trouble(), None);
    assert!(segments(&whole).len() < 3);
    assert_eq!(audit(&whole).entries, 1_201);
}

/// The one file of a former version becomes the journal, and says the same afterwards.
#[tokio::test]
async fn a_log_in_one_file_is_taken_over() {
    let base = tempfile::tempdir().unwrap();
    let former = base.path().join("former");
    let (log, _) = open(&former);
    // So that nothing leaves the journal.
    fs::write(former.join("tile"), "in the way").unwrap();
    grow(&log, 1_500).await;
    log.close().await;
    fs::remove_file(former.join("tile")).unwrap();
    let lines: Vec<u8> =
        segments(&former).iter().flat_map(|one| fs::read(former.join(one.to_string())).unwrap()).collect();
    fs::remove_dir_all(former.join(JOURNAL)).unwrap();
    fs::write(former.join("entries.jsonl"), &lines).unwrap();
    let mut tree = Frontier::new();
    tree.extend(
        lines
            .split_inclusive(|byte| *byte == b'\n')
            .take(700)
            .map(|line| TreeHash::leaf(&line[..line.len() - 1])),
    );
    let key = fs::read_to_string(former.join("checkpoint.key")).unwrap().trim().parse().unwrap();
    let signed = SignedCheckpoint::sign(700, tree.root(), &key).to_string();
    fs::write(former.join("checkpoint"), &signed).unwrap();

    let folder = base.path().join("taken over");
    copy(&former, &folder);
    let (log, report) = open(&folder);
    assert_eq!((report.size, report.beyond_checkpoint), (1_500, 800));
    let read: Vec<u8> =
        log.entries(0).unwrap().flat_map(|line| [line.unwrap(), b"\n".to_vec()].concat()).collect();
    assert!(read == lines, "byte by byte");
    grow(&log, 10).await;
    log.close().await;
    assert!(!folder.join("entries.jsonl").exists());
    let report = audit(&folder);
    assert_eq!((report.entries, report.beyond_checkpoint), (1_510, 0));

    // A kept checkpoint of the former log holds for the new one, and one that never was does not.
    fs::write(folder.join("checkpoint"), &signed).unwrap();
    let (log, report) = open(&folder);
    assert_eq!(report.beyond_checkpoint, 810);
    log.close().await;
    fs::write(folder.join("checkpoint"), SignedCheckpoint::sign(700, TreeHash::empty(), &key).to_string())
        .unwrap();
    assert!(matches!(refusal(&folder), OpenError::Damaged { .. }));

    // Half a log of each kind is none.
    copy(&former, &folder);
    assert!(matches!(refusal(&folder), OpenError::TwoJournals { .. }));
    // What was changed in it is seen, as ever, and left as it is.
    let mut changed = lines.clone();
    changed[50] ^= 1;
    fs::write(former.join("entries.jsonl"), changed).unwrap();
    let before = contents(&former);
    assert!(matches!(refusal(&former), OpenError::Damaged { .. }));
    assert_eq!(contents(&former), before);
}
