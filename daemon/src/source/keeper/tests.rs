//! What is kept when the disk fails.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use oam_audit::entry::Event;
use oam_policy::UndecidedReason;

use super::{CommitError, NotSo, Sources};
use crate::{
    config::{SourceConfig, SourceKind, SourceName},
    directory::{self, DirectoryReader},
    source::{Change, Entry, Planned, Source, tests::stored},
    store::{Opened, Store},
};

struct Bench {
    sources: Sources,
    reader: DirectoryReader,
}

impl Bench {
    async fn open(state: &Path) -> Self {
        Self::open_within(state, None).await
    }

    async fn open_within(state: &Path, max_age: Option<Duration>) -> Self {
        let Opened { store, loaded, .. } = Store::open(state).unwrap();
        let (writer, reader) = directory::start(store, loaded, Box::new(|_| Ok(()))).unwrap();
        let okta = SourceConfig::bare(SourceName::parse("okta").unwrap(), SourceKind::Scim);
        let okta = SourceConfig { max_age, ..okta };
        let (sources, healed) = Sources::open(&[okta], state, (writer, reader.clone())).await.unwrap();
        assert!(healed.is_empty(), "{healed:?}");
        Self { sources, reader }
    }

    fn okta(&self) -> &Arc<Source> {
        self.sources.get("okta").unwrap()
    }

    async fn say(&self, number: usize, active: bool) -> Result<(), CommitError<NotSo>> {
        let user = stored(number, &format!("n{number}"), active);
        let changes = vec![Change::PutUser(user)];
        let planned = Planned { changes, subject: None, what: String::new(), answer: () };
        self.sources.change(self.okta(), "test", |_, _| Ok(planned)).await
    }

    fn active(&self) -> Vec<bool> {
        let snapshot = self.reader.current().unwrap().snapshot.clone();
        let is_active = |number| {
            let name: oam_policy::Username = format!("n{number}").parse().unwrap();
            snapshot.user(&name.key()).is_some_and(|user| user.is_active())
        };
        (0..4).map(is_active).collect()
    }

    /// Ends it as a crash does, and starts it again.
    async fn restart(self, state: &Path) -> Self {
        self.end(state).await;
        Self::open(state).await
    }

