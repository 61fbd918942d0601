//! Which commits a rule looks at: those that are new to the refs that it covers, by whatever way they come.

use oam_audit::entry::Outcome;
use oam_tests::{BareRepo, Daemon, Verdict, WorkingCopy, daemon::Setup};

/// What the rules below take away from.
const EVERYTHING: &str = r#"
version = 1

[[role]]
id  = "developer"
any = ["okta:eng"]

[[grant]]
id    = "everything"
to    = ["developer"]
on    = ["**"]
refs  = ["refs/**"]
verbs = ["create", "update", "force", "delete"]
"#;

const DEPLOY_IS_GUARDED: &str = r#"
[[block]]
id    = "deploy-is-guarded"
on    = ["**"]
refs  = ["refs/heads/main", "refs/heads/release/*"]
paths = ["deploy/**"]
"#;

const MESSAGES_HAVE_A_TICKET: &str = r#"
[[require]]
id      = "ticket"
on      = ["**"]
refs    = ["refs/heads/**"]
commits = { message = "re:(PAY-[0-9]+ .*|Merge .*)" }
"#;

fn serve(rule: &str) -> (Daemon, BareRepo, WorkingCopy) {
    let daemon = Daemon::start_with(&Setup { policy: format!("{EVERYTHING}{rule}"), ..Setup::default() });
    let repository = BareRepo::guarded_by(&daemon);
    let work = repository.working_copy().pushing_as("alice");
    (daemon, repository, work)
}

fn commit_file(work: &WorkingCopy, path: &str, content: &str) -> String {
    let file = work.path().join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, content).unwrap();
    work.git(["add", "--all"]);
    work.git(["commit", "--quiet", "--message", &format!("PAY-1 {path}")]);
    work.git(["rev-parse", "HEAD"])
}

/// The classic hole: what a free branch holds already is no news to the repository, and still is to `main`.
#[test]
fn first_to_a_free_branch_and_then_to_a_guarded_one() {
    let (daemon, repository, work) = serve(DEPLOY_IS_GUARDED);
    let clean = commit_file(&work, "src/a", "1");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    let guarded = commit_file(&work, "deploy/prod.yaml", "1");
    assert_eq!(work.push(["HEAD:refs/heads/free"]).verdict(), Verdict::Permitted);

    // No object is new: not one is sent.
    for target in ["refs/heads/main", "refs/heads/release/1"] {
        let output = work.push([format!("{guarded}:{target}")]);
        assert_eq!(output.verdict(), Verdict::Refused, "{target}: {output:?}");
        assert!(output.remote().contains("deploy/prod.yaml"), "{output:?}");
        let decision = daemon.audit().last_decision();
        assert_eq!(decision.decision.outcome, Outcome::Refused);
        assert_eq!(decision.update(target).reasons[0].rule.as_deref(), Some("deploy-is-guarded"));
    }
    assert_eq!(repository.tip("refs/heads/main"), Some(clean));
    assert_eq!(repository.tip("refs/heads/release/1"), None);

    // Not behind a merge either, nor behind a later commit, nor taken back by one.
    work.git(["revert", "--no-edit", "HEAD"]);
    let output = work.push(["HEAD:refs/heads/main"]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    work.git(["checkout", "--quiet", "-b", "aside", "HEAD~2"]);
    commit_file(&work, "src/b", "1");
    work.git(["merge", "--quiet", "--no-edit", "--strategy=ours", &guarded]);
    let output = work.push(["HEAD:refs/heads/main"]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
}

/// What one guarded branch has taken is not new to the other: a release is cut from `main` without asking again.
#[test]
fn what_a_covered_branch_has_is_not_new_to_another() {
    let (_daemon, repository, work) = serve(DEPLOY_IS_GUARDED);
    commit_file(&work, "deploy/prod.yaml", "1");
    repository.without_hook(|| assert!(work.push(["HEAD:refs/heads/main"]).accepted()));
    let output = work.push(["HEAD:refs/heads/release/1"]);
    assert_eq!(output.verdict(), Verdict::Permitted, "{output:?}");
}

/// Merging `main` into a branch brings old commits, of which nobody wants to hear again.
#[test]
fn merges_of_main_into_a_branch_are_not_punished_twice() {
    let (_daemon, repository, work) = serve(MESSAGES_HAVE_A_TICKET);
    let base = commit_file(&work, "a", "1");
    repository.without_hook(|| {
        work.commit("from before there was a rule");
        assert!(work.push(["HEAD:refs/heads/main"]).accepted());
    });
    work.git(["checkout", "--quiet", "-b", "topic", &base]);
    commit_file(&work, "b", "1");
    work.git(["merge", "--quiet", "--no-edit", "main"]);
    let output = work.push(["HEAD:refs/heads/topic"]);
    assert_eq!(output.verdict(), Verdict::Permitted, "{output:?}");

    work.commit("no ticket");
    let output = work.push(["HEAD:refs/heads/topic"]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert!(output.remote().contains("\"no ticket\""), "{output:?}");
    assert!(!output.remote().contains("from before"), "{output:?}");
}

/// Both sides of a push see the refs as they were before it: what one line brings is new to the other.
#[test]
fn the_lines_of_a_push_do_not_vouch_for_each_other() {
    let (_daemon, repository, work) = serve(DEPLOY_IS_GUARDED);
    commit_file(&work, "src/a", "1");
    assert_eq!(work.push(["HEAD:refs/heads/main"]).verdict(), Verdict::Permitted);
    commit_file(&work, "deploy/prod.yaml", "1");
    let output = work.push(["HEAD:refs/heads/free", "HEAD:refs/heads/main"]);
    assert_eq!(output.verdict(), Verdict::Refused, "{output:?}");
    assert_eq!(repository.tip("refs/heads/free"), None, "a push stands or falls as a whole");
}
