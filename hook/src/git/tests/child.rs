use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc, thread};

use crate::{
    environment::Variables,
    git::{Git, Leash, Unreadable},
};

/// A git that is this script.
fn git(folder: &Path, script: &str) -> (Git, Leash) {
    let program = folder.join("git");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    Git::new(folder, Arc::new([("PATH", path)].into_iter().collect::<Variables>()))
}

fn ask(git: &Git, input: &[&str]) -> Result<Vec<String>, Unreadable> {
    let mut lines = Vec::new();
    git.each_line(&["question"], input.iter().map(ToString::to_string), |line| {
        lines.push(String::from_utf8(line.to_vec()).unwrap());
        Ok(())
    })?;
    Ok(lines)
}

#[test]
fn lines_go_in_and_lines_come_out() {
    let folder = tempfile::tempdir().unwrap();
    let (git, _leash) = git(folder.path(), "echo \"$1 $GIT_NO_REPLACE_OBJECTS\"; cat");
    assert_eq!(ask(&git, &["a", "b"]).unwrap(), ["question 1", "a", "b"]);
}

#[test]
fn what_is_no_whole_answer_is_none() {
    let folder = tempfile::tempdir().unwrap();
    for (script, complaint) in [
        ("echo one; echo 'fatal: it broke' >&2; exit 128", "git said: fatal: it broke"),
        ("printf 'one\\ntw'", "git said: it broke off within a line"),
        ("head -c 100000 /dev/zero", "git said: it broke off within a line"),
        ("echo one; kill -9 $$", "git said: git ended with signal: 9 (SIGKILL)"),
    ] {
        let (git, _leash) = git(folder.path(), script);
        assert_eq!(ask(&git, &["x"]).unwrap_err().to_string(), complaint, "{script}");
    }
}

#[test]
fn letting_go_of_the_leash_ends_git_and_starts_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let started = folder.path().join("started");
    let (git, leash) = git(folder.path(), &format!("echo > {}; exec sleep 100000", started.display()));
    let asking = thread::spawn(move || (ask(&git, &[]).is_err(), ask(&git, &[]).is_err()));
    while !started.exists() {
        thread::yield_now();
    }
    drop(leash);
    assert_eq!(asking.join().unwrap(), (true, true));
}