    async fn end(self, state: &Path) {
        drop(self);
        let lock = || fs::OpenOptions::new().write(true).open(state.join("lock")).unwrap();
        let is_free =
            || rustix::fs::flock(lock(), rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok();
        while !is_free() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Whoever was cut off while the disk failed stays so, and the source works again as soon as the disk does.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_leaves_no_source_broken_and_brings_nobody_back() {
    let state = tempfile::tempdir().unwrap();
    let bench = Bench::open(state.path()).await;
    for number in 0..4 {
        bench.say(number, true).await.unwrap();
    }
    // No room for the next floor: nothing can be given, and what is taken is in force.
    let in_the_way = state.path().join("sources/okta/floor.draft");
    fs::create_dir(&in_the_way).unwrap();
    assert!(matches!(bench.say(0, false).await, Err(CommitError::Disk(_))));
    assert!(matches!(bench.say(7, true).await, Err(CommitError::Disk(_))));
    assert_eq!(bench.active(), [false, true, true, true]);
    assert!(!bench.okta().disk().is_broken() && bench.okta().disk().owes());
    fs::remove_dir(&in_the_way).unwrap();
    bench.say(1, false).await.unwrap();
    assert!(!bench.okta().disk().owes());
    // What was begun cannot even be taken back.
    bench.okta().disk().break_journal();
    assert!(matches!(bench.say(2, false).await, Err(CommitError::Disk(_))));
    assert!(bench.okta().disk().is_broken());
    assert_eq!(bench.active(), [false, false, false, true]);
    bench.say(3, false).await.unwrap();
    assert!(!bench.okta().disk().is_broken() && !bench.okta().disk().owes());
    let bench = bench.restart(state.path()).await;
    assert_eq!(bench.active(), [false, false, false, false]);
}

/// Whoever asks who cut somebody off, and when, finds every source that did.
#[tokio::test(flavor = "multi_thread")]
async fn that_a_source_ends_somebody_is_recorded_also_where_another_did_so_before() {
    let state = tempfile::tempdir().unwrap();
    let Opened { store, loaded, .. } = Store::open(state.path()).unwrap();
    let log = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&log);
    let record: directory::Record = Box::new(move |event| {
        let Event::SnapshotChanged(changed) = event else { panic!("{event:?}") };
        noted.lock().unwrap().push((changed.actor, changed.reason, changed.subject));
        Ok(())
    });
    let (writer, reader) = directory::start(store, loaded, record).unwrap();
    let config = |name: &str| SourceConfig::bare(SourceName::parse(name).unwrap(), SourceKind::Scim);
    let configs = [config("corp"), config("okta")];
    let (sources, _) = Sources::open(&configs, state.path(), (writer, reader)).await.unwrap();
    let (on, off) = (|| Change::PutUser(stored(0, "n0", true)), || Change::PutUser(stored(0, "n0", false)));
    tell(&sources, "corp", on(), "on").await;
    tell(&sources, "okta", on(), "on").await;
    log.lock().unwrap().clear();
    tell(&sources, "corp", off(), "off").await;
    tell(&sources, "okta", off(), "off").await;
    // It is so already.
    tell(&sources, "okta", off(), "off again").await;
    tell(&sources, "okta", Change::DropUser("u0".into()), "deleted").await;
    tell(&sources, "okta", Change::DropUser("u0".into()), "deleted again").await;
    let told = |by: &str, what: &str| (by.to_owned(), Some(what.to_owned()), Some("n0".to_owned()));
    let wanted = [told("corp", "off"), told("okta", "off"), told("okta", "deleted")];
    assert_eq!(*log.lock().unwrap(), wanted);
}

async fn tell(sources: &Sources, name: &str, change: Change, what: &str) {
    let subject = Some("n0".parse().unwrap());
    let planned = Planned { changes: vec![change], subject, what: what.to_owned(), answer: () };
    let source = sources.get(name).unwrap();
    sources.change(source, name, |_, _| Ok::<_, NotSo>(planned)).await.unwrap();
}

/// Whoever is disabled there would not be cut off here.
#[tokio::test(flavor = "multi_thread")]
async fn by_a_source_of_which_no_signals_come_nothing_is_decided_be_it_of_any_age() {
    let state = tempfile::tempdir().unwrap();
    let bench = Bench::open(state.path()).await;
    bench.say(0, true).await.unwrap();
    let of = |user: &str| bench.sources.freshness(&user.parse::<oam_policy::Username>().unwrap().key());
    assert!(bench.sources.all_freshness().is_empty() && of("n0").is_empty());
    bench.okta().note_signals("idp", false);
    bench.okta().note_signals("google", false);
    bench.okta().note_signals("google", true);
    let blind = UndecidedReason::SignalsBlind { source: "okta".into(), transmitter: "idp".into() };
    // That nobody knows somebody rests on it, too.
    for fresh in [bench.sources.all_freshness(), of("n0"), of("nobody")] {
        let why: Vec<_> = fresh.iter().map(|one| one.staleness(Timestamp::now())).collect();
        assert_eq!(why, [Some(blind.clone())]);
    }
    bench.okta().note_signals("idp", true);
    assert!(bench.sources.all_freshness().is_empty() && of("n0").is_empty());
}

/// The daemon starts before its clock is right, and is behind what was kept.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_nobody_knows_when_is_too_old_only_where_an_age_is_bounded() {
    let state = tempfile::tempdir().unwrap();
    let bench = Bench::open(state.path()).await;
    bench.say(0, true).await.unwrap();
    let at = Timestamp::now() + SignedDuration::from_hours(1);
    bench.okta().disk().append(&Entry { at, changes: Vec::new() }).unwrap();
    let bench = bench.restart(state.path()).await;
    assert!(bench.okta().seen().is_none() && bench.okta().is_in_use());
    assert_eq!(bench.okta().staleness(Timestamp::now()), None);
    bench.end(state.path()).await;
    let bench = Bench::open_within(state.path(), Some(Duration::from_secs(1_000_000))).await;
    assert!(bench.okta().staleness(Timestamp::now()).is_some());
}
