//! Merges of pull requests: looked at, made, and made on to other branches.

use serde_json::{Value, json};

use super::{
    BitbucketServer, Shared,
    answer::Answer,
    ask::{Answered, Ask},
    branches::{git, resolved},
    hooks::{Change, Veto},
    pull_requests::{self, Of, PullRequest},
    state::Permission,
};
use crate::Run as _;

/// The ways to merge, by Bitbucket's names.
const STRATEGIES: [&str; 4] = ["no-ff", "squash", "ff-only", "rebase-ff-only"];

impl BitbucketServer {
    /// Merges what goes into `from` on into `to`, by itself.
    pub fn cascade(&self, repository: &str, from: &str, to: &str) {
        let mut state = self.shared.state();
        state.cascades.entry(repository.to_owned()).or_default().push((from.to_owned(), to.to_owned()));
    }

    /// Somebody pushes just before the next merge asks its hooks.
    pub fn meanwhile(&self, repository: &str, name: &str, commit: &str) {
        let what = (repository.to_owned(), name.to_owned(), commit.to_owned());
        self.shared.state().meanwhile = Some(what);
    }

    /// Somebody pushes just before the next second page of a pull request's commits is given.
    pub fn between_pages(&self, repository: &str, name: &str, commit: &str) {
        let what = (repository.to_owned(), name.to_owned(), commit.to_owned());
        self.shared.state().between_pages = Some(what);
    }

    /// Bitbucket tries to merge a pull request by itself, as it does after each approval and build once somebody asked for
    /// "auto-merge"; gives what those said who said no. Whom it names to hooks is not documented: `user`.
    pub fn auto_merge(&self, repository: &str, id: u64, user: &str) -> Vec<Value> {
        let of = repository.split_once('/').unwrap();
        let merge = Merge::of(&self.shared, user, of, id, "no-ff".to_owned()).unwrap();
        let vetoes = merge.vetoes();
        if !vetoes.is_empty() {
            return vetoes;
        }
        merge.finish().err().map(|said| veto(&said.unwrap())).into_iter().collect()
    }
}

/// A merge that is to be made or looked at.
struct Merge<'a> {
    shared: &'a Shared,
    of: Of<'a>,
    user: &'a str,
    pull_request: PullRequest,
    head: String,
    onto: String,
    strategy: String,
}

impl<'a> Merge<'a> {
    fn of(shared: &'a Shared, user: &'a str, of: Of<'a>, id: u64, strategy: String) -> Result<Self, Answer> {
        let pull_request = pull_requests::known(shared, of, id)?;
        let range = pull_requests::range(shared, of, &pull_request)?;
        let (onto, head) = range.split_once("..").unwrap();
        let (onto, head) = (onto.to_owned(), head.to_owned());
        Ok(Self { shared, of, user, pull_request, head, onto, strategy })
    }

