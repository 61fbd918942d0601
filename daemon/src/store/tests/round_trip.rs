use std::{collections::BTreeSet, fs};

use oam_policy::{
    GroupName, Username,
    snapshot::{Directory, Keys, OpenPgpKey, Person, Shard, SshKey},
};
use proptest::prelude::*;

use super::{Bench, files, instant, people, quick_folder};
use crate::store::{Cause, Change, OpenError, SaveError, Store};

fn directory() -> impl Strategy<Value = Directory> {
    let group =
        "[a-z]{1,3}:[A-Za-zé ]{0,6}[A-Z]".prop_filter_map("a group", |text| GroupName::parse(&text).ok());
    let groups = prop::collection::btree_set(group, 0..4);
    let person =
        ("\\PC{1,20}", any::<Option<String>>(), any::<Option<String>>(), any::<Vec<String>>(), any::<bool>());
    let keys = prop::sample::select(vec![Keys::default(), keys()]);
    let person = (person, groups.clone(), keys).prop_filter_map("a person", |(person, groups, keys)| {
        let (name, id, display_name, emails, active) = person;
        let username = Username::parse(&name).ok()?;
        Some(Person { username, id, display_name, emails, active, groups, keys })
    });
    (prop::collection::vec(person, 0..12), groups).prop_map(|(mut people, groups)| {
        let mut seen = BTreeSet::new();
        people.retain(|person| seen.insert(person.username.key()));
        Directory { people, groups }
    })
}

fn keys() -> Keys {
    let ssh = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    let openpgp = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxgQEAQID\n-----END PGP PUBLIC KEY BLOCK-----";
    Keys { ssh: vec![SshKey::parse(ssh).unwrap()], openpgp: vec![OpenPgpKey::parse(openpgp).unwrap()] }
}

/// What a release stored that knew of no keys is read, and stored again byte by byte the same.
#[test]
fn who_has_no_keys_is_stored_as_before_there_were_any() {
    let alice = ("alice", Some("00u1"), None::<&str>, vec!["a@x"], true, vec![0_u32, 3]);
    let carol = ("carol", None::<&str>, Some("Carol"), vec![], false, Vec::<u32>::new());
    for user in [alice, carol] {
        let stored = postcard::to_stdvec(&vec![user]).unwrap();
        let shard: Shard = postcard::from_bytes(&stored).unwrap();
        assert_eq!(shard.users().len(), 1);
        assert_eq!(postcard::to_stdvec(&shard).unwrap(), stored);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn what_is_saved_is_read_back_from_either_copy(directory in directory(), unknown in "[a-zA-ZΑ-Ωİ]{1,40}") {
        let state = quick_folder();
        let mut bench = Bench::open(state.path());
        bench.import(&directory).unwrap();
        bench.revoke(&unknown).unwrap();
        if let Some(person) = directory.people.first() {
            bench.revoke(person.username.as_str()).unwrap();
            bench.lift(person.username.as_str()).unwrap();
        }
        let (saved, infos) = (bench.snapshot().clone(), bench.store.history().list());
        drop(bench);
        let from_sled = Bench::open(state.path());
        prop_assert_eq!(from_sled.snapshot().version(), saved.version());
        prop_assert_eq!(from_sled.snapshot().revocations(), saved.revocations());
        prop_assert_eq!(from_sled.snapshot().groups(), saved.groups());
        prop_assert_eq!(from_sled.snapshot().shards(), saved.shards());
        prop_assert_eq!(from_sled.store.history().list(), infos);
        drop(from_sled);
        fs::remove_dir_all(state.path().join("store")).unwrap();
        let from_journal = Bench::open(state.path());
        prop_assert_eq!(from_journal.snapshot().version(), saved.version());
        prop_assert_eq!(from_journal.snapshot().shards(), saved.shards());
    }
}

#[test]
fn an_empty_folder_is_nothing_to_report() {
    let state = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let bench = Bench::open(&state.path().join("state"));
        assert!(bench.current.is_none());
        assert_eq!(bench.report, super::OpenReport::default());
        assert_eq!(bench.store.next_generation(), 1);
    }
}

#[test]
fn two_daemons_cannot_share_a_folder() {
    let state = tempfile::tempdir().unwrap();
    let first = Bench::open(state.path());
    assert!(matches!(Store::open(state.path()), Err(OpenError::Locked(_))));
    drop(first);
    assert!(Store::open(state.path()).is_ok());
}

#[test]
fn a_revocation_outlives_import_rollback_and_healing() {
    let state = tempfile::tempdir().unwrap();
    let mut bench = Bench::open(state.path());
    bench.import(&people(20)).unwrap();
    let first = bench.snapshot().version().generation;
    bench.revoke("user-3").unwrap();
    bench.import(&people(25)).unwrap();
    assert!(!bench.is_active("user-3") && bench.is_active("user-4"));
    let target = bench.store.history().load(first).unwrap();
    let back = bench.snapshot().roll_back_to(&target.snapshot, false, instant(1), "admin");
    bench.save(back, Cause::Rollback, &Change::Whole).unwrap();
    assert!(!bench.is_active("user-3"));
    let newest = bench.snapshot().version();
    drop(bench);
    fs::write(state.path().join("store/db"), b"nonsense").unwrap();
    let bench = Bench::open(state.path());
    assert_eq!(bench.report.healed.len(), 1);
    assert_eq!(bench.snapshot().version(), newest);
    assert!(!bench.is_active("user-3") && bench.is_active("user-4"));
}

#[test]
fn a_generation_is_never_given_out_twice() {
    let state = tempfile::tempdir().unwrap();
    let mut bench = Bench::open(state.path());
    bench.import(&people(3)).unwrap();
    let again = bench.current().clone();
    let error = bench.store.save(&std::sync::Arc::new(again), &Change::Whole).unwrap_err();
    assert!(matches!(error, SaveError::NotNewer { offered: 1, stored: 1 }), "{error}");
}

#[test]
fn the_longest_name_is_read_back() {
    let state = tempfile::tempdir().unwrap();
    let mut bench = Bench::open(state.path());
    bench.import(&people(3)).unwrap();
    // 170 bytes, and 255 in lower case.
    let name = "İ".repeat(85);
    bench.revoke(&name).unwrap();
    let revoked = |bench: &Bench| bench.snapshot().revocations().len();
    drop(bench);
    assert_eq!(revoked(&Bench::open(state.path())), 1);
}

#[test]
fn the_files_are_for_this_user_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let mut bench = Bench::open(&state);
    bench.import(&people(3)).unwrap();
    for place in ["", "store", "recovery"] {
        assert_eq!(fs::metadata(state.join(place)).unwrap().permissions().mode() & 0o777, 0o700, "{place}");
    }
    assert!(files(&state.join("recovery")).len() == 2);
}
