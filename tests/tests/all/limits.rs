//! When something is exhausted, stale or not allowed: never a permit, and never mistaken for a refusal.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
};

use oam_tests::{
    BareRepo, Daemon, HookConfig, PushOutput, Run, Verdict, binaries, daemon::Setup, sample, wait,
};

/// A file system of a few hundred kilobytes over a folder; gone with the value.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    /// `None`, loudly, where this user may not mount.
    fn over(folder: &'a Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(folder);
        if !nix::unistd::geteuid().is_root() || !mount.run().success() {
            eprintln!("SKIPPED: a full disk: only root can mount a small one");
            return None;
        }
        Some(Self(folder))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(self.0).run();
    }
}

#[test]
fn what_cannot_be_recorded_is_not_permitted() {
    let mut daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    daemon.stop();
    // The audit log moves to a disk that is all but full.
    let audit = daemon.state().join("audit");
    let saved = daemon.folder().join("audit-saved");
    fs::rename(&audit, &saved).unwrap();
    fs::create_dir(&audit).unwrap();
    let Some(small) = Small::over(&audit) else { return };
    Command::new("cp").arg("-a").arg(saved.join(".")).arg(&audit).run().expect_success("cp");
    daemon.spawn();
    let ballast = audit.join("ballast");
    assert!(fs::write(&ballast, vec![b'x'; 1 << 20]).is_err(), "the disk is full");

    let before = repository.refs();
    let mut undecided = 0;
    for round in 0..200 {
        work.commit(&format!("round {round}"));
        let output = work.push(["HEAD:refs/heads/main"]);
        match output.verdict() {
            // What was left of the last block.
            Verdict::Permitted => assert_eq!(undecided, 0, "{output:?}"),
            Verdict::Undecided => undecided += 1,
            Verdict::Refused => panic!("a full disk is no refusal: {output:?}"),
        }
        if undecided == 3 {
            break;
        }
    }
    assert_eq!(undecided, 3, "the disk never was full");
    assert!(daemon.oam(["status"]).stdout_text().len() > 1, "it still answers");
    let taken = repository.tip("refs/heads/main").unwrap();
    assert!(daemon.audit().permits("DEMO/app", "refs/heads/main", &taken), "{before:?}");

    // Space again, and it goes on by itself.
    fs::remove_file(ballast).unwrap();
    wait::until("a push is permitted again", || {
        (work.push(["HEAD:refs/heads/main"]).verdict() == Verdict::Permitted).then_some(())
    });
    let tip = repository.tip("refs/heads/main").unwrap();
    assert!(daemon.audit().permits("DEMO/app", "refs/heads/main", &tip));
    daemon.stop();
    drop(small);
}

#[test]
fn a_directory_that_is_too_old_decides_nothing() {
    let config = "[directory]\nmax_age = \"3s\"\n".to_owned();
    let daemon = Daemon::start_with(&Setup { config, ..Setup::default() });
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    let mut count = 0;
    let mut push = || {
        count += 1;
        work.commit(&format!("number {count}"));
        work.push(["HEAD:refs/heads/main"])
    };
    let stale = wait::until("the directory is too old", || {
        let output = push();
        (output.verdict() == Verdict::Undecided).then_some(output)
    });
    assert!(stale.remote().contains("source-stale"), "{stale:?}");
    wait::until("a fresh import makes it good again", || {
        daemon.import(&sample::directory());
        (push().verdict() == Verdict::Permitted).then_some(())
    });
}

/// Runs the hook on one line as another user.
fn asked_by(repository: &BareRepo, uid: u32) -> PushOutput {
    let tip = repository.tip("refs/heads/main").unwrap();
    let mut hook = Command::new(repository.path().join("hooks/pre-receive"));
    hook.current_dir("/").env_clear().env("REMOTE_USER", "alice").uid(uid).gid(uid);
    let line = format!("{} {tip} refs/heads/feature/x\n", oam_tests::bitbucket::ZERO);
    PushOutput { git: hook.run_with(line.as_bytes()) }
}

#[test]
fn only_users_that_are_named_may_ask() {
    const SOMEBODY: u32 = 12_345;
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: asking as another user: only root can become one");
        return;
    }
    for (uids, code) in [("", 75), ("12345", 0)] {
        let config = format!("[hook]\nuids = [{uids}]\ngid = {SOMEBODY}\n");
        let daemon = Daemon::start_with(&Setup { config, ..Setup::default() });
        fs::set_permissions(daemon.folder(), fs::Permissions::from_mode(0o755)).unwrap();
        let repository = BareRepo::with(&HookConfig::plain(&daemon, sample::REPOSITORY));
        let work = repository.working_copy().pushing_as("alice");
        work.commit("one");
        assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
        // The hook itself may lie where that user cannot look.
        fs::set_permissions(repository.folder(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::remove_file(repository.hook()).unwrap();
        fs::copy(binaries::path("oam-hook"), repository.hook()).unwrap();
        let output = asked_by(&repository, SOMEBODY);
        assert_eq!(output.git.code, code, "uids = [{uids}]: {output:?}");
    }
}
