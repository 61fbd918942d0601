//! The guide's story of three teams, told by the programs themselves.

use std::{fs, path::PathBuf};

use oam_tests::{BareRepo, Daemon, Finished, HookConfig, daemon::Setup};

use crate::{book::source, examples::is};

fn folder() -> PathBuf {
    source().join("examples/three-teams")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

/// A daemon with the first policy, which follows no files: policies are applied.
fn daemon() -> Daemon {
    let directory = Some(read("directory.json"));
    // A second administrator, without whom nobody could approve.
    let config = "[admin]\nuids = [4242]\n".to_owned();
    let mut daemon = Daemon::start_with(&Setup { policy: read("wide.toml"), directory, config });
    daemon.stop();
    let config = fs::read_to_string(daemon.config_file()).unwrap();
    let config: Vec<_> = config.lines().filter(|line| !line.starts_with("path = ")).collect();
    fs::write(daemon.config_file(), config.join("\n")).unwrap();
    daemon.spawn();
    daemon
}

/// What the guide's people push while the first policy is in force; all of it goes in.
fn weeks_of_work(daemon: &Daemon) {
    for (name, pushes) in [
        (
            "PAY/api",
            &[
                ("alice", "HEAD:refs/heads/main"),
                ("alice", "HEAD:refs/heads/feature/refunds"),
                ("alice", "HEAD:refs/heads/main"),
                ("svc-renovate", "HEAD:refs/heads/renovate/serde"),
                ("rita", "HEAD:refs/tags/v1.0.0"),
                ("rita", "+HEAD:refs/tags/v1.0.0"),
            ][..],
        ),
        ("WEB/shop", &[("paul", "HEAD:refs/heads/main"), ("carol", "HEAD:refs/heads/new-basket")][..]),
    ] {
        let repository = BareRepo::with(&HookConfig::plain(daemon, name));
        let mut work = repository.working_copy();
        for (number, (user, refspec)) in pushes.iter().enumerate() {
            work = work.with("REMOTE_USER", user);
            work.commit(&format!("commit {number}"));
            let output = work.push([refspec]);
            assert!(output.accepted(), "{output:?}");
        }
    }
}

/// The freeze of the guide, in a winter in which these tests will not run: then the answers are the same all year round.
fn of_another_winter(text: &str) -> String {
    text.replace("2026-12-", "2096-12-").replace("2027-01-", "2097-01-")
}

#[test]
fn what_the_guide_shows_of_three_teams() {
    let daemon = daemon();
    weeks_of_work(&daemon);
    let rules = daemon.folder().join("rules");
    fs::create_dir(&rules).unwrap();
    for file in ["company.toml", "payments.toml", "web.toml", "platform.toml"] {
        let text = of_another_winter(&read(&format!("policy/{file}")));
        fs::write(rules.join(file), text).unwrap();
    }
    let place = daemon.folder().display().to_string();
    let show = |name: &str, code: i32, arguments: &[&str]| {
        let done: Finished = daemon.oam(arguments);
        assert_eq!(done.code, code, "{arguments:?}: {done:?}");
        is(&format!("three-teams/{name}"), &done.stdout_text().replace(&place, "/srv/oam"));
    };
    show("usage", 0, &["policy", "usage"]);
    show("check", 0, &["policy", "check", "rules"]);
    show("replay", 1, &["policy", "replay", "rules"]);
    show("apply", 0, &["policy", "apply", "rules", "--reason", "three teams, CHG-1234"]);
    let christmas = of_another_winter("2026-12-24T08:00:00Z");
    let explain = ["explain", "anna", "PAY/api", "refs/heads/main", "update"];
    show("explain-freeze", 1, &[&explain[..], &["--paths", "src/main.rs", "--at", &christmas]].concat());
    let who = ["who", "PAY/api", "refs/heads/main", "update", "--channel", "pull-request-merge"];
    show("who", 0, &[&who[..], &["--paths", "src/main.rs", "--at", "2026-11-02T09:00:00Z"]].concat());

    fs::write(rules.join("web.toml"), format!("{}\n{}", read("policy/web.toml"), read("change.toml")))
        .unwrap();
    show("diff", 0, &["policy", "diff", "rules"]);
    show("proposed", 6, &["policy", "apply", "rules", "--reason", "release branches, CHG-1240"]);
}
