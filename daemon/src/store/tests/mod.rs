mod corruption;
mod history;
mod kill;
mod round_trip;
mod tampering;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

use jiff::Timestamp;
use oam_policy::{
    GroupName, Snapshot, Username,
    snapshot::{Directory, Person, Revocation},
};

use super::{Cause, Change, Counts, Loaded, OpenReport, SaveError, SnapshotInfo, Store};

/// A store with what is in force.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) current: Option<Loaded>,
    pub(crate) report: OpenReport,
    /// Whether each generation is shelved at once, as in a pause.
    pub(crate) shelves: bool,
}

impl Bench {
    pub(crate) fn open(state: &Path) -> Self {
        let opened = Store::open_keeping(state, 8).unwrap();
        Self { store: opened.store, current: opened.loaded, report: opened.report, shelves: true }
    }

    pub(crate) fn current(&self) -> &Loaded {
        self.current.as_ref().unwrap()
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.current().snapshot
    }

    pub(crate) fn import(&mut self, directory: &Directory) -> Result<(), SaveError> {
        let delivered = Snapshot::of_directory(0, instant(0), directory, BTreeMap::new()).unwrap();
        let next = match &self.current {
            Some(current) => current.snapshot.deliver(&delivered),
            None => delivered,
        };
        self.save(next, Cause::Import, &Change::Whole)
    }

    pub(crate) fn revoke(&mut self, name: &str) -> Result<(), SaveError> {
        let user = Username::parse(name).unwrap().key();
        let revocation = Revocation { at: instant(7), by: "admin".into(), reason: "left".into() };
        let next = self.snapshot().revoke(&user, revocation.clone());
        self.save(next, Cause::UserDeactivated, &Change::Revoke(user, revocation))
    }

    pub(crate) fn lift(&mut self, name: &str) -> Result<(), SaveError> {
        let user = Username::parse(name).unwrap().key();
        let next = self.snapshot().lift_revocation(&user).unwrap();
        self.save(next, Cause::UserReactivated, &Change::Lift(user))
    }

    pub(crate) fn save(&mut self, next: Snapshot, cause: Cause, change: &Change) -> Result<(), SaveError> {
        let snapshot = next.renumbered(self.store.next_generation());
        let info = SnapshotInfo {
            version: snapshot.version(),
            as_of: snapshot.as_of(),
            counts: Counts::of(&snapshot),
            cause,
            actor: "tester".into(),
            reason: "for the test".into(),
            changed_at: instant(9),
        };
        let next = Arc::new(Loaded { snapshot, info });
        self.store.save(&next, change)?;
        self.current = Some(Loaded::clone(&next));
        if self.shelves {
            self.store.shelve();
        }
        Ok(())
    }

    pub(crate) fn is_active(&self, name: &str) -> bool {
        let user = Username::parse(name).unwrap().key();
        self.snapshot().user(&user).is_some_and(|user| user.is_active())
    }
}

pub(crate) fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

/// A directory of `user-0` to `user-<count - 1>`.
pub(crate) fn people(count: usize) -> Directory {
    let group = |number: usize| GroupName::parse(&format!("okta:team-{}", number % 17)).unwrap();
    let person = |number: usize| Person {
        username: Username::parse(&format!("user-{number}")).unwrap(),
        id: Some(format!("00u{number:08}")),
        display_name: Some(format!("Person Number {number}")),
        emails: vec![format!("user-{number}@example.com")],
        active: true,
        groups: [group(number), group(number / 3)].into(),
        keys: Default::default(),
    };
    Directory { people: (0..count).map(person).collect(), groups: BTreeSet::new() }
}

/// A folder in memory where there is one: for tests that open a store hundreds of times and pull no plug.
pub(crate) fn quick_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Every file below a folder, in a fixed order.
pub(crate) fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
}

/// Names of what was set aside.
pub(crate) fn set_aside(state: &Path) -> Vec<String> {
    let entries = fs::read_dir(state).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    entries.filter(|name| name.contains(".set-aside-")).collect()
}

/// Numbers that are the same at every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit.max(1)
    }
}

/// How often a loop runs: longer when `OAM_SOAK` is set.
pub(crate) fn rounds(usual: u64, soak: u64) -> u64 {
    if std::env::var_os("OAM_SOAK").is_some() { soak } else { usual }
}
