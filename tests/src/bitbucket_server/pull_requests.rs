//! Pull requests: opened, looked at, approved. They are merged in `merges`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    BitbucketServer, Shared, accounts,
    answer::Answer,
    ask::{Answered, Ask},
    branches::{git, resolved, text},
    hooks,
    state::Permission,
};

/// A pull request to a repository.
#[derive(Debug, Clone)]
pub(crate) struct PullRequest {
    pub(crate) id: u64,
    pub(crate) title: String,
    pub(crate) author: String,
    /// The repository that it comes from, as `PROJECT/slug`, and the full name of its branch.
    pub(crate) from: (String, String),
    /// The full name of the branch that it goes to.
    pub(crate) to: String,
    pub(crate) reviews: BTreeMap<String, Review>,
    pub(crate) state: &'static str,
    pub(crate) version: u32,
    /// What is said of its commits, whatever git has.
    pub(crate) told: Option<Told>,
}

/// What somebody thinks of a pull request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Review {
    /// `UNAPPROVED`, `NEEDS_WORK` or `APPROVED`; empty: the first.
    status: String,
    reviewed: Option<String>,
}

/// A pull request that stands in no git.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its tip.
    pub head: String,
    /// The tip of its target.
    pub onto: String,
    /// The e-mails of those who made its commits.
    pub makers: Vec<String>,
    /// Who approves, and of which tip.
    pub approvals: Vec<(String, String)>,
}

pub(crate) type Of<'a> = (&'a str, &'a str);

impl BitbucketServer {
    /// Notes an approval that Bitbucket takes from nobody, as of who opened the pull request.
    pub fn note_approval(&self, repository: &str, id: u64, by: &str, of: &str) {
        let mut state = self.shared.state();
        let all = state.pull_requests.get_mut(repository).expect("a repository with pull requests");
        let one = all.iter_mut().find(|one| one.id == id).expect("a pull request");
        one.reviews
            .insert(by.to_owned(), Review { status: "APPROVED".to_owned(), reviewed: Some(of.to_owned()) });
    }

    /// Puts a pull request there whose commits nobody has, by a number that may be taken. Everything else of it is as Bitbucket
    /// says it of others.
    pub fn tell(&self, repository: &str, number: u64, author: &str, target: &str, told: Told) {
        let review = |(by, of): &(String, String)| {
            (by.clone(), Review { status: "APPROVED".to_owned(), reviewed: Some(of.clone()) })
        };
        let pull_request = PullRequest {
            id: number,
            title: "as a test tells it".to_owned(),
            author: author.to_owned(),
            from: (repository.to_owned(), "refs/heads/topic".to_owned()),
            to: target.to_owned(),
            reviews: told.approvals.iter().map(review).collect(),
            state: "OPEN",
            version: 0,
            told: Some(told),
        };
        let mut state = self.shared.state();
        let all = state.pull_requests.entry(repository.to_owned()).or_default();
        all.retain(|one| one.id != number);
        all.push(pull_request);
    }
}

impl PullRequest {
    /// Where its commits are: in the repository that it comes from.
    pub(crate) fn head(&self, shared: &Shared) -> Option<String> {
        if let Some(told) = &self.told {
            return Some(told.head.clone());
        }
        let (key, slug) = self.from.0.split_once('/').unwrap();
        resolved(shared, key, slug, &self.from.1)
    }

    pub(crate) fn onto(&self, shared: &Shared, (key, slug): Of<'_>) -> Option<String> {
        match &self.told {
            Some(told) => Some(told.onto.clone()),
            None => resolved(shared, key, slug, &self.to),
        }
    }

    pub(crate) fn is_of_fork(&self, (key, slug): Of<'_>) -> bool {
        self.from.0 != format!("{key}/{slug}")
    }

    fn shown(&self, shared: &Shared, of: Of<'_>) -> Value {
        let reviewers: Vec<_> =
            self.reviews.iter().map(|(name, review)| review.shown(shared, name, "REVIEWER")).collect();
        let repository = format!("{}/{}", of.0, of.1);
        let is_open = self.state == "OPEN";
        json!({
            "id": self.id, "version": self.version, "title": self.title, "state": self.state, "open": is_open,
            "closed": !is_open, "locked": false, "draft": false,
            "createdDate": 1_700_000_000_000_u64, "updatedDate": 1_700_000_000_000_u64,
            "fromRef": reference(&self.from.0, &self.from.1, &self.head(shared)),
            "toRef": reference(&repository, &self.to, &self.onto(shared, of)),
            "author": Review::default().shown(shared, &self.author, "AUTHOR"),
            "reviewers": reviewers, "participants": [], "links": {"self": [null]},
        })
    }
}

