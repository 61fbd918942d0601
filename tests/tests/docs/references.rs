//! What the reference lists is what there is, no less and no more.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::Command,
};

use oam_audit::entry::{
    BitbucketChanged, BitbucketDrift, ChangeStage, EntriesPruned, Event, PrivilegeReminded,
    PrivilegeReminder, PrivilegeUsed,
};
use oam_policy::{RefusalReason, UndecidedReason};
use oam_tests::{
    BareRepo, BitbucketServer, Daemon, HookConfig, Run, ScimClient, Transmitter, daemon::Setup, sample,
    temporary, transmitter, wait,
};

use crate::{
    book::{Page, codes, source},
    snippets::{daemon_keys_in_force, full_example, keys},
};

fn set(names: impl IntoIterator<Item = impl Into<String>>) -> BTreeSet<String> {
    names.into_iter().map(Into::into).collect()
}

/// What stands between two headings of the second level.
fn section(page: &str, heading: &str) -> Vec<String> {
    let page = Page::read(&source().join("reference").join(page));
    let lines = page.prose.into_iter().map(|(_, line)| line);
    let after = lines.skip_while(|line| !line.starts_with(heading)).skip(1);
    after.take_while(|line| !line.starts_with("## ")).collect()
}

#[test]
fn every_reason_is_explained_among_its_own_kind() {
    for (heading, known) in
        [("## Refused", &RefusalReason::CODES[..]), ("## Undecided", &UndecidedReason::CODES[..])]
    {
        let lines = section("reasons.md", heading);
        let headings = lines.iter().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
        assert_eq!(set(headings), set(known.iter().copied()), "{heading}");
        for part in ["**Meaning.**", "**Who acts.**", "**What to do.**"] {
            let parts = lines.iter().filter(|line| line.starts_with(part)).count();
            assert_eq!(parts, known.len(), "{heading}: {part}");
        }
    }
}

#[test]
fn every_key_of_the_daemon_is_explained() {
    let explained = set(codes("oamd.md"));
    // Other ways, which are a fault beside what is shown: to secure SCIM, the exchange and LDAP, an older name of
    // `source.file.max_age`, what is known by itself but with a plain LDAP server, and what only issuers for jobs have.
    let others = [
        "scim.plaintext",
        "exchange.plaintext",
        "source.NAME.ldap.plaintext",
        "source.NAME.ldap.users.id",
        "directory.max_age",
        "issuer.corp.trust_domain",
    ];
    let others = others.map(str::to_owned);
    let with_others = |keys: Vec<String>| set(keys.into_iter().chain(others.clone()));
    assert_eq!(explained, with_others(keys(&full_example("oamd.md", "toml,daemon").text)));
    assert_eq!(explained, with_others(daemon_keys_in_force()), "`oamd check-config` knows other keys");
}

#[test]
fn every_key_of_the_hook_is_explained() {
    let mut shown = set(keys(&full_example("hook.md", "toml,hook").text));
    // The other way to name a repository; both at once are a fault.
    shown.insert("plain.repository".into());
    assert_eq!(set(codes("hook.md")), shown);
}

/// A directory server where nobody listens.
const NO_SERVER: &str = "\n[source.corp]\nkind = \"ldap\"\n[source.corp.ldap]\nurls = [\"ldaps://127.0.0.1:1\"]\nflavour = \
                         \"openldap\"\nbind_dn = \"cn=a\"\npassword_file = \"/nowhere\"\nusers.base = \"dc=x\"\n\
                         groups.base = \"dc=x\"\n";

