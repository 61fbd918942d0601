//! A daemon on another host: mutual TLS, and failing over from one endpoint to the next.

use std::{fs, path::Path};

use oam_audit::entry::AskedBy;
use oam_tests::{
    BareRepo, Daemon, HookConfig, Verdict, WorkingCopy,
    certificates::{Authority, Identity},
    daemon::Setup,
    sample, temporary, wait,
};
use tempfile::TempDir;

struct World {
    daemon: Daemon,
    keys: TempDir,
    authority: Authority,
}

/// A daemon that also listens on TCP, to clients of its authority.
fn started() -> World {
    let keys = temporary::folder();
    let authority = Authority::new(keys.path(), "authority");
    let server = authority.server(keys.path(), "daemon");
    let config = format!(
        "[tcp]\nlisten = \"127.0.0.1:0\"\ncertificate = \"{}\"\nkey = \"{}\"\nclient_ca = \"{}\"\n",
        server.certificate.display(),
        server.key.display(),
        authority.file().display()
    );
    let daemon = Daemon::start_with(&Setup { config, ..Setup::default() });
    World { daemon, keys, authority }
}

impl World {
    fn address(&self) -> String {
        let file = self.daemon.runtime().join("tcp.addr");
        wait::until("the daemon says where it listens", || {
            fs::read_to_string(&file).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        })
    }

    /// A repository whose hook asks `endpoints`, shows `client` and believes `ca`.
    fn repository(&self, endpoints: Vec<String>, client: &Identity, ca: &Path) -> (BareRepo, WorkingCopy) {
        let more = format!(
            "[tls]\nca = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\n",
            ca.display(),
            client.certificate.display(),
            client.key.display()
        );
        let config = HookConfig { endpoints, more, ..HookConfig::plain(&self.daemon, sample::REPOSITORY) };
        let repository = BareRepo::with(&config);
        let work = repository.working_copy().pushing_as("alice");
        work.commit("one");
        (repository, work)
    }
}

#[test]
fn a_hook_with_a_certificate_is_answered() {
    let world = started();
    let client = world.authority.client(world.keys.path(), "git-host-1");
    let endpoint = format!("https://{}", world.address());
    let (_repository, work) = world.repository(vec![endpoint], &client, world.authority.file());
    let output = work.push(["HEAD:refs/heads/main"]);
    assert_eq!(output.verdict(), Verdict::Permitted, "{output:?}");
    work.amend("rewritten");
    assert_eq!(work.push(["+HEAD:refs/heads/main"]).verdict(), Verdict::Refused);
    let last = world.daemon.audit().last_decision();
    let AskedBy::Tls { subject } = &last.decision.asked_by else { panic!("{last:?}") };
    assert!(subject.starts_with("sha256:"), "the certificate, by its fingerprint: {subject}");
}

#[test]
fn when_one_endpoint_is_gone_the_next_is_asked() {
    let world = started();
    let client = world.authority.client(world.keys.path(), "git-host-1");
    let nobody = world.daemon.folder().join("nobody.sock");
    let endpoints = vec![format!("unix:{}", nobody.display()), format!("https://{}", world.address())];
    let (repository, work) = world.repository(endpoints, &client, world.authority.file());
    let output = work.push(["HEAD:refs/heads/main"]);
    assert_eq!(output.verdict(), Verdict::Permitted, "{output:?}");
    // A refusal is an answer: nobody else is asked.
    let before = world.daemon.audit().decisions().len();
    assert_eq!(work.push([":refs/heads/main"]).verdict(), Verdict::Refused);
    assert_eq!(world.daemon.audit().decisions().len(), before + 1);
    assert!(repository.tip("refs/heads/main").is_some());
}

#[test]
fn the_other_way_round_too() {
    let world = started();
    let client = world.authority.client(world.keys.path(), "git-host-1");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoints =
        vec![format!("https://{closed}"), format!("unix:{}", world.daemon.hook_socket().display())];
    let (_repository, work) = world.repository(endpoints, &client, world.authority.file());
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
}

#[test]
fn a_certificate_of_somebody_else_gets_no_answer() {
    let world = started();
    let other = Authority::new(world.keys.path(), "other");
    let stranger = other.client(world.keys.path(), "stranger");
    let endpoint = format!("https://{}", world.address());
    let (repository, work) = world.repository(vec![endpoint], &stranger, world.authority.file());
    let output = work.push(["HEAD:refs/heads/feature/x"]);
    assert_eq!(output.verdict(), Verdict::Undecided, "{output:?}");
    assert!(repository.refs().is_empty());
    assert!(world.daemon.audit().decisions().is_empty(), "the daemon was asked nothing");
}

#[test]
fn a_daemon_that_cannot_prove_itself_is_not_believed() {
    let world = started();
    let other = Authority::new(world.keys.path(), "other");
    let client = world.authority.client(world.keys.path(), "git-host-1");
    let endpoint = format!("https://{}", world.address());
    let (repository, work) = world.repository(vec![endpoint], &client, other.file());
    let output = work.push(["HEAD:refs/heads/feature/x"]);
    assert_eq!(output.verdict(), Verdict::Undecided, "{output:?}");
    assert!(repository.refs().is_empty());
}

