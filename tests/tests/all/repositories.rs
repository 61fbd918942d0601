//! Repositories that are not quite the usual: other hashes, other ref stores, borrowed objects, cut-off histories.

use std::fs;

use oam_tests::{BareRepo, Daemon, Git, HookConfig, Verdict, WorkingCopy, sample};

/// A guarded repository made with more options of `git init`; `None`, loudly, when this git does not know them.
fn made_with(daemon: &Daemon, option: &str) -> Option<(BareRepo, WorkingCopy)> {
    let repository = BareRepo::unguarded();
    let git = Git::new(&repository.folder().join("home"));
    let init = |bare: &[&str], path: &str| {
        let arguments = ["init", "--quiet", "--template=", "--initial-branch=main", option];
        git.run(repository.folder(), arguments.iter().chain(bare).chain([&path]))
    };
    fs::remove_dir_all(repository.path()).unwrap();
    if !init(&["--bare"], "app.git").success() {
        eprintln!("SKIPPED: this git does not know `{option}`");
        return None;
    }
    fs::create_dir(repository.path().join("hooks")).unwrap();
    repository.configure_hook(&HookConfig::plain(daemon, sample::REPOSITORY));
    repository.install(&oam_tests::binaries::path("oam-hook"));
    let work = repository.working_copy().pushing_as("alice");
    fs::remove_dir_all(work.path()).unwrap();
    init(&[], work.path().to_str().unwrap()).expect_success("git init");
    work.git(["remote", "add", "origin", repository.path().to_str().unwrap()]);
    Some((repository, work))
}

/// On `main` forwards is permitted and backwards is not, so the hook has to read the history.
fn assert_told_apart(work: &WorkingCopy) {
    work.commit("one");
    let created = work.push(["HEAD:refs/heads/main"]);
    assert_eq!(created.verdict(), Verdict::Permitted, "{created:?}");
    work.commit("two");
    let updated = work.push(["HEAD:refs/heads/main"]);
    assert_eq!(updated.verdict(), Verdict::Permitted, "{updated:?}");
    work.amend("two, rewritten");
    let forced = work.push(["+HEAD:refs/heads/main"]);
    assert_eq!(forced.verdict(), Verdict::Refused, "{forced:?}");
}

#[test]
fn sha_256() {
    let daemon = Daemon::start();
    let Some((_repository, work)) = made_with(&daemon, "--object-format=sha256") else { return };
    assert_told_apart(&work);
    let last = daemon.audit().last_decision();
    let oam_audit::entry::Change::Move { new, .. } = &last.update("refs/heads/main").change else { panic!() };
    assert_eq!(new.len(), 64);
}

#[test]
fn reftable() {
    let daemon = Daemon::start();
    let Some((repository, work)) = made_with(&daemon, "--ref-format=reftable") else { return };
    assert_told_apart(&work);
    repository
        .git()
        .read(&repository.path(), ["symbolic-ref", "refs/heads/feature/alias", "refs/heads/main"]);
    let output = work.push(["+HEAD:refs/heads/feature/alias"]);
    assert_eq!(output.verdict(), Verdict::Refused, "an alias is one in any store: {output:?}");
}

/// Bitbucket keeps the objects of forks in one place: the repository itself may have none of its history.
#[test]
fn borrowed_objects() {
    let daemon = Daemon::start();
    let lender = BareRepo::unguarded();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    work.commit("two");
    work.git(["push", "--quiet", lender.path().to_str().unwrap(), "HEAD:refs/heads/main"]);
    fs::create_dir_all(repository.path().join("objects/info")).unwrap();
    let alternates = format!("{}\n", lender.path().join("objects").display());
    fs::write(repository.path().join("objects/info/alternates"), alternates).unwrap();
    assert_told_apart(&work);
}

/// Whoever pushes from a shallow clone does not send what the server has already.
#[test]
fn a_push_from_a_shallow_clone() {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let full = repository.working_copy().pushing_as("alice");
    for number in 0..5 {
        full.commit(&format!("old {number}"));
    }
    assert_eq!(full.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    let shallow = repository.working_copy().pushing_as("alice");
    let address = format!("file://{}", repository.path().display());
    shallow.git(["fetch", "--quiet", "--depth=1", &address, "main"]);
    shallow.git(["reset", "--quiet", "--hard", "FETCH_HEAD"]);
    shallow.commit("new");
    let updated = shallow.push(["HEAD:refs/heads/main"]);
    assert_eq!(updated.verdict(), Verdict::Permitted, "{updated:?}");
    shallow.amend("new, rewritten");
    let forced = shallow.push(["+HEAD:refs/heads/main"]);
    assert_eq!(forced.verdict(), Verdict::Refused, "{forced:?}");
}

/// Where the server's own history is cut off, an answer may be impossible, but it is never wrong.
#[test]
fn a_shallow_server() {
    let daemon = Daemon::start();
    let source = BareRepo::unguarded();
    let full = source.working_copy();
    full.commit("one");
    let middle = full.commit("two");
    full.commit("three");
    full.push(["HEAD:refs/heads/main"]);
    let repository = BareRepo::guarded_by(&daemon);
    let address = format!("file://{}", source.path().display());
    let fetch = ["fetch", "--quiet", "--depth=1", &address, "refs/heads/main:refs/heads/main"];
    repository.git().read(&repository.path(), fetch);
    repository.git().read(&repository.path(), ["config", "receive.shallowUpdate", "true"]);
    let work = repository.working_copy().pushing_as("alice");
    work.git(["fetch", "--quiet", &address, "main"]);
    work.git(["reset", "--quiet", "--hard", "FETCH_HEAD"]);
    work.commit("four");
    let updated = work.push(["HEAD:refs/heads/main"]);
    assert_ne!(updated.verdict(), Verdict::Refused, "{updated:?}");
    let back = work.push([format!("+{middle}:refs/heads/main")]);
    // git itself may refuse it too: what lies behind the cut is not there.
    assert!(!back.accepted(), "{back:?}");
}

/// `info/grafts` makes git believe in other parents; the decision rests on the real ones.
#[test]
fn grafts_on_the_server_do_not_change_the_answer() {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    let one = work.commit("one");
    let two = work.commit("two");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    work.git(["checkout", "--quiet", "--detach", &one]);
    let beside = work.commit("beside");
    assert_eq!(work.push(["HEAD:refs/heads/feature/beside"]).verdict(), Verdict::Permitted);
    fs::create_dir_all(repository.path().join("info")).unwrap();
    fs::write(repository.path().join("info/grafts"), format!("{beside} {two}\n")).unwrap();
    let output = work.push(["+HEAD:refs/heads/main"]);
    assert_ne!(output.verdict(), Verdict::Permitted, "{output:?}");
}

#[test]
fn an_annotated_tag_is_made_once() {
    let daemon = Daemon::start();
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    work.commit("one");
    work.git(["tag", "--annotate", "--message", "a release", "v1"]);
    assert_eq!(work.push(["refs/tags/v1"]).verdict(), Verdict::Permitted);
    work.git(["tag", "--force", "--annotate", "--message", "the same commit again", "v1"]);
    assert_eq!(work.push(["+refs/tags/v1"]).verdict(), Verdict::Refused);
    assert!(repository.tip("refs/tags/v1").is_some());
}
