//! What survives a crash, a lost file, an old file, a clock that was set back; and who may answer whom.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use oam_policy::{
    PrivilegeId, Snapshot, State, Username,
    decide::{Freshness, Subject},
    file::{self, PolicySource},
    snapshot::{Amendment, Directory, Person as DirectoryPerson, Revocation},
};

use super::{Ask, News, Person, Privilege, PrivilegeError, Privileges, Set, Stage, Wanted};
use crate::{audit_log::AuditLog, store::tests::copy};

const POLICY: &str = r##"
version = 1
[[role]]
id = "developer"
any = ["s:eng"]
[[role]]
id = "lead"
any = ["s:leads"]
[[grant]]
id = "releases"
to = ["lead"]
on = ["**"]
refs = ["refs/heads/release/*"]
verbs = ["create", "update"]
[[block]]
id = "freeze"
on = ["**"]
refs = ["refs/heads/main"]
[[waiver]]
id = "thaw"
lifts = ["freeze"]
to = ["developer"]
max_time = "30m"
second_person = ["lead"]
[[waiver]]
id = "own-thaw"
lifts = ["freeze"]
to = ["lead"]
max_time = "30m"
[[elevation]]
id = "on-call"
roles = ["lead"]
to = ["developer"]
max_time = "4h"
approved_by = ["lead"]
approvals = 2
"##;

/// alice and bob are developers, lea and leo are leads, eve is nobody in particular.
fn state() -> State {
    let person = |name: &str, group: &str| DirectoryPerson {
        username: name.parse().unwrap(),
        id: None,
        display_name: None,
        emails: Vec::new(),
        keys: Default::default(),
        active: true,
        groups: [group.parse().unwrap()].into(),
    };
    let people = vec![
        person("alice", "s:eng"),
        person("bob", "s:eng"),
        person("lea", "s:leads"),
        person("leo", "s:leads"),
        person("eve", "s:other"),
    ];
    let directory = Directory { people, groups: Default::default() };
    let snapshot = Snapshot::of_directory(1, Timestamp::UNIX_EPOCH, &directory, BTreeMap::new()).unwrap();
    let source = PolicySource { name: "policy.toml".into(), text: POLICY.into() };
    State {
        policy: Some(Arc::new(file::parse(&[source]).unwrap())),
        snapshot: Some(snapshot),
        ..State::default()
    }
}

/// The same where nothing that could be asked for is in force.
fn on_trial() -> State {
    let text = POLICY.replace("max_time =", "mode = \"evaluate\"\nmax_time =");
    let source = PolicySource { name: "policy.toml".into(), text };
    State { policy: Some(Arc::new(file::parse(&[source]).unwrap())), ..state() }
}

/// The same with somebody cut off.
fn without(name: &str) -> State {
    let state = state();
    let revocation = Revocation { at: Timestamp::UNIX_EPOCH, by: "uid 0".into(), reason: "left".into() };
    let snapshot = state.snapshot.as_ref().unwrap().revoke(&user(name).key(), revocation);
    State { snapshot: Some(snapshot), ..state }
}

/// The same with somebody inactive at their source.
fn inactive(name: &str) -> State {
    let state = state();
    let before = state.snapshot.as_ref().unwrap();
    let was = before.user(&user(name).key()).unwrap().to_person();
    let people = vec![DirectoryPerson { active: false, ..was }];
    let snapshot = before.amend(&Amendment { as_of: before.as_of(), people, groups: None });
    State { snapshot: Some(snapshot), ..state }
}

fn user(name: &str) -> Username {
    name.parse().unwrap()
}

fn person(name: &str) -> Person {
    Person { username: user(name), actor: format!("test:{name}") }
}

fn ask(wanted: Wanted, length: u64) -> Ask {
    let (on, refs) = (["PAY/api".to_owned()], ["refs/heads/release/1".to_owned()]);
    Ask::new(wanted, &on, &refs, Duration::from_secs(length), "INC-1".into()).unwrap()
}

