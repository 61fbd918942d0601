mod approval;
mod restart;

use std::fs;

use jiff::Timestamp;
use oam_audit::entry::PolicyOrigin;
use oam_policy::{
    Digest,
    file::PolicySource,
    snapshot::{Directory, Person},
};

use super::{Applied, ApplyError, Change, PolicyManager};

use crate::{
    audit_log::AuditLog,
    config::PolicyPlace,
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

    async fn start(&self) -> PolicyManager {
        self.start_at(PolicyPlace::Managed(self.folder.path().join("policy")), None).await
    }

    async fn start_at(&self, place: PolicyPlace, unapproved: Option<Digest>) -> PolicyManager {
        let state = self.folder.path();
        PolicyManager::start(place, unapproved, state, self.audit.clone(), self.reader.clone()).await.unwrap()
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
    fn edit(&self, text: &str) {
        fs::write(self.folder.path().join("policy/policy.toml"), text).unwrap();
    }
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
