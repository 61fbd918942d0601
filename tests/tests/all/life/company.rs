//! The company: who is there, and how they are asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use oam_tests::{
    BitbucketServer, Daemon, Finished, HookConfig, Run as _, Verdict, binaries,
    bitbucket_server::{Global, Permission},
    daemon::Setup,
    push::verdict_in,
    temporary,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const PROJECTS: usize = 10;
const REPOSITORIES: usize = 30;
const PEOPLE: usize = 2_000;

/// Those whom the story is about, and the teams that they begin in.
const NAMED: [(&str, usize); 7] =
    [("alice", 0), ("bob", 0), ("carol", 0), ("leo", 0), ("mara", 1), ("eve", 9), ("ines", 2)];

/// Where most of it happens.
pub(super) const REPOSITORY: &str = "P0/repo-0";

/// How much is given in Bitbucket once the policy is applied: by the years before, and to those who send canaries.
pub(super) const GIVEN: usize = 30;

pub(super) struct Company {
    pub(super) server: BitbucketServer,
    pub(super) daemon: Daemon,
    pub(super) folder: TempDir,
    /// Everybody whom the identity provider knows, with their team.
    people: BTreeMap<String, usize>,
    /// Those of them who are not active any more.
    gone: BTreeSet<String>,
    /// So many were made: no two are the same.
    commits: AtomicU32,
}

/// What came of a merge.
pub(super) struct Merged {
    pub(super) done: bool,
    /// What those said who said no, on one line.
    pub(super) text: String,
}

impl Merged {
    pub(super) fn verdict(&self) -> Verdict {
        if self.done { Verdict::Permitted } else { verdict_in(&self.text).expect("a verdict") }
    }
}

impl Company {
    /// A Bitbucket that has been in use for years, and a daemon that was just set up: no hook, no policy, no permissions by it.
    pub(super) fn founded() -> Self {
        let (server, folder) = (BitbucketServer::start(), temporary::folder());
        for account in ["svc-oam", "boss"] {
            server.add_user(account, Global::SysAdmin);
        }
        server.add_user("kim", Global::Licensed);
        let named = NAMED.iter().map(|(name, team)| ((*name).to_owned(), *team));
        let others = (NAMED.len()..PEOPLE).map(|number| (format!("person-{number}"), number % PROJECTS));
        let people: BTreeMap<_, _> = named.chain(others).collect();
        people.keys().for_each(|name| server.add_user(name, Global::Licensed));
        server.add_repository(REPOSITORY);
        let work = server.working_copy(REPOSITORY, "boss");
        work.commit("the first");
        assert!(work.push(["HEAD:refs/heads/main"]).accepted());
        for team in 0..PROJECTS {
            let members: Vec<_> =
                people.iter().filter(|(_, of)| **of == team).map(|(name, _)| name.as_str()).collect();
            server.add_group(&format!("team-{team}"), &members);
            let slugs = (0..REPOSITORIES).map(|number| format!("repo-{number}"));
            let slugs: Vec<_> = slugs.filter(|slug| REPOSITORY != format!("P{team}/{slug}")).collect();
            server.add_copies(REPOSITORY, &format!("P{team}"), &slugs);
        }
        server.add_group("guards", &["kim"]);
        has_been_in_use(&server, people.keys().map(String::as_str));
        for (file, user) in [("admin", "svc-oam"), ("guard", "kim")] {
            fs::write(folder.path().join(file), server.token(user)).unwrap();
        }
        symlink(binaries::path("oam-hook"), folder.path().join("oam-hook")).unwrap();
        let config = config(&server, &folder.path().join("guard"), "24h");
        let daemon =
            Daemon::start_with(&Setup { policy: "version = 1\n".to_owned(), directory: None, config });
        fs::write(folder.path().join("oam-hook.toml"), HookConfig::of(&daemon).to_toml()).unwrap();
        let (gone, commits) = (BTreeSet::new(), AtomicU32::new(0));
        let company = Self { server, daemon, folder, people, gone, commits };
        company.imports();
        company
    }

    /// The daemon is started again, and sends canaries so often from now on.
    pub(super) fn sends_canaries(&mut self, every: &str) {
        let config = config(&self.server, &self.folder.path().join("guard"), every);
        self.daemon.stop();
        self.daemon.write_config(&config);
        self.daemon.spawn();
    }

    /// The identity provider says that somebody is in a team, or nobody any more.
    pub(super) fn is_in(&mut self, name: &str, team: Option<usize>) {
        match team {
            Some(team) => self.people.insert(name.to_owned(), team),
            None => self.people.remove(name),
        };
        self.imports();
    }

    /// The identity provider says that somebody is not active any more, or is again.
    pub(super) fn is_active(&mut self, name: &str, active: bool) {
        match active {
            true => self.gone.remove(name),
            false => self.gone.insert(name.to_owned()),
        };
        self.imports();
    }

    fn imports(&self) {
        let person = |(name, team): (&String, &usize)| {
            let (email, team) = (format!("{name}@example.com"), format!("okta:team-{team}"));
            let active = !self.gone.contains(name);
            json!({"username": name, "active": active, "emails": [email], "groups": [team, "okta:staff"]})
        };
        let mut users: Vec<_> = self.people.iter().map(person).collect();
        users.push(json!({"username": "kim", "groups": ["okta:guards", "okta:staff"]}));
        self.daemon.import(&json!({"version": 1, "users": users}).to_string());
    }

    /// Bitbucket's own administrator moves somebody from one group to another, as a sign-in does by what the provider says.
    pub(super) fn regroups(&self, name: &str, from: Option<&str>, to: Option<&str>) {
        if let Some(group) = from {
            let body = json!({"context": name, "itemName": group});
            assert_eq!(self.server.ask("boss", "POST", "/admin/users/remove-group", Some(&body)).0, 204);
        }
        if let Some(group) = to {
            let body = json!({"group": group, "users": [name]});
            assert_eq!(self.server.ask("boss", "POST", "/admin/groups/add-users", Some(&body)).0, 204);
        }
    }

