//! What is kept when the disk fails.

use std::{fs, path::Path, sync::Arc};

use super::{CommitError, NotSo, Sources};
use crate::{
    config::{SourceConfig, SourceKind, SourceName},
    directory::{self, DirectoryReader},
    source::{Change, Planned, Source, tests::stored},
    store::{Opened, Store},
};

struct Bench {
    sources: Sources,
    reader: DirectoryReader,
}

impl Bench {
    async fn open(state: &Path) -> Self {
        let Opened { store, loaded, .. } = Store::open(state).unwrap();
        let (writer, reader) = directory::start(store, loaded, Box::new(|_| Ok(()))).unwrap();
        let okta = SourceConfig::bare(SourceName::parse("okta").unwrap(), SourceKind::Scim);
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
        drop(self);
        let lock = || fs::OpenOptions::new().write(true).open(state.join("lock")).unwrap();
        let is_free =
            || rustix::fs::flock(lock(), rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok();
        while !is_free() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        Self::open(state).await
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
