//! What auditors read: entries that are found and seen to be signed, and reports, of the log of a real daemon.

use std::{fs, path::PathBuf, process::Command};

use jiff::Timestamp;
use oam_audit::{
    entry::{AccessVerdict, Event},
    keys::{SigningKey, VerifierKey},
};
use oam_tests::{BareRepo, Daemon, Finished, HookConfig, Run, Verdict, sample, wait};
use serde_json::Value;

struct World {
    daemon: Daemon,
    /// Before alice was cut off.
    before: Timestamp,
}

/// Alice pushes, mallory may not, alice is cut off and tries again.
fn world() -> World {
    let daemon = Daemon::start();
    let repository = BareRepo::with(&HookConfig::plain(&daemon, sample::REPOSITORY));
    let alice = repository.working_copy().pushing_as("alice");
    alice.commit("one");
    assert_eq!(alice.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    let mallory = repository.working_copy().pushing_as("mallory");
    mallory.commit("two");
    assert_eq!(mallory.push(["HEAD:refs/heads/feature/x"]).verdict(), Verdict::Refused);
    let before = Timestamp::now();
    daemon.deactivate("alice").expect_success("oam user deactivate");
    alice.commit("three");
    assert_eq!(alice.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Refused);
    let world = World { daemon, before };
    // Entries are printed once they are signed.
    wait::until("the last push is signed", || {
        world.query(&["--reason", "revoked", "--json"]).stdout_text().contains("alice").then_some(())
    });
    world
}

impl World {
    fn log(&self) -> PathBuf {
        self.daemon.state().join("audit")
    }

    fn run(&self, command: &[&str], more: &[&str]) -> Finished {
        let (log, index) = (self.log(), self.daemon.folder().join("index"));
        let place = ["--dir", log.to_str().unwrap(), "--index", index.to_str().unwrap()];
        self.daemon.oam(command.iter().chain(more).chain(&place))
    }

    fn query(&self, more: &[&str]) -> Finished {
        self.run(&["audit", "query"], more)
    }

    /// The rows of a report.
    fn report(&self, name: &str, more: &[&str]) -> (i32, Vec<Value>) {
        let finished = self.run(&["report", name, "--format", "json"], more);
        let text = finished.stdout_text();
        let lines =
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("{line}")));
        let lines: Vec<Value> = lines.collect();
        assert_eq!(lines[0]["item"], "report", "{text}{}", finished.stderr_text());
        assert!(!lines[0]["controls"].as_array().unwrap().is_empty());
        let rows: Vec<Value> =
            lines.iter().filter(|line| line["item"] == "row").map(|line| line["row"].clone()).collect();
        assert_eq!(lines.last().unwrap()["rows"], rows.len());
        (finished.code, rows)
    }
}

#[test]
fn what_is_found_is_what_the_log_holds() {
    let world = world();
    let audit = world.daemon.audit();
    let mut expected: Vec<u64> = audit
        .entries
        .iter()
        .filter(|entry| serde_json::to_string(&entry.event).unwrap().contains("\"alice\""))
        .map(|entry| entry.seq)
        .collect();
    expected.sort_unstable();
    assert_eq!(expected.len(), 3, "two pushes, and being cut off");
    let found = world.query(&["--user", "Alice", "--json"]).expect_success("oam audit query").stdout_text();
    let entries: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<u64> = entries.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, expected);
    assert_eq!(world.query(&["--user", "Alice", "--json"]).stdout_text(), found);

    let by_id = entries[0]["event"]["decision"].as_str().unwrap();
    let ocsf = world.query(&["--decision", &by_id[..13], "--format", "ocsf"]).stdout_text();
    let event: Value = serde_json::from_str(ocsf.trim()).unwrap();
    assert_eq!(event["class_uid"], 6003);
    assert_eq!(event["raw_data"].as_str().unwrap(), found.lines().next().unwrap());

    let csv = world.query(&["--verdict", "refused", "--format", "csv"]).stdout_text();
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert!(
        csv.starts_with("seq,time,node,kind,decision,outcome,user,") && csv.contains(",refused,mallory,"),
        "{csv}"
    );
    let text = world.query(&["--ref", "refs/heads/feature/x"]).stdout_text();
    assert!(text.contains("refused") && text.contains("mallory"), "{text}");
    assert_eq!(world.query(&["--user", "nobody"]).expect_success("oam audit query").stdout_text(), "");
}