impl Review {
    fn shown(&self, shared: &Shared, name: &str, role: &str) -> Value {
        let status = if self.status.is_empty() { "UNAPPROVED" } else { &self.status };
        let user = accounts::user(&shared.state(), name);
        let mut shown =
            json!({"user": user, "role": role, "approved": status == "APPROVED", "status": status});
        if let Some(reviewed) = &self.reviewed {
            shown["lastReviewedCommit"] = json!(reviewed);
        }
        shown
    }
}

fn reference(repository: &str, name: &str, tip: &Option<String>) -> Value {
    let (key, slug) = repository.split_once('/').unwrap();
    let display = name.strip_prefix("refs/heads/").unwrap_or(name);
    let project = json!({"key": key, "id": 1, "name": key, "public": false, "type": "NORMAL"});
    let repository = json!({"slug": slug, "id": 1, "name": slug, "scmId": "git", "state": "AVAILABLE", "project": project});
    json!({"id": name, "displayId": display, "latestCommit": tip, "type": "BRANCH", "repository": repository})
}

/// The one of that number.
pub(crate) fn known(shared: &Shared, (key, slug): Of<'_>, id: u64) -> Result<PullRequest, Answer> {
    let state = shared.state();
    let all = state.pull_requests.get(&format!("{key}/{slug}"));
    let found = all.and_then(|all| all.iter().find(|one| one.id == id)).cloned();
    found.ok_or_else(|| Answer::not_found(&format!("Pull request {id} in {key}/{slug}")))
}

/// Changes the one of that number.
pub(crate) fn change(shared: &Shared, (key, slug): Of<'_>, id: u64, change: impl FnOnce(&mut PullRequest)) {
    let mut state = shared.state();
    let all = state.pull_requests.get_mut(&format!("{key}/{slug}")).unwrap();
    change(all.iter_mut().find(|one| one.id == id).unwrap());
}

pub(crate) fn open(ask: &Ask<'_>, of: Of<'_>) -> Answered {
    ask.only(&[])?;
    ask.need_in(of.0, of.1, Permission::Read)?;
    let object = ask.object(&["title", "description", "fromRef", "toRef", "reviewers"])?;
    let title = text(&object, "title")?;
    let (from, to) = (side(&object, "fromRef")?, side(&object, "toRef")?);
    if to.0 != format!("{}/{}", of.0, of.1) {
        return Err(Answer::error(400, "toRef.repository", "validation.ArgumentValidationException"));
    }
    let (key, slug) = from.0.split_once('/').unwrap();
    ask.need_in(key, slug, Permission::Read)?;
    for (repository, name) in [&from, &to] {
        let (key, slug) = repository.split_once('/').unwrap();
        if resolved(ask.shared, key, slug, name).is_none() {
            return Err(Answer::not_found(&format!("{name} in {repository}")));
        }
    }
    let reviewers = object.get("reviewers").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut reviews = BTreeMap::new();
    for reviewer in reviewers {
        let name = reviewer.pointer("/user/name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if name == ask.user || !ask.shared.state().users.contains_key(&name) {
            let exception = "pull.InvalidPullRequestReviewersException";
            return Err(Answer::error(409, "Errors encountered while adding some reviewers", exception));
        }
        reviews.insert(name, Review::default());
    }
    let opened = add(ask.shared, of, |id| PullRequest {
        id,
        title,
        author: ask.user.clone(),
        from,
        to: to.1,
        reviews,
        state: "OPEN",
        version: 0,
        told: None,
    });
    Ok(Answer::json(201, &opened.shown(ask.shared, of)))
}

/// One more, with the next number.
pub(crate) fn add(
    shared: &Shared,
    (key, slug): Of<'_>,
    make: impl FnOnce(u64) -> PullRequest,
) -> PullRequest {
    let mut state = shared.state();
    let all = state.pull_requests.entry(format!("{key}/{slug}")).or_default();
    let made = make(all.iter().map(|one| one.id).max().unwrap_or_default() + 1);
    all.push(made.clone());
    made
}

/// A repository and the full name of a branch.
fn side(object: &Map<String, Value>, name: &str) -> Result<(String, String), Answer> {
    let at = |pointer: &str| object.get(name).and_then(|side| side.pointer(pointer)).and_then(Value::as_str);
    let (id, slug) = (at("/id"), at("/repository/slug"));
    match (id, slug, at("/repository/project/key")) {
        (Some(id), Some(slug), Some(key)) => Ok((format!("{key}/{slug}"), full(id))),
        _ => Err(Answer::error(400, name, "validation.ArgumentValidationException")),
    }
}

fn full(name: &str) -> String {
    if name.starts_with("refs/") { name.to_owned() } else { format!("refs/heads/{name}") }
}

pub(crate) fn get(ask: &Ask<'_>, of: Of<'_>, id: u64) -> Answered {
    ask.only(&[])?;
    ask.need_in(of.0, of.1, Permission::Read)?;
    Ok(Answer::json(200, &known(ask.shared, of, id)?.shown(ask.shared, of)))
}

