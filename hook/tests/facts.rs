//! The daemon asks for facts, and the hook reads them from a real repository.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::{
    path::Path,
    process::{Command, Output},
};

use common::{Script, Setting, bitbucket};
use oam_proto::v1::{self, Ancestry};

fn git(folder: &Path, arguments: &[&str]) -> Output {
    let names = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];
    Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder)
        .envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null")])
        .envs(names.map(|name| (name, "x")))
        .output()
        .unwrap()
}

fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = git(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

const CONFIG: &str = "endpoints = [\"unix:DIR/oam.sock\"]\ndeadline = \"60s\"\n";

#[test]
fn only_what_is_asked_for_is_read() {
    let setting = Setting::new(CONFIG);
    setting.serve("oam.sock", Script::AskThen(vec![0, 2]));
    let repository = setting.path("repo.git");
    run(setting.folder.path(), &["init", "-q", "--bare", "repo.git"]);
    let tree = run(&repository, &["hash-object", "-w", "-t", "tree", "/dev/null"]);
    let a = run(&repository, &["commit-tree", &tree, "-m", "a"]);
    let b = run(&repository, &["commit-tree", &tree, "-m", "b", "-p", &a]);
    let c = run(&repository, &["commit-tree", &tree, "-m", "c", "-p", &a]);
    let none = "1".repeat(40);
    let push = |old: &str, new: &str| {
        format!("{a} {b} refs/heads/x\n{none} {b} refs/heads/unread\n{old} {new} refs/heads/y\n")
    };
    let facts = |ran: usize| {
        let facts = setting.heard().facts;
        facts[2 * ran..].iter().map(|fact| (fact.index, fact.ancestry())).collect::<Vec<_>>()
    };
    setting.run_in(&repository, &bitbucket(), &[], push(&a, &c)).assert_permitted();
    assert_eq!(facts(0), [(0, Ancestry::FastForward), (2, Ancestry::FastForward)]);
    assert_eq!(setting.run_in(&repository, &bitbucket(), &[], push(&b, &c)).code, 1);
}

#[test]
fn what_cannot_be_read_is_said_to_be_unreadable() {
    let setting = Setting::new(CONFIG);
    setting.serve("oam.sock", Script::AskThen(vec![0]));
    assert_eq!(setting.push(common::one_move()).code, 1);
    let [fact] = &setting.heard().facts[..] else { panic!() };
    assert_eq!(fact.ancestry(), Ancestry::Unreadable);
    assert!(fact.why.contains("no repository is known"), "{}", fact.why);
}

/// git itself runs the hook: its quarantine, its working directory, its standard input.
#[test]
fn a_real_push() {
    let setting = Setting::new(
        "endpoints = [\"unix:DIR/oam.sock\"]\ndeadline = \"60s\"\n\
         [plain]\nprincipal_env = \"REMOTE_USER\"\nrepositories = \"DIR/srv\"\n",
    );
    setting.serve("oam.sock", Script::AskThen(vec![0]));
    let root = setting.folder.path();
    std::fs::create_dir_all(root.join("srv/DEMO")).unwrap();
    run(root, &["init", "-q", "--bare", "-b", "main", "srv/DEMO/app.git"]);
    let work = root.join("work");
    run(root, &["clone", "-q", "srv/DEMO/app.git", "work"]);
    run(&work, &["commit", "-q", "--allow-empty", "-m", "a"]);
    run(&work, &["push", "-q", "origin", "HEAD:main"]);
    std::fs::remove_dir_all(root.join("srv/DEMO/app.git/hooks")).unwrap();
    std::os::unix::fs::symlink(root.join("hooks"), root.join("srv/DEMO/app.git/hooks")).unwrap();

    run(&work, &["commit", "-q", "--allow-empty", "-m", "b"]);
    let nobody = git(&work, &["push", "-q", "origin", "HEAD:main"]);
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("`REMOTE_USER` is not set"));

    let push = |arguments: &[&str]| {
        let with = [
            &["-c", "remote.origin.receivepack=REMOTE_USER=alice git-receive-pack", "push", "-q"],
            arguments,
        ];
        git(&work, &with.concat())
    };
    let permitted = push(&["origin", "HEAD:main"]);
    assert!(permitted.status.success(), "{}", String::from_utf8_lossy(&permitted.stderr));
    assert_eq!(setting.heard().facts[0].ancestry(), Ancestry::FastForward);
    assert_eq!(setting.heard().openings[0].repository, "DEMO/app");

    run(&work, &["commit", "-q", "--amend", "--allow-empty", "-m", "c"]);
    let refused = push(&["-f", "origin", "HEAD:main"]);
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && text.contains("remote: Push refused by Bitbucket OAM."), "{text}");
    assert!(
        text.lines().filter(|line| line.starts_with("remote: ")).all(|line| line.trim_end().len() <= 80),
        "{text}"
    );
    assert_eq!(setting.heard().facts[1].ancestry(), Ancestry::Diverged);
}

