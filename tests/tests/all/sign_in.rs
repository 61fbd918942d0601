//! Administrators who sign in at a real OpenID provider, and what they may then.

mod night;
mod watch;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use oam_audit::entry::Event;
use oam_tests::{
    Daemon, Finished, Provider, Run as _, audit::newest_segment, binaries, certificates::Authority,
    daemon::Setup, temporary, wait,
};
use tempfile::TempDir;

const DIRECTORY: &str = r#"{"version": 1, "users": [
    {"username": "alice", "id": "id-alice", "groups": ["okta:ops"]},
    {"username": "bob", "id": "id-bob", "groups": []},
    {"username": "carol", "groups": []}]}"#;

struct World {
    provider: Provider,
    daemon: Daemon,
    home: TempDir,
    authority: Authority,
}

/// A daemon that believes the provider, with more lines in its section, and listens to administrators.
fn started(issuer: &str) -> World {
    started_with(issuer, &Setup { directory: Some(DIRECTORY.to_owned()), ..Setup::default() })
}

/// The same by this policy, with these people.
fn started_with(issuer: &str, setup: &Setup) -> World {
    let provider = Provider::start();
    let home = temporary::folder();
    let authority = Authority::new(home.path(), "authority");
    let server = authority.server(home.path(), "daemon");
    let config = format!(
        "[admin]\noperator = [\"group:okta:ops\"]\nauditor = [\"token:corp:auditors\"]\nlisten = \"127.0.0.1:0\"\n\
         certificate = \"{}\"\nkey = \"{}\"\n[issuer.corp]\nurl = \"{}\"\nnetwork = \"loopback\"\nclient = \"oam-cli\"\n\
         groups = \"groups\"\nid = \"sub\"\njwks_retry = \"0s\"\n{issuer}\n",
        server.certificate.display(),
        server.key.display(),
        provider.issuer,
    );
    let (directory, policy) = (setup.directory.clone(), setup.policy.clone());
    let daemon = Daemon::start_with(&Setup { config, directory, policy });
    World { provider, daemon, home, authority }
}

impl World {
    /// `oam` on another host, with a home of its own.
    fn command(&self) -> Command {
        self.command_of(self.home.path())
    }

    /// The same of whoever has this home.
    fn command_of(&self, home: &Path) -> Command {
        let address = wait::until("the daemon says where it listens", || {
            let text = fs::read_to_string(self.daemon.runtime().join("admin.addr")).ok()?;
            (!text.trim().is_empty()).then(|| text.trim().to_owned())
        });
        let mut oam = Command::new(binaries::path("oam"));
        oam.current_dir(home).env_clear().env("HOME", home);
        oam.env("PATH", std::env::var_os("PATH").unwrap());
        oam.args(["--daemon", &format!("https://{address}"), "--daemon-ca"]).arg(self.authority.file());
        oam
    }

    fn oam<const N: usize>(&self, arguments: [&str; N]) -> Finished {
        self.command().args(arguments).run()
    }

    /// Signs in with a code, which somebody types in elsewhere.
    fn log_in(&self) -> Finished {
        self.log_in_at(self.home.path())
    }

    fn log_in_at(&self, home: &Path) -> Finished {
        Self::log_in_by(self.command_of(home))
    }