fn role(length: u64) -> Ask {
    ask(Wanted::Role("lead".parse().unwrap()), length)
}

fn lift(length: u64) -> Ask {
    ask(Wanted::Lift(["freeze".parse().unwrap()].into()), length)
}

/// A folder with an audit log, and a clock for each test: a function has no other way to know the time.
struct Bench {
    folder: tempfile::TempDir,
    clock: fn() -> Timestamp,
}

macro_rules! bench {
    () => {{
        static SECOND: AtomicI64 = AtomicI64::new(1_000_000);
        fn clock() -> Timestamp {
            Timestamp::from_second(SECOND.load(Ordering::SeqCst)).unwrap()
        }
        (Bench { folder: tempfile::tempdir().unwrap(), clock }, |second| {
            SECOND.store(second, Ordering::SeqCst)
        })
    }};
}

mod clock;
mod leases;
mod reminders;
mod restarts;

impl Bench {
    fn file(&self) -> PathBuf {
        self.folder.path().join("privileges")
    }

    fn log(&self) -> AuditLog {
        let folder = self.folder.path().join("audit");
        AuditLog::open_with_clock(&folder, &"node".parse().unwrap(), self.clock).unwrap().0
    }

    fn open(&self, log: &AuditLog) -> Privileges {
        Privileges::open_with_clock(self.file(), log, self.clock).unwrap()
    }
}

async fn approved(privileges: &Privileges, length: u64) -> PrivilegeId {
    let state = state();
    let one = privileges.request(&state, &person("alice"), &role(length)).await.unwrap();
    for lead in ["lea", "leo"] {
        privileges.approve(&state, &person(lead), &one.id, "").await.unwrap();
    }
    one.id.clone()
}

fn live(privileges: &Privileges) -> usize {
    let in_force = privileges.in_force(Some(&user("ALICE").key()));
    in_force.elevations.len() + in_force.waivers.len()
}