/// A daemon that has had every kind of trouble that can be made without a second user, and its metrics before that.
fn busy_daemon() -> (Daemon, String) {
    // A witness of that name, where nobody listens.
    let witnesses = full_example("oamd.md", "toml,daemon").text;
    let witnesses = witnesses.lines().find(|line| line.starts_with("witnesses")).expect("a witness");
    let witnesses = witnesses.replace("witness.example.com:8750", "127.0.0.1:1");
    let (bitbucket, folder) = (BitbucketServer::start(), temporary::folder());
    bitbucket.add_repository(sample::REPOSITORY);
    let token = folder.path().join("token");
    fs::write(&token, bitbucket.token("root")).unwrap();
    let guarded = format!(
        "url = \"{}\"\ntoken_file = \"{}\"\nnetwork = \"loopback\"",
        bitbucket.url(),
        token.display()
    );
    let idp = Transmitter::start();
    let signals = format!(
        "[signals.idp]\nissuer = \"{}\"\naudience = \"{}\"\nsource = \"entra\"\ndelivery = \"push\"\nalgorithms = \
         [\"EdDSA\"]\nnetwork = \"loopback\"\nsubjects.email = \"email\"\n",
        idp.issuer(),
        transmitter::AUDIENCE
    );
    let config = format!(
        "{signals}\n[bitbucket]\n{guarded}\n\n[http]\nlisten = \"127.0.0.1:0\"\n\n[audit]\n{witnesses}\n\n[source.file]\nkind = \"file\"\n\n[source.entra]\nkind = \
         \"scim\"\n\n[scim]\nlisten = \"127.0.0.1:0\"\nplaintext = \"loopback-only\"\n\n[webhook.chat]\nurl = \"http://127.0.0.1:1/\"\n\
         format = \"slack\"\nnetwork = \"loopback\"\n\n[admin]\npeople = {{ {} = \"kim\" }}\n\n[export.shipper]\nkind = \"file\"\npath = \"/dev/null/no\"\n\n{NO_SERVER}",
        nix::unistd::geteuid()
    );
    let policy = lifting();
    let mut daemon = Daemon::start_with(&Setup { config, policy, ..Setup::default() });
    let spool = daemon.folder().join("spool");
    fs::create_dir(&spool).unwrap();
    let open = format!(
        "[on_unavailable]\naction = \"open-audited\"\nrefs = [\"refs/heads/feature/**\"]\nspool = \"{}\"\n",
        spool.display()
    );
    let config = HookConfig { more: open, ..HookConfig::plain(&daemon, sample::REPOSITORY) };
    let repository = BareRepo::with(&config);
    repository.report_what_is_applied();
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    assert!(work.push(["HEAD:refs/heads/main"]).accepted());
    assert!(!work.push([":refs/heads/main"]).accepted());
    let many: String = (0..500).map(|number| format!("HEAD:refs/heads/feature/many-{number}\n")).collect();
    assert!(work.send_pack(many.as_bytes()).accepted());
    daemon.deactivate("bob").expect_success("oam user deactivate");
    ScimClient::of(&daemon, "entra").get("/Users").expect(200);
    signal(&daemon, &idp);
    wait::until("a canary is tried", || entries(&daemon).contains("canary-tried").then_some(()));
    let metrics = metrics(&daemon);

    daemon.write_policy("version = 2\n");
    let rejected = |daemon: &Daemon| entries(daemon).contains("policy-rejected").then_some(());
    wait::until("the faulty policy is told of", || rejected(&daemon));
    daemon.write_policy(&lifting());
    daemon.kill();
    assert!(work.push(["HEAD:refs/heads/feature/x"]).accepted(), "open-audited");
    fs::remove_dir_all(daemon.state().join("store")).unwrap();
    let log = oam_tests::audit::newest_segment(&daemon.state().join("audit"));
    fs::OpenOptions::new().append(true).open(log).unwrap().write_all(b"{\"v\":1,\"seq\":").unwrap();
    daemon.spawn();
    work.commit("two");
    assert!(work.push(["HEAD:refs/heads/main"]).accepted());
    let delivered = |daemon: &Daemon| entries(daemon).contains("permitted-while-unavailable").then_some(());
    wait::until("the spool is delivered", || delivered(&daemon));
    lift(&daemon);
    propose(&daemon);
    attest(&daemon);
    daemon.stop();
    let mut oamd = Command::new(oam_tests::binaries::path("oamd"));
    oamd.arg("--config").arg(daemon.config_file()).args(["rotate-key", "--reason", "r"]);
    oamd.run().expect_success("oamd rotate-key");
    erase(&mut daemon);
    (daemon, metrics)
}

