use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use oam_bitbucket::{
    AccountId,
    permission::{Holder, Level, Place},
    provision::{Managed, Told},
};
use tempfile::TempDir;

use super::{Ledger, LedgerError};

fn key(place: &str, holder: &str) -> (Place, Holder) {
    (place.parse().unwrap(), holder.parse().unwrap())
}

fn permit(before: &str, after: &str) -> Told {
    let text = str::to_owned;
    Told {
        step: text("permit"),
        place: text("PAY"),
        user: text("ada"),
        before: text(before),
        after: text(after),
        ..Told::default()
    }
}

fn revoke() -> Told {
    Told { step: "revoke".into(), before: "write".into(), ..permit("", "") }
}

fn open(path: &Path) -> Ledger {
    let (ledger, damage) = Ledger::open(path).unwrap();
    assert_eq!(damage, None);
    ledger
}

fn level(ledger: &Ledger) -> Option<Managed> {
    ledger.managed().get(&key("PAY", "user:ADA")).copied()
}

fn managed(level: Level, below: Option<Level>) -> Option<Managed> {
    Some(Managed { level, below })
}

#[test]
fn what_was_begun_is_ours_until_it_is_known_to_have_failed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger");
    let ledger = open(&path);
    ledger.begin(7, &permit("read", "write")).unwrap();
    assert_eq!(level(&ledger), managed(Level::Write, Some(Level::Read)));
    // Interrupted: it is still known.
    let ledger = open(&path);
    assert_eq!((ledger.pending().len(), level(&ledger)), (1, managed(Level::Write, Some(Level::Read))));
    ledger.end(7, Some(false)).unwrap();
    assert_eq!(level(&ledger), None);
    assert!(matches!(ledger.end(7, Some(true)), Err(LedgerError::NotPending(7))));
    let ledger = open(&path);
    assert!(ledger.pending().is_empty() && ledger.managed().is_empty());
}

#[test]
fn what_was_given_is_ours_until_it_is_taken() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger");
    let ledger = open(&path);
    let change = |entry, change: &Told, done| {
        ledger.begin(entry, change).unwrap();
        ledger.end(entry, Some(done)).unwrap();
    };
    change(1, &permit("read", "write"), true);
    change(2, &permit("write", "admin"), true);
    assert_eq!(level(&ledger), managed(Level::Admin, Some(Level::Read)));
    // A change of ours that fails leaves it ours.
    change(3, &revoke(), false);
    change(4, &permit("admin", "write"), true);
    assert_eq!(level(&ledger), managed(Level::Write, Some(Level::Read)));
    // Given back is theirs.
    change(5, &permit("write", "read"), true);
    assert_eq!(level(&ledger), None);
    change(6, &permit("", "write"), true);
    // What may have been taken may be there still.
    ledger.begin(60, &revoke()).unwrap();
    ledger.end(60, None).unwrap();
    assert_eq!((ledger.pending().len(), level(&ledger)), (0, managed(Level::Write, None)));
    change(7, &revoke(), true);
    assert!(open(&path).managed().is_empty());
}

#[test]
fn a_restriction_is_ours_from_when_it_was_begun_until_it_is_lifted() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger");
    let ledger = open(&path);
    let told = |step: &str, before: &str| Told {
        step: step.into(),
        place: "PAY".into(),
        thing: "no-deletes BRANCH refs/heads/main".into(),
        before: before.into(),
        ..Told::default()
    };
    ledger.begin(1, &told("restrict", "")).unwrap();
    // Interrupted: it may be there.
    let ledger = open(&path);
    assert_eq!(ledger.restrictions().len(), 1);
    ledger.end(1, Some(false)).unwrap();
    assert!(ledger.restrictions().is_empty());
    ledger.begin(2, &told("restrict", "")).unwrap();
    ledger.end(2, Some(true)).unwrap();
    // One that was ours stays ours when it could not be made again.
    ledger.begin(3, &told("restrict", "one of ours")).unwrap();
    ledger.end(3, Some(false)).unwrap();
    let ledger = open(&path);
    assert_eq!(ledger.restrictions().len(), 1);
    ledger.begin(4, &told("lift", "")).unwrap();
    ledger.end(4, Some(false)).unwrap();
    ledger.begin(5, &told("lift", "")).unwrap();
    ledger.end(5, None).unwrap();
    assert_eq!(ledger.restrictions().len(), 1);
    ledger.begin(6, &told("lift", "")).unwrap();
    ledger.end(6, Some(true)).unwrap();
    assert!(open(&path).restrictions().is_empty());
}

