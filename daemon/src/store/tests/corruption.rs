//! Whatever is damaged: the newest generation that was acknowledged, or nothing and a report; never an older one.

use std::{fs, fs::OpenOptions, os::unix::fs::FileExt as _, path::Path};

use oam_policy::SnapshotVersion;

use super::{Bench, Dice, copy, files, people, quick_folder, rounds, set_aside};

/// A state folder with a history, a copy of it from before the last revocations, and the newest generation.
struct Template {
    folder: tempfile::TempDir,
    newest: SnapshotVersion,
}

impl Template {
    fn make() -> Self {
        let folder = quick_folder();
        let (now, old) = (folder.path().join("now"), folder.path().join("old"));
        let mut bench = Bench::open(&now);
        bench.import(&people(40)).unwrap();
        bench.revoke("user-1").unwrap();
        bench.import(&people(60)).unwrap();
        bench.revoke("user-2").unwrap();
        drop(bench);
        copy(&now, &old);
        let mut bench = Bench::open(&now);
        bench.revoke("user-3").unwrap();
        bench.revoke("user-4").unwrap();
        bench.lift("user-2").unwrap();
        let newest = bench.snapshot().version();
        Self { folder, newest }
    }

    fn copy(&self) -> tempfile::TempDir {
        let state = quick_folder();
        copy(&self.folder.path().join("now"), state.path());
        state
    }

    /// Damages one part of a state folder, and tells how.
    fn damage(&self, state: &Path, part: &str, dice: &mut Dice) -> String {
        let place = state.join(part);
        let old = self.folder.path().join("old").join(part);
        if dice.below(12) == 0 {
            if place.is_dir() {
                fs::remove_dir_all(&place).unwrap();
                copy(&old, &place);
            } else {
                fs::copy(&old, &place).unwrap();
            }
            return format!("{part}: an old copy is put back");
        }
        let files = if place.is_dir() { files(&place) } else { vec![place] };
        let file = &files[usize::try_from(dice.below(files.len() as u64)).unwrap()];
        let name = file.strip_prefix(state).unwrap().display();
        let length = fs::metadata(file).unwrap().len();
        match dice.below(8) {
            0 => {
                fs::remove_file(file).unwrap();
                format!("{name}: deleted")
            }
            1 | 2 => {
                let kept = if dice.below(3) == 0 { length.saturating_sub(1) } else { dice.below(length) };
                OpenOptions::new().write(true).open(file).unwrap().set_len(kept).unwrap();
                format!("{name}: cut from {length} to {kept} bytes")
            }
            3 => {
                let (at, zeros) = (dice.below(length), dice.below(4096));
                let end = (at + zeros).min(length);
                let zeros = vec![0; usize::try_from(end - at).unwrap()];
                OpenOptions::new().write(true).open(file).unwrap().write_all_at(&zeros, at).unwrap();
                format!("{name}: zeros from {at} to {end}")
            }
            _ => {
                let at = dice.below(used(file).max(1));
                flip(file, at, dice.below(8));
                format!("{name}: a bit of byte {at}")
            }
        }
    }
}

/// Up to where a file is not only zeros: sled makes room ahead.
fn used(file: &Path) -> u64 {
    fs::read(file).unwrap().iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}

fn flip(file: &Path, at: u64, bit: u64) {
    let open = OpenOptions::new().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    if open.read_at(&mut byte, at).unwrap() == 1 {
        open.write_all_at(&[byte[0] ^ (1 << bit)], at).unwrap();
    }
}

