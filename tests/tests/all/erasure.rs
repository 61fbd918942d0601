//! The audit log names people by aliases, one of them is forgotten, and everything else goes on: with real pushes, a
//! daemon that is started again, and a verifier that is not ours.

use std::{
    fs,
    path::{Path, PathBuf},
};

use oam_audit::entry::Event;
use oam_tests::{BareRepo, Daemon, Finished, Verdict, daemon::Setup, independent, sample, wait};
use serde_json::Value;

/// Alice may have more for a while, and nobody is asked. What new commits say is looked at, and so recorded.
const RULES: &str = r#"
[[elevation]]
id = "on-call"
roles = ["release-manager"]
to = ["developer"]
on = ["DEMO/*"]
refs = ["refs/heads/**"]
max_time = "4h"

[[require]]
id = "messages"
on = ["DEMO/*"]
refs = ["refs/heads/**"]
[require.commits]
message = "re:.*"
author_known = true
"#;

/// Two developers. No base64 holds a dot, so their names stand nowhere by chance.
const PEOPLE: &str = r#"{"version":1,"users":[
{"username":"alice.l","emails":["alice.l@example.com"],"groups":["okta:eng"]},
{"username":"bob.m","emails":["bob.m@example.com"],"groups":["okta:eng"]}]}"#;

struct World {
    daemon: Daemon,
    repository: BareRepo,
}

impl World {
    /// Whoever runs this administers, and is alice in the directory.
    fn new() -> Self {
        let config = format!(
            "[audit]\npeople = \"aliases\"\n\n[admin]\npeople = {{ {} = \"alice.l\" }}\n",
            nix::unistd::geteuid()
        );
        let policy = format!("{}{RULES}", sample::POLICY);
        let daemon = Daemon::start_with(&Setup { config, policy, directory: Some(PEOPLE.into()) });
        let repository = BareRepo::guarded_by(&daemon);
        Self { daemon, repository }
    }

    fn push(&self, who: &str, subject: &str, name: &str) -> Verdict {
        let email = format!("{who}@example.com");
        let work = self.repository.working_copy().pushing_as(who);
        let work = work.with("GIT_AUTHOR_EMAIL", &email).with("GIT_COMMITTER_EMAIL", &email);
        work.commit(subject);
        work.push([format!("HEAD:refs/heads/{name}")]).verdict()
    }

    fn audit(&self) -> PathBuf {
        self.daemon.state().join("audit")
    }

    fn query(&self, more: &[&str]) -> String {
        let (log, index) = (self.audit(), self.daemon.folder().join("index"));
        let place = ["--dir", log.to_str().unwrap(), "--index", index.to_str().unwrap()];
        let command = ["audit", "query"];
        self.daemon
            .oam(command.iter().chain(more).chain(&place))
            .expect_success("oam audit query")
            .stdout_text()
    }

    /// What is signed is printed: waits until as much is as there is.
    fn signed(&self) {
        let all = || self.daemon.audit().entries.len();
        wait::until("all is signed", || (self.query(&["--json"]).lines().count() >= all()).then_some(()));
    }

    fn erase(&self, more: &[&str]) -> Finished {
        self.daemon.oam(["audit", "erase"].iter().chain(more))
    }
}

/// The files of a folder that hold a word.
fn holding(folder: &Path, word: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, word));
        } else if let Ok(bytes) = fs::read(&path)
            && bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
        {
            found.push(path);
        }
    }
    found
}

