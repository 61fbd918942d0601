//! A log whose oldest entries were removed when their time was over, and whose next ones were compressed.

use std::{io::Write as _, path::PathBuf};

use flate2::{Compression, write::GzEncoder};
use oam_audit::{
    entry::{EntriesPruned, Time},
    files::COMPRESSED,
};

use super::*;

/// The same events, and then that those before a number are removed.
fn telling(border: u64, before: u64) -> SampleLog {
    let pruned = EntriesPruned {
        before,
        keep: "1d".into(),
        older_than: Time::from(at(before)),
        rotations: Vec::new(),
    };
    let told = [other(&Event::EntriesPruned(pruned))];
    SampleLog::new(events(border).into_iter().chain(told))
}

/// Removes the files of the entries before a number, and compresses a few that follow. Returns what they held.
fn prune(folder: &Path, before: u64) -> Vec<(PathBuf, Vec<u8>)> {
    let file = |index: u64| folder.join(Tile::full(TileKind::Entries, index).to_string());
    let mut held = Vec::new();
    for index in 0..before / 256 + 2 {
        let (path, bytes) = (file(index), fs::read(file(index)).unwrap());
        if index >= before / 256 {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&bytes).unwrap();
            fs::write(compressed(&path), encoder.finish().unwrap()).unwrap();
        }
        fs::remove_file(&path).unwrap();
        held.push((path, bytes));
    }
    held
}

fn put_back(held: &[(PathBuf, Vec<u8>)]) {
    for (path, bytes) in held {
        fs::write(path, bytes).unwrap();
        let _ = fs::remove_file(compressed(path));
    }
}

fn compressed(path: &Path) -> PathBuf {
    format!("{}{COMPRESSED}", path.display()).into()
}

/// What is found is what there was without what is gone.
fn all_but_what_is_gone(cases: &[Case], folder: &Path, index: Option<&Path>, gone: u64) {
    for (what, filter, expected) in cases {
        let mut expected: Vec<u64> = expected.iter().copied().filter(|seq| *seq >= gone).collect();
        if *what == "a part before the border" && gone == BLOCK {
            expected.clear();
        }
        assert_eq!(found(folder, index, filter.clone()).unwrap(), expected, "{what}, {gone} gone");
    }
}

#[test]
fn what_was_removed_is_not_found_and_everything_else_is() {
    for gone in [256, 1_280] {
        let log = telling(SMALL, gone);
        let folder = tempfile::tempdir().unwrap();
        log.write(folder.path(), log.lines.len());
        prune(folder.path(), gone);
        all_but_what_is_gone(&cases(&log, SMALL), folder.path(), None, gone);
    }
}

/// Some of the first block are gone, and then all of it, with the beginning of a decision that goes on after it.
#[test]
fn an_index_serves_for_what_is_there_whenever_it_was_made() {
    let log = telling(BLOCK, BLOCK);
    let few = ["user", "decision", "kind", "a part before the border"];
    let cases: Vec<Case> = cases(&log, BLOCK).into_iter().filter(|(what, ..)| few.contains(what)).collect();
    assert_eq!(cases.len(), few.len());
    let (folder, index) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let found_but = |gone| all_but_what_is_gone(&cases, folder.path(), Some(index.path()), gone);
    log.write(folder.path(), log.lines.len());
    let held = prune(folder.path(), 512);
    found_but(512);
    // A copy that has everything is not searched by what was made of less.
    put_back(&held);
    found_but(0);
    // What was made of everything serves for less.
    let held = prune(folder.path(), 512);
    found_but(512);
    put_back(&held);
    prune(folder.path(), BLOCK);
    found_but(BLOCK);
}

#[test]
fn what_is_gone_must_have_been_told() {
    for (told, gone) in [(None, 256), (Some(256), 512)] {
        let (folder, index) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let log = told.map_or_else(|| sample(SMALL), |before| telling(SMALL, before));
        log.write(folder.path(), log.lines.len());
        prune(folder.path(), gone);
        for index in [Some(index.path()), None] {
            let failure = found(folder.path(), index, user("user7")).unwrap_err();
            assert_eq!(failure.exit(), Exit::No, "{failure}");
            assert!(failure.to_string().contains("no entry that was signed tells of it"), "{failure}");
        }
    }
}

#[test]
fn who_searches_can_say_what_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let log = telling(SMALL, 512);
    log.write(folder.path(), log.lines.len());
    let search = || {
        let log = SignedLog::open(Some(folder.path()), None).unwrap();
        Search::new(log, None, Filter::default(), 0, &|_, _| ()).unwrap()
    };
    assert_eq!(search().pruned(), None, "it may be removed, and is there");
    // Not all that may be removed is: somebody put a copy back, or it goes on in a moment.
    prune(folder.path(), 256);
    let search = search();
    let pruned = search.pruned().unwrap();
    assert_eq!((pruned.entries, pruned.told_by), (256, log.lines.len() as u64 - 1));
    assert_eq!(pruned.told.before, 512);
}