#[tokio::test]
async fn the_same_is_there_after_a_crash_whatever_became_of_the_file() {
    let (bench, _) = bench!();
    let log = bench.log();
    let privileges = bench.open(&log);
    let state = state();
    let before = fs::read(bench.file()).unwrap();
    approved(&privileges, 600).await;
    let waiting = privileges.request(&state, &person("bob"), &lift(60)).await.unwrap();
    privileges.save();
    let middle = fs::read(bench.file()).unwrap();
    privileges.end(&state, (Some(&user("lea")), "test:lea"), false, &waiting.id, "no").await.unwrap();
    let own = privileges.request(&state, &person("lea"), &lift(60)).await.unwrap();
    privileges.end(&state, (Some(&user("lea")), "test:lea"), false, &own.id, "done").await.unwrap();
    privileges.sign_off(&state, (&person("leo"), false), &own.id, "seen", 0).await.unwrap();
    let set = Set::clone(&privileges.set());
    assert_eq!((set.len(), live(&privileges)), (3, 1));
    privileges.save();
    let newest = fs::read(bench.file()).unwrap();
    let mut torn = newest.clone();
    torn[30] ^= 1;
    for file in [Some(newest.clone()), Some(middle), Some(before), Some(torn), Some(b"oam".to_vec()), None] {
        match file {
            Some(bytes) => fs::write(bench.file(), bytes).unwrap(),
            None => fs::remove_file(bench.file()).unwrap(),
        }
        let again = bench.open(&log);
        assert_eq!(*again.set(), set);
        assert_eq!(again.warnings(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn an_audit_log_that_is_shorter_than_it_was_gives_nobody_anything_back() {
    let (bench, set_clock) = bench!();
    let log = bench.log();
    let privileges = bench.open(&log);
    let id = approved(&privileges, 600).await;
    log.close().await;
    let (audit, kept) = (bench.folder.path().join("audit"), bench.folder.path().join("kept"));
    copy(&audit, &kept);
    drop(privileges);
    let log = bench.log();
    let privileges = bench.open(&log);
    privileges.end(&state(), (Some(&user("alice")), "test:alice"), false, &id, "done").await.unwrap();
    privileges.save();
    log.close().await;
    drop(privileges);
    // Somebody puts the log back in which it was live.
    fs::remove_dir_all(&audit).unwrap();
    copy(&kept, &audit);
    let log = bench.log();
    let privileges = bench.open(&log);
    assert_eq!(live(&privileges), 0);
    assert!(privileges.warnings()[0].contains("The audit log has"), "{:?}", privileges.warnings());
    // What keeps it over is the file, and not how the log was put back.
    drop(privileges);
    fs::remove_file(bench.file()).unwrap();
    set_clock(1_000_000 + 60);
    assert_eq!(live(&bench.open(&log)), 1);
}

#[tokio::test]
async fn ends_are_exact_and_a_clock_that_is_set_back_revives_nothing() {
    let (bench, set_clock) = bench!();
    let log = bench.log();
    let privileges = bench.open(&log);
    let id = approved(&privileges, 600).await;
    let one = privileges.find(&id).unwrap();
    let Stage::Live { from, to } = one.stage else { panic!("{one:?}") };
    assert_eq!(to.duration_since(from).as_secs(), 600);
    assert!(one.is_live(from) && one.is_live(to - jiff::SignedDuration::from_nanos(1)) && !one.is_live(to));
    set_clock(1_000_000 + 599);
    assert_eq!(live(&privileges), 1);
    // By the clock of the test it is over, whether or not anybody has written that down…
    set_clock(1_000_000 + 3_600);
    assert_eq!(live(&privileges), 0);
    privileges.save();
    set_clock(1_000_000);
    assert_eq!(live(&privileges), 0, "set back while running");
    assert!(
        privileges
            .warnings()
            .iter()
            .any(|one| one.contains("is behind") || one.contains("behind what it was"))
    );
    drop(privileges);
    let again = bench.open(&log);
    assert_eq!(live(&again), 0, "set back over a restart");
    // …and without the file, the log tells how late it was.
    again.review(|_| state()).await;
    assert!(matches!(again.find(&id).unwrap().stage, Stage::Ended { .. }));
    set_clock(900_000);
    fs::remove_file(bench.file()).unwrap();
    assert_eq!(live(&bench.open(&log)), 0);
}

/// Pushes are decided by the clock of the machine, and what is in force by one that never goes back.
#[tokio::test]
async fn what_begins_after_the_clock_was_set_back_can_be_used() {
    let (bench, set_clock) = bench!();
    let log = bench.log();
    let (privileges, state) = (bench.open(&log), state());
    set_clock(1_000_000 + 3_600);
    approved(&privileges, 600).await;
    set_clock(1_000_000);
    privileges.request(&state, &person("lea"), &lift(600)).await.unwrap();
    let (policy, snapshot) = (state.policy.as_deref().unwrap(), state.snapshot.as_ref().unwrap());
    let name = user("lea");
    let (lea, _) = Subject::resolve(policy, snapshot, &name);
    for second in [1_000_000, 1_000_300] {
        set_clock(second);
        let in_force = privileges.in_force(Some(&user("lea").key()));
        let [waiver] = in_force.waivers.as_slice() else { panic!("{in_force:?}") };
        let now = Timestamp::from_second(second).unwrap();
        assert!(waiver.judge(policy, Some(snapshot), &lea, now).is_ok(), "{waiver:?} at {now}");
    }
}

/// All of it stands in the entry of each of their pushes.
#[tokio::test]
async fn what_somebody_has_fits_into_an_entry() {
    let (bench, _) = bench!();
    let log = bench.log();
    let (privileges, state) = (bench.open(&log), state());
    let refs = [format!("refs/heads/{}", "x".repeat(3_000))];
    let long = || {
        let wanted = Wanted::Lift(["freeze".parse().unwrap()].into());
        let reason = "\u{1}".repeat(500);
        Ask::new(wanted, &["PAY/api".to_owned()], &refs, Duration::from_secs(60), format!("x{reason}x"))
            .unwrap()
    };
    let mut had = 0;
    let refused = loop {
        match privileges.request(&state, &person("bob"), &long()).await {
            Ok(_) => had += 1,
            Err(refused) => break refused,
        }
    };
    assert!(
        matches!(refused, PrivilegeError::TooManyOfOne(_, many) if many == had && (1..16).contains(&had)),
        "{refused:?}"
    );
}

/// Each is judged by the sources that know who has it.
#[tokio::test]
async fn a_source_that_is_too_old_keeps_only_those_it_knows_from_ending() {
    let (bench, _) = bench!();
    let log = bench.log();
    let old = Freshness { source: "ad".into(), as_of: None, max_age: None, unheard: None };
    let stale = |state: State| State { sources: [old.clone()].into(), ..state };
    let privileges = bench.open(&log);
    let id = approved(&privileges, 600).await;
    let is_live = || matches!(privileges.find(&id).unwrap().stage, Stage::Live { .. });
    privileges.review(|one| if *one == user("alice") { stale(without("lea")) } else { without("lea") }).await;
    assert!(is_live(), "whether lea may still approve cannot be told");
    privileges.review(|one| if *one == user("alice") { without("lea") } else { stale(without("lea")) }).await;
    assert!(!is_live());
    // Who was cut off here is known whatever a source says.
    let own = privileges.request(&state(), &person("leo"), &lift(600)).await.unwrap();
    privileges.review(|_| stale(without("leo"))).await;
    assert!(matches!(privileges.find(&own.id).unwrap().stage, Stage::Ended { .. }));
    // As is who is inactive by what a source said: that another one is too old gives nobody anything.
    let own = privileges.request(&state(), &person("leo"), &lift(600)).await.unwrap();
    privileges.review(|_| stale(inactive("lea"))).await;
    assert!(matches!(privileges.find(&own.id).unwrap().stage, Stage::Live { .. }));
    privileges.review(|_| stale(inactive("leo"))).await;
    assert!(matches!(privileges.find(&own.id).unwrap().stage, Stage::Ended { .. }));
}

#[tokio::test]
async fn nobody_answers_for_themselves_or_without_the_role() {
    let (bench, _) = bench!();
    let log = bench.log();
    let (privileges, state) = (bench.open(&log), state());
    let one = privileges.request(&state, &person("alice"), &role(600)).await.unwrap();
    let approve = async |name: &str, state: &State| {
        privileges.approve(state, &person(name), &one.id, "").await.map(|one| one.approvals.len())
    };
    assert!(matches!(approve("ALICE", &state).await, Err(PrivilegeError::Own(_))));
    for name in ["bob", "eve"] {
        assert!(matches!(approve(name, &state).await, Err(PrivilegeError::MayNotAnswer { .. })), "{name}");
    }
    assert!(matches!(approve("nobody", &state).await, Err(PrivilegeError::Barred(_))));
    assert!(matches!(approve("lea", &without("lea")).await, Err(PrivilegeError::Barred(_))));
    assert_eq!(approve("lea", &state).await.unwrap(), 1);
    assert!(matches!(approve("LEA", &state).await, Err(PrivilegeError::Twice(_))));
    assert_eq!(live(&privileges), 0, "two must");
    assert_eq!(approve("leo", &state).await.unwrap(), 2);
    assert_eq!(live(&privileges), 1);
    assert!(matches!(approve("leo", &state).await, Err(PrivilegeError::NotWaiting(_))));
    let end = async |name: &str, may: bool| {
        let who = user(name);
        privileges.end(&state, (Some(&who), name), may, &one.id, "").await.map(|one| one.stage)
    };
    assert!(matches!(end("bob", false).await, Err(PrivilegeError::MayNotAnswer { .. })));
    assert!(matches!(end("bob", true).await, Ok(Stage::Ended { .. })), "whoever administers may");
    assert!(matches!(end("bob", true).await, Err(PrivilegeError::IsOver(_))));
}

#[tokio::test]
async fn it_ends_with_whoever_asked_and_whoever_approved_and_does_not_come_back() {
    for gone in ["alice", "lea"] {
        let (bench, _) = bench!();
        let log = bench.log();
        let privileges = bench.open(&log);
        let id = approved(&privileges, 600).await;
        privileges.review(|_| state()).await;
        assert_eq!(live(&privileges), 1);
        // What cannot be told ends nothing, and nothing is given by it.
        privileges.review(|_| State::default()).await;
        assert_eq!(live(&privileges), 1);
        privileges.review(|_| without(gone)).await;
        assert_eq!(live(&privileges), 0, "{gone}");
        privileges.review(|_| state()).await;
        assert!(matches!(privileges.find(&id).unwrap().stage, Stage::Ended { .. }), "{gone}");
    }
}

#[tokio::test]
async fn what_the_policy_does_not_allow_is_not_asked_for() {
    let (bench, _) = bench!();
    let log = bench.log();
    let (privileges, state) = (bench.open(&log), state());
    let request = async |name: &str, ask: &Ask| {
        privileges.request(&state, &person(name), ask).await.map(|one| Privilege::clone(&one))
    };
    assert!(matches!(request("eve", &role(60)).await, Err(PrivilegeError::NotAllowed(_))));
    assert!(matches!(request("lea", &role(60)).await, Err(PrivilegeError::NotAllowed(_))));
    assert!(matches!(request("nobody", &role(60)).await, Err(PrivilegeError::Barred(_))));
    assert!(matches!(request("alice", &role(4 * 3_600 + 1)).await, Err(PrivilegeError::TooLong { .. })));
    assert!(matches!(request("alice", &role(0)).await, Err(PrivilegeError::NoTime)));
    let silent = Ask { reason: " ".into(), ..role(60) };
    assert!(matches!(request("alice", &silent).await, Err(PrivilegeError::NoReason(_))));
    let talker = Ask { reason: "x".repeat(1_001), ..role(60) };
    assert!(matches!(request("alice", &talker).await, Err(PrivilegeError::LongReason(_))));
    let other = ask(Wanted::Lift(["releases".parse().unwrap()].into()), 60);
    assert!(matches!(request("alice", &other).await, Err(PrivilegeError::NotAllowed(_))));
    let undecided = privileges.request(&State::default(), &person("alice"), &role(60)).await;
    assert!(matches!(undecided, Err(PrivilegeError::Undecided(_))));
    for (ask, told) in [(role(60), "the elevation `on-call` is on trial"), (lift(60), "is on trial")] {
        let refused = privileges.request(&on_trial(), &person("alice"), &ask).await.unwrap_err().to_string();
        assert!(refused.contains(told), "{refused}");
    }
    assert!(privileges.set().is_empty());
    // Where nobody need approve, it is in force at once, and must be signed off by another.
    let own = request("lea", &lift(60)).await.unwrap();
    assert!(matches!(own.stage, Stage::Live { .. }), "{own:?}");
    for _ in 0..16 {
        request("bob", &lift(60)).await.unwrap();
    }
    assert!(matches!(request("bob", &lift(60)).await, Err(PrivilegeError::TooManyOfOne(_, 16))));
    let refs = ["refs/heads/x".to_owned()];
    let read = |on: &[String]| {
        let wanted = Wanted::Role("lead".parse().unwrap());
        Ask::new(wanted, on, &refs, Duration::from_secs(60), "x".into())
    };
    let distinct: Vec<_> = (0..32).map(|number| format!("PAY/{number}")).collect();
    assert!(matches!(read(&distinct), Err(PrivilegeError::LongPatterns)), "33 with the ref");
    assert!(read(&distinct[1..]).is_ok());
    // Whatever is written short and costs long to match, and whatever is not even to be read.
    let wide = |choice: &str| read(&[format!("PAY/{}", choice.repeat(8))]);
    assert!(wide("{a,b}").is_ok());
    assert!(matches!(wide("{aaa,bbb}"), Err(PrivilegeError::LongPatterns)));
    let many = vec!["{".to_owned(); 1_000_000];
    assert!(matches!(read(&many), Err(PrivilegeError::LongPatterns)), "none of them is read");
    assert!(matches!(read(&["{".repeat(5_000)]), Err(PrivilegeError::LongPatterns)));
    for regex in ["re:PAY/.*", "!re:PAY/.*"] {
        assert!(matches!(read(&[regex.to_owned()]), Err(PrivilegeError::Regex(_))), "{regex}");
    }
    assert!(matches!(read(&["PAY".to_owned()]), Err(PrivilegeError::Pattern(_))));
}

/// The file is for the next start: nobody waits until it is written.
#[tokio::test]
async fn nobody_waits_for_the_file() {
    let (bench, _) = bench!();
    let log = bench.log();
    let privileges = Arc::new(bench.open(&log));
    let before = fs::read(bench.file()).unwrap();
    let id = approved(&privileges, 600).await;
    assert_eq!(fs::read(bench.file()).unwrap(), before);
    assert!(privileges.is_unsaved());
    let stop = tokio_util::sync::CancellationToken::new();
    let keeping = tokio::spawn(Arc::clone(&privileges).keep_up(|_| state(), stop.clone()));
    while privileges.is_unsaved() || fs::read(bench.file()).unwrap() == before {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // What happens last is there when the daemon has stopped.
    privileges.end(&state(), (Some(&user("alice")), "test:alice"), false, &id, "done").await.unwrap();
    stop.cancel();
    keeping.await.unwrap();
    assert!(!privileges.is_unsaved());
    let saved = super::disk::read(&bench.file()).unwrap().unwrap();
    assert_eq!((saved.entries, saved.set), (log.size(), Set::clone(&privileges.set())));
}

/// Each with what it was, so that nobody need look for that.
#[tokio::test]
async fn of_many_ends_at_once_each_is_recorded() {
    use oam_audit::entry::{Event, PrivilegeSort};
    let (bench, set_clock) = bench!();
    let log = bench.log();
    let privileges = bench.open(&log);
    let mut ids = std::collections::BTreeSet::new();
    for name in ["lea", "leo"] {
        for _ in 0..10 {
            ids.insert(privileges.request(&state(), &person(name), &lift(60)).await.unwrap().id.to_string());
        }
    }
    set_clock(1_000_000 + 600);
    let from = log.size();
    privileges.review(|_| state()).await;
    let ended: Vec<_> = log.tail(from, 100).await.unwrap();
    let ended = ended.iter().map(|line| match log.read(line).unwrap().event {
        Event::PrivilegeEnded(one) if one.of == Some(PrivilegeSort::Waiver) => one.id,
        other => panic!("{other:?}"),
    });
    assert_eq!(ended.collect::<std::collections::BTreeSet<_>>(), ids);
    assert_eq!(privileges.counts().of("waiver", News::Ended), 20);
}

/// What is taken back while a push is being decided does not carry it.
#[tokio::test]
async fn what_ended_since_a_push_was_decided_carries_it_no_more() {
    let (bench, set_clock) = bench!();
    let log = bench.log();
    let (privileges, state) = (bench.open(&log), state());
    let grant = approved(&privileges, 600).await;
    let waiver = privileges.request(&state, &person("lea"), &lift(60)).await.unwrap().id.clone();
    let took = |decision: &str| privileges.take([&grant, &waiver], decision);
    assert_eq!(took("d1"), Some(Vec::new()), "none is a lease");
    set_clock(1_000_000 + 120);
    assert_eq!(took("d2"), None, "the waiver is over, whether or not that is written down");
    assert!(privileges.take([&grant], "d3").is_some());
    privileges.end(&state, (Some(&user("lea")), "test:lea"), false, &grant, "no").await.unwrap();
    assert_eq!(privileges.take([&grant], "d4"), None);
    assert_eq!(privileges.take([], "d5"), Some(Vec::new()));
}

/// Ids are random: one may come twice in the life of a log.
#[test]
fn what_is_over_keeps_nothing_new_away() {
    use oam_audit::entry::{Event, PrivilegeEnd, PrivilegeEnded, PrivilegeKind, PrivilegeRequested};
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    let request = |by: &str| {
        Event::PrivilegeRequested(PrivilegeRequested {
            id: "7k2m9x".into(),
            privilege: PrivilegeKind::Grant { elevation: "on-call".into(), role: "lead".into() },
            by: by.into(),
            actor: "x".into(),
            on: vec!["**".into()],
            refs: vec!["refs/**".into()],
            seconds: 60,
            reason: String::new(),
            needed: 1,
        })
    };
    let mut set = Set::default();
    set.apply(0, &request("alice"), at(0));
    set.apply(1, &request("bob"), at(1));
    let by = |set: &Set| set.get(&"7k2m9x".parse().unwrap()).unwrap().by.as_str().to_owned();
    assert_eq!(by(&set), "alice", "what is asked for is not replaced");
    let (id, by_alice) = ("7k2m9x".into(), "alice".into());
    let ended = PrivilegeEnded { id, of: None, cause: PrivilegeEnd::Returned, by: by_alice, reason: None };
    set.apply(2, &Event::PrivilegeEnded(ended), at(2));
    set.apply(3, &request("bob"), at(3));
    assert_eq!((by(&set), set.open().count()), ("bob".to_owned(), 1));
}

#[test]
fn of_what_is_over_the_newest_is_listed_and_what_must_be_signed_off_stays() {
    use oam_audit::entry::{
        Event, PrivilegeBegan, PrivilegeEnd, PrivilegeEnded, PrivilegeKind, PrivilegeRequested,
    };
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    let mut set = Set::default();
    for number in 0..1_200 {
        let id = format!("{number:06}");
        let lifts = vec!["freeze".to_owned()];
        let privilege = match number {
            0 => PrivilegeKind::Waiver { waiver: "thaw".into(), lifts },
            _ => PrivilegeKind::Grant { elevation: "on-call".into(), role: "lead".into() },
        };
        let requested = PrivilegeRequested {
            id: id.clone(),
            privilege,
            by: "alice".into(),
            actor: "x".into(),
            on: vec!["**".into()],
            refs: vec!["refs/**".into()],
            seconds: 60,
            reason: String::new(),
            needed: 0,
        };
        set.apply(0, &Event::PrivilegeRequested(requested), at(number));
        let (from, to) = (at(number).into(), at(number + 60).into());
        set.apply(
            0,
            &Event::PrivilegeBegan(PrivilegeBegan { id: id.clone(), of: None, from, to }),
            at(number),
        );
        let ended =
            PrivilegeEnded { id, of: None, cause: PrivilegeEnd::Returned, by: "alice".into(), reason: None };
        set.apply(0, &Event::PrivilegeEnded(ended), at(number));
    }
    set.forget(at(2_000));
    assert_eq!(set.len(), 1_001);
    let has = |set: &Set, id: &str| set.get(&id.parse().unwrap()).is_some();
    assert!(has(&set, "000000") && !has(&set, "000199") && has(&set, "000200") && has(&set, "001199"));
    set.forget(at(2_000 + 8 * 86_400));
    assert_eq!((set.len(), has(&set, "000000")), (1, true));
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_so() {
    let (bench, _) = bench!();
    let log = bench.log();
    let (privileges, state) = (bench.open(&log), state());
    let one = privileges.request(&state, &person("alice"), &role(600)).await.unwrap();
    log.close().await;
    let approved = privileges.approve(&state, &person("lea"), &one.id, "").await;
    assert!(matches!(approved, Err(PrivilegeError::Append(_))), "{approved:?}");
    assert_eq!(privileges.find(&one.id).unwrap().approvals, []);
}
