//! A symbolic ref on the server: git shows the hook the alias and moves what it stands for.

use oam_tests::{BareRepo, Daemon, Verdict, WorkingCopy};

/// `main` with two commits, and alice, who may do everything below `feature/` and only go forward on `main`.
fn started() -> (Daemon, BareRepo, WorkingCopy) {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    work.commit("two");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    (daemon, repository, work)
}

fn alias(repository: &BareRepo, name: &str, target: &str) {
    repository.git().read(&repository.path(), ["symbolic-ref", name, target]);
}

#[test]
fn forcing_an_alias_is_forcing_what_it_stands_for() {
    let (_daemon, repository, work) = started();
    let before = repository.refs();
    alias(&repository, "refs/heads/feature/alias", "refs/heads/main");
    work.amend("two, rewritten");
    let output = work.push(["+HEAD:refs/heads/feature/alias"]);
    assert_ne!(output.verdict(), Verdict::Permitted, "{output:?}");
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert_eq!(repository.tip("refs/heads/main").as_deref(), before[0].split(' ').next());
}

#[test]
fn deleting_an_alias_is_deleting_what_it_stands_for() {
    let (_daemon, repository, work) = started();
    alias(&repository, "refs/heads/feature/alias", "refs/heads/main");
    let output = work.push([":refs/heads/feature/alias"]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert!(repository.tip("refs/heads/main").is_some());
}

#[test]
fn an_alias_of_an_alias_is_followed_to_its_end() {
    let (_daemon, repository, work) = started();
    alias(&repository, "refs/heads/feature/second", "refs/heads/main");
    alias(&repository, "refs/heads/feature/first", "refs/heads/feature/second");
    let before = repository.tip("refs/heads/main");
    work.amend("two, rewritten");
    let output = work.push(["+HEAD:refs/heads/feature/first"]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert_eq!(repository.tip("refs/heads/main"), before);
}

#[test]
fn an_alias_of_nothing_yet_creates_what_it_stands_for() {
    let (_daemon, repository, work) = started();
    alias(&repository, "refs/heads/feature/alias", "refs/heads/release/1");
    let output = work.push(["HEAD:refs/heads/feature/alias"]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert_eq!(repository.tip("refs/heads/release/1"), None);
}

#[test]
fn an_alias_of_what_one_may_change_is_no_obstacle() {
    let (_daemon, repository, work) = started();
    assert_eq!(work.push(["HEAD:refs/heads/feature/x"]).verdict(), Verdict::Permitted);
    alias(&repository, "refs/heads/feature/alias", "refs/heads/feature/x");
    let tip = work.amend("two, rewritten");
    let output = work.push(["+HEAD:refs/heads/feature/alias"]);
    assert_eq!(output.verdict(), Verdict::Permitted, "{output:?}");
    assert_eq!(repository.tip("refs/heads/feature/x"), Some(tip));
}
