mod approval;
mod following;
mod restart;

use std::{
    cell::RefCell,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use jiff::Timestamp;
use oam_audit::entry::PolicyOrigin;
use oam_policy::{
    Digest,
    file::PolicySource,
    snapshot::{Directory, Person},
};

use super::{Applied, ApplyError, Change, PolicyManager, ReadError, place::Reading};

use crate::{
    access::AdminRole,
    audit_log::AuditLog,
    config::{AdminConfig, PolicyPlace},
    directory::{self, By, DirectoryReader, DirectoryWriter},
    store::Store,
};

/// A place with a policy, a directory and an audit log.
struct Bench {
    writer: DirectoryWriter,
    reader: DirectoryReader,
    audit: AuditLog,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let opened = Store::open(&folder.path().join("state")).unwrap();
        let (writer, reader) = directory::start(opened.store, opened.loaded, Box::new(|_| Ok(()))).unwrap();
        let (audit, _) = AuditLog::open(&folder.path().join("audit"), &"node".parse().unwrap()).unwrap();
        Self { writer, reader, audit, folder }
    }

    async fn import(&self, groups: &[&str]) {
        let alice = Person {
            username: "alice".parse().unwrap(),
            id: None,
            display_name: None,
            emails: Vec::new(),
            active: true,
            groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
            keys: Default::default(),
        };
        let directory = Directory { people: vec![alice], groups: Default::default() };
        let by = By { actor: "test".into(), reason: String::new() };
        self.writer.import(directory, Timestamp::UNIX_EPOCH, by).await.unwrap();
    }

    async fn cut_off(&self, username: &str) {
        let by = By { actor: "test".into(), reason: "left".into() };
        self.writer.deactivate(username.parse().unwrap(), true, by).await.unwrap();
    }

    async fn start(&self) -> PolicyManager {
        self.start_at(PolicyPlace::Managed(self.folder.path().join("policy")), None).await
    }

    async fn start_at(&self, place: PolicyPlace, unapproved: Option<Digest>) -> PolicyManager {
        let state = self.folder.path();
        let (audit, reader) = (self.audit.clone(), self.reader.clone());
        PolicyManager::start(place, unapproved, state, audit, reader, administrators()).await.unwrap()
    }

    /// What the audit log tells of policies, the oldest first: the events as JSON.
    fn told(&self) -> Vec<serde_json::Value> {
        let text =
            fs::read_to_string(self.folder.path().join("audit/journal/00000000000000000000.jsonl")).unwrap();
        let entries = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        entries.map(|entry| entry["event"].clone()).collect()
    }

    /// The kinds of what it tells, without the first `skipped`.
    fn kinds_after(&self, skipped: usize) -> Vec<String> {
        let told = self.told().into_iter().skip(skipped);
        told.map(|event| event["kind"].as_str().unwrap().trim_start_matches("policy-").to_owned()).collect()
    }

    /// What lies where the daemon looks.
    fn place(&self) -> String {
        fs::read_to_string(self.folder.path().join("policy/policy.toml")).unwrap()
    }

    /// What lies where the daemon looks.
    fn history(&self, name: &str) -> PathBuf {
        self.folder.path().join("policy-history").join(name)
    }

    fn edit(&self, text: &str) {
        fs::write(self.folder.path().join("policy/policy.toml"), text).unwrap();
    }

    /// Puts a pipe among the files.
    fn pipe(&self) -> PathBuf {
        let pipe = self.folder.path().join("policy/z.toml");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
            .unwrap();
        pipe
    }
}

/// Waits until something is so.
async fn until(otherwise: &str, is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect(otherwise);
}

/// Whoever leads by the directory administers, and who does so by the word of `corp`.
fn administrators() -> AdminConfig {
    let holders =
        ["group:s:leads", "role:nobodys", "token:corp:admins"].map(|holder| holder.parse().unwrap());
    AdminConfig { roles: [(AdminRole::Admin, holders.into())].into(), ..AdminConfig::default() }
}

/// A policy whose test holds as long as alice is in the group; `contact` makes it another one.
fn policy(contact: &str) -> String {
    format!(
        r#"version = 1
contact = "{contact}"
[[role]]
id = "developer"
any = ["s:eng"]
[[grant]]
id = "main"
to = ["developer"]
on = ["**"]
refs = ["refs/heads/main"]
verbs = ["update"]
[[test]]
user = "alice"
push = "update PAY/api refs/heads/main"
expect = "permitted:main"
"#
    )
}

async fn apply(manager: &PolicyManager, text: &str) -> Result<(), ApplyError> {
    apply_as("uid 0", manager, text).await.map(|_| ())
}

