//! People by aliases, through the real writer and on a real disk.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use oam_audit::{
    entry::{Event, PeopleForm},
    people::Table,
};
use serde_json::Value;

use super::{
    super::people::{self as store, ForgetError, OpenPeople, People, PeopleError, note_form},
    *,
};

#[path = "../../../../audit/src/people/plant.rs"]
mod plant;

/// Events of every kind, which the exports are tried with.
const EVENTS: &str = include_str!("../../../../export/tests/events.jsonl");

/// A decision with all that those lack.
const RICH: &str = r#"{"kind":"decision","decision":"0192f7d0-5b7a-7c3e-9f00-3d1c5a4b6e2f","asked_by":{"unix":{"uid":1000,"pid":42}},"channel":"push","dry_run":false,"repository":"PAY/api","principal":"x","principal_kind":"user","roles":[],"policy":null,"snapshot":null,"privileges":[{"id":"g-1","privilege":{"grant":{"elevation":"night","role":"developer"}},"on":["PAY/api"],"refs":["refs/heads/main"],"from":"2026-11-23T17:21:14.000250Z","to":"2026-11-23T19:21:14.000250Z","reason":"x","approved_by":["x"]}],"outcome":"permitted","reasons":[],"update_count":1,"updates":[{"ref":"refs/heads/main","change":{"create":{"new":"22"}},"verb":"create","fast_forward":null,"histories":[{"refs":["refs/**"],"commits":{"told":2,"end":"complete","all":[{"id":"22","subject":"x","author":{"email":"x"},"committer":{"no-email":"x"},"parents":1,"signed_off":true,"foreign":false,"signature":{"good":{"by":"x"}}},{"id":"23","subject":"x","author":{"email":"x"},"committer":{"email":"x"},"parents":1,"signed_off":true,"foreign":false,"signature":{"good-by-address":{"address":"x"}}}]},"tip":{"tag":{"tagger":{"email":"x"},"signature":{"bad":{"cause":"signature-key-expired","why":"x"}}}}}],"outcome":"permitted","grant":"main","waiver":null,"reasons":[],"shadow":[]}],"parts":0,"elapsed_us":9}"#;

/// The log and the table of a daemon, with a state folder of their own.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn state(&self) -> &Path {
        self.folder.path()
    }

    fn audit(&self) -> PathBuf {
        self.state().join("audit")
    }

    fn table(&self) -> PathBuf {
        self.state().join("people/table")
    }

    fn people(&self) -> Arc<People> {
        let OpenPeople { people, changed, .. } = store::open(self.state(), PeopleForm::Aliases).unwrap();
        if let Some(form) = changed {
            note_form(self.state(), form).unwrap();
        }
        people.unwrap()
    }

    fn log(&self) -> AuditLog {
        AuditLog::open_with(&self.audit(), &name(), clock, Some(self.people())).unwrap().0
    }

    /// Whether any file of a folder holds `word`.
    fn holds(folder: &Path, word: &str) -> bool {
        let bytes = contents(folder);
        assert!(!bytes.is_empty());
        bytes.values().any(|bytes| bytes.windows(word.len()).any(|window| window == word.as_bytes()))
    }
}

/// Every event of the samples, with `word` wherever somebody may be named.
fn planted(word: &str) -> Vec<Event> {
    let lines = EVENTS.lines().filter(|line| !line.is_empty()).chain([RICH]);
    lines
        .map(|line| {
            let mut value: Value = serde_json::from_str(line).unwrap();
            plant::plant(&mut value, word);
            serde_json::from_value(value).unwrap_or_else(|error| panic!("{error}: {line}"))
        })
        .collect()
}

/// Appends as services do: a decision is split, everything else is not.
async fn append(log: &AuditLog, event: &Event) {
    let batch = match event {
        Event::Decision(decision) => {
            let mut head = (**decision).clone();
            let updates = std::mem::take(&mut head.updates);
            log.decision(head, updates)
        }
        event => log.batch(event),
    };
    log.append(batch.unwrap()).await.unwrap();
}

fn read(log: &AuditLog, from: u64) -> Vec<Event> {
    log.entries(from).unwrap().map(|line| log.read(&line.unwrap()).unwrap().event).collect()
}