fn all_of_main() -> v1::FactsNeeded {
    let history =
        v1::HistoryNeeded { paths: true, files: true, commits: true, ..v1::HistoryNeeded::default() };
    let covers = vec![v1::Cover { refs: vec!["refs/heads/main".into()] }];
    v1::FactsNeeded { ancestry: vec![0], histories: vec![history], covers, ..v1::FactsNeeded::default() }
}

/// A bare repository with a commit on `main` and one upon it that brings so many files with such long names; the two.
fn with_files(setting: &Setting, count: usize, length: usize) -> (std::path::PathBuf, String, String) {
    let repository = setting.path("repo.git");
    run(setting.folder.path(), &["init", "-q", "--bare", "-b", "main", "repo.git"]);
    let nothing = run(&repository, &["hash-object", "-w", "-t", "tree", "/dev/null"]);
    let a = run(&repository, &["commit-tree", &nothing, "-m", "a"]);
    run(&repository, &["update-ref", "refs/heads/main", &a]);
    // A tree as it is stored: it needs no files to be made of.
    let blob = run(&repository, &["hash-object", "-w", "../hooks/oam-hook.toml"]);
    let blob = oam_policy::ObjectId::parse_hex(blob.as_bytes()).unwrap();
    let entry = |name| [format!("100644 {name:0length$}\0").as_bytes(), blob.as_bytes()].concat();
    std::fs::write(setting.path("tree"), (0..count).flat_map(entry).collect::<Vec<_>>()).unwrap();
    let tree = run(&repository, &["hash-object", "-w", "-t", "tree", "../tree"]);
    let b = run(&repository, &["commit-tree", &tree, "-m", "b", "-p", &a]);
    (repository, a, b)
}

#[test]
fn histories_are_told_beside_ancestry() {
    let setting = Setting::new(CONFIG);
    setting.serve("oam.sock", Script::Ask(all_of_main()));
    let (repository, a, b) = with_files(&setting, 3, 1);
    let push = format!("{a} {b} refs/heads/main\n");
    setting.run_in(&repository, &bitbucket(), &[], push).assert_permitted();
    let heard = setting.heard();
    assert_eq!(heard.facts[0].ancestry(), Ancestry::FastForward);
    let [history] = &heard.histories[..] else { panic!("{:?}", heard.histories) };
    let paths: Vec<_> = history.paths.iter().map(|path| String::from_utf8_lossy(path)).collect();
    assert_eq!(paths, ["0", "1", "2"]);
    let size = std::fs::metadata(setting.path("hooks/oam-hook.toml")).unwrap().len();
    assert_eq!(history.files.iter().map(|file| file.size).collect::<Vec<_>>(), [size; 3]);
    assert_eq!(history.commits[0].subject, b"b");
    assert!(history.last && history.unreadable.is_empty(), "{history:?}");
}

#[test]
fn a_decision_that_comes_early_ends_the_telling() {
    let setting = Setting::new(CONFIG);
    setting
        .serve("oam.sock", Script::AskAndRefuseEarly(v1::FactsNeeded { ancestry: vec![], ..all_of_main() }));
    // More than the daemon, which reads one message, and all that lies between could take.
    let (repository, a, b) = with_files(&setting, 20_000, 200);
    let ran = setting.run_in(&repository, &bitbucket(), &[], format!("{a} {b} refs/heads/main\n"));
    assert_eq!(ran.code, 1, "{}", ran.text);
    assert!(ran.text.contains("Push refused"), "{}", ran.text);
    let heard = setting.heard();
    assert!(heard.histories.len() == 1 && !heard.histories[0].last);
}

#[test]
fn without_a_repository_histories_are_unreadable() {
    let setting = Setting::new(CONFIG);
    setting.serve("oam.sock", Script::Ask(all_of_main()));
    setting.push(common::one_move()).assert_permitted();
    let [history] = &setting.heard().histories[..] else { panic!() };
    assert!(history.last && history.unreadable.contains("not known"), "{}", history.unreadable);
}

#[test]
fn questions_that_make_no_sense_are_not_answered() {
    let history = |update| v1::HistoryNeeded { update, paths: true, ..v1::HistoryNeeded::default() };
    for (histories, because) in [
        (vec![history(0), history(0)], "asked twice for one history of update 0"),
        (vec![history(1)], "asked for the new commits of update 1, which can have none"),
    ] {
        let setting = Setting::plain();
        let needed = v1::FactsNeeded { ancestry: vec![], histories, ..all_of_main() };
        setting.serve("oam.sock", Script::Ask(needed));
        setting.push(common::one_move()).assert_undecided(because);
    }
}
