//! The examples are what the programs really say.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use oam_tests::{
    BareRepo, Daemon, Finished, HookConfig, PushOutput, Run, WorkingCopy, binaries, daemon::Setup,
};

use crate::{
    book::{Page, pages, shown, source},
    redact::redact,
};

/// A freeze that is on whenever the tests run.
const FREEZE: &str = r#"
[[block]]
id     = "code-freeze"
on     = ["PAY/*"]
refs   = ["refs/heads/main"]
from   = 2020-01-01T00:00:00Z
to     = 2099-01-05T00:00:00Z
except = ["release-manager"]
help   = "Year-end freeze. Urgent fixes: ask in #release."
"#;

/// A grant that contradicts a test.
const WIDENED: &str = r#"
[[grant]]
id    = "payments-cleans-up"
to    = ["payments"]
on    = ["PAY/*"]
refs  = ["refs/heads/**"]
verbs = ["force"]
"#;

/// Rules that are probably not meant; nothing that is said of them depends on when the tests run.
const WARNED: &str = r#"
[[role]]
id  = "artists"
any = ["okta:desing"]

[[grant]]
id    = "artists-work"
to    = ["artists"]
on    = ["WEB/*"]
refs  = ["refs/heads/art/*"]
verbs = ["create", "update"]

[[grant]]
id    = "retag"
to    = ["release-manager"]
on    = ["PAY/*"]
refs  = ["refs/tags/v*"]
verbs = ["force"]

[[block]]
id    = "tags-are-forever"
on    = ["**"]
refs  = ["refs/tags/**"]
verbs = ["force", "delete"]
"#;

/// A review that deployments need two of.
const REVIEWED: &str = r#"
[[require]]
id        = "reviewed"
on        = ["PAY/*"]
refs      = ["refs/heads/main"]
verbs     = ["update"]
except    = ["platform"]
approvals = [{ role = "payments" }, { role = "release-manager", paths = ["deploy/**"] }]
exclude   = ["author"]
"#;

/// The example that the README shows.
const SAMPLE: &str = "rejection-force";

fn example(name: &str) -> PathBuf {
    source().join("examples").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(example(name)).unwrap()
}

/// The guide's own policy and people.
fn setup() -> Setup {
    let directory = Some(read("directory.json"));
    Setup { policy: read("policy.toml"), directory, ..Setup::default() }
}

fn updating() -> bool {
    env::var_os("UPDATE_EXAMPLES").is_some_and(|value| value == "1")
}

/// Compares with the file, or writes it.
pub(crate) fn is(name: &str, text: &str) {
    is_exactly(name, &redact(text));
}

/// The same for a text in which nothing differs from run to run.
fn is_exactly(name: &str, text: &str) {
    is_file(&example(&format!("{name}.txt")), text);
    if updating() && name == SAMPLE {
        update_readme(text);
    }
}

/// Compares with any file of the book, or writes it.
pub(crate) fn is_file(path: &Path, text: &str) {
    if updating() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        return;
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == text,
        "{} is not what is said now; see CONTRIBUTING.md, \"Examples in the book\"\n--- written\n{written}\n--- said\n{text}",
        shown(path)
    );
}

/// What git shows of the hook's words.
fn remote(output: &PushOutput) -> String {
    assert!(!output.accepted(), "{output:?}");
    let stderr = output.git.stderr_text();
    let lines = stderr.split(['\n', '\r']).filter(|line| line.starts_with("remote:"));
    let text: String = lines.map(|line| format!("{}\n", line.trim_end())).collect();
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "too wide: {line}");
    }
    text
}

/// A repository `PAY/api` with one commit on `main`.
fn payments(daemon: &Daemon) -> (BareRepo, WorkingCopy) {
    let repository = BareRepo::with(&HookConfig::plain(daemon, "PAY/api"));
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    assert!(work.push(["HEAD:refs/heads/main"]).accepted());
    (repository, work)
}