pub(crate) fn participants(ask: &Ask<'_>, of: Of<'_>, id: u64) -> Answered {
    ask.only(&["start", "limit"])?;
    ask.need_in(of.0, of.1, Permission::Read)?;
    let pull_request = known(ask.shared, of, id)?;
    let author = Review::default().shown(ask.shared, &pull_request.author, "AUTHOR");
    let reviewers =
        pull_request.reviews.iter().map(|(name, review)| review.shown(ask.shared, name, "REVIEWER"));
    ask.page(&std::iter::once(author).chain(reviewers).collect::<Vec<_>>())
}

/// Somebody moves a branch: repository, ref and commit.
pub(crate) fn push(shared: &Shared, what: Option<(String, String, String)>) {
    let Some((repository, name, commit)) = what else { return };
    let (key, slug) = repository.split_once('/').unwrap();
    git(shared, key, slug, &["update-ref", &name, &commit]).expect_success("git update-ref");
}

/// Newest first.
pub(crate) fn commits(ask: &Ask<'_>, of: Of<'_>, id: u64) -> Answered {
    ask.only(&["start", "limit", "withCounts", "avatarSize", "avatarScheme"])?;
    ask.need_in(of.0, of.1, Permission::Read)?;
    let pull_request = known(ask.shared, of, id)?;
    if let Some(told) = &pull_request.told {
        let one = |email: &String| commit(&told.head, email, email);
        return ask.page(&told.makers.iter().map(one).collect::<Vec<_>>());
    }
    if ask.parameter("start").is_some_and(|start| start != "0") {
        let pushed = ask.shared.state().between_pages.take();
        push(ask.shared, pushed);
    }
    let range = range(ask.shared, of, &pull_request)?;
    let listed = git(ask.shared, of.0, of.1, &["log", "--format=%H%x09%ae%x09%ce", &range]).stdout_text();
    let all = listed.lines().map(|line| {
        let mut fields = line.split('\t').map(str::to_owned);
        let mut next = || fields.next().unwrap();
        commit(&next(), &next(), &next())
    });
    ask.page(&all.collect::<Vec<_>>())
}

fn commit(id: &str, author: &str, committer: &str) -> Value {
    let maker = |email: &str| json!({"name": email, "emailAddress": email});
    json!({
        "id": id, "displayId": &id[..11], "message": "x", "parents": [],
        "author": maker(author), "authorTimestamp": 1_700_000_000_000_u64,
        "committer": maker(committer), "committerTimestamp": 1_700_000_000_000_u64,
    })
}

/// The commits that it would bring, once its target's repository has them.
pub(crate) fn range(shared: &Shared, of: Of<'_>, pull_request: &PullRequest) -> Result<String, Answer> {
    let gone = || Answer::not_found("A branch of the pull request");
    if pull_request.is_of_fork(of) {
        let (key, slug) = pull_request.from.0.split_once('/').unwrap();
        let fork = hooks::repository(shared, key, slug).display().to_string();
        let fetched = git(
            shared,
            of.0,
            of.1,
            &["fetch", "--quiet", "--no-write-fetch-head", &fork, &pull_request.from.1],
        );
        fetched.expect_success("git fetch");
    }
    let head = pull_request.head(shared).ok_or_else(gone)?;
    Ok(format!("{}..{head}", pull_request.onto(shared, of).ok_or_else(gone)?))
}

/// What somebody thinks of it, as they say themselves.
pub(crate) fn review(ask: &Ask<'_>, of: Of<'_>, id: u64, name: &str) -> Answered {
    ask.only(&["version"])?;
    ask.need_in(of.0, of.1, Permission::Read)?;
    let object = ask.object(&["user", "approved", "status", "lastReviewedCommit"])?;
    let status = text(&object, "status")?;
    if !["UNAPPROVED", "NEEDS_WORK", "APPROVED"].contains(&status.as_str()) {
        return Err(Answer::error(400, "status", "validation.ArgumentValidationException"));
    }
    if name != accounts::slug(&ask.user) {
        return Err(Answer::not_permitted());
    }
    let pull_request = known(ask.shared, of, id)?;
    if pull_request.author == ask.user {
        let exception = "pull.IllegalPullRequestStateException";
        return Err(Answer::error(409, "Authors may not review their own pull requests", exception));
    }
    let head = pull_request.head(ask.shared);
    let said = object.get("lastReviewedCommit").and_then(Value::as_str).map(str::to_owned);
    let review = Review { status, reviewed: said.or(head) };
    let shown = review.shown(ask.shared, &ask.user, "REVIEWER");
    change(ask.shared, of, id, |one| {
        one.reviews.insert(ask.user.clone(), review);
    });
    Ok(Answer::json(200, &shown))
}
