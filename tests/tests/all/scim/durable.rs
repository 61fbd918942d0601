//! What a provider was answered is so, whatever happens to the daemon.

use std::{
    fs,
    thread::{sleep, spawn},
    time::Duration,
};

use oam_audit::entry::{Event, SnapshotCause};
use oam_tests::{ScimClient, Verdict};
use serde_json::{Value, json};

use super::{Company, patch, user};
use crate::soak;

fn active(active: bool) -> Value {
    patch(&json!([{"op": "replace", "value": {"active": active}}]))
}

#[test]
fn a_deactivation_is_recorded_and_in_force_before_it_is_answered() {
    let company = Company::new();
    let (ids, _) = company.developers(&["alice"]);
    company.permits("alice");
    let answer = company.okta.patch(&format!("/Users/{}", ids[0]), &active(false));
    answer.expect(200);
    // No waiting: the log on the disk has it.
    let log = company.daemon.audit();
    let Some(Event::SnapshotChanged(last)) = log.entries.last().map(|entry| &entry.event) else {
        panic!("{:?}", log.entries.last())
    };
    assert_eq!((last.cause, last.subject.as_deref()), (SnapshotCause::Source, Some("alice")));
    assert_eq!(last.reason.as_deref(), Some("SCIM: user deactivated"));
    assert!(last.actor.starts_with("source okta (token "), "{last:?}");
    company.refuses("alice", "account-disabled");
}

/// kill -9 at every moment of a deactivation: one that was answered holds after the start, and so does everything else.
#[test]
fn what_was_answered_holds_after_a_kill() {
    let mut company = Company::new();
    let (ids, _) = company.developers(&["alice", "bob"]);
    let path = format!("/Users/{}", ids[0]);
    let (rounds, mut moment) = (if soak() { 300 } else { 15 }, 8_000_u64);
    let (mut answered, mut forestalled) = (0, 0);
    for round in 0..rounds {
        company.okta.patch(&path, &active(true)).expect(200);
        let (client, target) = (company.okta.clone(), path.clone());
        let sent = spawn(move || client.send_with("PATCH", &target, Some(&active(false)), ""));
        sleep(Duration::from_micros(moment / 2 + (moment * round / rounds)));
        company.daemon.kill();
        let answer = sent.join().unwrap();
        company.daemon.spawn();
        company.okta = company.okta.again(&company.daemon);
        let shown = company.okta.get(&path).body["active"].clone();
        let (verdict, _) = company.push("alice");
        if answer.is_some_and(|answer| answer.status == 200) {
            answered += 1;
            moment = (moment * 4 / 5).max(500);
            assert_eq!((shown, verdict), (json!(false), Verdict::Refused), "round {round}");
        } else {
            forestalled += 1;
            moment = (moment * 5 / 4).min(500_000);
            // Taken over or not, but not half of it.
            assert_eq!(shown == json!(true), verdict == Verdict::Permitted, "round {round}");
        }
        company.permits("bob");
    }
    assert!(
        answered > 0 && forestalled > 0,
        "{answered} answered, {forestalled} forestalled: the kills missed"
    );
}

#[test]
fn a_source_that_is_lost_decides_nothing_and_gives_nobody_anything() {
    for damage in [gone, flipped, cut] {
        let mut company = Company::new();
        let (ids, _) = company.developers(&["alice", "bob"]);
        company.okta.patch(&format!("/Users/{}", ids[1]), &active(false)).expect(200);
        company.refuses("bob", "account-disabled");
        company.daemon.stop();
        damage(&company.daemon.state().join("sources/okta"));
        company.daemon.spawn();
        company.okta = company.okta.again(&company.daemon);
        assert_eq!(company.push("alice"), (Verdict::Undecided, "source-stale".into()));
        assert_eq!(company.push("bob"), (Verdict::Undecided, "source-stale".into()));
        let status = company.daemon.oam(["status"]).stdout_text();
        assert!(status.contains("is lost"), "{status}");
        if company.okta.get("/Users").status == 401 {
            company.okta = ScimClient::of(&company.daemon, "okta");
        }
        // Told again, all of it.
        company.developers(&["alice"]);
        let complete = ["source", "sync", "okta", "--complete", "--reason", "Okta has pushed everything"];
        company.daemon.oam(complete).expect_success("complete");
        company.permits("alice");
        company.refuses("bob", "account-disabled");
    }
}

fn gone(folder: &std::path::Path) {
    fs::remove_dir_all(folder).unwrap();
}

fn newest(folder: &std::path::Path, kind: &str) -> std::path::PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(kind)).max().unwrap()
}

fn flipped(folder: &std::path::Path) {
    let path = newest(folder, "journal-");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn cut(folder: &std::path::Path) {
    let path = newest(folder, "journal-");
    let bytes = fs::read(&path).unwrap();
    fs::write(path, &bytes[..bytes.len() - 40]).unwrap();
}

#[test]
fn a_directory_from_before_there_were_sources_is_what_the_file_said() {
    let mut company = super::Company::with(&oam_tests::daemon::Setup::default().with_okta());
    let upgraded = company.daemon.state().join("sources");
    company.daemon.stop();
    fs::remove_dir_all(upgraded).unwrap();
    company.daemon.spawn();
    let shown =
        company.daemon.oam(["--json", "source", "status", "file"]).expect_success("status").stdout_text();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["users"], json!(5));
    company.refuses("gone", "account-disabled");
    company.okta = ScimClient::of(&company.daemon, "okta");
    company.okta.post("/Users", &user("gone")).expect(201);
    company.refuses("gone", "account-disabled");
}

trait WithOkta {
    fn with_okta(self) -> Self;
}

impl WithOkta for oam_tests::daemon::Setup {
    /// The sample's directory as that of the source `file`, with groups that no source is called after.
    fn with_okta(self) -> Self {
        let rename = |text: String| text.replace("okta:", "corp:");
        Self {
            policy: rename(self.policy),
            directory: self.directory.map(rename),
            config: format!("[source.file]\nkind = \"file\"\n\n{}", super::OKTA),
        }
    }
}