#[test]
fn by_what_name_an_account_was_known_outlives_a_restart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger");
    // One that was written before numbers were noted.
    let old =
        "{\"managed\":{\"place\":\"PAY\",\"holder\":\"user:ada\",\"level\":\"write\",\"below\":null}}\n";
    fs::write(&path, old).unwrap();
    let ledger = open(&path);
    assert_eq!(level(&ledger), managed(Level::Write, None));
    let (id, name) = (AccountId::of_wire(17).unwrap(), |name| Holder::user(name).unwrap());
    assert_eq!(ledger.known_as(id), None);
    let known = vec![(id, name("carl")), (AccountId::of_wire(18).unwrap(), name("lena"))];
    ledger.know(known, &BTreeSet::new(), &BTreeSet::new()).unwrap();
    // Read as it was appended, and as it was written anew.
    for _ in 0..2 {
        let ledger = open(&path);
        assert_eq!((ledger.known_as(id), level(&ledger)), (Some(name("carl")), managed(Level::Write, None)));
        assert_eq!(ledger.numbers().all().count(), 2);
    }
}

/// A daemon that is older must not take for damage what it does not know.
#[test]
fn of_what_is_forgotten_there_is_nothing_in_the_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger");
    let ledger = open(&path);
    let [carl, lena, ada] = [17, 18, 19].map(|id| AccountId::of_wire(id).unwrap());
    let name = |name: &str| Holder::user(name).unwrap();
    let know = |known: &[(AccountId, &str)]| {
        let known = known.iter().map(|(id, called)| (*id, name(called))).collect();
        ledger.know(known, &BTreeSet::new(), &BTreeSet::new()).unwrap();
    };
    know(&[(carl, "carl"), (lena, "lena")]);
    ledger.begin(1, &permit("", "write")).unwrap();
    // Where it cannot be written nothing is forgotten.
    let draft = path.with_extension("draft");
    fs::create_dir(&draft).unwrap();
    assert!(ledger.forget(BTreeSet::from([lena])).is_err());
    assert_eq!(ledger.known_as(lena), Some(name("lena")));
    fs::remove_dir(&draft).unwrap();
    ledger.forget(BTreeSet::from([lena])).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("carl") && !text.contains("lena") && !text.contains("forgotten"), "{text}");
    // What is noted from then on is in the file that is there now.
    know(&[(ada, "ada")]);
    for ledger in [&ledger, &open(&path)] {
        let known = [carl, lena, ada].map(|id| ledger.known_as(id));
        assert_eq!(known, [Some(name("carl")), None, Some(name("ada"))]);
        assert_eq!((ledger.pending().len(), level(ledger)), (1, managed(Level::Write, None)));
    }
}