/// The one that everything rests on: no name reaches the log, wherever it stands, and none is left anywhere once all are
/// erased. What was proved before is proved after.
#[tokio::test]
async fn no_name_reaches_the_log_and_an_erased_one_is_nowhere() {
    let bench = Bench::new();
    let log = bench.log();
    let events = planted("zaph.od");
    let kinds: BTreeSet<_> = events.iter().map(Event::kind).collect();
    assert_eq!(kinds, Event::KINDS.into_iter().collect(), "a sample of every kind");
    // The samples of these two are of another log, and no verifier takes them in this one: they get one of their own.
    let of_another = |event: &Event| matches!(event, Event::KeyRotated(_) | Event::EntriesPruned(_));
    let (others, events): (Vec<_>, Vec<_>) = events.into_iter().partition(of_another);
    unreadable_alone(&others).await;
    // The journal and tiles both hold entries.
    for _ in 0..12 {
        for event in &events {
            append(&log, event).await;
        }
    }
    assert!(!Bench::holds(&bench.audit(), "zaph.od"), "a name is in the log");
    assert!(Bench::holds(&bench.state().join("people"), "zaph.od"), "the table knows them");
    let opened = read(&log, 0);
    for (opened, event) in opened.iter().zip(&events) {
        assert_eq!(opened, event);
    }
    log.close().await;
    assert!(!Bench::holds(&bench.audit(), "zaph.od"), "a name is in the log");
    let before = contents(&bench.audit());
    audit(&bench.audit());

    let people = bench.people();
    let table = Table::read(&fs::read(bench.table()).unwrap()).unwrap().0;
    let names: Vec<String> = table
        .text()
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["name"].as_str().unwrap().to_owned())
        .filter(|name| name.contains("zaph.od"))
        .collect();
    assert!(names.len() >= 5, "{names:?}");
    people.forget(&names).unwrap();
    assert!(!Bench::holds(bench.state(), "zaph.od"), "a name is left");
    assert_eq!(contents(&bench.audit()), before, "nothing of the log was touched");
    audit(&bench.audit());

    let log = AuditLog::open_with(&bench.audit(), &name(), clock, Some(people)).unwrap().0;
    let opened: String = read(&log, 0).iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    assert!(!opened.contains("zaph.od"));
}

/// That these entries hold no name, and are read with names.
async fn unreadable_alone(events: &[Event]) {
    let bench = Bench::new();
    let log = bench.log();
    for event in events {
        append(&log, event).await;
    }
    assert_eq!(read(&log, 0), events);
    log.close().await;
    assert!(!Bench::holds(&bench.audit(), "zaph.od"), "a name is in the log");
}

fn denied(actor: &str) -> Event {
    Event::AdminDenied(AdminDenied { actor: actor.into(), call: "x".into(), times: 1 })
}

#[tokio::test]
async fn others_are_known_after_a_restart_and_whoever_was_erased_is_somebody_new() {
    let bench = Bench::new();
    let log = bench.log();
    append(&log, &denied("alice")).await;
    append(&log, &denied("bob")).await;
    let aliases = log.people().unwrap().forget(&["Alice".into()]).unwrap();
    append(&log, &denied("alice")).await;
    append(&log, &denied("bob")).await;
    log.close().await;
    let log = bench.log();
    assert_eq!(
        read(&log, 0),
        [denied(&aliases[0].to_string()), denied("bob"), denied("alice"), denied("bob")]
    );
    let lines: Vec<_> = log.entries(0).unwrap().map(|line| call_of(&line.unwrap())).collect();
    assert_eq!(lines[1], lines[3], "one person, one alias");
    assert_ne!(lines[0], lines[2], "nothing says that they were the same");
}

fn call_of(line: &[u8]) -> String {
    let Event::AdminDenied(denied) = Entry::decode(line).unwrap().event else { panic!() };
    denied.actor
}

#[tokio::test]
async fn somebody_who_cannot_be_stored_does_not_stand_in_the_log() {
    let bench = Bench::new();
    let log = bench.log();
    append(&log, &denied("alice")).await;
    for fault in ["write", "sync"] {
        let faults = log.people().unwrap().faults();
        let flag = if fault == "write" { &faults.write } else { &faults.sync };
        flag.store(true, Ordering::SeqCst);
        let error = log.append(log.batch(&denied(fault)).unwrap()).await.unwrap_err();
        assert!(matches!(error, AppendError::People(_)), "{error}");
        assert_eq!(read(&log, 0).last(), Some(&denied("alice")));
        // Who is known already is not in its way, once the table is in order again.
        append(&log, &denied(fault)).await;
        append(&log, &denied("alice")).await;
    }
    log.close().await;
    let table = Table::read(&fs::read(bench.table()).unwrap()).unwrap().0;
    assert_eq!(table.len(), 3);
    assert_eq!(read(&bench.log(), 0), ["alice", "write", "alice", "sync", "alice"].map(denied));
}

