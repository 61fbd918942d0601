//! What a plan of permissions costs in a company of 2,000 people and 300 repositories: requests, time and memory, and that
//! one in which nothing changed asks nearly nothing.
//!
//! `cargo bench -p oam-tests --bench provisioning`. Bitbucket is our own stand-in on the same machine, which answers at once: the
//! times are those of `oam`, the daemon and the stand-in together, and a real Bitbucket adds its own to each request.
//! `OAM_BIN_DIR` names what is built already; else `oamd` and `oam` are built first, which takes minutes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints, and fails loudly"
)]

use std::{env, fs, path::Path, process::Command, time::Instant};

use nix::sys::resource::{UsageWho, getrusage};
use oam_tests::{
    BitbucketServer, Daemon, Finished, binaries, bitbucket_server::Global, daemon::Setup, temporary,
};

const PROJECTS: usize = 10;
const REPOSITORIES: usize = 30;
const PEOPLE: usize = 2_000;

/// What this program is run with to measure another one.
const PEAK: &str = "--measure-peak";

fn main() {
    if is_peak_child() {
        return;
    }
    told("the binaries that are measured, built where they are older than their sources", || {
        binaries::path("oamd")
    });
    for groups in ["\"okta\"", ""] {
        let (server, folder) = (told("a company", company), temporary::folder());
        let token = folder.path().join("token");
        fs::write(&token, server.token("svc-oam")).unwrap();
        let config = format!(
            "[bitbucket]\nurl = \"{}\"\ntoken_file = \"{}\"\nnetwork = \"loopback\"\n[bitbucket.canary]\nevery = \"24h\"\n\
             [bitbucket.provisioning]\naccount = \"svc-oam\"\ngroups = [{groups}]\n",
            server.url(),
            token.display()
        );
        let setup = Setup { policy: policy(), directory: Some(directory()), config };
        let daemon = told("a daemon with its directory", || Daemon::start_with(&setup));
        let by = if groups.is_empty() { "people by name" } else { "groups" };
        println!("{PEOPLE} people, {PROJECTS} projects, {} repositories, {by}:", PROJECTS * REPOSITORIES);
        let oam = |what: &str, task: &[&str]| measured(what, &server, &daemon, folder.path(), task);
        let (_, requests) = oam("the first plan", &["plan"]);
        assert!((620..=700).contains(&requests), "two for each place, and pages");
        if groups.is_empty() {
            continue;
        }
        oam("apply", &["apply"]);
        let (again, _) = oam("a second plan", &["plan", "--seen", "seen.json", "--seen-within", "1h"]);
        assert!(again.stdout_text().contains("Nothing is to be done."), "{again:?}");
        let (kept, requests) = oam(
            "a third one, by what the second read",
            &["plan", "--seen", "seen.json", "--seen-within", "1h"],
        );
        assert!(kept.stdout_text().contains("Nothing is to be done."), "{kept:?}");
        assert_eq!(
            requests, 1,
            "what was kept is read, and only the daemon asks Bitbucket: whose token it has"
        );
    }
}

/// Does what is not measured, and says that it is about to: whoever looks on must not wonder.
fn told<T>(what: &str, work: impl FnOnce() -> T) -> T {
    println!("  … {what}");
    let start = Instant::now();
    let done = work();
    println!("  … after {:.1} s", start.elapsed().as_secs_f64());
    done
}

/// What `oam` said, and how many requests it made.
fn measured(
    what: &str,
    server: &BitbucketServer,
    daemon: &Daemon,
    folder: &Path,
    task: &[&str],
) -> (Finished, usize) {
    let token = folder.join("token");
    let mut oam = daemon.oam_command();
    oam.args(["bitbucket", task[0], "--url", server.url(), "--network", "loopback", "--token-file"]);
    oam.arg(token).args(&task[1..]);
    let mut own = measuring(&oam);
    let (before, start) = (server.requests().len(), Instant::now());
    let done = oam_tests::Run::run(&mut own).expect_success(what);
    let (time, requests) = (start.elapsed(), server.requests().len() - before);
    let peak = peak_mib(&done);
    println!("  {what:<38} {requests:>6} requests  {:>7.2} s  `oam` {peak:>4} MiB", time.as_secs_f64());
    (done, requests)
}

/// The same command, run by a small process of its own, which is this program again: the system tells only of all children together,
/// and `cargo`, `git` and the daemons before were children of this one.
fn measuring(oam: &Command) -> Command {
    let mut own = Command::new(env::current_exe().unwrap());
    own.arg(PEAK).arg(oam.get_program()).args(oam.get_args()).env_clear();
    own.envs(oam.get_envs().filter_map(|(name, value)| Some((name, value?))));
    own.current_dir(oam.get_current_dir().unwrap());
    own
}

/// What it says at the end, on its standard error, of the one that it ran.
fn peak_mib(done: &Finished) -> u64 {
    let said = done.stderr_text();
    let peak = said.lines().filter_map(|line| line.strip_prefix(PEAK)).next_back();
    peak.and_then(|peak| peak.trim().parse::<u64>().ok()).unwrap_or_else(|| panic!("{done:?}")) / 1024
}

/// Whether this process is one that [`measuring`] starts; then it has done its work.
fn is_peak_child() -> bool {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [mark, program, more @ ..] = arguments.as_slice() else { return false };
    if mark != PEAK {
        return false;
    }
    let status = Command::new(program).args(more).status().unwrap();
    assert!(status.success(), "{program}: {status}");
    eprintln!("{PEAK} {}", getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss());
    true
}

/// Users, a group for each project, and repositories that nobody pushes to.
fn company() -> BitbucketServer {
    let server = BitbucketServer::start();
    server.add_user("svc-oam", Global::SysAdmin);
    let names: Vec<_> = (0..PEOPLE).map(|number| format!("user-{number}")).collect();
    for name in &names {
        server.add_user(name, Global::Licensed);
    }
    for project in 0..PROJECTS {
        let members: Vec<_> = names.iter().skip(project).step_by(PROJECTS).map(String::as_str).collect();
        server.add_group(&format!("team-{project}"), &members);
        server.add_listed(&format!("P{project}"), (0..REPOSITORIES).map(|number| format!("repo-{number}")));
    }
    server
}

/// Everybody reads everything, each team writes in its project, and half of the repositories have rules of their own.
fn policy() -> String {
    let mut text = "version = 1\n".to_owned();
    for team in 0..PROJECTS {
        text.push_str(&format!(
            "[[role]]\nid = \"team-{team}\"\nany = [\"okta:team-{team}\"]\n\
             [[grant]]\nid = \"read-{team}\"\nto = [\"team-{team}\"]\non = [\"**\"]\nverbs = [\"read\"]\n\
             [[grant]]\nid = \"write-{team}\"\nto = [\"team-{team}\"]\non = [\"P{team}/*\"]\n\
             refs = [\"refs/heads/**\"]\nverbs = [\"create\", \"update\"]\n\
             [[grant]]\nid = \"beside-{team}\"\nto = [\"team-{team}\"]\non = [\"P{}/repo-?\", \"P{}/repo-1?\"]\n\
             refs = [\"refs/heads/main\"]\nverbs = [\"update\"]\n",
            (team + 1) % PROJECTS,
            (team + 2) % PROJECTS
        ));
    }
    text
}

fn directory() -> String {
    let user = |number: usize| serde_json::json!({"username": format!("user-{number}"), "groups": [format!("okta:team-{}", number % PROJECTS)]});
    serde_json::json!({"version": 1, "users": (0..PEOPLE).map(user).collect::<Vec<_>>()}).to_string()
}