#[test]
fn what_was_not_signed_is_not_read() {
    let world = world();
    let key: VerifierKey =
        fs::read_to_string(world.log().join("checkpoint.pub")).unwrap().trim().parse().unwrap();
    // Of the same name, and another key.
    let other = SigningKey::from_seed(key.name().clone(), &[9; 32]).verifier().to_string();
    let refused = world.query(&["--user", "alice", "--key", &other]);
    assert_eq!(refused.code, 1, "{}", refused.stderr_text());
    assert_eq!(refused.stdout_text(), "");
}

#[test]
fn a_leaver_is_reported_with_what_they_tried_and_proofs() {
    let world = world();
    let proofs = world.daemon.folder().join("proofs");
    let (code, rows) = world.report("leavers", &["--proofs", proofs.to_str().unwrap()]);
    assert_eq!(code, 0, "{rows:?}");
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((&row["user"], &row["verdict"]), (&"alice".into(), &"cut off, and refused since".into()));
    assert_eq!((&row["refusals"], &row["permitted after"]), (&"1".into(), &"none".into()));
    let written: Vec<_> = fs::read_dir(&proofs).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(written.len(), 2, "of being cut off, and of the refusal");
    let key = world.log().join("checkpoint.pub");
    for proof in written {
        let arguments =
            ["audit", "verify", "--proof", proof.to_str().unwrap(), "--key", key.to_str().unwrap()];
        world.daemon.oam(arguments).expect_success("oam audit verify --proof");
    }
    // A page that stands on its own.
    let page = world.run(&["report", "leavers", "--format", "html"], &[]).stdout_text();
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    for reference in ["<script", "<link", "src=", "href=", "url(", "@import", "http:", "https:"] {
        assert!(!page.contains(reference), "{reference}: {page}");
    }
}

#[test]
fn access_is_said_by_the_policy_and_the_directory_of_then() {
    let world = world();
    let who = |more: &[&str]| -> Vec<String> {
        let place = ["--repository", sample::REPOSITORY, "--ref", "refs/heads/main"];
        let (code, rows) = world.report("access-matrix", &[&place, more].concat());
        assert_eq!(code, 0);
        let people = rows.iter().filter(|row| row["kind"] == "user");
        people
            .map(|row| format!("{}: {}", row["who"].as_str().unwrap(), row["may"].as_str().unwrap()))
            .collect()
    };
    let (bob, kim) = ("bob: create update merge", "kim: create update force delete merge");
    assert_eq!(who(&[]), [bob, kim]);
    assert_eq!(who(&["--at", &world.before.to_string()]), ["alice: create update merge", bob, kim]);

    let (_, rows) = world.report("access-review", &[]);
    let kim = rows.iter().find(|row| row["who"] == "kim").unwrap();
    assert_eq!(kim["last push"], "none in 90 days");
    assert_eq!(kim["keep or remove"], "");
    let too_early = world.run(&["report", "access-matrix", "--at", "2001-01-01"], &[]);
    assert_eq!(too_early.code, 3, "{}", too_early.stderr_text());
    assert!(too_early.stderr_text().contains("names no policy"), "{}", too_early.stderr_text());
}

#[test]
fn what_services_may_without_a_lease_is_something_to_look_at() {
    let world = world();
    let (_, none) = world.report("standing-access", &[]);
    assert!(none.is_empty(), "{none:?}");
    // What is allowed is no part of a policy's digest, so another rule is another one.
    let policy = |grant: &str, more: &str| {
        format!(
            "{}\n[[role]]\nid = \"bot\"\nservice = [\"svc-bot\"]\n{more}\n[[grant]]\nid = \"{grant}\"\nto = [\"bot\"]\non = [\"DEMO/*\"]\n\
             refs = [\"refs/heads/bot/**\"]\nverbs = [\"create\"]\n",
            sample::POLICY
        )
    };
    let follow = |grant: &str, more: &str| {
        world.daemon.write_policy(&policy(grant, more));
        let through = format!("{grant} (bot)");
        let (code, rows) = wait::until("the policy is in the signed log", || {
            let (code, rows) = world.report("standing-access", &[]);
            rows.first().is_some_and(|row| row["through"] == through.as_str()).then_some((code, rows))
        });
        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(
            (row["service"].as_str(), row["account"].as_str()),
            (Some("svc-bot"), Some("not in the directory"))
        );
        assert_eq!((row["may"].as_str(), &row["finding"]), (Some("create"), &(code == 1).into()));
        (code, row["allowed because"].clone())
    };
    assert_eq!(follow("bumps", ""), (1, "".into()));
    let allow = "allow = [{ lint = \"service-without-lease\", reason = \"no CI there\" }]";
    assert_eq!(follow("bumps-by-bot", allow), (0, "no CI there".into()));
}

