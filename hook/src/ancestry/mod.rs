//! Is the old tip of a moved ref an ancestor of the new one? Asked only when the daemon says that it matters.
//!
//! **The near case** is read in this process. Only object *directories* are opened, through libgit2's object database,
//! never a repository: so libgit2's ownership check, its rejection of git's commit-graph files, replacement refs and
//! grafts cannot come into play, the quarantine's variables are ours to honour, and Bitbucket's missing `GIT_DIR` does
//! no harm. Parents are read from the raw commits (`walk`), newest first, up to a bound.
//!
//! **Everything else** (a long walk, a missing object, SHA-256, a shallow history) is left to `git merge-base
//! --is-ancestor`, which has the commit-graph; it is killed when the conversation's deadline is over.
//!
//! What neither can read is *unreadable*, never "not an ancestor".

mod odb;
mod walk;

use std::{path::Path, sync::Arc};

use oam_policy::{ObjectId, name::ObjectFormat};
use oam_proto::v1;
use thiserror::Error;

use crate::{
    environment::Variables,
    git_child::{self, GitError},
    git_dir::Places,
};

use walk::{Near, Walker};

/// One question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The old tip.
    pub old: ObjectId,
    /// The new tip.
    pub new: ObjectId,
}

/// Why a question has no answer.
#[derive(Debug, Error)]
pub enum Unreadable {
    /// No repository is known for git to look into.
    #[error("no repository is known to the hook, and {0}")]
    NoRepository(String),
    /// git cannot be run.
    #[error(transparent)]
    Git(#[from] GitError),
    /// git failed.
    #[error("git said: {0}")]
    Failed(String),
    /// The thread that reads the objects is gone.
    #[error("reading the objects broke off")]
    BrokenOff,
}

/// The history of the repository and of what is pushed.
pub struct History {
    places: Arc<Places>,
    variables: Arc<Variables>,
}

impl History {
    /// The history in `places`; nothing is opened yet.
    pub fn new(places: Arc<Places>, variables: Arc<Variables>) -> Self {
        Self { places, variables }
    }

    /// Answers for each pair, in order: whether `old` is an ancestor of, or the same as, `new`.
    pub async fn are_ancestors(&self, pairs: Vec<Pair>) -> Vec<Result<bool, Unreadable>> {
        let mut answers = Vec::with_capacity(pairs.len());
        for (pair, near) in pairs.iter().zip(self.near(&pairs).await) {
            answers.push(match near {
                Ok(Near::Ancestor) => Ok(true),
                Ok(Near::Diverged) => Ok(false),
                Ok(Near::Unknown(why)) => self.ask_git(*pair, &why).await,
                Err(error) => Err(error),
            });
        }
        answers
    }

    /// The near cases, on a thread of their own: a file system that hangs must not stop the clock.
    async fn near(&self, pairs: &[Pair]) -> Vec<Result<Near, Unreadable>> {
        let (places, asked) = (Arc::clone(&self.places), pairs.to_vec());
        let walked = tokio::task::spawn_blocking(move || {
            let mut walker = Walker::open(&places);
            asked.iter().map(|pair| walker.is_ancestor(pair.old, pair.new)).collect::<Vec<_>>()
        });
        match walked.await {
            Ok(near) => near.into_iter().map(Ok).collect(),
            Err(_) => pairs.iter().map(|_| Err(Unreadable::BrokenOff)).collect(),
        }
    }

    async fn ask_git(&self, pair: Pair, why: &str) -> Result<bool, Unreadable> {
        let git_dir = self.places.git_dir.as_deref();
        let git_dir = git_dir.ok_or_else(|| Unreadable::NoRepository(why.to_owned()))?;
        let (old, new) = (pair.old.to_string(), pair.new.to_string());
        let output =
            git_child::run(git_dir, &self.variables, &["merge-base", "--is-ancestor", &old, &new]).await?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ if self.is_no_commit(git_dir, &old).await? || self.is_no_commit(git_dir, &new).await? => {
                Ok(false)
            }
            _ => Err(Unreadable::Failed(output.complaint())),
        }
    }

    /// Whether an id names something that is there and, tags peeled, no commit: it has no history.
    async fn is_no_commit(&self, git_dir: &Path, id: &str) -> Result<bool, Unreadable> {
        let peeled = format!("{id}^{{}}");
        let output = git_child::run(git_dir, &self.variables, &["cat-file", "-t", &peeled]).await?;
        Ok(output.status.success() && output.stdout.trim_ascii() != b"commit")
    }
}

/// The answer as the daemon is told.
pub fn to_wire(index: u64, answer: &Result<bool, Unreadable>) -> v1::AncestryFact {
    let (ancestry, why) = match answer {
        Ok(true) => (v1::Ancestry::FastForward, String::new()),
        Ok(false) => (v1::Ancestry::Diverged, String::new()),
        Err(error) => (v1::Ancestry::Unreadable, error.to_string()),
    };
    v1::AncestryFact { index, ancestry: ancestry as i32, why }
}

/// libgit2 reads SHA-1 repositories only.
fn sha1(id: ObjectId) -> Option<git2::Oid> {
    match id.format() {
        ObjectFormat::Sha1 => git2::Oid::from_bytes(id.as_bytes()).ok(),
        ObjectFormat::Sha256 => None,
    }
}

#[cfg(test)]
mod tests;