#[test]
fn one_of_two_is_erased_and_everything_else_stays() {
    let mut world = World::new();
    assert_eq!(world.push("alice.l", "zar.quon", "main"), Verdict::Permitted);
    assert_eq!(world.push("bob.m", "as alice.l said", "feature/x"), Verdict::Permitted);
    let asked = ["grant", "request", "--role", "release-manager", "--on", "DEMO/app", "--refs"];
    let asked =
        asked.iter().chain(&["refs/heads/release/**", "--for", "60m", "--reason", "INC.1 by alice.l"]);
    world.daemon.oam(asked).expect_success("oam grant request");
    world.signed();

    for word in ["alice.l", "bob.m", "zar.quon", "INC.1"] {
        assert_eq!(holding(&world.audit(), word), Vec::<PathBuf>::new(), "{word}");
    }
    let of_alice = world.query(&["--user", "alice.l"]);
    assert!(of_alice.contains("alice.l push: ") && !of_alice.contains("bob.m push: "), "{of_alice}");
    let raw = world.query(&["--user", "alice.l", "--json"]);
    assert!(raw.contains(r#""principal":" person:"#) && !raw.contains("alice.l"), "{raw}");
    let tail = world.daemon.oam(["audit", "tail", "-n", "100", "--json"]).stdout_text();
    assert!(tail.contains(r#""subject":"zar.quon""#) && tail.contains("alice.l@example.com"), "{tail}");

    let pushed = world.daemon.audit().decisions().remove(0);
    let alias = pushed.decision.principal.trim().to_owned();
    let first: Value = serde_json::from_str(raw.lines().next().unwrap()).unwrap();
    let seq = first["seq"].to_string();
    let log = world.audit();
    let proof = world.daemon.oam(["audit", "prove", &seq, "--dir", log.to_str().unwrap()]);
    let proof_file = world.daemon.folder().join("push.tlog-proof");
    fs::write(&proof_file, proof.expect_success("oam audit prove").stdout_text()).unwrap();
    let kept = world.daemon.folder().join("checkpoint.kept");
    fs::copy(log.join("checkpoint"), &kept).unwrap();

    // What she has for a while is hers after a restart, from the log alone.
    world.daemon.stop();
    fs::remove_file(world.daemon.state().join("privileges")).unwrap();
    world.daemon.spawn();
    assert_eq!(world.push("alice.l", "three", "release/1"), Verdict::Permitted);

    let refused = world.erase(&["alice.l"]);
    assert!(!refused.success() && refused.stderr_text().contains("oam grant revoke"), "{refused:?}");
    let list = world.daemon.oam(["grant", "list", "--json"]).stdout_text();
    let list: Value = serde_json::from_str(&list).unwrap();
    let id = list["privileges"][0]["id"].as_str().unwrap();
    world.daemon.oam(["grant", "revoke", id, "--reason", "it is done"]).expect_success("oam grant revoke");
    let refused = world.erase(&["alice.l"]);
    assert!(!refused.success() && refused.stderr_text().contains("may still act"), "{refused:?}");
    assert!(!world.erase(&["alice.l", "nobody-of-that-name", "--force"]).success());
    assert!(world.query(&["--user", "alice.l"]).contains("alice.l push: "), "none of them was erased");

    world.daemon.deactivate("alice.l").expect_success("oam user deactivate");
    let erased = world.erase(&["Alice.L"]).expect_success("oam audit erase").stdout_text();
    assert!(erased.contains(&alias) && !erased.contains("alice.l"), "{erased}");
    assert!(!world.erase(&["alice.l"]).success(), "there is nobody of that name any more");
    world.signed();

    assert_eq!(world.query(&["--user", "alice.l"]), "");
    let by_alias = world.query(&["--user", &alias]);
    assert!(by_alias.contains(&format!("{alias} push: ")) && by_alias.contains("erased: who"), "{by_alias}");
    let of_bob = world.query(&["--user", "bob.m"]);
    assert!(of_bob.contains("bob.m push: "), "{of_bob}");
    let tail = world.daemon.oam(["audit", "tail", "-n", "100", "--json"]).stdout_text();
    for word in ["alice.l", "zar.quon", "INC.1", "as alice.l said"] {
        assert!(!tail.contains(word), "{word}: {tail}");
    }
    assert!(tail.contains("bob.m@example.com"), "{tail}");
    let places = [world.audit(), world.daemon.state().join("people"), world.daemon.folder().join("index")];
    for place in &places {
        assert_eq!(holding(place, "alice.l"), Vec::<PathBuf>::new());
    }

    let key = fs::read_to_string(log.join("checkpoint.pub")).unwrap();
    let key = key.trim();
    let verify = |more: &[&str]| world.daemon.oam(["audit", "verify", "--key", key].iter().chain(more));
    let (folder, checkpoint) = (log.to_str().unwrap(), kept.to_str().unwrap());
    verify(&["--dir", folder, "--checkpoint", checkpoint]).expect_success("oam audit verify");
    verify(&["--proof", proof_file.to_str().unwrap()]).expect_success("oam audit verify --proof");
    if let Some(theirs) = independent::verify_log(&log, key, Some(&kept)) {
        theirs.expect_success("the independent verifier");
        let proved = independent::verify_proof(&proof_file, key).unwrap();
        proved.expect_success("the independent verifier, of a proof");
    }

    world.daemon.kill();
    world.daemon.spawn();
    assert_eq!(world.push("bob.m", "five", "feature/y"), Verdict::Permitted);
    assert_eq!(world.push("alice.l", "six", "feature/z"), Verdict::Refused);
    let events: Vec<Event> = world.daemon.audit().entries.into_iter().map(|entry| entry.event).collect();
    let Event::Decision(last) = events.last().unwrap() else { panic!("{events:?}") };
    assert_ne!(last.principal.trim(), alias, "whoever comes back is somebody new");
    let report = world.daemon.oam(["report", "leavers", "--dir", log.to_str().unwrap(), "--scan"]);
    assert!(report.code <= 1, "{report:?}");
}

#[test]
fn who_was_reviewed_is_told_by_name_until_they_are_erased() {
    let world = World::new();
    let (log, index) = (world.audit(), world.daemon.folder().join("index"));
    let review = || {
        let about = ["--repository", "DEMO/app", "--ref", "refs/heads/main", "--format", "json"];
        let place = ["--dir", log.to_str().unwrap(), "--index", index.to_str().unwrap()];
        let command = ["report", "access-review"];
        world.daemon.oam(command.iter().chain(&about).chain(&place)).stdout_text()
    };
    world.signed();
    let file = world.daemon.folder().join("review.json");
    fs::write(&file, review()).unwrap();
    let attested =
        ["report", "attest", file.to_str().unwrap(), "--accept", "--user", "bob.m", "--reason", "Q4"];
    world.daemon.oam(attested).expect_success("oam report attest");
    world.signed();
    assert_eq!(holding(&log, "bob.m"), Vec::<PathBuf>::new());
    let told = review();
    let rows = told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["row"].clone());
    let bob = rows.into_iter().find(|row| row["who"] == "bob.m").unwrap();
    assert!(bob["reviewed"].as_str().unwrap().starts_with("accepted by alice.l, #"), "{bob}");

    world.daemon.deactivate("bob.m").expect_success("oam user deactivate");
    world.erase(&["bob.m"]).expect_success("oam audit erase");
    world.signed();
    let told = review();
    assert!(told.contains("gone since it was reviewed: person:"), "{told}");
    assert!(told.contains("accepted by alice.l") && !told.contains("bob.m"), "{told}");
}

#[test]
fn a_log_with_names_says_so_and_erases_nobody() {
    let daemon = Daemon::start();
    let refused = daemon.oam(["audit", "erase", "alice.l"]);
    assert!(!refused.success() && refused.stderr_text().contains("audit.people"), "{refused:?}");
}

#[test]
fn a_daemon_whose_table_is_gone_does_not_start() {
    let mut world = World::new();
    assert_eq!(world.push("alice.l", "one", "main"), Verdict::Permitted);
    world.daemon.stop();
    let table = world.daemon.state().join("people/table");
    let kept = fs::read(&table).unwrap();
    fs::remove_file(&table).unwrap();
    world.daemon.launch();
    wait::until("it ends", || (!world.daemon.is_alive()).then_some(()));
    assert!(world.daemon.log().contains("people/table` is missing"), "{}", world.daemon.log());
    world.daemon.kill();
    fs::write(&table, kept).unwrap();
    world.daemon.spawn();
    assert!(world.query(&["--user", "alice.l"]).contains("alice.l push: "));
}