#[test]
fn somebody_who_says_nothing_is_not_waited_for_beyond_the_deadline() {
    let world = started();
    let client = world.authority.client(world.keys.path(), "git-host-1");
    // Accepts connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("https://{}", silent.local_addr().unwrap());
    let (repository, work) = world.repository(vec![endpoint], &client, world.authority.file());
    let config = fs::read_to_string(repository.path().join("hooks/oam-hook.toml")).unwrap();
    let config = config.replace("deadline = \"30s\"", "deadline = \"500ms\"");
    fs::write(repository.path().join("hooks/oam-hook.toml"), config).unwrap();
    let output = work.push(["HEAD:refs/heads/feature/x"]);
    assert_eq!(output.verdict(), Verdict::Undecided, "{output:?}");
}

/// Puts another certificate in the place of one, file by file, as a renewal does.
fn renew(from: &Identity, to: &Identity) {
    for (new, place) in [(&from.key, &to.key), (&from.certificate, &to.certificate)] {
        let draft = place.with_extension("draft");
        fs::copy(new, &draft).unwrap();
        fs::rename(&draft, place).unwrap();
    }
}

#[test]
fn a_certificate_is_swapped_while_hooks_ask_and_none_of_them_notices() {
    let world = started();
    let client = world.authority.client(world.keys.path(), "git-host-1");
    let endpoint = || vec![format!("https://{}", world.address())];
    let in_use = Identity {
        certificate: world.keys.path().join("daemon.pem"),
        key: world.keys.path().join("daemon.key"),
    };
    assert!(in_use.certificate.exists() && in_use.key.exists(), "where the daemon looks");
    // Certificates of another authority: who believes that one alone tells which is shown.
    let other = Authority::new(world.keys.path(), "other");
    let both = world.keys.path().join("both.pem");
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    fs::write(&both, read(world.authority.file()) + &read(other.file())).unwrap();
    let (_repository, work) = world.repository(endpoint(), &client, &both);
    let pushes = std::thread::spawn(move || {
        for number in 0..12 {
            work.commit(&format!("push {number}"));
            let output = work.push([format!("HEAD:refs/heads/feature/{number}")]);
            assert_eq!(output.verdict(), Verdict::Permitted, "{output:?}");
        }
    });
    let mut round = 0;
    while !pushes.is_finished() {
        round += 1;
        let authority = if round % 2 == 0 { &world.authority } else { &other };
        renew(&authority.server(world.keys.path(), &format!("renewed-{round}")), &in_use);
        std::thread::yield_now();
    }
    pushes.join().expect("every push is decided");
    assert!(round > 1, "it was swapped {round} times");

    // A faulty file leaves the one before it in use, and that is told.
    renew(&other.server(world.keys.path(), "last"), &in_use);
    let (_new, of_new) = world.repository(endpoint(), &client, other.file());
    assert_eq!(of_new.push(["HEAD:refs/heads/feature/new"]).verdict(), Verdict::Permitted);
    let (_old, of_old) = world.repository(endpoint(), &client, world.authority.file());
    assert_eq!(of_old.push(["HEAD:refs/heads/feature/old"]).verdict(), Verdict::Undecided);
    fs::write(&in_use.certificate, "no certificate").unwrap();
    of_new.commit("two");
    assert_eq!(of_new.push(["HEAD:refs/heads/feature/two"]).verdict(), Verdict::Permitted);
    let status = world.daemon.oam(["status"]).stdout_text();
    assert!(status.contains("`tcp.certificate`") && status.contains("it holds no certificate"), "{status}");
    assert_ne!(world.daemon.oam(["secrets"]).code, 0);
}

#[test]
fn what_ends_is_told_before_it_does() {
    let world = started();
    let secrets = || {
        let shown = world.daemon.oam(["--json", "secrets"]).stdout_text();
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        let found = shown.as_array().unwrap().iter().find(|one| one["name"] == "tcp.certificate").cloned();
        found.expect("the certificate is listed")
    };
    assert_eq!(secrets()["state"], "well");
    let in_use = Identity {
        certificate: world.keys.path().join("daemon.pem"),
        key: world.keys.path().join("daemon.key"),
    };
    for (days, state, sentence) in [
        (20, "ends-soon", "ends in 19 days"),
        (2, "ends-now", "ends in 1 day"),
        (-2, "ended", "has ended, 2 days ago"),
    ] {
        renew(&world.authority.server_until(world.keys.path(), &format!("for-{days}"), days), &in_use);
        assert_eq!(secrets()["state"], state);
        let status = world.daemon.oam(["status"]).stdout_text();
        assert!(status.contains("`tcp.certificate`") && status.contains(sentence), "{status}");
    }
}