    fn log_in_by(mut oam: Command) -> Finished {
        oam.args(["login", "--device"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = oam.spawn().unwrap();
        let mut told = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while lines.read_line(&mut line).unwrap() > 0 {
            if let Some(url) = line.strip_prefix("or open ") {
                Provider::browse(url.trim());
            }
            told.push_str(&line);
            line.clear();
        }
        let output = child.wait_with_output().unwrap();
        let code = output.status.code().unwrap();
        Finished { code, stdout: output.stdout, stderr: told.into_bytes() }
    }

    /// The file with the tokens.
    fn session(&self) -> Option<String> {
        let folder = fs::read_dir(self.home.path().join(".local/state/oam/tokens")).ok()?;
        let json = folder
            .filter_map(Result::ok)
            .find(|file| file.path().extension().is_some_and(|ext| ext == "json"))?;
        Some(fs::read_to_string(json.path()).unwrap())
    }
}

#[track_caller]
fn denied(finished: &Finished, part: &str) {
    assert_eq!(finished.code, 5, "{finished:?}");
    assert!(finished.stderr_text().contains(part), "{finished:?}");
}

#[test]
fn somebody_signs_in_with_a_code_and_may_what_the_directory_says_until_it_says_otherwise() {
    let world = started("audience = \"oam-cli\"");
    denied(&world.oam(["status"]), "not signed in");
    let signed_in = world.log_in().expect_success("oam login");
    assert!(signed_in.stdout_text().contains("corp:id-alice (alice)"), "{signed_in:?}");
    let token = world.session().unwrap();

    let me: serde_json::Value = serde_json::from_str(&world.oam(["whoami", "--json"]).stdout_text()).unwrap();
    assert_eq!(
        (&me["roles"], &me["username"]),
        (&serde_json::json!(["operator", "auditor"]), &"alice".into())
    );
    assert!(world.oam(["status"]).stdout_text().contains("test-node"));
    // An operator cuts off; nobody but an admin changes what decides.
    world.oam(["user", "deactivate", "carol", "--reason", "left"]).expect_success("oam user deactivate");
    denied(&world.oam(["snapshot", "rollback", "1", "--reason", "r"]), "does not allow `RollBackSnapshot`");

    // Cut off by command, on the very next call, whatever the token says; and what was being read ends.
    let mut tail = world.command();
    tail.args(["audit", "tail", "--follow"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut tail = tail.spawn().unwrap();
    let mut first = String::new();
    let mut entries = BufReader::new(tail.stdout.take().unwrap());
    entries.read_line(&mut first).unwrap();
    assert!(!first.is_empty());
    world.daemon.deactivate("alice").expect_success("oam user deactivate");
    let ended = tail.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.code() == Some(5) && told.contains("cut off"), "{ended:?}");
    denied(&world.oam(["status"]), "cut off");
    denied(&world.oam(["user", "deactivate", "bob", "--reason", "revenge"]), "cut off");

    world.oam(["logout"]).expect_success("oam logout");
    assert_eq!(world.session(), None);
    denied(&world.oam(["whoami"]), "not signed in");

    let entries = fs::read_to_string(newest_segment(&world.daemon.state().join("audit"))).unwrap();
    for (kind, detail) in
        [("snapshot-changed", "carol"), ("admin-denied", "RollBackSnapshot"), ("admin-denied", "GetStatus")]
    {
        let found = entries.lines().any(|line| {
            line.contains(&format!("\"{kind}\""))
                && line.contains(detail)
                && line.contains("corp:id-alice (alice)")
        });
        assert!(found, "{kind} {detail}:\n{entries}");
    }
    let token: serde_json::Value = serde_json::from_str(&token).unwrap();
    for secret in ["token", "refresh_token"] {
        let secret = token[secret].as_str().unwrap();
        assert!(!world.daemon.log().contains(secret) && !entries.contains(secret));
    }
}

/// Each is an entry or counted in one, also where the daemon stops within the minute.
#[test]
fn what_was_denied_of_late_is_recorded_before_the_daemon_stops() {
    let mut world = started("audience = \"oam-cli\"");
    world.log_in().expect_success("oam login");
    for _ in 0..4 {
        denied(&world.oam(["snapshot", "rollback", "1", "--reason", "r"]), "does not allow");
    }
    world.daemon.stop();
    let times = |event: &Event| match event {
        Event::AdminDenied(denied) => denied.times,
        _ => 0,
    };
    let times: u64 = world.daemon.audit().entries.iter().map(|entry| times(&entry.event)).sum();
    assert!(times >= 4, "{times}");
}

#[test]
fn somebody_without_a_role_may_ask_about_themselves() {
    let world = started("audience = \"oam-cli\"");
    world.provider.turn("person?name=bob");
    let signed_in = world.log_in().expect_success("oam login");
    assert!(signed_in.stdout_text().contains("only what is about yourself"), "{signed_in:?}");
    world.oam(["user", "show", "bob"]).expect_success("oam user show");
    let explained = world.oam(["explain", "bob", "PAY/api", "refs/heads/main", "update"]);
    assert!(!explained.stdout.is_empty(), "{explained:?}");
    denied(&world.oam(["user", "show", "alice"]), "holds no role");
    denied(&world.oam(["audit", "tail"]), "holds no role");
}

#[test]
fn somebody_signs_in_with_a_browser() {
    let world = started("audience = \"oam-cli\"");
    let mut oam = world.command();
    oam.args(["login", "--browser"]).env("BROWSER", Provider::browser(world.home.path()));
    let signed_in = oam.run().expect_success("oam login --browser");
    assert!(signed_in.stdout_text().contains("corp:id-alice (alice)"), "{signed_in:?}");
    world.oam(["status"]).expect_success("oam status");
}

#[test]
fn keys_change_with_the_old_ones_beside_them_and_without() {
    let world = started("audience = \"oam-cli\"\njwks_max_age = \"0s\"");
    world.log_in().expect_success("oam login");
    world.provider.turn("overlap");
    world.oam(["status"]).expect_success("signed with the old key, which is still published");
    world.log_in().expect_success("signed with the new key");
    world.oam(["status"]).expect_success("oam status");
    world.provider.turn("drop");
    denied(&world.oam(["status"]), "has no such key");
    world.log_in().expect_success("signed with the newest key");
    world.oam(["status"]).expect_success("oam status");
}

#[test]
fn an_access_token_is_for_this_service_or_for_none() {
    let world = started("audience = \"urn:oam\"\ntype = \"at+jwt\"\nresource = \"urn:oam\"");
    world.log_in().expect_success("oam login");
    world.oam(["status"]).expect_success("oam status");
    let other = started("audience = \"urn:oam\"\ntype = \"at+jwt\"\nresource = \"urn:other\"");
    denied(&other.log_in(), "its audience is another one");
    assert_eq!(other.session(), None, "what the daemon does not take is not kept");
}

#[test]
fn clocks_may_differ_by_so_much_and_a_token_is_renewed_by_itself() {
    let world = started("audience = \"oam-cli\"\nleeway = \"50s\"");
    world.provider.turn("clock?seconds=-3620");
    world.log_in().expect_success("within the leeway");
    world.provider.turn("clock?seconds=-4200");
    denied(&world.log_in(), "has expired");
    world.provider.turn("clock?seconds=600");
    denied(&world.log_in(), "is not valid yet");
    world.provider.turn("clock?seconds=0");
    world.provider.turn("lifetime?seconds=30");
    world.log_in().expect_success("oam login");
    let before = world.session().unwrap();
    world.oam(["status"]).expect_success("oam status");
    let after = world.session().unwrap();
    let refresh =
        |session: &str| serde_json::from_str::<serde_json::Value>(session).unwrap()["refresh_token"].clone();
    assert_ne!(refresh(&before), refresh(&after), "its end is near");
}