#[test]
fn rejections() {
    let daemon = Daemon::start_with(&setup());
    let (repository, work) = payments(&daemon);
    work.amend("another one");
    let forced = remote(&work.push(["+HEAD:refs/heads/main"]));
    assert!(forced.contains("[no-grant]"), "{forced}");
    is("rejection-force", &forced);
    is("rejection-delete", &remote(&work.push([":refs/heads/main"])));

    let bob = repository.working_copy().pushing_as("bob");
    bob.commit("release");
    assert!(bob.push(["HEAD:refs/tags/v1.0.0"]).accepted());
    bob.commit("and one more thing");
    let moved = remote(&bob.push(["+HEAD:refs/tags/v1.0.0"]));
    assert!(moved.contains("tags-are-forever"), "{moved}");
    is("rejection-tag-moved", &moved);

    for (user, code, name) in [
        ("dora", "[account-disabled]", "rejection-deactivated"),
        ("svc-deploy", "[unknown-principal]", "rejection-unknown-user"),
    ] {
        let work = repository.working_copy().pushing_as(user);
        work.commit("mine");
        let refused = remote(&work.push(["HEAD:refs/heads/feature/mine"]));
        assert!(refused.contains(code), "{refused}");
        is(name, &refused);
    }

    let many: Vec<_> = (1..=25).map(|number| format!("HEAD:refs/heads/release/1.{number:02}")).collect();
    let refused = remote(&work.push(many));
    assert!(refused.contains("and 5 more refs"), "{refused}");
    is("rejection-many-refs", &refused);

    daemon.deactivate("alice").expect_success("oam user deactivate");
    let refused = remote(&work.push(["HEAD:refs/heads/feature/mine"]));
    assert!(refused.contains("[revoked]"), "{refused}");
    is("rejection-cut-off", &refused);
}

#[test]
fn a_rejection_in_a_freeze() {
    // The guide's tests say what holds without a freeze.
    let rules = read("policy.toml");
    let (rules, _) = rules.split_once("# Tests are run").expect("the guide's policy has tests");
    let daemon = Daemon::start_with(&Setup { policy: format!("{rules}{FREEZE}"), ..setup() });
    let repository = BareRepo::with(&HookConfig::plain(&daemon, "PAY/api"));
    let bob = repository.working_copy().pushing_as("bob");
    bob.commit("one");
    assert!(bob.push(["HEAD:refs/heads/main"]).accepted(), "a release manager is excepted");
    bob.commit("two");
    let work = bob.with("REMOTE_USER", "alice");
    let refused = remote(&work.push(["HEAD:refs/heads/main"]));
    assert!(refused.contains("code-freeze"), "{refused}");
    is("rejection-blocked-by-freeze", &refused);
}

#[test]
fn not_checked() {
    let daemon = Daemon::start_with(&Setup { directory: None, ..setup() });
    let repository = BareRepo::with(&HookConfig::plain(&daemon, "PAY/api"));
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    let undecided = remote(&work.push(["HEAD:refs/heads/main"]));
    assert!(undecided.contains("[snapshot-missing]"), "{undecided}");
    is("not-checked-no-directory", &undecided);

    // The usual place, so that the text does not hold a path of this machine.
    let usual = "/run/oam/hook.sock";
    assert!(!Path::new(usual).exists(), "a daemon runs on this machine, so this test would ask it");
    let endpoints = vec![format!("unix:{usual}")];
    repository.configure_hook(&HookConfig { endpoints, ..HookConfig::plain(&daemon, "PAY/api") });
    let undecided = remote(&work.push(["HEAD:refs/heads/main"]));
    assert!(undecided.contains("NOT checked"), "{undecided}");
    is("not-checked-daemon-down", &undecided);
}

