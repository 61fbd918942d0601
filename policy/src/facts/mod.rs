//! What has been found out about the push besides names and ids. Nothing is found out before a decision depends on it.
//!
//! **Which commits a rule looks at.** A rule about commits or paths looks at the commits that are *new to the refs that
//! the rule covers*: reachable from the new tip, and from no existing ref that the rule's `refs` match. So what was
//! pushed to a free branch first is still new to a protected one. Facts about commits therefore belong to an update
//! *and* a [`Cover`].

mod cover;
mod history;
mod pull_request;

use std::collections::BTreeMap;

use crate::name::TreePath;

pub use cover::Cover;
pub use history::{BadSignature, Commit, Identity, NewFile, SignatureState, Tip};
pub use pull_request::{Approval, PullRequest};

/// A position in [`crate::Request::updates`], from 0.
pub type UpdateIndex = usize;

/// The facts known so far.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    ancestry: BTreeMap<UpdateIndex, Ancestry>,
    histories: BTreeMap<(UpdateIndex, Cover), History>,
    pull_request: Option<Learnt<PullRequest>>,
}

/// What was found out, or why it could not be.
pub type Learnt<T> = Result<T, Unreadable>;

/// A fact that could not be found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// What went wrong, for people.
    pub why: String,
}

/// What is known of the new commits of one update, in view of one cover.
#[derive(Debug, Clone, Default)]
struct History {
    paths: Option<Learnt<Vec<TreePath>>>,
    files: Option<Learnt<Vec<NewFile>>>,
    commits: Option<Learnt<Vec<Commit>>>,
    count: Option<Learnt<u64>>,
    tip: Option<Learnt<Tip>>,
}

/// Whether the old tip of a moved ref is an ancestor of the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ancestry {
    /// It is: the move is a fast-forward, an `update`.
    FastForward,
    /// It is not: the move is a `force`.
    Diverged,
    /// The history could not be read; `why` is for people.
    Unreadable {
        /// What went wrong, in words.
        why: String,
    },
}

impl Facts {
    /// No facts.
    pub fn none() -> Self {
        Self::default()
    }

    /// What is known of the ancestry of one update.
    pub fn ancestry(&self, index: UpdateIndex) -> Option<&Ancestry> {
        self.ancestry.get(&index)
    }

    /// Adds what was found out about one update; a second answer for it replaces the first.
    pub fn learn_ancestry(&mut self, index: UpdateIndex, ancestry: Ancestry) {
        self.ancestry.insert(index, ancestry);
    }

    /// The paths that one update changes, in view of `cover`; in order, none twice.
    pub fn paths(&self, index: UpdateIndex, cover: &Cover) -> Option<Learnt<&[TreePath]>> {
        self.history(index, cover, |history| history.paths.as_ref())
    }

    /// Adds the paths that one update changes: those that its new commits change, and those that differ between its
    /// old and its new tip. A file that moves changes two. Nothing is taken to change when a ref is deleted.
    pub fn learn_paths(&mut self, index: UpdateIndex, cover: Cover, paths: Learnt<Vec<TreePath>>) {
        let sorted = paths.map(|mut paths| {
            paths.sort_unstable();
            paths.dedup();
            paths
        });
        self.histories.entry((index, cover)).or_default().paths = Some(sorted);
    }

    /// The files that one update brings, in view of `cover`.
    pub fn files(&self, index: UpdateIndex, cover: &Cover) -> Option<Learnt<&[NewFile]>> {
        self.history(index, cover, |history| history.files.as_ref())
    }

    /// Adds the files that the new commits of one update bring: with every content that is new at its path.
    pub fn learn_files(&mut self, index: UpdateIndex, cover: Cover, files: Learnt<Vec<NewFile>>) {
        self.histories.entry((index, cover)).or_default().files = Some(files);
    }

    /// The new commits of one update, in view of `cover`.
    pub fn commits(&self, index: UpdateIndex, cover: &Cover) -> Option<Learnt<&[Commit]>> {
        self.history(index, cover, |history| history.commits.as_ref())
    }

    /// Adds the new commits of one update.
    pub fn learn_commits(&mut self, index: UpdateIndex, cover: Cover, commits: Learnt<Vec<Commit>>) {
        self.histories.entry((index, cover)).or_default().commits = Some(commits);
    }

    /// How many new commits one update brings, in view of `cover`: known as well where the commits are.
    pub fn commit_count(&self, index: UpdateIndex, cover: &Cover) -> Option<Learnt<u64>> {
        match self.known(index, cover, |history| history.count.as_ref()) {
            Some(count) => Some(count.copied().map_err(Clone::clone)),
            // Commits that cannot be told may be counted all the same.
            None => Some(Ok(self.commits(index, cover)?.ok()?.len() as u64)),
        }
    }

    /// Adds how many new commits one update brings. Counting may end one above the number of
    /// [`HistoryPart::CommitCount`] that was asked for.
    pub fn learn_commit_count(&mut self, index: UpdateIndex, cover: Cover, count: Learnt<u64>) {
        self.histories.entry((index, cover)).or_default().count = Some(count);
    }

