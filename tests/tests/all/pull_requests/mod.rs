//! Approvals of pull requests, from Bitbucket's page to the decision and back: a Bitbucket as the documentation says, the real hook
//! that it runs, the real daemon that it is asked by.

mod auto_merge;
mod counted;
mod merged;
mod trouble;

use oam_tests::{
    BitbucketServer, Verdict, WorkingCopy,
    bitbucket_server::{Global, Permission},
    daemon::Setup,
    push::verdict_in,
};
use serde_json::{Value, json};

use crate::install::{World, bare_with};

const POLICY: &str = r##"
version = 1
contact = "#platform"

[[role]]
id  = "developer"
any = ["okta:eng"]

[[role]]
id  = "release-manager"
any = ["okta:release"]

[[grant]]
id    = "branches"
to    = ["developer", "release-manager"]
on    = ["DEMO/*"]
refs  = ["refs/heads/**"]
verbs = ["create", "update", "force", "delete"]

[[require]]
id            = "reviewed"
on            = ["DEMO/*"]
refs          = ["refs/heads/main"]
verbs         = ["update"]
via           = "pull-request"
approvals     = [
  { role = "developer", count = 2 },
  { role = "release-manager", paths = ["deploy/**"] },
]
exclude       = ["author", "committers"]
reset_on_push = true

[[require]]
id        = "four-eyes"
on        = ["DEMO/*"]
refs      = ["refs/heads/release/*", "refs/heads/next"]
verbs     = ["update"]
approvals = [{ role = "developer" }]
"##;

/// Four developers and a release manager, all of whom Bitbucket knows, and some who are nobody.
const DEVELOPERS: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// The directory, without those who left.
fn directory(left: &[&str]) -> String {
    let person = |name: &&str, group: &str| json!({"username": name, "emails": [format!("{name}@example.com")], "groups": [group]});
    let developers = DEVELOPERS.iter().filter(|name| !left.contains(name));
    let mut users: Vec<_> = developers.map(|name| person(name, "okta:eng")).collect();
    users.push(person(&"rita", "okta:release"));
    json!({"version": 1, "users": users}).to_string()
}

/// Somebody's view of a pull request.
struct Team {
    world: World,
}

/// What came of looking at a pull request, or of merging it.
#[derive(Debug)]
struct Seen {
    done: bool,
    /// What is shown of those who say no.
    text: String,
}

impl Seen {
    /// Permitted, refused or undecided, and the codes that are told.
    fn verdict(&self) -> Verdict {
        match (self.done, verdict_in(&self.text)) {
            (true, None) => Verdict::Permitted,
            (false, Some(verdict)) => verdict,
            _ => panic!("what was done and what is told do not fit: {self:?}"),
        }
    }

    #[track_caller]
    fn is_permitted(&self) {
        assert_eq!(self.verdict(), Verdict::Permitted, "{}", self.text);
    }

    #[track_caller]
    fn is_refused(&self, says: &str) {
        self.says(Verdict::Refused, "approval-missing", says);
    }

    #[track_caller]
    fn is_undecided(&self, says: &str) {
        self.says(Verdict::Undecided, "approvals-unknown", says);
    }

    #[track_caller]
    fn says(&self, verdict: Verdict, code: &str, says: &str) {
        assert_eq!(self.verdict(), verdict, "{}", self.text);
        let flat = flat(&self.text);
        assert!(flat.contains(&format!("[{code}]")) && flat.contains(says), "{}", self.text);
    }
}

/// Without the layout that a page gives it.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Bitbucket's configuration for the daemon, which sends no canary while a test runs but the first.
fn config(server: &BitbucketServer, token: &str, more: &str) -> String {
    format!(
        "[bitbucket]\nurl = \"{}\"\ntoken_file = \"{token}\"\nnetwork = \"loopback\"\n{more}\n\
         [bitbucket.canary]\nevery = \"24h\"\nalarm_after = \"24h\"\n[http]\nlisten = \"127.0.0.1:0\"\n",
        server.url()
    )
}

impl Team {
    /// A team that has installed the hook. It waits as long for Bitbucket as a slow machine needs, and remembers nothing.
    fn new() -> Self {
        Self::configured("approvals.within = \"20s\"\napprovals.remember = \"0s\"")
    }

    fn configured(more: &str) -> Self {
        Self::of(bare_with(|server, token| Setup {
            policy: POLICY.to_owned(),
            directory: Some(directory(&[])),
            config: config(server, token, more),
        }))
    }

    /// The team in a world that has just been set up.
    fn of(world: World) -> Self {
        for user in ["carol", "dave", "rita", "mallory"] {
            world.server.add_user(user, Global::Licensed);
            world.server.permit(user, "DEMO", Permission::Write);
        }
        Self { world: world.ready() }
    }

    fn server(&self) -> &BitbucketServer {
        &self.world.server
    }

    /// A working copy of somebody, with the branches that there are.
    fn copy_of(&self, repository: &str, user: &str) -> WorkingCopy {
        let email = format!("{user}@example.com");
        let work = self.server().working_copy(repository, user);
        let work = work.with("GIT_AUTHOR_EMAIL", &email).with("GIT_COMMITTER_EMAIL", &email);
        work.git(["fetch", "--quiet", "origin"]);
        work
    }

