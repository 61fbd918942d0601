//! Pull requests: where they go, who approved them, and who made their commits.

use oam_policy::{ObjectId, RefName, Repository, Username, printable::Printable};
use serde::Deserialize;

use crate::{
    client::{API, Ask, Bitbucket},
    error::{Error, Problem},
    project::repository_path,
};

/// How many commits of one pull request are looked at.
pub const COMMITS: usize = 1_000;

/// A pull request as it was when Bitbucket was asked: all of it from one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number in the repository that it goes to.
    pub number: u64,
    /// Who opened it.
    pub author: Username,
    /// The repository that it goes to.
    pub repository: Repository,
    /// The branch that it goes to.
    pub target: RefName,
    /// What that branch names.
    pub onto: ObjectId,
    /// The tip of what is to be merged.
    pub head: ObjectId,
    /// Who approves it now.
    pub approvals: Vec<Approval>,
}

/// Somebody's approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Whose, by the name that they have now.
    pub by: Username,
    /// The head that they looked at last; `None`: Bitbucket does not say.
    pub reviewed: Option<ObjectId>,
}

/// A commit of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: ObjectId,
    /// The e-mails of its author and its committer; empty: Bitbucket does not say.
    pub emails: [Box<str>; 2],
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: u64,
    author: Participant,
    from_ref: Ref,
    to_ref: Ref,
    reviewers: Vec<Participant>,
    /// Who looked at it without being asked. An approval makes a reviewer of them, by the documentation.
    #[serde(default)]
    participants: Vec<Participant>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Participant {
    user: User,
    approved: bool,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    last_reviewed_commit: Option<String>,
}

#[derive(Debug, Deserialize)]
struct User {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ref {
    id: String,
    latest_commit: String,
    repository: RepositoryWire,
}

#[derive(Debug, Deserialize)]
struct RepositoryWire {
    slug: String,
    project: ProjectWire,
}

#[derive(Debug, Deserialize)]
struct ProjectWire {
    key: String,
}

/// A commit as Bitbucket writes it; for the fuzzer, which must know no more than its bytes.
#[derive(Debug, Deserialize)]
pub struct CommitWire {
    id: String,
    #[serde(default)]
    author: Maker,
    #[serde(default)]
    committer: Maker,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Maker {
    #[serde(default)]
    email_address: Option<String>,
}

impl Bitbucket {
    /// A pull request to `repository`.
    ///
    /// # Errors
    /// When it cannot be read, or is not understood.
    pub async fn pull_request(&self, repository: &Repository, number: u64) -> Result<PullRequest, Error> {
        let ask =
            || Ask::get(format!("reading pull request {number} of {repository}"), path(repository, number));
        let wire: Wire = self.read(ask()).await?;
        let told = PullRequest::of(wire).map_err(|problem| ask().failed(problem))?;
        // `PAY/api` and `pay/api` are one.
        match told.number == number && told.repository == *repository {
            true => Ok(told),
            false => Err(ask().failed(Problem::Strange("it is about another pull request".to_owned()))),
        }
    }

    /// The commits of a pull request: those that its branch has and its target has not, and whether one answer had them all. No more than
    /// [`COMMITS`].
    ///
    /// # Errors
    /// When they cannot be read, are not understood, or are more.
    pub async fn commits_of(
        &self,
        repository: &Repository,
        number: u64,
    ) -> Result<(Vec<Commit>, bool), Error> {
        let doing = format!("reading the commits of pull request {number} of {repository}");
        let ask = || Ask::get(doing.clone(), format!("{}/commits", path(repository, number)));
        let (wire, at_once): (Vec<CommitWire>, bool) = self.list_of(ask(), COMMITS).await?;
        let commits = wire.into_iter().map(Commit::of).collect::<Result<_, _>>();
        commits.map(|commits| (commits, at_once)).map_err(|problem| ask().failed(problem))
    }
}

impl PullRequest {
    /// Whether it is of the same commits as `other`: from the same head to the same target.
    pub fn is_of_commits_of(&self, other: &Self) -> bool {
        (self.head, self.onto) == (other.head, other.onto)
    }

    /// Reads an answer of Bitbucket.
    ///
    /// # Errors
    /// When it is not understood.
    pub fn parse(answer: &[u8]) -> Result<Self, Problem> {
        let wire = serde_json::from_slice(answer).map_err(|error| Problem::Strange(error.to_string()))?;
        Self::of(wire)
    }

    fn of(wire: Wire) -> Result<Self, Problem> {
        let Wire { id, author, from_ref, to_ref, reviewers, participants } = wire;
        let all = reviewers.into_iter().chain(participants).filter(Participant::approves);
        Ok(Self {
            number: id,
            author: username(&author.user)?,
            repository: to_ref.repository()?,
            target: RefName::parse(to_ref.id.as_bytes()).map_err(strange)?,
            onto: object(&to_ref.latest_commit)?,
            head: object(&from_ref.latest_commit)?,
            approvals: all.map(Approval::of).collect::<Result<_, _>>()?,
        })
    }
}

impl Participant {
    /// Whether they approve. Where the two ways to say it contradict each other they do not.
    fn approves(&self) -> bool {
        self.approved && self.status.as_deref().is_none_or(|status| status == "APPROVED")
    }
}

impl Approval {
    fn of(Participant { user, last_reviewed_commit, .. }: Participant) -> Result<Self, Problem> {
        let reviewed = last_reviewed_commit.as_deref().map(object).transpose()?;
        Ok(Self { by: username(&user)?, reviewed })
    }
}

impl Ref {
    fn repository(&self) -> Result<Repository, Problem> {
        let RepositoryWire { slug, project } = &self.repository;
        Repository::parse(&format!("{}/{slug}", project.key)).map_err(strange)
    }
}

impl Commit {
    /// Reads what Bitbucket writes of one.
    ///
    /// # Errors
    /// When it is not understood.
    pub fn of(wire: CommitWire) -> Result<Self, Problem> {
        let email = |maker: Maker| maker.email_address.unwrap_or_default().into_boxed_str();
        Ok(Self { id: object(&wire.id)?, emails: [email(wire.author), email(wire.committer)] })
    }
}

fn path(repository: &Repository, number: u64) -> String {
    format!("{}/pull-requests/{number}", repository_path(API, repository))
}

fn username(user: &User) -> Result<Username, Problem> {
    Username::parse(&user.name).map_err(strange)
}

fn object(hash: &str) -> Result<ObjectId, Problem> {
    ObjectId::parse_hex(hash.as_bytes()).map_err(strange)
}

#[expect(clippy::needless_pass_by_value, reason = "errors are given away")]
fn strange(error: impl ToString) -> Problem {
    Problem::Strange(Printable::new(&error.to_string()).to_string())
}

#[cfg(test)]
mod tests;