/// Opens, checks, goes on, and opens again.
fn check(state: &Path, newest: SnapshotVersion, may_be_lost: bool, what: &str) -> bool {
    let mut bench = Bench::open(state);
    let is_lost = bench.current.is_none();
    match &bench.current {
        Some(loaded) => assert_eq!(loaded.snapshot.version(), newest, "{what}: {:?}", bench.report),
        None => {
            assert!(may_be_lost, "{what}: lost, although one copy was whole: {:?}", bench.report);
            assert!(bench.report.lost.is_some() && !bench.report.sentences().is_empty(), "{what}: silence");
        }
    }
    // It goes on, above everything before, and the next start finds it in order.
    assert!(is_lost || bench.store.next_generation() > newest.generation, "{what}: a generation again");
    if is_lost {
        bench.import(&people(5)).unwrap();
    } else {
        bench.revoke("user-5").unwrap();
    }
    let after = bench.snapshot().version();
    drop(bench);
    let again = Bench::open(state);
    assert_eq!(again.current.as_ref().map(|loaded| loaded.snapshot.version()), Some(after), "{what}, again");
    assert_eq!(again.report, super::OpenReport::default(), "{what}, again");
    is_lost
}

#[test]
fn a_damaged_sled_never_gives_access_back() {
    let template = Template::make();
    let mut dice = Dice(1);
    let mut healed = 0;
    for round in 0..rounds(320, 4000) {
        let state = template.copy();
        let what = format!("round {round}: {}", template.damage(state.path(), "store", &mut dice));
        check(state.path(), template.newest, false, &what);
        healed += u64::from(!set_aside(state.path()).is_empty());
    }
    assert!(healed > 20, "only {healed} were noticed: is anything damaged at all?");
}

#[test]
fn damaged_recovery_files_are_written_anew() {
    let template = Template::make();
    let mut dice = Dice(2);
    for round in 0..rounds(60, 2000) {
        let state = template.copy();
        let what = format!("round {round}: {}", template.damage(state.path(), "recovery", &mut dice));
        check(state.path(), template.newest, false, &what);
    }
}

#[test]
fn a_damaged_floor_is_written_anew() {
    let template = Template::make();
    let mut dice = Dice(3);
    for round in 0..rounds(40, 1000) {
        let state = template.copy();
        let what = format!("round {round}: {}", template.damage(state.path(), "floor", &mut dice));
        check(state.path(), template.newest, false, &what);
    }
}

#[test]
fn with_two_parts_damaged_it_is_the_newest_or_nothing() {
    let template = Template::make();
    let mut dice = Dice(4);
    let mut lost = 0;
    for round in 0..rounds(60, 3000) {
        let state = template.copy();
        let mut parts = vec!["store", "recovery", "floor"];
        parts.remove(usize::try_from(dice.below(3)).unwrap());
        let damages: Vec<_> =
            parts.iter().map(|part| template.damage(state.path(), part, &mut dice)).collect();
        let what = format!("round {round}: {}", damages.join(", "));
        lost += u64::from(check(state.path(), template.newest, true, &what));
    }
    assert!(lost > 0, "never lost: is anything damaged at all?");
}

#[test]
fn what_is_lost_stays_lost_aloud_and_is_not_set_aside_again() {
    let template = Template::make();
    let state = template.copy();
    for part in ["store/db", "recovery"] {
        let place = state.path().join(part);
        let files = if place.is_dir() { files(&place) } else { vec![place] };
        files.iter().for_each(|file| fs::write(file, b"nonsense").unwrap());
    }
    let first = Bench::open(state.path());
    assert!(first.current.is_none());
    assert_eq!(first.report.lost, Some(template.newest.generation));
    drop(first);
    let kept = set_aside(state.path());
    assert_eq!(kept.len(), 2, "{kept:?}");
    let mut second = Bench::open(state.path());
    assert_eq!(second.report.lost, Some(template.newest.generation));
    assert_eq!(set_aside(state.path()), kept);
    assert_eq!(second.store.next_generation(), template.newest.generation + 1);
    second.import(&people(3)).unwrap();
    drop(second);
    assert_eq!(Bench::open(state.path()).report, super::OpenReport::default());
}