/// In Bitbucket a permission is an account's, whatever it is called.
#[test]
fn what_is_ours_goes_with_an_account_that_is_renamed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger");
    let line = |place: &str, user: &str, level: &str| {
        format!(
            "{{\"managed\":{{\"place\":\"{place}\",\"holder\":\"user:{user}\",\"level\":\"{level}\",\"below\":\"read\"}}}}\n"
        )
    };
    let lines = [
        line("PAY", "ada", "write"),
        line("WEB", "ada", "admin"),
        line("PAY", "bob", "admin"),
        line("OPS", "cleo", "write"),
    ];
    fs::write(&path, lines.concat()).unwrap();
    let ledger = open(&path);
    let [ada, bob, cleo] = [17, 18, 19].map(|id| AccountId::of_wire(id).unwrap());
    let name = |name| Holder::user(name).unwrap();
    let known = vec![(ada, name("ada")), (bob, name("bob")), (cleo, name("cleo"))];
    ledger.know(known, &[ada, bob, cleo].into(), &BTreeSet::new()).unwrap();
    assert_eq!(ledger.managed().len(), 4);
    // Two have each other's name, whatever else had it, and of the third nobody can tell what is theirs.
    let known = vec![(ada, name("bob")), (bob, name("ada")), (cleo, name("carla"))];
    ledger.know(known, &[ada, bob].into(), &["bob", "cleo"].map(name).into()).unwrap();
    let given = |level| Managed { level, below: Some(Level::Read) };
    let moved = [
        (key("PAY", "user:ada"), given(Level::Admin)),
        (key("PAY", "user:bob"), given(Level::Write)),
        (key("WEB", "user:bob"), given(Level::Admin)),
    ];
    // Read as it was appended, and as it was written anew.
    for ledger in [ledger, open(&path), open(&path)] {
        assert_eq!(ledger.managed(), BTreeMap::from(moved.clone()));
        assert_eq!((ledger.known_as(ada), ledger.known_as(cleo)), (Some(name("bob")), Some(name("carla"))));
    }
    // What its account has counts more than what was noted of the name.
    open(&path).know(vec![(ada, name("ada"))], &[ada].into(), &BTreeSet::new()).unwrap();
    let managed = open(&path).managed();
    assert_eq!(managed.get(&key("PAY", "user:ada")), Some(&given(Level::Write)));
    assert_eq!(managed.get(&key("WEB", "user:ada")), Some(&given(Level::Admin)));
}

/// What `--fix` takes away of others is never ours, whatever becomes of it.
#[test]
fn a_restriction_of_others_that_is_lifted_is_not_ours() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger");
    let thing = "read-only BRANCH refs/heads/main".to_owned();
    let lift = Told { step: "lift".into(), place: "PAY".into(), thing, ..Told::default() };
    for (entry, done) in [(1, Some(false)), (2, None), (3, Some(true))] {
        open(&path).begin(entry, &lift).unwrap();
        // Interrupted in between.
        let ledger = open(&path);
        assert!(ledger.restrictions().is_empty(), "{entry}");
        ledger.end(entry, done).unwrap();
        assert!(open(&path).restrictions().is_empty(), "{entry}");
    }
}

#[test]
fn what_others_gave_is_ours_once_it_was_lowered_and_not_before() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger");
    for (entry, done) in [(1, Some(false)), (2, None), (3, Some(true))] {
        open(&path).begin(entry, &permit("admin", "write")).unwrap();
        let ledger = open(&path);
        assert_eq!(level(&ledger), None, "{entry}");
        ledger.end(entry, done).unwrap();
    }
    assert_eq!(level(&open(&path)), managed(Level::Write, None));
}

#[test]
fn a_torn_line_is_nothing_and_a_damaged_one_is_told() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ledger");
    let ledger = open(&path);
    ledger.begin(1, &permit("", "write")).unwrap();
    ledger.end(1, Some(true)).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}{{\"begun\":{{\"ent")).unwrap();
    assert_eq!(level(&open(&path)), managed(Level::Write, None));
    for rubbish in [&b"rubbish\n"[..], b"\xff\n"] {
        fs::write(&path, [rubbish, whole.as_bytes()].concat()).unwrap();
        let (ledger, damage) = Ledger::open(&path).unwrap();
        assert!(damage.unwrap().contains("the damaged file is"));
        assert_eq!(level(&ledger), managed(Level::Write, None));
        assert_eq!(level(&open(&path)), managed(Level::Write, None));
    }
}
