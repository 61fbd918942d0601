//! Objects that git shows to nobody but the hook until the hook has said yes.

use std::fs;

use oam_audit::entry::Verb;
use oam_tests::{BareRepo, Daemon, Verdict};

/// On `main` an update is permitted and a force is refused, so the answer hangs on objects that are still quarantined.
#[test]
fn update_and_force_are_told_apart_by_quarantined_objects() {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    let one = work.commit("one");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);

    // Many commits at once, so that the way from new to old leads through quarantined objects only.
    for number in 0..20 {
        work.commit(&format!("more {number}"));
    }
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    let updated = daemon.audit().last_decision();
    assert_eq!(updated.update("refs/heads/main").fast_forward, Some(true));

    // The same old tip, and new objects that lead elsewhere.
    work.git(["checkout", "--quiet", "--detach", &one]);
    for number in 0..20 {
        work.commit(&format!("other {number}"));
    }
    let forced = work.push(["+HEAD:refs/heads/main"]);
    assert_eq!(forced.verdict(), Verdict::Refused, "{forced:?}");
    assert_eq!(daemon.audit().last_decision().update("refs/heads/main").verb, Some(Verb::Force));

    // Nothing in common at all.
    work.git(["checkout", "--quiet", "--orphan", "elsewhere"]);
    work.commit("another beginning");
    assert_eq!(work.push(["+HEAD:refs/heads/main"]).verdict(), Verdict::Refused);
}

#[test]
fn a_merge_is_an_update() {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    let base = work.commit("base");
    work.commit("on main");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    work.git(["checkout", "--quiet", "-b", "topic", &base]);
    work.git(["commit", "--quiet", "--allow-empty", "--message", "on the topic"]);
    // `main` is the second parent here: only a walk over all parents finds it.
    work.git(["merge", "--quiet", "--no-edit", "--strategy=ours", "main"]);
    let output = work.push(["HEAD:refs/heads/main"]);
    assert_eq!(output.verdict(), Verdict::Permitted, "{output:?}");
}

#[test]
fn going_back_is_a_force() {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    let two = work.commit("two");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    assert_eq!(work.push(["+HEAD~1:refs/heads/main"]).verdict(), Verdict::Refused);
    assert_eq!(repository.tip("refs/heads/main"), Some(two));
}

/// git calls whatever a packed repository with a commit-graph holds the same, and so must we.
#[test]
fn a_packed_repository_with_a_commit_graph_is_read_the_same() {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    for number in 0..10 {
        work.commit(&format!("old {number}"));
    }
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    for arguments in [
        &["repack", "-q", "-a", "-d"][..],
        &["commit-graph", "write", "--reachable"],
        &["pack-refs", "--all"],
    ] {
        repository.git().read(&repository.path(), arguments);
    }
    work.commit("new");
    let updated = work.push(["HEAD:refs/heads/main"]);
    assert_eq!(updated.verdict(), Verdict::Permitted, "{updated:?}");
    work.git(["reset", "--quiet", "--hard", "HEAD~3"]);
    work.commit("beside");
    assert_eq!(work.push(["+HEAD:refs/heads/main"]).verdict(), Verdict::Refused);
}

/// A replacement or graft on the server shows git another history; the decision rests on the real one.
#[test]
fn replacements_on_the_server_do_not_change_the_answer() {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    let one = work.commit("one");
    let two = work.commit("two");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    work.git(["checkout", "--quiet", "--detach", &one]);
    let beside = work.commit("beside");
    assert_eq!(work.push(["HEAD:refs/heads/feature/beside"]).verdict(), Verdict::Permitted);
    // On the server somebody makes `beside` look like a child of `two`.
    repository.git().read(&repository.path(), ["replace", "--graft", &beside, &two]);
    let output = work.push(["+HEAD:refs/heads/main"]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
}

/// git takes a `parent` for one only directly behind the tree. A commit that claims descent further down leads, for git,
/// nowhere: pushing it over `main` throws the history away, and must be seen for the force that it is.
#[test]
fn a_parent_that_git_does_not_see_makes_no_fast_forward() {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    let old = work.commit("one");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    let tree = work.git(["rev-parse", "HEAD^{tree}"]);
    let person = "A <a@example.com> 1700000000 +0000";
    let forged = format!("tree {tree}\nauthor {person}\nparent {old}\ncommitter {person}\n\nforged\n");
    fs::write(work.path().join("forged"), forged).unwrap();
    let forged = work.git(["hash-object", "-t", "commit", "-w", "--literally", "forged"]);
    let output = work.push([format!("+{forged}:refs/heads/main")]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert_eq!(daemon.audit().last_decision().update("refs/heads/main").fast_forward, Some(false));
    assert_eq!(repository.tip("refs/heads/main").as_deref(), Some(old.as_str()));
}
