//! The key of the audit log is rotated: by whom it is done, and what those see who keep an old key.

use std::{fs, path::Path, process::Command};

use oam_tests::{BareRepo, Daemon, Run, Verdict, binaries, independent, process::Finished, wait};

use crate::witness::{Witness, cosigned, warnings};

fn rotate(daemon: &Daemon) -> Finished {
    let mut oamd = Command::new(binaries::path("oamd"));
    oamd.arg("--config").arg(daemon.config_file());
    oamd.args(["rotate-key", "--reason", "every year"]).run()
}

fn oam(arguments: &[&str], folder: &Path) -> Finished {
    let mut oam = Command::new(binaries::path("oam"));
    oam.arg("audit").args(arguments).current_dir(folder).run()
}

#[test]
fn a_key_follows_another_and_everybody_sees_it() {
    let mut daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    let audit = daemon.state().join("audit");
    let folder = daemon.folder().to_owned();
    let file = |name: &str| folder.join(name);
    fs::copy(audit.join("checkpoint.pub"), file("old.pub")).unwrap();
    let running = rotate(&daemon);
    assert!(running.code == 1 && running.stderr_text().contains("in use by another daemon"), "{running:?}");
    daemon.stop();
    fs::copy(audit.join("checkpoint"), file("kept")).unwrap();

    let rotated = rotate(&daemon).expect_success("oamd rotate-key");
    fs::copy(audit.join("checkpoint.pub"), file("new.pub")).unwrap();
    let (old, new) =
        (fs::read_to_string(file("old.pub")).unwrap(), fs::read_to_string(file("new.pub")).unwrap());
    assert_eq!(rotated.stdout_text(), new);
    assert_ne!(old, new);

    // A witness that was given the old key alone does not follow; one that was given both does.
    let state = file("witness");
    let witness = Witness::start(&state, "127.0.0.1:0", &[&file("old.pub")]);
    let (address, key) = (witness.address.clone(), witness.key.clone());
    daemon
        .write_config(&format!("[audit]\nwitnesses = [{{ url = \"http://{address}\", key = \"{key}\" }}]\n"));
    daemon.spawn();
    work.commit("two");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    wait::until("the witness refuses", || warnings(&daemon).contains("403").then_some(()));
    witness.kill();
    let witness = Witness::start(&state, &address, &[&file("old.pub"), &file("new.pub")]);
    let size = wait::until("the witness follows", || cosigned(&daemon, &key));
    wait::until("all is well", || warnings(&daemon).is_empty().then_some(()));
    daemon.stop();
    witness.kill();
    assert!(size > 3, "{size}");

    for key in ["old.pub", "new.pub"] {
        let verify = ["verify", "--dir", "state/audit", "--checkpoint", "kept", "--key", key];
        let ours = oam(&verify, &folder).expect_success("oam audit verify").stdout_text();
        assert!(ours.contains("rotated") && ours.contains("1 time") && ours.contains(new.trim()), "{ours}");
        let text = fs::read_to_string(file(key)).unwrap();
        if let Some(theirs) = independent::verify_log(&audit, text.trim(), Some(&file("kept"))) {
            theirs.expect_success("the independent verifier");
        }
    }
    // A proof is by the key of its checkpoint; that the log grew since the old one, by both.
    let proof = oam(&["prove", "1", "--dir", "state/audit"], &folder).expect_success("prove");
    fs::write(file("proof"), &proof.stdout).unwrap();
    let proved = |keys: &[&str]| oam(&[&["verify", "--proof", "proof"], keys].concat(), &folder).code;
    assert_eq!(proved(&["--key", "new.pub"]), 0);
    assert_eq!(proved(&["--key", "old.pub", "--key", "new.pub"]), 0);
    assert_eq!(proved(&["--key", "old.pub"]), 1);
    let growth = oam(&["prove", "--since", "kept", "--dir", "state/audit"], &folder);
    fs::write(file("growth"), growth.expect_success("prove").stdout).unwrap();
    let grew = |keys: &[&str]| {
        let verify = ["verify", "--proof", "growth", "--checkpoint", "kept"];
        oam(&[&verify, keys].concat(), &folder).code
    };
    assert_eq!(grew(&["--key", "old.pub", "--key", "new.pub"]), 0);
    assert_eq!(grew(&["--key", "new.pub"]), 1);
}
