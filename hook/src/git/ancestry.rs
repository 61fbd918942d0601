//! Is the old tip of a moved ref an ancestor of the new one? Asked only when the daemon says that it matters.
//!
//! Found out in this process (`walk`) as far as that goes: from the commit-graph, and without one for some
//! thousand commits. The rest is left to `git merge-base --is-ancestor`.
//!
//! What neither can read is *unreadable*, never "not an ancestor"; and in a shallow history only "yes" can be proved.

use std::{path::Path, sync::Arc};

use oam_policy::ObjectId;
use oam_proto::v1;

use super::{Unreadable, walk::Walker};
use crate::{environment::Variables, git_child, git_dir::Places};

/// One question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The old tip.
    pub old: ObjectId,
    /// The new tip.
    pub new: ObjectId,
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
        for (pair, found) in pairs.iter().zip(self.search(&pairs).await) {
            answers.push(match found {
                Err(why) => self.ask_git(*pair, why).await,
                found => found,
            });
        }
        answers
    }

    /// What can be found out here, on a thread of its own: a file system that hangs must not stop the clock.
    async fn search(&self, pairs: &[Pair]) -> Vec<Result<bool, Unreadable>> {
        let (places, asked) = (Arc::clone(&self.places), pairs.to_vec());
        let walked = tokio::task::spawn_blocking(move || {
            let mut walker = Walker::open(&places);
            let mut find = |pair: &Pair| match &mut walker {
                Ok(walker) => walker.is_ancestor(pair.old, pair.new),
                Err(_) => Err(Unreadable::NoFolders),
            };
            asked.iter().map(&mut find).collect::<Vec<_>>()
        });
        match walked.await {
            Ok(found) => found.into_iter().map(|found| self.cut_off(found)).collect(),
            Err(_) => pairs.iter().map(|_| Err(Unreadable::BrokenOff)).collect(),
        }
    }

    /// What is missing from a shallow history is so for a reason.
    fn cut_off(&self, found: Result<bool, Unreadable>) -> Result<bool, Unreadable> {
        match found {
            Err(Unreadable::Missing(_)) if self.places.shallow => Err(Unreadable::Shallow),
            found => found,
        }
    }

    /// git's answer, where `why` this process has none.
    async fn ask_git(&self, pair: Pair, why: Unreadable) -> Result<bool, Unreadable> {
        if !why.is_gits_to_try() {
            return Err(why);
        }
        let Some(git_dir) = self.places.git_dir.as_deref() else {
            return Err(Unreadable::NoRepository(why.to_string()));
        };
        let (old, new) = (pair.old.to_string(), pair.new.to_string());
        let output =
            git_child::run(git_dir, &self.variables, &["merge-base", "--is-ancestor", &old, &new]).await?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) if self.places.shallow => Err(Unreadable::Shallow),
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
