//! What the daemon shows of itself: health, metrics, its configuration; and that there is one of it.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::Command,
};

use oam_tests::{BareRepo, Daemon, Run, Verdict, binaries, daemon::Setup, sample};

fn with_http() -> Daemon {
    let config = "[http]\nlisten = \"127.0.0.1:0\"\n".to_owned();
    Daemon::start_with(&Setup { config, directory: None, ..Setup::default() })
}

/// GET; gives the status line's code and the body.
pub(crate) fn get(daemon: &Daemon, path: &str) -> (u16, String) {
    let address = fs::read_to_string(daemon.runtime().join("http.addr")).unwrap();
    let mut connection = TcpStream::connect(address.trim()).unwrap();
    write!(connection, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[test]
fn health_says_whether_it_lives_and_whether_it_can_permit() {
    let daemon = with_http();
    assert_eq!(get(&daemon, "/healthz").0, 200);
    assert_eq!(get(&daemon, "/readyz").0, 503, "nobody is known yet");
    assert_ne!(daemon.oam(["status"]).code, 0, "and `oam status` says so too");
    daemon.import(&sample::directory());
    assert_eq!(get(&daemon, "/readyz").0, 200);
    daemon.oam(["status"]).expect_success("oam status");
}

#[test]
fn metrics_count_outcomes_and_name_nobody() {
    let daemon = with_http();
    daemon.import(&sample::directory());
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    assert_eq!(work.push(["HEAD:refs/heads/feature/secret-name"]).verdict(), Verdict::Permitted);
    assert_eq!(work.push(["HEAD:refs/heads/release/1"]).verdict(), Verdict::Refused);
    let (code, metrics) = get(&daemon, "/metrics");
    assert_eq!(code, 200);
    let counted = |outcome: &str| metrics.lines().any(|line| line.contains(outcome) && line.ends_with(" 1"));
    assert!(counted("permitted") && counted("refused"), "{metrics}");
    for name in ["alice", "secret-name", "DEMO", "refs/"] {
        assert!(!metrics.contains(name), "a label for each {name} has no bound:\n{metrics}");
    }
}

#[test]
fn the_configuration_in_force_can_be_read_and_given_back() {
    let daemon = Daemon::start();
    let check = |config: &std::path::Path| {
        let mut oamd = Command::new(binaries::path("oamd"));
        oamd.args(["check-config", "--config"]).arg(config);
        oamd.run()
    };
    let shown = check(&daemon.config_file()).expect_success("oamd check-config").stdout_text();
    assert!(shown.contains("node = \"test-node\""), "{shown}");
    let again = daemon.folder().join("again.toml");
    fs::write(&again, &shown).unwrap();
    check(&again).expect_success("what it prints is a configuration");
    fs::write(&again, "stat = \"/x\"\n").unwrap();
    let faulty = check(&again);
    assert_ne!(faulty.code, 0);
    assert!(faulty.stderr_text().contains("stat"), "{faulty:?}");
}

#[test]
fn a_second_daemon_on_the_same_state_does_not_start() {
    let daemon = Daemon::start();
    let config = fs::read_to_string(daemon.config_file()).unwrap();
    let second = daemon.folder().join("second.toml");
    let other_sockets = config.replace("/run\"", "/run-of-the-second\"");
    assert_ne!(config, other_sockets);
    fs::write(&second, other_sockets).unwrap();
    let mut oamd = Command::new(binaries::path("oamd"));
    let done = oamd.arg("--config").arg(&second).run_within(b"", std::time::Duration::from_secs(20));
    assert_ne!(done.code, 0, "{done:?}");
    daemon.oam(["status"]).expect_success("the first one goes on");
}
