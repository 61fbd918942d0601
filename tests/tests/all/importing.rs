//! `oam policy init --from-bitbucket`: a first policy from a Bitbucket that behaves as its documentation says, read by REST and
//! nothing else; what it does not say, and whether it decides the same.

use std::fs;

use oam_tests::{
    BitbucketServer, Daemon, Finished, Run as _, binaries,
    bitbucket_server::{Global, Permission},
    daemon::Setup,
    temporary,
};
use serde_json::Value;
use tempfile::TempDir;

struct World {
    server: BitbucketServer,
    folder: TempDir,
}

/// Two projects, three groups, a machine, and people who have something by name.
fn company() -> World {
    let (server, folder) = (BitbucketServer::start(), temporary::folder());
    for account in ["ada", "bob", "carl", "dora", "svc-ci"] {
        server.add_account(account);
    }
    for repository in ["PAY/api", "PAY/web", "WEB/shop"] {
        server.add_repository(repository);
    }
    server.add_group("staff", &["ada", "bob", "carl", "dora", "svc-ci"]);
    server.add_group("eng", &["ada", "bob"]);
    server.add_group("leads", &["bob", "carl"]);
    server.permit_everywhere("staff", Global::Licensed);
    server.permit_group("eng", "PAY", Permission::Write);
    server.permit_group("leads", "PAY", Permission::Admin);
    server.permit_in("@eng", "WEB/shop", Permission::Read);
    server.permit_in("svc-ci", "WEB/shop", Permission::Write);
    server.restrict_by("PAY", "no-deletes", ("BRANCH", "refs/heads/main"), &[]);
    server.restrict_by("PAY", "fast-forward-only", ("BRANCH", "refs/heads/main"), &[]);
    server.restrict_by("PAY", "pull-request-only", ("BRANCH", "refs/heads/main"), &["@leads"]);
    server.restrict_by("PAY/api", "read-only", ("PATTERN", "release/"), &["@leads"]);
    server.restrict_by("PAY", "no-creates", ("MODEL_CATEGORY", "HOTFIX"), &[]);
    server.restrict_by("WEB/shop", "read-only", ("ANY_REF", "ANY_REF_MATCHER_ID"), &["svc-ci"]);
    for repository in ["PAY/api", "PAY/web"] {
        server.model(repository, Some("refs/heads/main"), None, &[("HOTFIX", "hotfix/")]);
    }
    fs::write(folder.path().join("token"), server.token("root")).unwrap();
    World { server, folder }
}

impl World {
    fn init(&self, more: &[&str]) -> Finished {
        let (token, into) = (self.folder.path().join("token"), self.folder.path().join("policy"));
        let mut oam = std::process::Command::new(binaries::path("oam"));
        oam.args([
            "policy",
            "init",
            "--from-bitbucket",
            self.server.url(),
            "--network",
            "loopback",
            "--token-file",
        ]);
        oam.arg(token).arg("--into").arg(into).args(["--source", "okta"]).args(more);
        oam.run()
    }

    /// What `oam policy check` says of what was written.
    fn check(&self) -> Finished {
        let mut oam = std::process::Command::new(binaries::path("oam"));
        oam.args([
            "policy",
            "check",
            "--offline",
            "--deny",
            "force-on-wide-pattern,duplicate-rule,unused-role",
        ]);
        oam.arg(self.folder.path().join("policy")).run()
    }

    fn policy(&self, file: &str) -> String {
        fs::read_to_string(self.folder.path().join("policy").join(file)).unwrap()
    }
}

/// The administrator of the stand-in has everything by name.
const ROOT: &str = "user:root administers Bitbucket, by name";

