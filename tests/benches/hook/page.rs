//! The page of a pull request, which asks each time that somebody looks at it.

use std::{fs, path::Path, process::Command};

use oam_tests::{
    BareRepo, Bitbucket, BitbucketServer, Daemon, HookConfig,
    bitbucket::{Merge, Trigger},
    bitbucket_server::pull_requests::Told,
    daemon::Setup,
    sample, temporary,
};

use crate::{
    Effort,
    measure::{Case, Target, judge, medians, process, table},
    peers::World,
};

/// Two approvals for what is merged into `main`, where they are given.
const REVIEWED: &str = r#"
[[require]]
id            = "reviewed"
on            = ["DEMO/*"]
refs          = ["refs/heads/main"]
approvals     = [{ role = "developer" }, { role = "release-manager" }]
exclude       = ["author", "committers"]
reset_on_push = true
"#;

/// The pull request that nobody approves.
const MISSING: u64 = 18;

/// A daemon, and the hook as Bitbucket runs it for a page.
struct Page {
    _daemon: Daemon,
    _bitbucket: Bitbucket,
    command: Command,
}

impl Page {
    fn new(
        world: &World,
        server: &BitbucketServer,
        token: &Path,
        repository: &BareRepo,
        remember: &str,
    ) -> Self {
        let config = format!(
            "[bitbucket]\nurl = \"{}\"\ntoken_file = \"{}\"\nnetwork = \"loopback\"\ncanary.every = \"24h\"\n\
             approvals.within = \"20s\"\napprovals.remember = \"{remember}\"\n",
            server.url(),
            token.display()
        );
        let setup = Setup { policy: format!("{}{REVIEWED}", sample::POLICY), config, ..Setup::default() };
        let daemon = Daemon::start_with(&setup);
        let bitbucket = Bitbucket::running(&world.hook, repository, &HookConfig::of(&daemon));
        let (head, onto) = (tip('1'), tip('2'));
        let merge = Merge {
            from: "topic".into(),
            from_hash: head,
            to: "main".into(),
            to_hash: onto,
            merge_hash: String::new(),
        };
        let command = bitbucket.asking("alice", &Trigger::PullRequestDryRun(merge)).command();
        Self { _daemon: daemon, _bitbucket: bitbucket, command }
    }
}

fn tip(digit: char) -> String {
    digit.to_string().repeat(40)
}

/// One page after the other.
pub(crate) fn run(world: &World, effort: Effort) -> u32 {
    let (server, folder) = (BitbucketServer::start(), temporary::folder());
    let (token, nothing) = (folder.path().join("token"), folder.path().join("nothing"));
    fs::write(&token, server.token("root")).unwrap();
    fs::write(&nothing, "").unwrap();
    server.add_repository(sample::REPOSITORY);
    let (head, onto) = (tip('1'), tip('2'));
    let approvals = vec![("bob".to_owned(), head.clone())];
    let told = Told { head, onto, makers: vec!["alice@example.com".to_owned()], approvals };
    let without = Told { approvals: Vec::new(), ..told.clone() };
    server.tell(sample::REPOSITORY, 17, "alice", "refs/heads/main", told);
    server.tell(sample::REPOSITORY, MISSING, "alice", "refs/heads/main", without);
    let repository = BareRepo::unguarded();
    let page = |remember| Page::new(world, &server, &token, &repository, remember);
    let (mut remembered, mut asked, mut missing) = (page("5m"), page("0s"), page("5m"));
    missing.command.env("BB_PULL_REQUEST_ID", MISSING.to_string());
    let mut no_hook = Command::new("/bin/true");
    let mut cases = vec![
        Case::new("/bin/true", |_| process(&mut no_hook, &nothing, 0)),
        Case::new("a page by what Bitbucket said before", |_| process(&mut remembered.command, &nothing, 0)),
        Case::new("a page for which Bitbucket is asked", |_| process(&mut asked.command, &nothing, 0)),
        // A no is never remembered: whoever looks has just approved, perhaps.
        Case::new("a page with an approval missing", |_| process(&mut missing.command, &nothing, 1)),
    ];
    let medians = medians(&mut cases, effort.processes);
    table("The page of a pull request, approved and not", &cases, &medians);
    judge("by what Bitbucket said before, x /bin/true", medians[1] / medians[0], Target::AtMost(1.5))
}
