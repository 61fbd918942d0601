use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use oam_audit::entry::{Event, SnapshotCause, SnapshotChanged};
use oam_policy::{
    Username,
    snapshot::{Directory, Person},
};

use super::{By, ChangeError, DirectoryReader, DirectoryWriter, Record, reader::unasked, start};
use crate::store::{Counts, Store};

/// A directory with an audit log that can fail.
struct Bench {
    writer: DirectoryWriter,
    reader: DirectoryReader,
    log: Arc<Log>,
    state: tempfile::TempDir,
}

#[derive(Default)]
struct Log {
    entries: Mutex<Vec<SnapshotChanged>>,
    fails: AtomicBool,
}

impl Log {
    fn record(self: &Arc<Self>) -> Record {
        let log = Arc::clone(self);
        Box::new(move |event| {
            let Event::SnapshotChanged(changed) = event else { panic!("{event:?}") };
            if log.fails.load(Ordering::SeqCst) {
                return Err("the disk is full".into());
            }
            log.entries.lock().unwrap().push(changed);
            Ok(())
        })
    }

    fn generations(&self) -> Vec<u64> {
        self.entries.lock().unwrap().iter().map(|entry| entry.generation).collect()
    }

    fn last(&self) -> SnapshotChanged {
        self.entries.lock().unwrap().last().unwrap().clone()
    }
}

impl Bench {
    fn new() -> Self {
        Self::open(tempfile::tempdir().unwrap(), Arc::default())
    }

    fn open(state: tempfile::TempDir, log: Arc<Log>) -> Self {
        let opened = Store::open(state.path()).unwrap();
        assert_eq!(opened.report, crate::store::OpenReport::default());
        let (writer, reader) = start(opened.store, opened.loaded, log.record()).unwrap();
        Self { writer, reader, log, state }
    }

    async fn with_people(count: usize) -> Self {
        let bench = Self::new();
        bench.import(count, 1).await;
        bench
    }

    /// Ends the writer, and starts it again.
    async fn restart(self) -> Self {
        let Self { writer, reader, log, state } = self;
        drop((writer, reader));
        until(|| is_free(state.path())).await;
        Self::open(state, log)
    }

    async fn import(&self, count: usize, second: i64) -> super::Changed {
        self.writer.import(people(count), instant(second), by()).await.unwrap()
    }

    fn is_active(&self, name: &str) -> bool {
        let loaded = self.reader.current().unwrap();
        let user = loaded.snapshot.user(&username(name).key());
        user.is_some_and(|user| user.is_active())
    }

    fn generation(&self) -> u64 {
        self.reader.current().unwrap().snapshot.version().generation
    }

    fn break_store(&self, broken: bool) {
        // A folder where the next floor is to be written.
        let draft = self.state.path().join("floor.draft");
        if broken { fs::create_dir(draft).unwrap() } else { fs::remove_dir(draft).unwrap() }
    }
}

fn is_free(state: &Path) -> bool {
    let file = fs::OpenOptions::new().write(true).open(state.join("lock")).unwrap();
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok()
}

async fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn by() -> By {
    By { actor: "alice".into(), reason: "because".into() }
}

fn username(name: &str) -> Username {
    Username::parse(name).unwrap()
}

fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn people(count: usize) -> Directory {
    let person = |number: usize| Person {
        username: username(&format!("user-{number}")),
        id: None,
        display_name: None,
        emails: Vec::new(),
        active: number != 0,
        groups: BTreeSet::new(),
        keys: Default::default(),
    };
    Directory { people: (0..count).map(person).collect(), groups: BTreeSet::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_means_recorded_durable_and_in_force() {
    let bench = Bench::new();
    assert!(bench.reader.current().is_none());
    let error = bench.writer.deactivate(username("user-1"), true, by()).await.unwrap_err();
    assert!(matches!(error, ChangeError::NoDirectory));
    let imported = bench.import(5, 1).await;
    assert!(imported.changed && imported.before.is_none());
    let cut = bench.writer.deactivate(username("USER-1"), false, by()).await.unwrap();
    assert!(cut.changed);
    assert!(!bench.is_active("user-1") && bench.is_active("user-2"));
    let entry = bench.log.last();
    assert_eq!((entry.generation, entry.cause), (2, SnapshotCause::UserDeactivated));
    assert_eq!(entry.digest, cut.after.snapshot.version().digest.to_string());
    assert_eq!(entry.previous, Some(imported.after.snapshot.version().digest.to_string()));
    assert_eq!((entry.actor.as_str(), entry.reason.as_deref()), ("alice", Some("because")));
    assert_eq!(entry.subject.as_deref(), Some("USER-1"));
    let bench = bench.restart().await;
    assert_eq!(bench.generation(), 2);
    assert!(!bench.is_active("user-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_so_already_makes_no_generation() {
    let bench = Bench::with_people(5).await;
    bench.writer.deactivate(username("user-1"), false, by()).await.unwrap();
    assert!(!bench.writer.deactivate(username("user-1"), false, by()).await.unwrap().changed);
    assert!(!bench.writer.reactivate(username("user-2"), by()).await.unwrap().changed);
    assert!(!bench.import(5, 1).await.changed);
    assert_eq!(bench.log.generations(), [1, 2]);
    let confirmed = bench.import(5, 60).await;
    assert!(confirmed.changed);
    assert_eq!(confirmed.after.info.as_of, instant(60));
    assert!(!bench.is_active("user-1"), "confirmed by its source, and still cut off");
    let (version, bench) = (confirmed.after.snapshot.version(), bench.restart().await);
    assert_eq!(bench.reader.current().unwrap().snapshot.version(), version);
}

/// Or whoever was cut off meanwhile would be back.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_new_policy_asks_anew_replaces_no_newer_directory() {
    let bench = Bench::with_people(5).await;
    let before = bench.reader.current().unwrap();
    bench.reader.replace(&before, unasked(&before));
    let current = bench.reader.current().unwrap();
    assert!(!Arc::ptr_eq(&before, &current));
    bench.writer.deactivate(username("user-1"), false, by()).await.unwrap();
    bench.reader.replace(&current, unasked(&current));
    assert!(!bench.is_active("user-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whom_nobody_knows() {
    let bench = Bench::with_people(5).await;
    let error = bench.writer.deactivate(username("svc"), false, by()).await.unwrap_err();
    assert!(matches!(error, ChangeError::UnknownUser(_)), "{error}");
    assert!(bench.writer.deactivate(username("svc"), true, by()).await.unwrap().changed);
    assert!(bench.writer.reactivate(username("svc"), by()).await.unwrap().changed);
    let error = bench.writer.reactivate(username("svc"), by()).await.unwrap_err();
    assert!(matches!(error, ChangeError::UnknownUser(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_outlives_import_and_rollback() {
    let bench = Bench::with_people(5).await;
    bench.writer.deactivate(username("user-3"), false, by()).await.unwrap();
    bench.import(6, 2).await;
    assert!(!bench.is_active("user-3"));
    let back = bench.writer.roll_back(1, false, by()).await.unwrap();
    assert_eq!(back.cut_off_since, [username("user-3")]);
    assert!(!bench.is_active("user-3") && bench.is_active("user-4") && !bench.is_active("user-5"));
    assert_eq!(bench.generation(), 4);
    bench.writer.roll_back(1, true, by()).await.unwrap();
    assert!(bench.is_active("user-3"));
    let error = bench.writer.roll_back(99, false, by()).await.unwrap_err();
    assert!(matches!(error, ChangeError::Generation(_)), "{error}");
    let generations: Vec<_> = bench.reader.history().iter().map(|info| info.version.generation).collect();
    assert_eq!(generations, [5, 4, 3, 2, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_right_without_counting() {
    let bench = Bench::with_people(9).await;
    for name in ["user-0", "user-1", "user-2", "svc"] {
        bench.writer.deactivate(username(name), true, by()).await.unwrap();
        let loaded = bench.reader.current().unwrap();
        assert_eq!(loaded.info.counts, Counts::of(&loaded.snapshot), "{name}");
    }
    for name in ["svc", "user-0", "user-1"] {
        bench.writer.reactivate(username(name), by()).await.unwrap();
        let loaded = bench.reader.current().unwrap();
        assert_eq!(loaded.info.counts, Counts::of(&loaded.snapshot), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recorded_is_not_given() {
    let bench = Bench::with_people(5).await;
    bench.writer.deactivate(username("user-1"), false, by()).await.unwrap();
    bench.log.fails.store(true, Ordering::SeqCst);
    let import = bench.writer.import(people(9), instant(2), by()).await.unwrap_err();
    let lift = bench.writer.reactivate(username("user-1"), by()).await.unwrap_err();
    for error in [import, lift] {
        assert!(matches!(error, ChangeError::NotRecorded(_)), "{error}");
    }
    assert_eq!(bench.generation(), 2);
    assert!(!bench.is_active("user-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_recorded_is_cut_off_all_the_same() {
    let bench = Bench::with_people(5).await;
    bench.log.fails.store(true, Ordering::SeqCst);
    for name in ["user-1", "user-2"] {
        let error = bench.writer.deactivate(username(name), false, by()).await.unwrap_err();
        let ChangeError::InForceBut(missing) = &error else { panic!("{error}") };
        assert!(missing.record.is_some() && missing.store.is_none(), "{missing}");
        assert!(!bench.is_active(name));
    }
    assert!(bench.reader.troubles()[0].contains("not recorded"), "{:?}", bench.reader.troubles());
    // Whatever could give access waits for it.
    let error = bench.writer.reactivate(username("user-1"), by()).await.unwrap_err();
    assert!(matches!(error, ChangeError::Behind(_)), "{error}");
    bench.log.fails.store(false, Ordering::SeqCst);
    until(|| bench.reader.troubles().is_empty()).await;
    assert_eq!(bench.log.generations(), [1, 2, 3]);
    assert!(bench.writer.reactivate(username("user-1"), by()).await.unwrap().changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_stored_is_not_given_and_who_is_cut_off_is_stored_later() {
    let bench = Bench::with_people(5).await;
    bench.break_store(true);
    let error = bench.writer.import(people(9), instant(2), by()).await.unwrap_err();
    assert!(matches!(error, ChangeError::NotStored(_)), "{error}");
    assert_eq!(bench.generation(), 1);
    let entry = bench.log.last();
    assert_eq!(
        (entry.generation, entry.cause),
        (1, SnapshotCause::Loaded),
        "what stays in force is recorded"
    );
    for name in ["user-1", "user-2"] {
        let error = bench.writer.deactivate(username(name), false, by()).await.unwrap_err();
        let ChangeError::InForceBut(missing) = &error else { panic!("{error}") };
        assert!(missing.record.is_none() && missing.store.is_some(), "{missing}");
        assert!(!bench.is_active(name));
    }
    bench.break_store(false);
    until(|| bench.reader.troubles().is_empty()).await;
    assert_eq!(bench.generation(), 4, "generation 2 was tried, and is not used again");
    assert_eq!(bench.log.generations(), [1, 2, 1, 3, 4]);
    let bench = bench.restart().await;
    assert_eq!(bench.generation(), 4);
    assert!(!bench.is_active("user-1") && !bench.is_active("user-2") && bench.is_active("user-3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_each_get_a_generation() {
    let bench = Bench::with_people(40).await;
    let tasks: Vec<_> = (1..40)
        .map(|number| {
            let writer = bench.writer.clone();
            let user = username(&format!("user-{number}"));
            tokio::spawn(async move { writer.deactivate(user, false, by()).await.unwrap() })
        })
        .collect();
    let mut generations = BTreeSet::new();
    for task in tasks {
        let changed = task.await.unwrap();
        assert!(generations.insert(changed.after.snapshot.version().generation));
    }
    assert_eq!(generations, (2..=40).collect());
    assert_eq!(bench.log.generations(), (1..=40).collect::<Vec<_>>());
    assert_eq!(bench.reader.current().unwrap().info.counts.active_users, 0);
}