#[test]
fn what_is_in_bitbucket_becomes_a_policy_and_what_does_not_is_told() {
    let world = company();
    let init = world.init(&["--service", "svc-ci", "--offline"]);
    let said = init.stdout_text();
    // The account of the stand-in's administrator stands by name, which somebody should look at.
    assert_eq!(init.code, 1, "{init:?}");
    insta::assert_snapshot!(said.replace(&world.folder.path().display().to_string(), "…"), @"
    written `…/policy`: 3 roles, 4 grants, 4 blocks, 1 require, made by 34 requests

    What could not be carried over
    person (1): a machine: import again with `--service NAME`. A person: make a group for them, or write a grant to `user` that ends
      user:root administers Bitbucket, by name
    other-refs (1): add them to the grants if you use them, as `refs/notes/**`
      whoever may write may push other refs than branches and tags too, such as `refs/notes/x`; the policy gives none

    The daemon was not asked which groups its directory knows: `oam policy check` does.

    Compared with what Bitbucket decides
      1170 questions: 6 people of 6 kinds, 3 repositories of 3 kinds, 51 refs
      213 answers differ, and what could not be carried over explains each
      root create PAY/api refs/heads/feature/x: Bitbucket permitted, policy refused; explained by `person` above
      root create PAY/web refs/heads/feature/x: Bitbucket permitted, policy refused; explained by `person` above
      ada create PAY/api refs/notes/commits: Bitbucket permitted, policy refused; explained by `other-refs` above
      bob create PAY/api refs/notes/commits: Bitbucket permitted, policy refused; explained by `other-refs` above
      carl create PAY/api refs/notes/commits: Bitbucket permitted, policy refused; explained by `other-refs` above
      ada create PAY/web refs/notes/commits: Bitbucket permitted, policy refused; explained by `other-refs` above
      bob create PAY/web refs/notes/commits: Bitbucket permitted, policy refused; explained by `other-refs` above
      carl create PAY/web refs/notes/commits: Bitbucket permitted, policy refused; explained by `other-refs` above
      svc-ci create WEB/shop refs/notes/commits: Bitbucket permitted, policy refused; explained by `other-refs` above
      where Bitbucket's documentation leaves open what it does, the policy says no:
        37 times: whether `read-only` and `pull-request-only` prevent creating a ref: its documentation says both
        24 times: whether a pattern matches that ref: `**` at its end, or within a segment
      next  read it, then `oam policy check …/policy`
    ");
    assert!(said.contains(ROOT));
    world.check().expect_success("oam policy check");
    assert!(
        world
            .policy("restrictions.toml")
            .contains("on = [\"PAY/*\"]\nrefs = [\"refs/heads/hotfix/**\"]\nverbs = [\"create\"]")
    );
    assert!(world.policy("permissions.toml").contains("[[grant]] # from the permission write"));
    // What is there is never overwritten.
    let again = world.init(&["--service", "svc-ci", "--offline"]);
    assert_eq!(again.code, 2, "{again:?}");
    assert!(
        world.server.requests().iter().all(|request| request.starts_with("GET ")),
        "something was changed"
    );
}

#[test]
fn a_machine_that_nobody_says_is_one_is_told_of_and_gets_nothing() {
    let world = company();
    let init = world.init(&["--offline", "--json"]);
    assert_eq!(init.code, 1, "{init:?}");
    let told: Value = serde_json::from_slice(&init.stdout).unwrap();
    let left: Vec<_> = told["left"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["kind"], &one["holder"], &one["place"]))
        .collect();
    assert!(left.contains(&(&"person".into(), &"user:svc-ci".into(), &"WEB/shop".into())), "{left:?}");
    assert!(left.contains(&(&"exempt-person".into(), &"user:svc-ci".into(), &"WEB/shop".into())), "{left:?}");
    let compared = &told["compared"];
    assert_eq!((&compared["unexplained"], &compared["complete"]), (&0.into(), &true.into()), "{compared}");
    let differences = compared["differences"].as_array().unwrap();
    assert!(
        differences
            .iter()
            .any(|one| one["user"] == "svc-ci" && one["wider"] == false && one["because"].is_number())
    );
    assert!(!world.policy("roles.toml").contains("svc-ci"));
    assert_eq!(told["requests"].as_u64().unwrap(), world.server.requests().len() as u64);
}