#[tokio::test]
async fn an_erasure_that_the_disk_refuses_is_none() {
    let bench = Bench::new();
    let log = bench.log();
    append(&log, &denied("alice")).await;
    let people = log.people().unwrap();
    people.faults().sync.store(true, Ordering::SeqCst);
    let error = people.forget(&["alice".into()]).unwrap_err();
    assert!(matches!(error, ForgetError::Table(PeopleError::Io { .. })), "{error}");
    assert_eq!(read(&log, 0), [denied("alice")]);
    assert!(matches!(people.forget(&["alice".into(), "nobody".into()]), Err(ForgetError::Unknown { .. })));
    assert_eq!(read(&log, 0), [denied("alice")], "all or none");
    people.forget(&["alice".into()]).unwrap();
    assert!(!Bench::holds(bench.state(), "alice"));
}

#[tokio::test]
async fn a_table_that_is_gone_or_damaged_is_told_and_nobody_gets_another_alias() {
    let bench = Bench::new();
    let log = bench.log();
    append(&log, &denied("alice")).await;
    append(&log, &denied("bob")).await;
    log.close().await;
    let whole = fs::read(bench.table()).unwrap();
    let opened = || store::open(bench.state(), PeopleForm::Aliases);

    let mut flipped = whole.clone();
    flipped[60] ^= 1;
    fs::write(bench.table(), &flipped).unwrap();
    assert!(matches!(opened(), Err(PeopleError::Damaged { .. })));
    assert_eq!(fs::read(bench.table()).unwrap(), flipped, "left as it is");
    fs::remove_file(bench.table()).unwrap();
    assert!(matches!(opened(), Err(PeopleError::Missing { .. })));
    assert!(matches!(store::open(bench.state(), PeopleForm::Names), Err(PeopleError::Missing { .. })));

    // Half a line is what a crash leaves of somebody whom no entry names.
    fs::write(bench.table(), [&whole[..], br#"{"alias":"00"#].concat()).unwrap();
    let OpenPeople { people, torn_bytes, .. } = opened().unwrap();
    assert_eq!(torn_bytes, 12);
    drop(people);
    assert_eq!(Table::read(&fs::read(bench.table()).unwrap()).unwrap().0.len(), 2);
    assert_eq!(read(&bench.log(), 0), [denied("alice"), denied("bob")]);
}

#[tokio::test]
async fn back_at_names_the_old_entries_are_read_and_the_new_ones_have_names() {
    let bench = Bench::new();
    let log = bench.log();
    append(&log, &denied("alice")).await;
    log.close().await;
    let OpenPeople { people, changed, .. } = store::open(bench.state(), PeopleForm::Names).unwrap();
    assert_eq!(changed, Some(PeopleForm::Names));
    note_form(bench.state(), PeopleForm::Names).unwrap();
    let log = AuditLog::open_with(&bench.audit(), &name(), clock, people).unwrap().0;
    append(&log, &denied("alice")).await;
    assert_eq!(read(&log, 0), [denied("alice"), denied("alice")]);
    log.close().await;
    assert!(Bench::holds(&bench.audit(), "alice"));
    assert_eq!(store::open(bench.state(), PeopleForm::Names).unwrap().changed, None);
}

#[test]
fn whoever_never_wanted_aliases_has_no_table() {
    let bench = Bench::new();
    let OpenPeople { people, changed, .. } = store::open(bench.state(), PeopleForm::Names).unwrap();
    assert!(people.is_none() && changed.is_none());
    assert_eq!(contents(bench.state()).len(), 0);
}

/// Whoever is known costs nothing on the disk: the table is neither written nor synced again.
#[tokio::test]
async fn the_table_is_touched_only_for_somebody_new() {
    let bench = Bench::new();
    let log = bench.log();
    append(&log, &denied("alice")).await;
    let faults = log.people().unwrap().faults();
    faults.sync.store(true, Ordering::SeqCst);
    faults.write.store(true, Ordering::SeqCst);
    for _ in 0..10 {
        append(&log, &denied("alice")).await;
    }
    assert!(log.append(log.batch(&denied("bob")).unwrap()).await.is_err(), "a disk that fails is noticed");
}