    /// Adds a commit of `user` to a branch, which is made from `main` where it is not there; gives the new tip.
    fn push(&self, user: &str, branch: &str, path: &str) -> String {
        push_from(&self.copy_of("DEMO/app", user), branch, path)
    }

    fn open(&self, user: &str, from: &str, to: &str) -> u64 {
        self.open_from(user, ("DEMO", "app"), from, to)
    }

    fn open_from(&self, user: &str, (key, slug): (&str, &str), from: &str, to: &str) -> u64 {
        let side = |key: &str, slug: &str, name: &str| json!({"id": format!("refs/heads/{name}"), "repository": {"slug": slug, "project": {"key": key}}});
        let body = json!({"title": "x", "fromRef": side(key, slug, from), "toRef": side("DEMO", "app", to)});
        let (status, opened) = self.ask(user, "POST", "", Some(&body));
        assert_eq!(status, 201, "{opened}");
        opened["id"].as_u64().unwrap()
    }

    /// A branch of alice's with one commit in `path`, and her pull request for it.
    fn opened(&self, path: &str) -> u64 {
        self.push("alice", "topic", path);
        self.open("alice", "topic", "main")
    }

    fn ask(&self, user: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.server().ask(user, method, &format!("/projects/DEMO/repos/app/pull-requests{path}"), body)
    }

    fn approve(&self, user: &str, id: u64) {
        self.think(user, id, "APPROVED");
    }

    fn think(&self, user: &str, id: u64, status: &str) {
        let body = json!({"user": {"name": user}, "approved": status == "APPROVED", "status": status});
        let (code, answer) = self.ask(user, "PUT", &format!("/{id}/participants/{user}"), Some(&body));
        assert_eq!(code, 200, "{answer}");
    }

    /// What somebody sees on the page of a pull request.
    fn look(&self, user: &str, id: u64) -> Seen {
        let (status, answer) = self.ask(user, "GET", &format!("/{id}/merge"), None);
        assert_eq!(status, 200, "{answer}");
        let done = answer["canMerge"].as_bool().unwrap();
        Seen { done, text: told(&answer["vetoes"]) }
    }

    fn merge(&self, user: &str, id: u64) -> Seen {
        self.merge_by(user, id, "no-ff")
    }

    fn merge_by(&self, user: &str, id: u64, strategy: &str) -> Seen {
        let (_, before) = self.ask(user, "GET", &format!("/{id}"), None);
        let body = json!({"strategyId": strategy, "message": "merged"});
        let path = format!("/{id}/merge?version={}", before["version"]);
        let (status, answer) = self.ask(user, "POST", &path, Some(&body));
        let (_, after) = self.ask(user, "GET", &format!("/{id}"), None);
        assert_eq!(status == 200, after["state"] == "MERGED", "{answer} {after}");
        assert!([200, 409].contains(&status), "{answer}");
        Seen { done: status == 200, text: told(&answer["errors"][0]["vetoes"]) }
    }

    /// What comes of it when Bitbucket tries to merge it by itself, and names `user` to its hooks.
    fn auto_merge(&self, user: &str, id: u64) -> Seen {
        let vetoes = Value::from(self.server().auto_merge("DEMO/app", id, user));
        let (_, after) = self.ask("alice", "GET", &format!("/{id}"), None);
        Seen { done: after["state"] == "MERGED", text: told(&vetoes) }
    }

    /// How often Bitbucket was asked by the daemon for pull requests.
    fn lookups(&self) -> usize {
        let is_lookup = |request: &&String| {
            request.starts_with("GET")
                && request.contains("/pull-requests/")
                && request.ends_with(char::is_numeric)
        };
        self.server().requests().iter().filter(is_lookup).count()
    }
}

/// Adds a commit to a branch, as whoever works there.
fn push_from(work: &WorkingCopy, branch: &str, path: &str) -> String {
    let there = work.git(["branch", "--remotes", "--list", &format!("origin/{branch}")]);
    let onto = if there.is_empty() { "main" } else { branch };
    work.git(["checkout", "--quiet", "-B", "work", &format!("origin/{onto}")]);
    let file = work.path().join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let before = std::fs::read_to_string(&file).unwrap_or_default();
    std::fs::write(&file, before + "more\n").unwrap();
    work.git(["add", path]);
    work.git(["commit", "--quiet", "--message", &format!("more of {path}")]);
    let pushed = work.push([format!("HEAD:refs/heads/{branch}")]);
    assert!(pushed.accepted(), "{pushed:?}");
    work.git(["rev-parse", "HEAD"])
}

/// What those who say no show to people.
fn told(vetoes: &Value) -> String {
    let texts = vetoes.as_array().into_iter().flatten().map(|veto| {
        assert_eq!(veto["summaryMessage"], "bitbucket-oam declined");
        veto["detailedMessage"].as_str().unwrap().to_owned()
    });
    texts.collect()
}