    /// What hooks are told of it. `made` is the commit; none on a dry run.
    fn variables(&self, made: Option<&str>) -> Vec<(String, String)> {
        let PullRequest { id, author, from, to, .. } = &self.pull_request;
        let (key, slug) = from.0.split_once('/').unwrap();
        let short = |name: &str| name.strip_prefix("refs/heads/").unwrap_or(name).to_owned();
        let is_fork = self.pull_request.is_of_fork(self.of);
        let (base, lower) = (&self.shared.base, from.0.to_lowercase());
        let author_may = self.shared.state().highest(author, self.of.0).to_owned();
        [
            ("BB_IS_DRY_RUN", made.is_none().to_string()),
            ("BB_FROM_PROJECT_KEY", key.to_owned()),
            ("BB_FROM_REPO_SLUG", slug.to_owned()),
            ("BB_FROM_REPO_IS_FORK", is_fork.to_string()),
            ("BB_FROM_REPO_IS_PUBLIC", "false".to_owned()),
            ("BB_FROM_REPO_CLONE_SSH", format!("ssh://git@127.0.0.1:7999/{lower}.git")),
            ("BB_FROM_REPO_CLONE_HTTP", format!("{base}/scm/{lower}.git")),
            ("BB_FROM_REF", short(&from.1)),
            ("BB_FROM_HASH", self.head.clone()),
            ("BB_TO_REF", short(to)),
            ("BB_TO_HASH", self.onto.clone()),
            ("BB_MERGE_HASH", made.unwrap_or_default().to_owned()),
            ("BB_MERGE_IS_CROSS_REPO", is_fork.to_string()),
            ("BB_MERGE_STRATEGY_ID", self.strategy.clone()),
            ("BB_PULL_REQUEST_ID", id.to_string()),
            ("BB_PULL_REQUEST_AUTHOR_USER_NAME", author.clone()),
            ("BB_PULL_REQUEST_AUTHOR_USER_DISPLAY_NAME", "Somebody With A Name".to_owned()),
            ("BB_PULL_REQUEST_AUTHOR_USER_EMAIL", format!("{author}@example.com")),
            ("BB_PULL_REQUEST_AUTHOR_USER_PERMISSION", author_may),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Makes the commit, by the strategy; nothing where it cannot be made so.
    fn made(&self) -> Option<String> {
        match self.strategy.as_str() {
            "no-ff" => {
                let tree = self.tree(&self.onto, &self.head, None)?;
                Some(self.commit(&tree, &[&self.onto, &self.head]))
            }
            "squash" => {
                let tree = self.tree(&self.onto, &self.head, None)?;
                Some(self.commit(&tree, &[&self.onto]))
            }
            "ff-only" => self.succeeds(&["merge-base", "--is-ancestor", &self.onto, &self.head]),
            _ => self.rebased(),
        }
    }

    fn succeeds(&self, arguments: &[&str]) -> Option<String> {
        git(self.shared, self.of.0, self.of.1, arguments).success().then(|| self.head.clone())
    }

    /// Each commit anew, upon the target.
    fn rebased(&self) -> Option<String> {
        let range = format!("{}..{}", self.onto, self.head);
        let all = git(self.shared, self.of.0, self.of.1, &["rev-list", "--reverse", "--no-merges", &range]);
        let mut tip = self.onto.clone();
        for commit in all.stdout_text().lines() {
            let tree = self.tree(&tip, commit, Some(&format!("{commit}^")))?;
            tip = self.commit(&tree, &[&tip]);
        }
        Some(tip)
    }

    fn tree(&self, onto: &str, from: &str, base: Option<&str>) -> Option<String> {
        let base = base.map(|base| format!("--merge-base={base}"));
        let arguments = ["merge-tree", "--write-tree", "--no-messages"].into_iter();
        let all: Vec<_> = arguments.chain(base.as_deref()).chain([onto, from]).collect();
        let merged = git(self.shared, self.of.0, self.of.1, &all);
        merged.success().then(|| merged.stdout_text().trim().to_owned())
    }

    fn commit(&self, tree: &str, parents: &[&str]) -> String {
        let repository = super::hooks::repository(self.shared, self.of.0, self.of.1);
        let mut commit = self.shared.git.command(&repository);
        let email = format!("{}@example.com", self.user);
        for who in ["AUTHOR", "COMMITTER"] {
            commit.env(format!("GIT_{who}_NAME"), self.user).env(format!("GIT_{who}_EMAIL"), &email);
        }
        commit.args(["commit-tree", tree, "-m", &format!("Pull request #{}", self.pull_request.id)]);
        commit.args(parents.iter().flat_map(|parent| ["-p", parent]));
        commit.run().expect_success("git commit-tree").stdout_text().trim().to_owned()
    }
}

/// Whether it could be merged, as its page asks.
pub(crate) fn look(ask: &Ask<'_>, of: Of<'_>, id: u64) -> Answered {
    ask.only(&[])?;
    ask.need_in(of.0, of.1, Permission::Read)?;
    let merge = Merge::of(ask.shared, &ask.user, of, id, "no-ff".to_owned())?;
    let is_conflicted = merge.tree(&merge.onto, &merge.head, None).is_none();
    let vetoes = merge.vetoes();
    let can_merge = !is_conflicted && vetoes.is_empty();
    let outcome = if is_conflicted { "CONFLICTED" } else { "CLEAN" };
    Ok(Answer::json(
        200,
        &json!({"canMerge": can_merge, "conflicted": is_conflicted, "outcome": outcome, "vetoes": vetoes}),
    ))
}

impl<'a> Merge<'a> {
    fn asking(&self, more: &'a [(String, String)], lines: &'a str) -> Change<'a> {
        let (trigger, (key, slug)) = ("pull-request-merge", self.of);
        Change { trigger, user: self.user, key, slug, lines, more }
    }

    /// What those say who would say no.
    fn vetoes(&self) -> Vec<Value> {
        let more = self.variables(None);
        self.asking(&more, "").vetoed(self.shared).iter().map(veto).collect()
    }

    /// Makes it, unless somebody says no; `None`: it conflicts.
    fn finish(&self) -> Result<String, Option<Veto>> {
        let made = self.made().ok_or(None)?;
        let meanwhile = self.shared.state().meanwhile.take();
        pull_requests::push(self.shared, meanwhile);
        let (more, to) = (self.variables(Some(&made)), &self.pull_request.to);
        let lines = format!("{} {made} {to}\n", self.onto);
        self.asking(&more, &lines).make(self.shared, &["update-ref", to, &made, &self.onto])?;
        pull_requests::change(self.shared, self.of, self.pull_request.id, |one| {
            (one.state, one.version) = ("MERGED", one.version + 1);
        });
        self.on(to, &made);
        Ok(made)
    }
}

fn veto(Veto { script, output }: &Veto) -> Value {
    json!({"summaryMessage": format!("{script} declined"), "detailedMessage": output})
}

pub(crate) fn merge(ask: &Ask<'_>, of: Of<'_>, id: u64) -> Answered {
    ask.only(&["version"])?;
    ask.need_in(of.0, of.1, Permission::Write)?;
    // No token merges.
    if ask.by_token {
        return Err(Answer::not_permitted());
    }
    let object = ask.object(&["version", "strategyId", "message", "autoSubject"])?;
    let strategy = object.get("strategyId").and_then(Value::as_str).unwrap_or("no-ff").to_owned();
    if !STRATEGIES.contains(&strategy.as_str()) {
        return Err(Answer::unheard_of(&format!("the strategy `{strategy}`")));
    }
    let merge = Merge::of(ask.shared, &ask.user, of, id, strategy)?;
    let version = object.get("version").and_then(Value::as_u64).map(|version| version.to_string());
    let version = ask.parameter("version").map(str::to_owned).or(version);
    if version != Some(merge.pull_request.version.to_string()) || merge.pull_request.state != "OPEN" {
        return Err(Answer::error(409, "out of date", "pull.PullRequestOutOfDateException"));
    }
    let made = merge.finish().map_err(|said| match said {
        None => Answer::error(409, "it conflicts", "pull.PullRequestMergeException"),
        Some(said) => Answer::vetoed("Repository hook(s) prevented the merge", &json!([veto(&said)])),
    })?;
    Ok(Answer::json(200, &json!({"id": id, "state": "MERGED", "properties": {"mergeCommit": {"id": made}}})))
}

impl Merge<'_> {
    /// Merges on into the next branch, if there is one: without a pull request, unless a hook says no. Then one is opened.
    fn on(&self, from: &str, tip: &str) {
        let (key, slug) = self.of;
        let short = from.strip_prefix("refs/heads/").unwrap();
        let repository = format!("{key}/{slug}");
        let next = self.shared.state().cascades.get(&repository).and_then(|all| {
            all.iter().find(|(from, _)| from == short).map(|(_, to)| format!("refs/heads/{to}"))
        });
        let Some(to) = next else { return };
        let Some(onto) = resolved(self.shared, key, slug, &to) else { return };
        let made = self.tree(&onto, tip, None).map(|tree| self.commit(&tree, &[&onto, tip]));
        let more = |made: &str| {
            let all = self.variables(Some(made)).into_iter();
            let of_pull_request = |name: &str| name.starts_with("BB_PULL_REQUEST_");
            all.filter(|(name, _)| !of_pull_request(name))
                .map(|(name, value)| match name.as_str() {
                    "BB_FROM_REF" => (name, short.to_owned()),
                    "BB_FROM_HASH" => (name, tip.to_owned()),
                    "BB_TO_REF" => (name, to.trim_start_matches("refs/heads/").to_owned()),
                    "BB_TO_HASH" => (name, onto.clone()),
                    _ => (name, value),
                })
                .collect::<Vec<_>>()
        };
        let done = made.as_ref().is_some_and(|made| {
            let (more, lines) = (more(made), format!("{onto} {made} {to}\n"));
            let change = Change { trigger: "merge", user: self.user, key, slug, lines: &lines, more: &more };
            change.make(self.shared, &["update-ref", &to, made, &onto]).is_ok()
        });
        match made.filter(|_| done) {
            Some(made) => self.on(&to, &made),
            None => {
                pull_requests::add(self.shared, self.of, |id| PullRequest {
                    id,
                    title: "Automatic merge failure".to_owned(),
                    author: self.user.to_owned(),
                    from: (repository, from.to_owned()),
                    to,
                    reviews: Default::default(),
                    state: "OPEN",
                    version: 0,
                    told: None,
                });
            }
        }
    }
}