#[test]
fn a_review_is_answered_for_by_name_and_the_next_one_says_what_became_of_it() {
    let mut world = world();
    world.daemon.stop();
    let own = nix::unistd::geteuid();
    world.daemon.write_config(&format!("[admin]\npeople = {{ {own} = \"kim\" }}\n"));
    world.daemon.spawn();
    let place = ["--repository", sample::REPOSITORY, "--ref", "refs/heads/main"];
    let report = world.run(&["report", "access-review", "--format", "json"], &place).stdout_text();
    let file = world.daemon.folder().join("review.json");
    fs::write(&file, &report).unwrap();
    let attest = |more: &[&str]| {
        let file = file.to_str().unwrap();
        world.daemon.oam([&["--json", "report", "attest", file, "--reason", "Q4"][..], more].concat())
    };
    let refused = attest(&["--accept"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.stderr_text().contains("`kim` may not review their own access"), "{refused:?}");
    let unknown = attest(&["--accept", "--user", "nobody"]);
    assert!(unknown.code == 2 && unknown.stderr_text().contains("no row of `nobody`"), "{unknown:?}");
    let done = attest(&["--accept", "--user", "Bob"]).expect_success("oam report attest");
    let done: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((done["by"].as_str(), done["rows"].as_u64()), (Some("kim"), Some(1)));

    let audit = world.daemon.audit();
    let seq = done["entries"][0].as_u64().unwrap();
    let Event::AccessAttested(attested) = &audit.entries[usize::try_from(seq).unwrap()].event else {
        panic!("{done}");
    };
    assert_eq!((attested.by.as_str(), attested.verdict), ("kim", AccessVerdict::Accepted));
    assert_eq!(attested.rows.iter().map(|row| row.who.as_str()).collect::<Vec<_>>(), ["bob"]);
    assert_eq!(attested.review, done["review"]);
    let sum = Command::new("sha256sum").arg(&file).run().expect_success("sha256sum").stdout_text();
    assert!(sum.starts_with(&attested.review), "{sum}");

    let reviewed = |world: &World| -> (i32, Vec<String>) {
        let (code, rows) = world.report("access-review", &place);
        let of =
            |row: &Value| format!("{}: {}", row["who"].as_str().unwrap(), row["reviewed"].as_str().unwrap());
        (code, rows.iter().map(of).collect())
    };
    // It is in the report as soon as it is signed.
    let (code, rows) = wait::until("the attestation is signed", || {
        Some(reviewed(&world)).filter(|(_, rows)| rows.iter().any(|row| row.contains("accepted")))
    });
    assert_eq!(code, 0, "{rows:?}");
    assert!(rows[0].starts_with(&format!("bob: accepted by kim, #{seq} ")) && rows[1] == "kim: ", "{rows:?}");

    attest(&["--revoke", "--user", "bob"]).expect_success("oam report attest");
    let (code, rows) = wait::until("the other one is signed", || {
        Some(reviewed(&world)).filter(|(_, rows)| rows.iter().any(|row| row.contains("revoked")))
    });
    assert!(code == 1 && rows[0].starts_with("bob: STILL THERE, revoked by kim, "), "{rows:?}");
    world.daemon.deactivate("bob").expect_success("oam user deactivate");
    let gone = wait::until("bob is gone", || {
        let report = world.run(&["report", "access-review", "--format", "json"], &place).stdout_text();
        report
            .contains("gone since it was reviewed: bob on refs/heads/main in DEMO/app, revoked by kim")
            .then_some(report)
    });
    assert!(!gone.contains("STILL THERE"), "{gone}");
}

#[test]
fn changes_privileges_and_anomalies_are_reported() {
    let world = world();
    let (_, changes) = world.report("policy-changes", &[]);
    assert!(changes.iter().any(|row| row["what"] == "in force"), "{changes:?}");
    let (_, uses) = world.report("privileged-use", &[]);
    assert!(uses.iter().any(|row| row["what"] == "user cut off" && row["where"] == "alice"), "{uses:?}");
    let (code, anomalies) = world.report("anomalies", &[]);
    assert_eq!((code, anomalies.len()), (0, 0), "{anomalies:?}");
}

/// A daemon that was killed, and a ref that changed behind its back.
#[test]
fn a_crash_and_a_missing_hook_are_anomalies() {
    let mut world = world();
    world.daemon.kill();
    world.daemon.spawn();
    let started = || {
        let found = world.query(&["--kind", "daemon-started", "--json"]).stdout_text();
        (found.lines().count() == 2).then_some(())
    };
    wait::until("the second start is signed", started);
    let (code, anomalies) = world.report("anomalies", &[]);
    assert_eq!(code, 1);
    let [crash] = &anomalies[..] else { panic!("{anomalies:?}") };
    assert_eq!(crash["what"], "daemon did not end in good order");
}
