//! The packages, in a Debian that has just been set up and booted: installed, used, upgraded, removed.

use std::{fs, path::Path, process::Command};

use nix::unistd::Uid;
use oam_tests::{Run as _, binaries, sample, temporary};

/// What the trial must find, line by line.
const FOUND: &str = "\
after the installation: disabled, inactive
user: oam:/var/lib/oam:/usr/sbin/nologin
verified: nothing to say
verified: nothing to say of the watch
exposure of the watch: below 2 of 10
the watch: disabled, inactive, oam-watch:/usr/sbin/nologin
exposure: below 2 of 10
man pages: yes
after systemctl enable --now: enabled, active
first: pushed by alice
the watch: active, Bitbucket does not answer
the watch is let in by the daemon
others: may not administer
reloaded: active
second: refused for mallory [no-grant]
after the upgrade: active, anew
the configuration stayed
third: pushed by alice
after the removal: inactive
fourth: refused for alice
told: a server without the hook lets every push in
configuration and audit log stayed
purged: the audit log stayed
trial ended
";

/// What the trial of the packages of another system must find.
const FOUND_BY_RPM: &str = "\
installed: programs there, unit there, configuration there
user: oam:/var/lib/oam:/usr/sbin/nologin
after the installation: disabled, inactive
after systemctl enable --now: enabled, active, folder oam:750
after the upgrade: enabled, active, anew
packages: bitbucket-oam 2,bitbucket-oam-hook 2,
the configuration stayed
nobody was told that the hook goes
after an upgrade of one that does not run: inactive
after the removal: inactive, unit gone
told: a server without the hook lets every push in
erased: programs gone
configuration and audit log stayed
user: oam
trial ended
";

/// What a package holds, by one of the two programs that know.
fn files(program: &str, arguments: &[&str], package: &Path) -> Vec<String> {
    let listed =
        Command::new(program).args(arguments).arg(package).run().expect_success(program).stdout_text();
    let path = |line: &str| {
        let path = line.rsplit(' ').next().unwrap().trim_start_matches('.').to_owned();
        // Each adds its own list of changes or licences, and packs man pages as it likes.
        (!path.ends_with('/') && !path.contains("/doc/")).then(|| path.trim_end_matches(".gz").to_owned())
    };
    let mut files: Vec<String> = listed.lines().filter_map(path).collect();
    files.sort();
    files
}

#[test]
fn packages_are_installed_run_upgraded_and_removed() {
    let programs = ["cargo-deb", "cargo-generate-rpm", "systemd-nspawn", "rpm"];
    let path = std::env::var("PATH").unwrap_or_default();
    let is_there = |program: &&str| path.split(':').any(|folder| Path::new(folder).join(program).is_file());
    let missing: Vec<&str> = programs.into_iter().filter(|program| !is_there(program)).collect();
    if !missing.is_empty() || !Uid::effective().is_root() {
        eprintln!(
            "SKIPPED: packages: only root can boot a Debian, with {missing:?}: `.ci/run` installs them"
        );
        return;
    }
    let Some(git) = binaries::of_others("debian/usr/bin/git") else { return };
    let root = git.ancestors().nth(3).unwrap();
    binaries::path("oamd");

    let script = binaries::workspace().join("packaging/build");
    Command::new(script).arg("--debug").run().expect_success("packaging");
    let made = binaries::workspace().join("target/packages");
    let package = |start: &str, end: &str| {
        let mut names = fs::read_dir(&made).unwrap().map(|file| file.unwrap().path());
        let fits = |name: &str| name.starts_with(start) && name.ends_with(end);
        names.find(|path| fits(path.file_name().unwrap().to_str().unwrap())).unwrap()
    };
    for (deb, rpm) in [("bitbucket-oam_", "bitbucket-oam-0"), ("bitbucket-oam-hook_", "bitbucket-oam-hook-0")]
    {
        let (deb, rpm) = (package(deb, ".deb"), package(rpm, ".rpm"));
        let deb = files("dpkg-deb", &["--contents"], &deb);
        assert_eq!(deb, files("rpm", &["--query", "--list", "--package"], &rpm), "both hold the same");
        let other = temporary::folder();
        Command::new("rpm")
            .args(["--install", "--nodeps", "--noscripts", "--root"])
            .arg(other.path())
            .arg(&rpm)
            .run()
            .expect_success("rpm");
        assert!(deb.iter().any(|file| file.starts_with("/etc/oam/")), "{deb:?}");
        let installed = |file: &String| other.path().join(file.trim_start_matches('/')).exists();
        // What is documentation may be packed.
        assert!(deb.iter().filter(|file| !file.contains("/man/")).all(installed), "{deb:?}");
    }

    let scene = temporary::folder();
    for deb in ["bitbucket-oam_", "bitbucket-oam-hook_"].map(|name| package(name, ".deb")) {
        fs::copy(&deb, scene.path().join(deb.file_name().unwrap())).unwrap();
    }
    fs::write(scene.path().join("policy.toml"), sample::POLICY).unwrap();
    fs::write(scene.path().join("directory.json"), sample::directory()).unwrap();
    trial(root, scene.path(), "trial.sh", FOUND);

    if binaries::of_others("debian/usr/bin/rpm").is_none() {
        return;
    }
    let scene = temporary::folder();
    for (part, rpm) in [("daemon", "bitbucket-oam-0"), ("hook", "bitbucket-oam-hook-0")] {
        fs::copy(package(rpm, ".rpm"), scene.path().join(format!("first-{part}.rpm"))).unwrap();
        // The same as a later release.
        Command::new("cargo")
            .args([
                "generate-rpm",
                "--payload-compress",
                "none",
                "-p",
                part,
                "-s",
                "release = \"2\"",
                "--output",
            ])
            .arg(scene.path().join(format!("second-{part}.rpm")))
            .current_dir(binaries::workspace())
            .run()
            .expect_success("cargo generate-rpm");
    }
    trial(root, scene.path(), "rpm.sh", FOUND_BY_RPM);
}

/// Boots a Debian that has just been set up, with `scene` at `/scene`, and compares what the script found there.
fn trial(root: &Path, scene: &Path, script: &str, expected: &str) {
    fs::copy(binaries::workspace().join("tests/packages").join(script), scene.join("trial.sh")).unwrap();
    let booted = Command::new("systemd-nspawn")
        .args([
            "--quiet",
            "--register=no",
            "--keep-unit",
            "--console=pipe",
            "--volatile=overlay",
            "--private-network",
        ])
        .arg(format!("--directory={}", root.display()))
        .arg(format!("--bind={}:/scene", scene.display()))
        .args(["--boot", "systemd.run=/scene/trial.sh", "systemd.run_success_action=exit"])
        .arg("systemd.run_failure_action=exit")
        .run();
    let read = |name: &str| fs::read_to_string(scene.join(name)).unwrap_or_default();
    assert_eq!(read("found"), expected, "{}\n{booted:?}", read("trace"));
}