async fn apply_as(author: &str, manager: &PolicyManager, text: &str) -> Result<Applied, ApplyError> {
    let change = Change { origin: PolicyOrigin::Apply, author: author.into(), reason: "r".into() };
    manager.apply(&files(text), change).await
}

fn files(text: &str) -> Vec<PolicySource> {
    vec![PolicySource { name: "policy.toml".into(), text: text.into() }]
}

fn contact(manager: &PolicyManager) -> Option<String> {
    manager.live().and_then(|live| live.policy.contact().map(str::to_owned))
}

/// On a runtime of one thread, whoever asks meanwhile is answered before it is done.
#[tokio::test]
async fn while_a_policy_is_tested_others_are_served() {
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    let manager = bench.start().await;
    let mut text = policy("one");
    for number in 0..500 {
        let on =
            format!("to = [\"developer\"]\non = [\"PAY/r{number}\"]\nrefs = [\"refs/heads/x{number}/**\"]");
        writeln!(text, "[[grant]]\nid = \"g{number}\"\n{on}\nverbs = [\"create\"]").unwrap();
    }
    let files = files(&text);
    let order = RefCell::new(Vec::new());
    let offered = async {
        assert_eq!(manager.test(&files).await.unwrap().unwrap().policy.grants().len(), 501);
        order.borrow_mut().push("tested");
    };
    let other = async {
        order.borrow_mut().push("answered");
    };
    tokio::join!(offered, other);
    assert_eq!(order.into_inner(), ["answered", "tested"]);
}

/// Two who apply at once: the second replaces what the first did.
#[tokio::test]
async fn what_is_told_as_replaced_was() {
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    let manager = bench.start().await;
    let (two, three) = (policy("two"), policy("three"));
    let (first, second) =
        tokio::join!(apply_as("uid 1", &manager, &two), apply_as("uid 2", &manager, &three));
    let Applied::InForce { live, .. } = first.unwrap() else { panic!() };
    let Applied::InForce { before, .. } = second.unwrap() else { panic!() };
    assert_eq!(before.unwrap().policy.digest(), live.policy.digest());
}

#[tokio::test]
async fn a_policy_whose_tests_fail_is_not_loaded_by_any_way() {
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    let manager = bench.start().await;
    apply(&manager, &policy("one")).await.unwrap();
    bench.import(&[]).await;
    let Err(ApplyError::Faulty(faults)) = apply(&manager, &policy("two")).await else { panic!() };
    assert!(faults.to_string().contains("policy.toml:12:1"), "{faults}");
    assert_eq!(contact(&manager).as_deref(), Some("one"));
    bench.edit(&policy("three"));
    assert!(matches!(manager.reload(PolicyOrigin::File).await, Err(ApplyError::Faulty(_))));
    assert!(manager.trouble().is_some());
    assert_eq!(contact(&manager).as_deref(), Some("one"));
    bench.import(&["s:eng"]).await;
    manager.reload(PolicyOrigin::File).await.unwrap();
    assert_eq!(contact(&manager).as_deref(), Some("three"));
}

#[tokio::test]
async fn what_was_in_force_goes_on_after_a_restart_though_a_test_fails_now() {
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    apply(&bench.start().await, &policy("one")).await.unwrap();
    bench.import(&[]).await;
    assert_eq!(contact(&bench.start().await).as_deref(), Some("one"));
    // And so it does where the files have become another policy, whose test fails too.
    bench.edit(&policy("two"));
    let manager = bench.start().await;
    assert_eq!(contact(&manager).as_deref(), Some("one"));
    assert!(manager.trouble().is_some());
}

#[tokio::test]
async fn a_restart_is_no_new_version() {
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    let before = bench.start().await;
    apply(&before, &policy("one")).await.unwrap();
    let versions = before.history().versions().unwrap();
    assert_eq!(versions.len(), 2, "the starter and the applied one");
    let after = bench.start().await;
    assert_eq!(after.history().versions().unwrap(), versions);
    assert_eq!(after.live().unwrap().version, versions[1]);
}