#[test]
fn groups_are_asked_of_the_directory_and_pushes_are_decided_again() {
    let world = company();
    let directory = r#"{"version": 1, "users": [{"username": "ada", "groups": ["okta:eng"]}, {"username": "bob", "groups": ["okta:eng", "okta:leads"]}]}"#;
    let daemon = Daemon::start_with(&Setup { directory: Some(directory.into()), ..Setup::default() });
    let mut oam = daemon.oam_command();
    let (token, into) = (world.folder.path().join("token"), world.folder.path().join("policy"));
    oam.args([
        "policy",
        "init",
        "--from-bitbucket",
        world.server.url(),
        "--network",
        "loopback",
        "--token-file",
    ]);
    oam.arg(token).arg("--into").arg(into).args(["--source", "okta", "--service", "svc-ci", "--replay"]);
    let init = oam.run();
    assert_eq!(init.code, 1, "{init:?}");
    let said = init.stdout_text();
    assert!(!said.contains("okta:eng`") && !said.contains("okta:staff"), "{said}");
    // Nothing is recorded yet, which the replay says.
    assert!(said.contains("0 refs"), "{said}");
}

/// 2,000 people in 60 groups, 300 repositories in 20 projects, 3,000 restrictions.
#[test]
fn a_large_company_takes_a_request_or_three_for_each_place() {
    let (server, folder) = (BitbucketServer::start(), temporary::folder());
    for number in 0..2_000 {
        server.add_account(&format!("p{number:04}"));
    }
    let people = |from: usize, count: usize| {
        (from..from + count).map(|number| format!("p{number:04}")).collect::<Vec<_>>()
    };
    let all = people(0, 2_000);
    server.add_group("staff", &all.iter().map(String::as_str).collect::<Vec<_>>());
    server.permit_everywhere("staff", Global::Licensed);
    for group in 0..60 {
        let members = people(group * 30, 60);
        server.add_group(&format!("team-{group}"), &members.iter().map(String::as_str).collect::<Vec<_>>());
    }
    for project in 0..20 {
        let key = format!("P{project}");
        server.add_project(&key);
        server.add_listed(&key, (0..15).map(|repository| format!("r{repository}")));
        for team in 0..3 {
            server.permit_group(
                &format!("team-{}", project * 3 + team),
                &key,
                [Permission::Read, Permission::Write, Permission::Admin][team],
            );
        }
        for repository in 0..15 {
            let place = format!("{key}/r{repository}");
            for (kind, pattern) in [
                ("no-deletes", "main"),
                ("fast-forward-only", "main"),
                ("pull-request-only", "main"),
                ("no-deletes", "release/"),
                ("read-only", "tags/v*"),
            ] {
                server.restrict_by(&place, kind, ("PATTERN", pattern), &[]);
                server.restrict_by(
                    &place,
                    kind,
                    ("BRANCH", &format!("refs/heads/r{repository}")),
                    &[&format!("@team-{}", project * 3 + 2)],
                );
            }
        }
    }
    fs::write(folder.path().join("token"), server.token("root")).unwrap();
    let world = World { server, folder };
    let init = world.init(&["--offline", "--json"]);
    assert_eq!(init.code, 1, "{init:?}");
    let told: Value = serde_json::from_slice(&init.stdout).unwrap();
    let compared = &told["compared"];
    assert_eq!((&compared["unexplained"], &compared["complete"]), (&0.into(), &true.into()), "{compared}");
    assert_eq!((compared["people"].as_u64(), compared["repositories"].as_u64()), (Some(2_001), Some(300)));
    assert_eq!(told["requests"].as_u64().unwrap(), world.server.requests().len() as u64);
    assert!(world.server.requests().len() < 1_200, "{}", world.server.requests().len());
    world.check().expect_success("oam policy check");
    println!(
        "{} requests; {} roles, {} grants, {} blocks, {} requires; {} questions",
        told["requests"],
        told["roles"],
        told["grants"],
        told["blocks"],
        told["requires"],
        compared["questions"]
    );
}
