//! A witness on another host, as far as one machine can be another host: it cosigns, and it notices.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use oam_audit::{checkpoint::SignedCheckpoint, keys::CosignerKey};
use oam_tests::{Daemon, Run, binaries, independent, wait};

/// A running `oam audit witness`.
pub(crate) struct Witness {
    child: Child,
    pub(crate) address: String,
    pub(crate) key: String,
}

impl Witness {
    pub(crate) fn start(state: &Path, listen: &str, keys: &[&Path]) -> Self {
        let mut child = Command::new(binaries::path("oam"))
            .args(["audit", "witness", "--name", "w1.example", "--listen", listen, "--json", "--state"])
            .arg(state)
            .args(keys.iter().flat_map(|key| [Path::new("--log"), key]))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| said[name].as_str().unwrap().to_owned();
        Self { child, address: text("listening"), key: text("key") }
    }

    /// As it ends when its host loses power.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

pub(crate) fn warnings(daemon: &Daemon) -> String {
    let status = daemon.oam(["status", "--json"]).expect_success("oam status").stdout_text();
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    status["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| warning.as_str().unwrap().to_owned() + "\n")
        .collect()
}

/// The size that the checkpoint on the disk has, when this witness has cosigned it.
pub(crate) fn cosigned(daemon: &Daemon, witness: &str) -> Option<u64> {
    let text = fs::read_to_string(daemon.state().join("audit/checkpoint")).unwrap();
    let key: CosignerKey = witness.parse().unwrap();
    SignedCheckpoint::parse(&text).unwrap().cosigned_by(&key).ok()?;
    text.lines().nth(1)?.parse().ok()
}

#[test]
fn a_witness_cosigns_and_notices_what_was_put_back() {
    let mut daemon = Daemon::start();
    let public = daemon.folder().join("log.pub");
    fs::copy(daemon.state().join("audit/checkpoint.pub"), &public).unwrap();
    let state = daemon.folder().join("witness");
    let witness = Witness::start(&state, "127.0.0.1:0", &[&public]);
    let (address, key) = (witness.address.clone(), witness.key.clone());
    daemon.stop();
    let old = daemon.folder().join("old");
    Command::new("cp").arg("-a").arg(daemon.state().join("audit")).arg(&old).run().expect_success("cp");
    daemon
        .write_config(&format!("[audit]\nwitnesses = [{{ url = \"http://{address}\", key = \"{key}\" }}]\n"));
    daemon.spawn();
    let before = wait::until("the witness cosigns", || cosigned(&daemon, &key));
    daemon.deactivate("bob").expect_success("oam user deactivate");
    let after = wait::until("it goes on", || cosigned(&daemon, &key).filter(|size| *size > before));
    assert_eq!(warnings(&daemon), "");

    // Nobody there: the log goes on, and somebody is told.
    witness.kill();
    daemon.oam(["user", "reactivate", "bob", "--reason", "is back"]).expect_success("oam user reactivate");
    wait::until("a silent witness is told of", || warnings(&daemon).contains("w1.example").then_some(()));
    let witness = Witness::start(&state, &address, &[&public]);
    assert_eq!(witness.key, key);
    let end = wait::until("it remembers", || cosigned(&daemon, &key).filter(|size| *size > after));
    wait::until("all is well", || warnings(&daemon).is_empty().then_some(()));

    // An older state, in order by itself, is put in the place of the log.
    daemon.stop();
    let log = daemon.state().join("audit");
    let ours = |log: &Path| {
        let mut oam = Command::new(binaries::path("oam"));
        oam.args(["audit", "verify", "--key"]).arg(&public).arg("--dir").arg(log).run()
    };
    ours(&log).expect_success("oam audit verify");
    fs::rename(&log, daemon.folder().join("new")).unwrap();
    fs::rename(&old, &log).unwrap();
    ours(&log).expect_success("oam audit verify does not see it");
    daemon.spawn();
    let told =
        wait::until("it is noticed", || Some(warnings(&daemon)).filter(|text| text.contains("has seen")));
    assert!(told.contains("put back to an older state"), "{told}");
    // What the witness remembers is a checkpoint like any other.
    let kept = fs::read_dir(&state).unwrap().map(|file| file.unwrap().path());
    let kept: Vec<PathBuf> =
        kept.filter(|path| path.extension().is_some_and(|kind| kind == "checkpoint")).collect();
    let mut oam = Command::new(binaries::path("oam"));
    oam.args(["audit", "verify", "--key"])
        .arg(&public)
        .arg("--dir")
        .arg(&log)
        .arg("--checkpoint")
        .arg(&kept[0]);
    let seen = oam.run();
    assert!(seen.code == 1 && seen.stdout_text().contains("were cut off"), "{seen:?}");
    assert!(end > before);
    witness.kill();
}

#[test]
fn entries_and_growth_are_proved_without_the_log() {
    let daemon = Daemon::start();
    let log = daemon.state().join("audit");
    let file = |name: &str| daemon.folder().join(name);
    wait::until("something is signed", || signed_size(&log.join("checkpoint")).filter(|size| *size > 1));
    fs::copy(log.join("checkpoint"), file("kept")).unwrap();
    let kept = signed_size(&file("kept")).unwrap();
    daemon.deactivate("bob").expect_success("oam user deactivate");
    wait::until("more is signed", || signed_size(&log.join("checkpoint")).filter(|size| *size > kept));

    let oam = |arguments: &[&str]| {
        let mut oam = Command::new(binaries::path("oam"));
        oam.args(["audit"]).args(arguments).current_dir(daemon.folder());
        oam.run()
    };
    let proof = oam(&["prove", "1", "--dir", "state/audit"]).expect_success("oam audit prove");
    fs::write(file("entry.tlog-proof"), &proof.stdout).unwrap();
    let growth = oam(&["prove", "--since", "kept", "--dir", "state/audit"]).expect_success("oam audit prove");
    fs::write(file("growth"), &growth.stdout).unwrap();
    let key = fs::read_to_string(log.join("checkpoint.pub")).unwrap();
    let key = key.trim();

    let proved = oam(&["verify", "--proof", "entry.tlog-proof", "--key", key]).expect_success("the entry");
    assert!(
        proved.stdout_text().contains("Entry 1 is in the log") && proved.stdout_text().contains("\"seq\":1"),
        "{proved:?}"
    );
    oam(&["verify", "--proof", "growth", "--key", key, "--checkpoint", "kept"]).expect_success("the growth");
    let range = oam(&["verify", "--entries", "0..2", "--key", key, "--dir", "state/audit"]);
    assert!(range.expect_success("a range").stdout_text().contains("Entries 0 to 1 are"), "in words");
    if let Some(theirs) = independent::verify_proof(&file("entry.tlog-proof"), key) {
        theirs.expect_success("the independent verifier");
    }

    let text = String::from_utf8(proof.stdout).unwrap();
    fs::write(file("forged"), text.replacen("index 1", "index 0", 1)).unwrap();
    let forged = oam(&["verify", "--proof", "forged", "--key", key]);
    assert!(forged.code == 1 && forged.stdout_text().contains("not proved"), "{forged:?}");
    if let Some(theirs) = independent::verify_proof(&file("forged"), key) {
        assert_eq!(theirs.code, 1, "{theirs:?}");
    }
    assert_eq!(oam(&["verify", "--entries", "0..9999", "--key", key, "--dir", "state/audit"]).code, 1);
    assert_eq!(
        oam(&["verify", "--proof", "growth", "--key", key, "--checkpoint", "state/audit/checkpoint"]).code,
        1
    );
    assert_eq!(oam(&["verify", "--proof", "growth", "--key", key]).code, 2);
    assert_eq!(oam(&["prove", "9999", "--dir", "state/audit"]).code, 2);
}

fn signed_size(checkpoint: &Path) -> Option<u64> {
    fs::read_to_string(checkpoint).ok()?.lines().nth(1)?.parse().ok()
}