/// The author was told that it was not made: so it must not be there after a restart either, with all that it would govern.
#[tokio::test]
async fn what_could_not_be_recorded_is_not_in_force_after_a_restart() {
    let mut bench = Bench::new();
    bench.import(&["s:eng"]).await;
    let manager = bench.start().await;
    apply(&manager, &policy("one")).await.unwrap();
    bench.audit.close().await;
    let two = format!("{}\n[change]\napprovals = 1\n", policy("two"));
    assert!(matches!(apply(&manager, &two).await, Err(ApplyError::Audit(_))));
    assert_eq!(manager.history().last().unwrap().unwrap().author, "uid 0");
    assert_eq!(manager.history().versions().unwrap().len(), 2, "the starter, and one");
    let node = "node".parse().unwrap();
    (bench.audit, _) = AuditLog::open(&bench.folder.path().join("audit"), &node).unwrap();
    let after = bench.start().await;
    assert_eq!((contact(&after).as_deref(), bench.place()), (Some("one"), policy("one")));
    assert!(after.proposals().is_empty());
}

/// The daemon dies when the files are written and nothing is recorded yet.
#[tokio::test]
async fn a_change_that_a_crash_cut_off_is_its_author_s() {
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    let manager = bench.start().await;
    apply(&manager, &policy("one")).await.unwrap();
    let begun = super::Version {
        digest: approval::digest(&policy("two")),
        author: "uid 7".into(),
        reason: "why".into(),
        ..manager.history().last().unwrap().unwrap()
    };
    manager.history().begin(&begun).unwrap();
    bench.edit(&policy("two"));
    let last = |manager: &PolicyManager| {
        let last = manager.history().last().unwrap().unwrap();
        (last.author, last.reason, last.origin)
    };
    let after = bench.start().await;
    assert_eq!(last(&after), ("uid 7".into(), "why".into(), PolicyOrigin::Apply));
    assert_eq!(bench.told().last().unwrap()["author"], "uid 7");
    // Once: it is nobody's change that the daemon is started again, also where the crash came when all was recorded.
    let versions = after.history().versions().unwrap();
    assert_eq!(bench.start().await.history().versions().unwrap(), versions);
    after.history().begin(&begun).unwrap();
    assert_eq!(bench.start().await.history().versions().unwrap(), versions);
    assert!(!bench.history("begun.json").exists());
    // Of other files it says nothing.
    bench.edit(&policy("three"));
    assert_eq!(last(&bench.start().await).0, "files");
}

/// What lay there lies there again, also what could not be read; and where there was nothing, nothing.
#[tokio::test]
async fn what_failed_does_not_lie_there() {
    for (was_readable, in_force) in [(true, true), (false, true), (true, false), (false, false)] {
        let bench = Bench::new();
        bench.import(&["s:eng"]).await;
        if !in_force {
            fs::create_dir(bench.folder.path().join("policy")).unwrap();
            bench.edit("version = 1\nfaulty");
        }
        let manager = bench.start().await;
        if in_force {
            apply(&manager, &policy("one")).await.unwrap();
        }
        let notes = bench.folder.path().join("policy/z.toml/notes");
        if !was_readable {
            fs::create_dir(notes.parent().unwrap()).unwrap();
            fs::write(&notes, "mine").unwrap();
        }
        let before = bench.place();
        bench.audit.close().await;
        assert!(matches!(apply(&manager, &policy("two")).await, Err(ApplyError::Audit(_))));
        assert_eq!((bench.place(), manager.live().is_some()), (before, in_force));
        assert_eq!(notes.exists(), !was_readable);
    }
}

#[tokio::test]
async fn what_failed_leaves_no_folder_where_there_was_none() {
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    bench.audit.close().await;
    let manager = bench.start().await;
    assert!(manager.live().is_none());
    fs::remove_dir_all(bench.folder.path().join("policy")).unwrap();
    assert!(apply(&manager, &policy("two")).await.is_err());
    assert!(!bench.folder.path().join("policy").exists());
}

/// Nobody knows what lies there, and whoever writes there would hang as well.
#[tokio::test]
async fn where_files_are_silent_nothing_is_written() {
    let bench = Bench::new();
    bench.import(&["s:eng"]).await;
    let manager = bench.start().await;
    apply(&manager, &policy("one")).await.unwrap();
    let versions = manager.history().versions().unwrap();
    let hang = |_: &Path| {
        thread::sleep(Duration::from_secs(60));
        Err(ReadError::Empty(PathBuf::new()))
    };
    let reading = Reading { read: hang, patience: Duration::from_millis(20), ..Reading::default() };
    let silent = PolicyManager { reading, ..manager };
    let Err(ApplyError::Read(ReadError::Silent(path))) = apply(&silent, &policy("two")).await else {
        panic!()
    };
    assert_eq!(path, bench.folder.path().join("policy"));
    assert_eq!((bench.place(), contact(&silent).as_deref()), (policy("one"), Some("one")));
    assert_eq!(silent.history().versions().unwrap(), versions);
    assert!(!bench.history("begun.json").exists());
}