    /// `oam bitbucket TASK`, as the administrator runs it.
    pub(super) fn oam(&self, task: &str, more: &[&str]) -> Finished {
        let mut oam = self.daemon.oam_command();
        oam.args(["bitbucket", task, "--url", self.server.url(), "--network", "loopback", "--token-file"]);
        oam.arg(self.folder.path().join("admin")).args(more);
        oam.run()
    }

    /// The same with the file of what is registered, and the hook.
    pub(super) fn hook(&self, task: &str, binary: &str, more: &[&str]) -> Finished {
        let (noted, binary) =
            (self.folder.path().join("noted.json"), self.binary(binary).display().to_string());
        let noted = ["--noted", noted.to_str().unwrap()];
        let binary: &[&str] = if task == "uninstall" { &[] } else { &["--binary", &binary] };
        self.oam(task, &[&noted, binary, more].concat())
    }

    pub(super) fn binary(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// How many requests Bitbucket got meanwhile.
    pub(super) fn requests<T>(&self, work: impl FnOnce() -> T) -> (T, usize) {
        let before = self.server.requests().len();
        let done = work();
        (done, self.server.requests().len() - before)
    }

    /// The folder of the audit log.
    pub(super) fn audit_folder(&self) -> String {
        self.daemon.state().join("audit").display().to_string()
    }

    pub(super) fn status(&self) -> String {
        self.daemon.oam(["status"]).stdout_text()
    }

    /// Somebody pushes a commit of theirs to a ref: on top of `main`, where they may read that.
    pub(super) fn push(&self, user: &str, repository: &str, to: &str) -> oam_tests::PushOutput {
        let email = format!("{user}@example.com");
        let work = self.server.working_copy(repository, user);
        let work = work.with("GIT_AUTHOR_EMAIL", &email).with("GIT_COMMITTER_EMAIL", &email);
        let mut fetch = work.command();
        if fetch.args(["fetch", "--quiet", "origin"]).run().success() {
            work.git(["checkout", "--quiet", "-B", "work", "origin/main"]);
        }
        let number = self.commits.fetch_add(1, Ordering::Relaxed);
        work.commit(&format!("of {user}, {number}"));
        work.push([format!("+HEAD:{to}")])
    }

    /// Somebody's branch, and their pull request for it.
    pub(super) fn opened(&self, user: &str, topic: &str) -> u64 {
        let branch = format!("refs/heads/u/{user}/{topic}");
        assert!(self.push(user, REPOSITORY, &branch).accepted());
        let side =
            |name: &str| json!({"id": name, "repository": {"slug": "repo-0", "project": {"key": "P0"}}});
        let body = json!({"title": topic, "fromRef": side(&branch), "toRef": side("refs/heads/main")});
        let (status, opened) = self.pull_request(user, "POST", "", Some(&body));
        assert_eq!(status, 201, "{opened}");
        opened["id"].as_u64().unwrap()
    }

    pub(super) fn approve(&self, user: &str, id: u64) {
        let body = json!({"user": {"name": user}, "approved": true, "status": "APPROVED"});
        let path = format!("/{id}/participants/{user}");
        assert_eq!(self.pull_request(user, "PUT", &path, Some(&body)).0, 200);
    }

    pub(super) fn merge(&self, user: &str, id: u64) -> Merged {
        let (_, before) = self.pull_request(user, "GET", &format!("/{id}"), None);
        let path = format!("/{id}/merge?version={}", before["version"]);
        let (status, answer) = self.pull_request(user, "POST", &path, Some(&json!({"message": "merged"})));
        let text = answer["errors"][0]["vetoes"][0]["detailedMessage"].as_str().unwrap_or_default();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Merged { done: status == 200, text }
    }

    fn pull_request(&self, user: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.server.ask(user, method, &format!("/projects/P0/repos/repo-0/pull-requests{path}"), body)
    }

    /// What somebody who does not look at the policy may do anyhow, by Bitbucket.
    pub(super) fn permit(&self, user: &str, project: &str, permission: Permission) {
        self.server.permit(user, project, permission);
    }
}

/// What was given and restricted over the years: each team writes in its own project, everybody reads everywhere, and `main` stays.
fn has_been_in_use<'a>(server: &BitbucketServer, people: impl Iterator<Item = &'a str>) {
    let staff: Vec<_> = people.chain(["kim"]).collect();
    server.add_group("staff", &staff);
    for team in 0..PROJECTS {
        let project = format!("P{team}");
        server.permit_group(&format!("team-{team}"), &project, Permission::Write);
        server.permit_group("staff", &project, Permission::Read);
        server.restrict_by(&project, "no-deletes", ("BRANCH", "refs/heads/main"), &[]);
    }
    server.permit_group("guards", "P0", Permission::Write);
    server.restrict_by("P0", "pull-request-only", ("BRANCH", "refs/heads/main"), &[]);
}

fn config(server: &BitbucketServer, token: &std::path::Path, every: &str) -> String {
    format!(
        "[bitbucket]\nurl = \"{}\"\ntoken_file = \"{}\"\nnetwork = \"loopback\"\napprovals.within = \"20s\"\n\
         [bitbucket.canary]\nevery = \"{every}\"\nrepositories = 10\nalarm_after = \"24h\"\n\
         [bitbucket.provisioning]\naccount = \"svc-oam\"\ngroups = [\"okta\"]\nignore = [\"user:root\"]\n",
        server.url(),
        token.display()
    )
}