/// A transmitter tells of somebody whom nobody knows.
fn signal(daemon: &Daemon, idp: &Transmitter) {
    let made = daemon.oam(["--json", "signals", "setup", "idp"]).expect_success("oam signals setup");
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    idp.reach(daemon);
    let subject = serde_json::json!({"format": "email", "email": "nobody@example.com"});
    let claims = idp.claims("risc/event-type/account-disabled", &subject, &serde_json::json!({}));
    let authorization = format!("Bearer {}", made["token"].as_str().unwrap());
    let told = idp.push_to("/signals/idp", &authorization, &idp.signed(&claims)).expect("an answer");
    assert_eq!(told.status, 202, "{told:?}");
}

/// People stand by aliases from here on, and one of them is erased.
fn erase(daemon: &mut Daemon) {
    let config = fs::read_to_string(daemon.config_file()).unwrap();
    fs::write(daemon.config_file(), config.replace("[audit]\n", "[audit]\npeople = \"aliases\"\n")).unwrap();
    daemon.spawn();
    daemon.deactivate("mallory").expect_success("oam user deactivate");
    daemon.oam(["audit", "erase", "mallory"]).expect_success("oam audit erase");
    daemon.stop();
}

/// The sample policy, with a rule that `kim` may lift by herself.
fn lifting() -> String {
    let block = "[[block]]\nid = \"freeze\"\non = [\"**\"]\nrefs = [\"refs/heads/frozen\"]\n";
    let waiver = "[[waiver]]\nid = \"thaw\"\nlifts = [\"freeze\"]\nto = [\"keeper\"]\nmax_time = \"1h\"\n";
    format!("{}\n{block}{waiver}", sample::POLICY)
}

/// Breaks the glass, and gives it back.
fn lift(daemon: &Daemon) {
    let place = ["--on", "DEMO/app", "--refs", "refs/heads/frozen", "--for", "5m", "--reason", "r", "--json"];
    let lifted =
        daemon.oam([&["breakglass", "freeze"][..], &place[..]].concat()).expect_success("oam breakglass");
    let lifted: serde_json::Value = serde_json::from_slice(&lifted.stdout).unwrap();
    let id = lifted["id"].as_str().unwrap();
    daemon.oam(["grant", "revoke", id, "--reason", "r"]).expect_success("oam grant revoke");
}

/// Answers for what alice may do, as `kim`.
fn attest(daemon: &Daemon) {
    let folder = daemon.folder().join("index");
    let (log, index) = (daemon.state().join("audit"), folder.to_str().unwrap());
    let place = ["--dir", log.to_str().unwrap(), "--index", index, "--repository", sample::REPOSITORY];
    let review =
        [&["report", "access-review", "--format", "json", "--ref", "refs/heads/main"][..], &place[..]];
    let file = daemon.folder().join("review.json");
    fs::write(&file, daemon.oam(review.concat()).stdout).unwrap();
    let attest = ["report", "attest", file.to_str().unwrap(), "--accept", "--user", "alice", "--reason", "r"];
    daemon.oam(attest).expect_success("oam report attest");
}

/// Two policies that must wait for somebody: one is approved, one is not.
fn propose(daemon: &Daemon) {
    let guarded = |contact: &str| {
        let contact = format!("version = 1\ncontact = \"{contact}\"");
        let rules = sample::POLICY.lines().filter(|line| !line.starts_with("contact"));
        let rules = rules.map(|line| format!("{line}\n")).collect::<String>();
        rules.replacen("version = 1", &contact, 1) + "\n[change]\napprovals = 1\n"
    };
    let in_force = |daemon: &Daemon| entries(daemon).matches("\"policy-changed\"").count();
    let before = in_force(daemon);
    daemon.write_policy(&guarded("one"));
    wait::until("approvals are needed", || (in_force(daemon) > before).then_some(()));
    for (contact, count, verb) in [("two", 1, "approve"), ("three", 2, "withdraw")] {
        daemon.write_policy(&guarded(contact));
        let proposed = |daemon: &Daemon| entries(daemon).matches("\"policy-proposed\"").count() == count;
        wait::until("the files are proposed", || proposed(daemon).then_some(()));
        let list = wait::until("it waits", || {
            let list: serde_json::Value =
                serde_json::from_slice(&daemon.oam(["policy", "proposals", "--json"]).stdout).unwrap();
            list["proposals"][0]["digest"].as_str().map(str::to_owned)
        });
        daemon.oam(["policy", verb, &list, "--reason", "r"]).expect_success(verb);
    }
}

