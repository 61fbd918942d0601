//! The same over each way in: a local path, HTTP, ssh.

use oam_tests::{BareRepo, Daemon, Verdict, WorkingCopy, http::HttpServer, ssh::SshServer};

/// The story of one transport. `connect` gives a working copy that pushes as a user.
fn permitted_refused_undecided(
    connect: impl Fn(&BareRepo, &str) -> WorkingCopy,
    daemon: &mut Daemon,
    repository: &BareRepo,
) {
    let alice = connect(repository, "alice");
    alice.commit("one");
    let created = alice.push(["HEAD:refs/heads/main"]);
    assert_eq!(created.verdict(), Verdict::Permitted, "{created:?}");
    let two = alice.commit("two");
    assert_eq!(alice.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);

    alice.amend("two, rewritten");
    let forced = alice.push(["+HEAD:refs/heads/main"]);
    assert_eq!(forced.verdict(), Verdict::Refused, "{forced:?}");
    assert!(forced.remote().contains("alice"), "the transport says who pushes: {forced:?}");

    let mallory = connect(repository, "mallory");
    mallory.commit("mine");
    let refused = mallory.push(["HEAD:refs/heads/feature/x"]);
    assert_eq!(refused.verdict(), Verdict::Refused, "{refused:?}");
    assert!(refused.remote().contains("mallory"), "{refused:?}");

    daemon.kill();
    let undecided = alice.push(["+HEAD:refs/heads/main"]);
    assert_eq!(undecided.verdict(), Verdict::Undecided, "{undecided:?}");
    assert_eq!(repository.tip("refs/heads/main"), Some(two));
    daemon.spawn();
    assert_eq!(daemon.audit().decisions().len(), 4, "every question that reached the daemon, and no other");
}

#[test]
fn over_a_local_path() {
    let mut daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let connect = |repository: &BareRepo, user: &str| repository.working_copy().pushing_as(user);
    permitted_refused_undecided(connect, &mut daemon, &repository);
}

#[test]
fn over_http() {
    let mut daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let server = HttpServer::serving(&repository);
    permitted_refused_undecided(
        |repository, user| server.working_copy(repository, user),
        &mut daemon,
        &repository,
    );
}

#[test]
fn over_http_in_chunks() {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let server = HttpServer::serving(&repository);
    let work = server.working_copy(&repository, "alice");
    work.git(["config", "http.postBuffer", "65536"]);
    std::fs::write(work.path().join("large"), incompressible(1_000_000)).unwrap();
    work.git(["add", "large"]);
    let tip = work.commit("large");
    let output = work.push(["HEAD:refs/heads/main"]);
    assert_eq!(output.verdict(), Verdict::Permitted, "{output:?}");
    assert_eq!(repository.tip("refs/heads/main"), Some(tip));
}

#[test]
fn over_ssh() {
    let mut daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let Some(server) = SshServer::serving(&repository, &["alice", "mallory"]) else { return };
    permitted_refused_undecided(
        |repository, user| server.working_copy(repository, user),
        &mut daemon,
        &repository,
    );
}

/// Bytes that no compression makes smaller: a counter through a mixer (splitmix64).
fn incompressible(length: u64) -> Vec<u8> {
    let mix = |index: u64| {
        let mut word = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    };
    (1..=length / 8).flat_map(|index| mix(index).to_le_bytes()).collect()
}
