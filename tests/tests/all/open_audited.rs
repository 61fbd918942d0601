//! `on_unavailable = "open-audited"`: what an administrator lets in while no daemon answers is told to the audit log as
//! soon as one does.

use std::{fs, path::PathBuf, process::Command};

use oam_tests::{BareRepo, Daemon, Finished, HookConfig, Run, Verdict, WorkingCopy, sample};

struct World {
    daemon: Daemon,
    repository: BareRepo,
    work: WorkingCopy,
    spool: PathBuf,
}

fn started() -> World {
    let daemon = Daemon::start();
    let spool = daemon.folder().join("spool");
    fs::create_dir(&spool).unwrap();
    let more = format!(
        "[on_unavailable]\naction = \"open-audited\"\nrefs = [\"refs/heads/feature/**\"]\nspool = \"{}\"\n",
        spool.display()
    );
    let config = HookConfig { more, ..HookConfig::plain(&daemon, sample::REPOSITORY) };
    let repository = BareRepo::with(&config);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    World { daemon, repository, work, spool }
}

impl World {
    fn deliver(&self) -> Finished {
        let mut deliver = Command::new(oam_tests::binaries::path("oam-hook"));
        deliver.env_clear().arg("--config").arg(self.repository.path().join("hooks/oam-hook.toml"));
        deliver.arg("deliver").run()
    }

    /// The records that wait to be delivered.
    fn waiting(&self) -> Vec<PathBuf> {
        let all = fs::read_dir(&self.spool).unwrap().map(|entry| entry.unwrap().path());
        let records = all.filter(|path| path.is_file() && fs::metadata(path).unwrap().len() > 0);
        records.collect()
    }
}

#[test]
fn what_was_let_in_reaches_the_audit_log_once() {
    let mut world = started();
    world.daemon.kill();
    let tip = world.work.commit("in the dark");
    let output = world.work.push(["HEAD:refs/heads/feature/x"]);
    assert_eq!(output.verdict(), Verdict::Permitted, "{output:?}");
    assert!(!output.remote().is_empty(), "the pusher is told: {output:?}");
    insta::assert_snapshot!(output.redacted(), @r"

    Push let in WITHOUT A CHECK by Bitbucket OAM.

      No Bitbucket OAM daemon could be asked
      (`unix:[temporary]/hook.sock`: Connection refused (os error
      111)).
      Your administrators allow it for these refs while no daemon answers.

    It will be reported to the audit log.
    Record: [id]
    ");
    assert_eq!(world.waiting().len(), 1);
    assert_ne!(world.deliver().code, 0, "nobody is there yet");
    assert_eq!(world.waiting().len(), 1, "and nothing is lost by trying");

    let kept = (world.waiting()[0].clone(), fs::read(&world.waiting()[0]).unwrap());
    world.daemon.spawn();
    world.deliver().expect_success("oam-hook deliver");
    assert_eq!(world.waiting().len(), 0);
    let log = world.daemon.audit();
    let spooled = log.permitted_while_unavailable();
    assert_eq!(spooled.len(), 1);
    assert_eq!((&*spooled[0].repository, &*spooled[0].principal), ("DEMO/app", "alice"));
    assert_eq!(spooled[0].updates.len(), 1);
    assert_eq!(spooled[0].updates[0].name.as_bytes(), b"refs/heads/feature/x");
    let change = oam_audit::entry::Change::Create { new: tip };
    assert_eq!(spooled[0].updates[0].change, change);

    // Delivered but not yet removed when the power went: it comes again, and is recorded once.
    fs::write(&kept.0, &kept.1).unwrap();
    world.deliver().expect_success("oam-hook deliver, again");
    assert_eq!(world.daemon.audit().permitted_while_unavailable().len(), 1);
}

#[test]
fn only_what_is_listed_goes_in() {
    let mut world = started();
    world.daemon.kill();
    let before = world.repository.refs();
    world.work.commit("in the dark");
    for refspecs in [
        &["HEAD:refs/heads/main"][..],
        &["HEAD:refs/heads/feature/x", "HEAD:refs/heads/main"],
        &["HEAD:refs/tags/v1"],
    ] {
        let output = world.work.push(refspecs);
        assert_eq!(output.verdict(), Verdict::Undecided, "{output:?}");
    }
    assert_eq!(world.repository.refs(), before);
    assert_eq!(world.waiting().len(), 0);
}

#[test]
fn a_refusal_is_never_overridden() {
    let world = started();
    world.daemon.deactivate("alice").expect_success("oam user deactivate");
    let output = world.work.push(["HEAD:refs/heads/feature/x"]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert_eq!(world.waiting().len(), 0);
}

#[test]
fn what_cannot_be_recorded_does_not_go_in() {
    let mut world = started();
    world.daemon.kill();
    fs::remove_dir_all(&world.spool).unwrap();
    // A file where the folder should be: not even root can write into it.
    fs::write(&world.spool, "").unwrap();
    let output = world.work.push(["HEAD:refs/heads/feature/x"]);
    assert_eq!(output.verdict(), Verdict::Undecided, "{output:?}");
    assert_eq!(world.repository.tip("refs/heads/feature/x"), None);
}