fn entries(daemon: &Daemon) -> String {
    fs::read_to_string(oam_tests::audit::newest_segment(&daemon.state().join("audit"))).unwrap()
}

fn metrics(daemon: &Daemon) -> String {
    let address = fs::read_to_string(daemon.runtime().join("http.addr")).unwrap();
    let mut connection = TcpStream::connect(address.trim()).unwrap();
    connection.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut metrics = String::new();
    connection.read_to_string(&mut metrics).unwrap();
    metrics
}

#[test]
fn every_metric_and_every_kind_of_entry_is_explained() {
    let (daemon, metrics) = busy_daemon();
    let names = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    assert_eq!(set(codes("metrics.md")), set(names), "{metrics}");

    // It takes a second user to be denied, and to answer another, some years until entries are old, a CI system for a lease, and
    // a Bitbucket where something is changed.
    let mut kinds = set([
        "admin-denied",
        "privilege-approved",
        "privilege-reminded",
        "privilege-signed-off",
        "privilege-used",
        "entries-pruned",
        "bitbucket-changed",
        "bitbucket-drift",
    ]);
    let changed = BitbucketChanged {
        stage: ChangeStage::Begun,
        begun: None,
        actor: "uid 0".into(),
        step: "permit".into(),
        place: None,
        user: None,
        group: None,
        thing: None,
        before: None,
        after: None,
        because: "rule `main`".into(),
        detail: None,
    };
    explain_fields(&serde_json::to_value(Event::BitbucketChanged(changed)).unwrap(), "bitbucket-changed");
    let drift = BitbucketDrift { actor: "uid 0".into(), counts: vec![], new: 1, over: 0, found: vec![] };
    explain_fields(&serde_json::to_value(Event::BitbucketDrift(drift)).unwrap(), "bitbucket-drift");
    let used = PrivilegeUsed { id: "l-1".into(), by: "svc".into(), decision: "0193".into() };
    explain_fields(&serde_json::to_value(Event::PrivilegeUsed(used)).unwrap(), "privilege-used");
    let end = "2026-11-23T17:21:14.000000Z".parse().unwrap();
    let about = PrivilegeReminder::EndsSoon;
    let reminded = PrivilegeReminded { id: "g-1".into(), by: "alice".into(), about, end, at: end };
    explain_fields(&serde_json::to_value(Event::PrivilegeReminded(reminded)).unwrap(), "privilege-reminded");
    let pruned = EntriesPruned {
        before: 256,
        keep: "7y".into(),
        older_than: "2026-11-23T17:21:14.000000Z".parse().unwrap(),
        rotations: vec![],
    };
    explain_fields(&serde_json::to_value(Event::EntriesPruned(pruned)).unwrap(), "entries-pruned");
    for line in entries(&daemon).lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        let kind = entry["event"]["kind"].as_str().unwrap().to_owned();
        explain_fields(&entry["event"], &kind);
        kinds.insert(kind);
    }
    assert_eq!(set(codes("audit.md")), kinds);
}

/// Every field of an event stands somewhere below the heading of its kind.
fn explain_fields(event: &serde_json::Value, kind: &str) {
    let page = Page::read(&source().join("reference/audit.md"));
    let lines = page.prose.iter().map(|(_, line)| line.as_str());
    let after = lines.skip_while(|line| *line != format!("### `{kind}`")).skip(1);
    let text: Vec<_> = after.take_while(|line| !line.starts_with('#')).collect();
    let text = text.join(" ");
    for field in event.as_object().unwrap().keys().filter(|field| *field != "kind") {
        assert!(text.contains(&format!("`{field}`")), "`{kind}`: the field `{field}` is not explained");
    }
}

#[test]
fn the_exit_codes_of_oam_are_those_of_its_help() {
    let help = fs::read_to_string(source().join("examples/help/oam.txt")).unwrap();
    let rows = section("oam.md", "## Exit codes");
    let rows: Vec<_> =
        rows.iter().filter(|row| row.starts_with("| ") && !row.starts_with("| code")).collect();
    assert_eq!(rows.len(), 7);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert!(help.contains(&format!("{} {}", cells[0], cells[1])), "`oam --help` does not say: {row}");
    }
}
