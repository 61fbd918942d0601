//! Damage to the store: whatever happens to it, somebody who was cut off stays cut off.

use std::{
    fs,
    path::{Path, PathBuf},
};

use oam_audit::entry::Event;
use oam_tests::{BareRepo, Daemon, PushOutput, Verdict, WorkingCopy, wait};

use crate::soak;

/// bob was active, and was cut off; the store of before and of after are kept.
struct World {
    daemon: Daemon,
    _repository: BareRepo,
    alice: WorkingCopy,
    bob: WorkingCopy,
    before: PathBuf,
    after: PathBuf,
}

fn started() -> World {
    let mut daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let alice = repository.working_copy().pushing_as("alice");
    alice.commit("one");
    let bob = repository.working_copy().pushing_as("bob");
    bob.commit("bob's");
    assert_eq!(bob.push(["HEAD:refs/heads/feature/bob"]).verdict(), Verdict::Permitted);
    let (before, after) = (daemon.folder().join("store-before"), daemon.folder().join("store-after"));
    daemon.stop();
    copy(&daemon.state().join("store"), &before);
    daemon.spawn();
    let shelved = daemon.state().join("shelved");
    let then = fs::read(&shelved).unwrap();
    daemon.deactivate("bob").expect_success("oam user deactivate");
    assert_eq!(bob.push(["HEAD:refs/heads/feature/bob2"]).verdict(), Verdict::Refused);
    // Until it is brought there, a copy of before is what a crash would have left: right, and nothing to notice.
    wait::until("it is brought to the older generations", || {
        (fs::read(&shelved).unwrap() != then).then_some(())
    });
    daemon.stop();
    copy(&daemon.state().join("store"), &after);
    World { daemon, _repository: repository, alice, bob, before, after }
}

impl World {
    fn store(&self) -> PathBuf {
        self.daemon.state().join("store")
    }

    /// Puts a copy of the store in place.
    fn restore(&self, from: &Path) {
        let _ = fs::remove_dir_all(self.store());
        copy(from, &self.store());
    }

    /// Starts upon the damage: bob must not get in. Gives whether the daemon said that it healed something.
    fn survives(&mut self, damage: &str) -> bool {
        let healed_before = self.healed();
        self.daemon.spawn();
        let output = push(&self.bob, damage);
        assert_ne!(output.verdict(), Verdict::Permitted, "{damage}: {output:?}");
        let output = push(&self.alice, damage);
        assert_ne!(output.verdict(), Verdict::Refused, "{damage}: alice did nothing wrong: {output:?}");
        let healed = self.healed() > healed_before;
        let status = self.daemon.oam(["status"]);
        if healed {
            let said = status.stdout_text() + &status.stderr_text();
            assert!(said.contains("set aside") || said.contains("rebuilt"), "{damage}: {status:?}");
        } else {
            assert_eq!(output.verdict(), Verdict::Permitted, "{damage}: nothing was wrong: {output:?}");
        }
        self.daemon.stop();
        healed
    }

    /// How often the audit log says that a store was healed.
    fn healed(&self) -> usize {
        let entries = self.daemon.audit().entries;
        entries.iter().filter(|entry| matches!(entry.event, Event::StoreHealed(_))).count()
    }
}

/// Pushes a new commit to a topic branch.
fn push(work: &WorkingCopy, message: &str) -> PushOutput {
    work.commit(message);
    work.push(["+HEAD:refs/heads/feature/x"])
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every file below a folder that holds something, largest first.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else if entry.metadata().unwrap().len() > 0 {
            found.push(entry.path());
        }
    }
    found.sort_by_key(|path| std::cmp::Reverse(fs::metadata(path).unwrap().len()));
    found
}

#[test]
fn an_old_copy_put_back_gives_nobody_access_again() {
    let mut world = started();
    world.restore(&world.before.clone());
    assert!(world.survives("an old copy put back"), "it is noticed");
    // And it stays so.
    world.survives("the start after");
}

#[test]
fn a_store_that_is_gone_gives_nobody_access_again() {
    let mut world = started();
    fs::remove_dir_all(world.store()).unwrap();
    assert!(world.survives("no store"), "it is noticed");
    world.survives("the start after");
}

#[test]
fn flipped_bits_give_nobody_access_again() {
    let mut world = started();
    let rounds = if soak() { 300 } else { 15 };
    let mut healed = 0;
    for round in 0..rounds {
        world.restore(&world.after.clone());
        let all = files(&world.store());
        let file = &all[round % all.len()];
        let mut bytes = fs::read(file).unwrap();
        // Spread over the whole file by the golden ratio, each time at another bit.
        let place = (round as f64 * 0.618_033_988_75).fract() * bytes.len() as f64;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the file's length")]
        let place = place as usize;
        bytes[place] ^= 1 << (round % 8);
        fs::write(file, bytes).unwrap();
        let damage = format!("a flipped bit at {place} of {}", file.display());
        healed += usize::from(world.survives(&damage));
    }
    eprintln!("{rounds} flipped bits: {healed} healed, the others lay where nothing is");
    assert!(healed > 0, "no flip was ever noticed");
}

#[test]
fn cut_off_files_give_nobody_access_again() {
    let mut world = started();
    world.restore(&world.after.clone());
    let count = files(&world.store()).len();
    let mut healed = 0;
    for number in 0..count.min(if soak() { usize::MAX } else { 4 }) {
        for keep in [|length: u64| length - 1, |length: u64| length / 2, |_| 0] {
            world.restore(&world.after.clone());
            let file = files(&world.store()).swap_remove(number);
            let length = fs::metadata(&file).unwrap().len();
            fs::File::options().write(true).open(&file).unwrap().set_len(keep(length)).unwrap();
            let damage = format!("{} cut from {length} to {} bytes", file.display(), keep(length));
            healed += usize::from(world.survives(&damage));
        }
    }
    assert!(healed > 0, "no cut was ever noticed");
}

#[test]
fn rubbish_in_place_of_the_store_is_set_aside() {
    let mut world = started();
    for file in files(&world.store()) {
        fs::write(file, b"rubbish").unwrap();
    }
    assert!(world.survives("rubbish"), "it is noticed");
    let alice = {
        world.daemon.spawn();
        push(&world.alice, "after the rubbish")
    };
    eprintln!("after the rubbish alice is {:?}", alice.verdict());
    // An import makes everything good again, but for those who were cut off.
    world.daemon.import(&oam_tests::sample::directory());
    assert_eq!(push(&world.alice, "after the import").verdict(), Verdict::Permitted);
    assert_ne!(push(&world.bob, "after the import").verdict(), Verdict::Permitted);
}