#[test]
fn answers_of_oam() {
    let mut daemon = Daemon::start_with(&setup());
    let (_repository, work) = payments(&daemon);
    remote(&work.push([":refs/heads/main"]));
    let place = daemon.folder().display().to_string();
    let answer = |done: &Finished, code: i32| {
        assert_eq!(done.code, code, "{done:?}");
        done.stdout_text().replace(&place, "/srv/oam")
    };
    is("status", &answer(&daemon.oam(["status"]), 0));
    // Nothing that it tells of begins or ends: the answer is the same whenever the tests run.
    let explain = ["explain", "carol", "WEB/shop", "refs/heads/release/2", "create"];
    is("explain", &answer(&daemon.oam(explain), 1));
    is("who", &answer(&daemon.oam(["who", "PAY/api", "refs/heads/main", "update"]), 0));
    for file in ["faulty-directory.json", "faulty-policy.toml"] {
        fs::copy(example(file), daemon.folder().join(file)).unwrap();
    }
    is("import-faults", &answer(&daemon.oam(["snapshot", "import", "faulty-directory.json"]), 1));
    is("policy-faults", &answer(&daemon.oam(["policy", "check", "faulty-policy.toml"]), 1));
    let rules = read("policy.toml");
    let (lasting, _) = rules.split_once("# One person, for a while").expect("what ends comes last");
    fs::write(daemon.folder().join("policy.toml"), lasting.to_owned() + WARNED).unwrap();
    is("policy-warnings", &answer(&daemon.oam(["policy", "check", "policy.toml"]), 0));
    answer(&daemon.oam(["policy", "check", "policy.toml", "--deny", "unknown-group"]), 1);
    answer(&daemon.oam(["policy", "check", "policy.toml", "--deny", "expired"]), 0);
    answer(&daemon.oam(["policy", "check", "policy.toml", "--offline", "--deny", "unknown-group"]), 3);
    answer(&daemon.oam(["policy", "check", "policy.toml", "--offline", "--deny", "all"]), 1);
    fs::write(daemon.folder().join("policy.toml"), read("policy.toml") + WIDENED).unwrap();
    is("policy-test-failed", &answer(&daemon.oam(["policy", "test", "policy.toml"]), 1));
    is("policy-diff", &answer(&daemon.oam(["policy", "diff", "policy.toml"]), 0));
    fs::write(daemon.folder().join("reviewed.toml"), read("policy.toml") + REVIEWED).unwrap();
    is("policy-diff-reviewed", &answer(&daemon.oam(["policy", "diff", "reviewed.toml"]), 0));
    fs::write(daemon.folder().join("freeze.toml"), read("policy.toml") + FREEZE).unwrap();
    is("policy-replay", &answer(&daemon.oam(["policy", "replay", "freeze.toml"]), 1));
    // A last checkpoint covers everything.
    daemon.stop();
    is(
        "audit-verify",
        &answer(&daemon.oam(["audit", "verify", "--dir", &format!("{place}/state/audit")]), 0),
    );
}

/// The commands whose help the reference shows.
const COMMANDS: [&[&str]; 52] = [
    &["oam", "bitbucket", "install"],
    &["oam", "bitbucket", "uninstall"],
    &["oam", "bitbucket", "status"],
    &["oam", "bitbucket", "plan"],
    &["oam", "bitbucket", "apply"],
    &["oam", "bitbucket", "watch"],
    &["oam", "bitbucket", "drift"],
    &["oam", "audit", "prove"],
    &["oam", "audit", "erase"],
    &["oam", "audit", "witness"],
    &["oam"],
    &["oam", "status"],
    &["oam", "snapshot", "import"],
    &["oam", "snapshot", "show"],
    &["oam", "snapshot", "diff"],
    &["oam", "snapshot", "history"],
    &["oam", "snapshot", "rollback"],
    &["oam", "source", "list"],
    &["oam", "source", "status"],
    &["oam", "source", "sync"],
    &["oam", "source", "preview"],
    &["oam", "source", "forget"],
    &["oam", "secrets"],
    &["oam", "signals", "list"],
    &["oam", "signals", "status"],
    &["oam", "signals", "setup"],
    &["oam", "signals", "verify"],
    &["oam", "signals", "remove"],
    &["oam", "source", "token", "rotate"],
    &["oam", "source", "token", "list"],
    &["oam", "source", "token", "revoke"],
    &["oam", "user", "show"],
    &["oam", "user", "deactivate"],
    &["oam", "user", "reactivate"],
    &["oam", "policy", "init"],
    &["oam", "policy", "schema"],
    &["oam", "policy", "check"],
    &["oam", "policy", "test"],
    &["oam", "policy", "diff"],
    &["oam", "policy", "replay"],
    &["oam", "policy", "usage"],
    &["oam", "policy", "apply"],
    &["oam", "policy", "proposals"],
    &["oam", "policy", "approve"],
    &["oam", "policy", "withdraw"],
    &["oam", "policy", "show"],
    &["oam", "policy", "history"],
    &["oam", "policy", "rollback"],
    &["oam", "explain"],
    &["oam", "who"],
    &["oam", "audit", "tail"],
    &["oam", "audit", "verify"],
];