    /// What one update makes its ref name. It is the same in view of every cover.
    pub fn tip(&self, index: UpdateIndex, cover: &Cover) -> Option<Learnt<&Tip>> {
        Some(self.known(index, cover, |history| history.tip.as_ref())?.map_err(Clone::clone))
    }

    /// Adds what one update makes its ref name.
    pub fn learn_tip(&mut self, index: UpdateIndex, cover: Cover, tip: Learnt<Tip>) {
        self.histories.entry((index, cover)).or_default().tip = Some(tip);
    }

    /// The pull request that is being merged.
    pub fn pull_request(&self) -> Option<Learnt<&PullRequest>> {
        self.pull_request.as_ref().map(|known| known.as_ref().map_err(Clone::clone))
    }

    /// Adds what is known of the pull request that is being merged.
    pub fn learn_pull_request(&mut self, pull_request: Learnt<PullRequest>) {
        self.pull_request = Some(pull_request);
    }

    /// Adds that nothing of `needed` can be found out.
    pub fn learn_lack(&mut self, needed: &FactsNeeded, why: &str) {
        // A new kind of fact does not compile before it stands here.
        let FactsNeeded { ancestry, histories, pull_request } = needed;
        let unreadable = || Unreadable { why: why.to_owned() };
        for index in ancestry {
            self.learn_ancestry(*index, Ancestry::Unreadable { why: why.to_owned() });
        }
        for HistoryNeeded { update, cover, part } in histories {
            match part {
                HistoryPart::Paths => self.learn_paths(*update, cover.clone(), Err(unreadable())),
                HistoryPart::Files => self.learn_files(*update, cover.clone(), Err(unreadable())),
                HistoryPart::Commits => self.learn_commits(*update, cover.clone(), Err(unreadable())),
                HistoryPart::CommitCount(_) => {
                    self.learn_commit_count(*update, cover.clone(), Err(unreadable()));
                }
                HistoryPart::Tip => self.learn_tip(*update, cover.clone(), Err(unreadable())),
            }
        }
        if *pull_request {
            self.learn_pull_request(Err(unreadable()));
        }
    }

    fn history<'a, T>(
        &'a self,
        index: UpdateIndex,
        cover: &Cover,
        of: impl Fn(&'a History) -> Option<&'a Learnt<Vec<T>>>,
    ) -> Option<Learnt<&'a [T]>> {
        Some(self.known(index, cover, of)?.map(Vec::as_slice).map_err(Clone::clone))
    }

    fn known<'a, T>(
        &'a self,
        index: UpdateIndex,
        cover: &Cover,
        of: impl Fn(&'a History) -> Option<&'a Learnt<T>>,
    ) -> Option<Result<&'a T, &'a Unreadable>> {
        let known = |cover: Cover| self.histories.get(&(index, cover)).and_then(&of);
        let found = known(cover.clone()).or_else(|| known(Cover::whatever()))?;
        Some(found.as_ref())
    }
}

/// The facts that a decision still depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FactsNeeded {
    /// The updates whose ancestry is needed, ascending.
    pub ancestry: Vec<UpdateIndex>,
    /// What is needed of their new commits, ascending; nothing twice.
    pub histories: Vec<HistoryNeeded>,
    /// Whether the pull request is needed.
    pub pull_request: bool,
}

/// A part of what there is to know of the new commits of one update.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HistoryNeeded {
    /// The update.
    pub update: UpdateIndex,
    /// In view of which refs.
    pub cover: Cover,
    /// Which part.
    pub part: HistoryPart,
}

/// What there is to know of new commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HistoryPart {
    /// See [`Facts::learn_paths`].
    Paths,
    /// See [`Facts::learn_files`].
    Files,
    /// See [`Facts::learn_commits`].
    Commits,
    /// See [`Facts::learn_commit_count`]: whether there are more than so many.
    CommitCount(u64),
    /// See [`Facts::learn_tip`].
    Tip,
}

impl HistoryPart {
    /// What it is, for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paths => "changed paths",
            Self::Files => "new files",
            Self::Commits => "new commits",
            Self::CommitCount(_) => "number of new commits",
            Self::Tip => "tag object",
        }
    }
}

impl FactsNeeded {
    /// Whether nothing is needed.
    pub fn is_empty(&self) -> bool {
        self.ancestry.is_empty() && self.histories.is_empty() && !self.pull_request
    }

    /// Adds what else is needed.
    pub(crate) fn add(&mut self, other: Self) {
        self.ancestry.extend(other.ancestry);
        self.histories.extend(other.histories);
        self.pull_request |= other.pull_request;
    }

    /// The same in order, and nothing twice.
    pub(crate) fn in_order(mut self) -> Self {
        self.ancestry.sort_unstable();
        self.ancestry.dedup();
        self.histories.sort_unstable();
        self.histories.dedup();
        self
    }

    /// What is needed, for people: `the changed paths`.
    pub fn told(&self) -> String {
        let mut parts: Vec<_> = self.histories.iter().map(|history| history.part).collect();
        parts.sort_unstable();
        let mut told: Vec<_> = parts.into_iter().map(HistoryPart::as_str).collect();
        told.dedup();
        if !self.ancestry.is_empty() {
            told.insert(0, "ancestry of the commits");
        }
        if self.pull_request {
            told.push("approvals of the pull request");
        }
        format!("the {}", told.join(", the "))
    }
}
