//! The harness itself, with a shell script in place of the hook: were it to lie, every other test would.

use std::{fs, os::unix::fs::PermissionsExt};

use oam_tests::{BareRepo, WorkingCopy, http::HttpServer, ssh::SshServer};

/// A repository whose hook prints what it sees of git and of the pusher, and says no.
fn repository() -> BareRepo {
    let repository = BareRepo::unguarded();
    let script = repository.folder().join("script");
    let text = "#!/bin/sh\necho \"user=$REMOTE_USER home=${HOME##*/} global=$GIT_CONFIG_GLOBAL\"\n\
                echo \"quarantine=${GIT_QUARANTINE_PATH:+set}\"\nread old new name; echo \"ref=$name\"\nexit 1\n";
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    repository.install(&script);
    repository
}

fn assert_seen(work: &WorkingCopy, user: &str) {
    work.commit("one");
    let output = work.push(["HEAD:refs/heads/x"]);
    assert!(!output.accepted(), "{output:?}");
    let seen = [&format!("user={user} home=home global=/dev/null"), "quarantine=set", "ref=refs/heads/x"];
    assert_eq!(output.remote_lines(), seen, "{output:?}");
}

#[test]
fn a_hook_sees_the_pusher_over_a_local_path() {
    let repository = repository();
    assert_seen(&repository.working_copy().pushing_as("alice"), "alice");
}

#[test]
fn a_hook_sees_the_pusher_over_http() {
    let repository = repository();
    let server = HttpServer::serving(&repository);
    // What the client says of itself counts for nothing.
    assert_seen(&server.working_copy(&repository, "alice").pushing_as("kim"), "alice");
    let stranger = repository.working_copy_of(
        &server
            .working_copy(&repository, "alice")
            .git(["remote", "get-url", "origin"])
            .replace(":open", ":wrong"),
    );
    stranger.commit("one");
    let output = stranger.push(["HEAD:refs/heads/x"]);
    assert!(output.git.stderr_text().contains("Authentication failed"), "{output:?}");
}

#[test]
fn a_hook_sees_the_pusher_over_ssh() {
    let repository = repository();
    let Some(server) = SshServer::serving(&repository, &["alice", "bob"]) else { return };
    assert_seen(&server.working_copy(&repository, "alice").pushing_as("kim"), "alice");
    assert_seen(&server.working_copy(&repository, "bob"), "bob");
}