const MORE_COMMANDS: [&[&str]; 28] = [
    &["oam", "audit", "query"],
    &["oam", "report", "access-matrix"],
    &["oam", "report", "access-review"],
    &["oam", "report", "standing-access"],
    &["oam", "report", "attest"],
    &["oam", "report", "leavers"],
    &["oam", "report", "policy-changes"],
    &["oam", "report", "privileged-use"],
    &["oam", "report", "anomalies"],
    &["oam", "login"],
    &["oam", "logout"],
    &["oam", "whoami"],
    &["oam", "grant", "request"],
    &["oam", "grant", "list"],
    &["oam", "grant", "show"],
    &["oam", "grant", "approve"],
    &["oam", "grant", "deny"],
    &["oam", "grant", "revoke"],
    &["oam", "breakglass"],
    &["oam", "breakglass", "report"],
    &["oam", "breakglass", "sign-off"],
    &["oam", "ci", "lease"],
    &["oam", "lease", "list"],
    &["oam", "lease", "revoke"],
    &["oam", "completions"],
    &["oam", "man"],
    &["oamd"],
    &["oam-hook"],
];

fn help(words: &[&str]) -> String {
    let mut command = Command::new(binaries::path(words[0]));
    command.env_clear().args(&words[1..]).arg("--help");
    let said = command.run().expect_success(&words.join(" ")).stdout_text();
    said.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn help_of_every_command() {
    for words in COMMANDS.iter().chain(&MORE_COMMANDS) {
        is_exactly(&format!("help/{}", words.join("-")), &help(words));
    }
    // Every command that the help knows has its page: none is forgotten when one is added.
    let shown: BTreeSet<_> = COMMANDS.iter().chain(&MORE_COMMANDS).map(|words| words.join(" ")).collect();
    for command in leaves(&["oam"]) {
        assert!(shown.contains(&command), "`{command}` is not in the reference");
    }
}

/// The commands below these words that have none below them.
fn leaves(words: &[&str]) -> Vec<String> {
    let below = subcommands(words);
    if below.is_empty() {
        return vec![words.join(" ")];
    }
    below.iter().flat_map(|name| leaves(&[words, &[name.as_str()]].concat())).collect()
}

/// The names below `Commands:` in a command's help.
fn subcommands(words: &[&str]) -> Vec<String> {
    let help = help(words);
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let names = names.filter_map(|line| line.split(' ').next()).filter(|name| *name != "help");
    names.map(str::to_owned).collect()
}

#[test]
fn every_example_is_shown_on_a_page() {
    if updating() {
        return;
    }
    let included: BTreeSet<_> = pages().into_iter().flat_map(|page| page.includes).collect();
    for folder in ["", "help", "three-teams", "three-teams/policy"] {
        for entry in fs::read_dir(example(folder)).unwrap() {
            let path = entry.unwrap().path().canonicalize().unwrap();
            let faulty = path.file_name().unwrap().to_string_lossy().starts_with("faulty-directory");
            assert!(path.is_dir() || faulty || included.contains(&path), "{} is shown nowhere", shown(&path));
        }
    }
}

fn readme() -> PathBuf {
    binaries::workspace().join("README.md")
}

fn update_readme(sample: &str) {
    let text = fs::read_to_string(readme()).unwrap();
    let (before, rest) = text.split_once("```text\nremote:").unwrap();
    let (_, after) = rest.split_once("```").unwrap();
    fs::write(readme(), format!("{before}```text\n{sample}```{after}")).unwrap();
}

#[test]
fn the_sample_in_the_readme_is_the_tested_one() {
    if updating() {
        return;
    }
    let samples = Page::read(&readme()).blocks.into_iter().filter(|block| block.info == "text");
    let samples: Vec<_> = samples.map(|block| block.text).collect();
    assert_eq!(samples, [read(&format!("{SAMPLE}.txt"))]);
}