#[test]
fn an_old_store_beside_a_new_floor_is_healed_from_the_journal() {
    let template = Template::make();
    let state = template.copy();
    fs::remove_dir_all(state.path().join("store")).unwrap();
    copy(&template.folder.path().join("old/store"), &state.path().join("store"));
    let bench = Bench::open(state.path());
    assert_eq!(bench.snapshot().version(), template.newest);
    assert!(!bench.is_active("user-3") && !bench.is_active("user-1") && bench.is_active("user-2"));
    let healed = &bench.report.healed[0];
    assert_eq!((healed.what, healed.rebuilt_generation), ("store", Some(template.newest.generation)));
    assert!(healed.found.contains("below the floor"), "{}", healed.found);
    assert!(healed.set_aside.as_ref().unwrap().join("db").exists());
}

#[test]
fn a_crash_before_the_floor_is_raised_loses_nothing_and_is_no_damage() {
    let ordinary = Template::make().copy();
    crash_before_the_floor(&ordinary, |bench| bench.revoke("user-9").unwrap());
    let very_first = quick_folder();
    crash_before_the_floor(&very_first, |bench| bench.import(&people(9)).unwrap());
}

/// The state between the steps of a save: the journal has the record, the floor does not yet, nor does sled, or it does and that
/// is not noted. Earlier versions raised the floor last.
fn crash_before_the_floor(state: &tempfile::TempDir, save: impl Fn(&mut Bench)) {
    drop(Bench::open(state.path()));
    let before = quick_folder();
    copy(state.path(), before.path());
    let mut bench = Bench::open(state.path());
    save(&mut bench);
    let newest = bench.snapshot().version();
    drop(bench);
    let steps = [&["store", "shelved", "floor"][..], &["store", "shelved"], &["shelved"], &["floor"]];
    for missing in steps {
        let crashed = quick_folder();
        copy(state.path(), crashed.path());
        for part in missing {
            let place = crashed.path().join(part);
            if place.is_dir() {
                fs::remove_dir_all(&place).unwrap();
                copy(&before.path().join(part), &place);
            } else {
                fs::copy(before.path().join(part), &place).unwrap();
            }
        }
        let bench = Bench::open(crashed.path());
        assert_eq!(bench.snapshot().version(), newest);
        assert_eq!(bench.report, super::OpenReport::default(), "without {missing:?}");
        assert_eq!(bench.store.history().list()[0].version, newest);
    }
}

/// What was answered is not in sled yet: that is no damage beside a journal, and no copy to believe without one.
#[test]
fn a_sled_that_is_behind_is_brought_up_or_not_believed() {
    let state = quick_folder();
    let mut bench = Bench::open(state.path());
    bench.import(&people(9)).unwrap();
    bench.shelves = false;
    bench.revoke("user-1").unwrap();
    bench.revoke("user-2").unwrap();
    let newest = bench.snapshot().version();
    let crashed = |without: &[&str]| {
        let crashed = quick_folder();
        copy(state.path(), crashed.path());
        for part in without {
            let place = crashed.path().join(part);
            if place.is_dir() {
                fs::remove_dir_all(&place).unwrap();
            } else {
                fs::remove_file(&place).unwrap();
            }
        }
        crashed
    };
    let whole = crashed(&[]);
    let after = Bench::open(whole.path());
    assert_eq!((after.snapshot().version(), &after.report), (newest, &super::OpenReport::default()));
    let kept: Vec<_> = after.store.history().list().iter().map(|info| info.version.generation).collect();
    assert_eq!(kept, [3, 1], "the newest, and what was shelved before the crash");
    drop(after);
    assert_eq!(Bench::open(whole.path()).report, super::OpenReport::default());
    let alone = crashed(&["recovery"]);
    let lost = Bench::open(alone.path());
    assert!(lost.current.is_none() && lost.report.lost == Some(3), "{:?}", lost.report);
    // Nobody noted how far it was brought: as far as the floor, then.
    let unnoted = crashed(&["shelved"]);
    let healed = Bench::open(unnoted.path());
    assert_eq!(healed.snapshot().version(), newest);
    assert!(healed.report.healed[0].found.contains("below the floor"), "{:?}", healed.report);
}
