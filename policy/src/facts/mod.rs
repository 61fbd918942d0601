//! What has been found out about the push besides names and ids. Nothing is found out before a decision depends on it.
//!
//! **Which commits a rule looks at.** A rule about commits or paths looks at the commits that are *new to the refs that
//! the rule covers*: reachable from the new tip, and from no existing ref that the rule's `refs` match. So what was
//! pushed to a free branch first is still new to a protected one. Facts about commits therefore belong to an update
//! *and* a [`Cover`].

mod by_update;
mod cover;
mod history;
mod intake;
mod listing;
mod pull_request;
mod room;
mod shown;

use std::collections::BTreeMap;

use crate::name::TreePath;

use by_update::ByUpdate;
pub use cover::Cover;
pub use history::{BadSignature, Commit, Identity, NewFile, SignatureState, Tip};
pub use intake::{Intake, News};
pub(crate) use listing::Kind;
pub use listing::{End, Listing, Nth};
pub use pull_request::{Approval, PullRequest};
pub use room::Bounds;
pub use shown::{LeaseFault, ShownLease};

/// A position in [`crate::Request::updates`], from 0.
pub type UpdateIndex = usize;

/// The facts known so far.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    ancestry: ByUpdate<Ancestry>,
    histories: BTreeMap<(UpdateIndex, Cover), History>,
    pull_request: Option<Learnt<PullRequest>>,
    shown_lease: Option<ShownLease>,
    /// Whether nobody said what the messages of commits are: then they are as they should be. Never so of a push.
    supposes_messages: bool,
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
    paths: Option<Listing<TreePath>>,
    files: Option<Listing<NewFile>>,
    commits: Option<Listing<Nth>>,
    /// Whether the commits come with their signatures.
    signed: bool,
    /// How many commits there are, where they are not known.
    count: Option<Learnt<u64>>,
    tip: Option<Learnt<Tip>>,
    /// Whether what the ref is to name was asked for, and is not told yet.
    awaits_tip: bool,
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

    /// Takes the messages of new commits for what each rule asks of them.
    pub(crate) fn suppose_messages(&mut self) {
        self.supposes_messages = true;
    }

    pub(crate) const fn supposes_messages(&self) -> bool {
        self.supposes_messages
    }

    /// What is known of the ancestry of one update.
    #[inline]
    pub fn ancestry(&self, index: UpdateIndex) -> Option<&Ancestry> {
        self.ancestry.get(index)
    }

    /// Adds what was found out about one update; a second answer for it replaces the first.
    pub fn learn_ancestry(&mut self, index: UpdateIndex, ancestry: Ancestry) {
        self.ancestry.insert(index, ancestry);
    }

    /// The paths that one update changes, in view of `cover`.
    pub fn paths(&self, index: UpdateIndex, cover: &Cover) -> Option<&Listing<TreePath>> {
        self.history(index, cover, |history| history.paths.as_ref())
    }

    /// Adds the paths that one update changes: those that its new commits change, and those that differ between its
    /// old and its new tip. A file that moves changes two. Nothing is taken to change when a ref is deleted.
    pub fn learn_paths(&mut self, index: UpdateIndex, cover: Cover, paths: Learnt<Vec<TreePath>>) {
        let (paths, end) = ended(paths);
        self.learn_paths_until(index, cover, paths, end);
    }

    /// Adds the first of the paths that one update changes, and how they went on.
    pub fn learn_paths_until(&mut self, index: UpdateIndex, cover: Cover, paths: Vec<TreePath>, end: End) {
        self.histories.entry((index, cover)).or_default().paths = Some(Listing::of(paths, end));
    }

    /// The files that one update brings, in view of `cover`.
    pub fn files(&self, index: UpdateIndex, cover: &Cover) -> Option<&Listing<NewFile>> {
        self.history(index, cover, |history| history.files.as_ref())
    }

    /// Adds the files that the new commits of one update bring: with every content that is new at its path.
    pub fn learn_files(&mut self, index: UpdateIndex, cover: Cover, files: Learnt<Vec<NewFile>>) {
        let (files, end) = ended(files);
        self.learn_files_until(index, cover, files, end);
    }

    /// Adds the first of the files that the new commits of one update bring, and how they went on.
    pub fn learn_files_until(&mut self, index: UpdateIndex, cover: Cover, files: Vec<NewFile>, end: End) {
        self.histories.entry((index, cover)).or_default().files = Some(Listing::of(files, end));
    }

    /// The new commits of one update, in view of `cover`.
    pub fn commits(&self, index: UpdateIndex, cover: &Cover) -> Option<&Listing<Nth>> {
        self.history(index, cover, |history| history.commits.as_ref())
    }

    /// The same, where they come with their signatures.
    pub fn signed_commits(&self, index: UpdateIndex, cover: &Cover) -> Option<&Listing<Nth>> {
        self.history(index, cover, |history| history.commits.as_ref().filter(|_| history.signed))
    }

    /// Adds the new commits of one update, with their signatures.
    pub fn learn_commits(&mut self, index: UpdateIndex, cover: Cover, commits: Learnt<Vec<Commit>>) {
        let (commits, end) = ended(commits);
        self.learn_commits_until(index, cover, commits, end, true);
    }

    /// Adds the first of the new commits of one update, how they went on, and whether their signatures are known.
    pub fn learn_commits_until(
        &mut self,
        index: UpdateIndex,
        cover: Cover,
        commits: Vec<Commit>,
        end: End,
        signed: bool,
    ) {
        let commits = (0..).zip(commits).map(|(nth, commit)| Nth::new(nth, commit));
        let history = self.histories.entry((index, cover)).or_default();
        (history.commits, history.signed) = (Some(Listing::of(commits, end)), signed);
    }

    /// What is known of the new commits of one update, in view of each cover that was asked for.
    pub fn histories(&self, index: UpdateIndex) -> impl Iterator<Item = HistoryKnown<'_>> {
        let of_update = (index, Cover::whatever())..;
        let known = self.histories.range(of_update).take_while(move |((update, _), _)| *update == index);
        known.map(|((_, cover), history)| HistoryKnown {
            cover,
            paths: history.paths.as_ref(),
            files: history.files.as_ref(),
            commits: history.commits.as_ref(),
            signed: history.signed,
            tip: history.tip.as_ref(),
        })
    }

    /// How many new commits one update brings, in view of `cover`, where that is told without the commits.
    pub fn commit_count(&self, index: UpdateIndex, cover: &Cover) -> Option<Learnt<u64>> {
        self.history(index, cover, |history| history.count.as_ref()).cloned()
    }

    /// Adds how many new commits one update brings. Counting may end one above the number of
    /// [`HistoryPart::CommitCount`] that was asked for.
    pub fn learn_commit_count(&mut self, index: UpdateIndex, cover: Cover, count: Learnt<u64>) {
        self.histories.entry((index, cover)).or_default().count = Some(count);
    }

    /// What one update makes its ref name. It is the same in view of every cover.
    pub fn tip(&self, index: UpdateIndex, cover: &Cover) -> Option<Learnt<&Tip>> {
        let tip = self.history(index, cover, |history| history.tip.as_ref())?;
        Some(tip.as_ref().map_err(Clone::clone))
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

    /// The lease whose token the push shows; `None`: it shows none.
    pub fn shown_lease(&self) -> Option<&ShownLease> {
        self.shown_lease.as_ref()
    }

    /// Adds that the push shows the token of a lease.
    pub fn learn_shown_lease(&mut self, shown: ShownLease) {
        self.shown_lease = Some(shown);
    }

    /// Adds that nothing more of `needed` can be found out.
    pub fn learn_lack(&mut self, needed: &FactsNeeded, why: &str) {
        // A new kind of fact does not compile before it stands here.
        let FactsNeeded { ancestry, histories, pull_request, refused_anyway: _ } = needed;
        let unreadable = || Unreadable { why: why.to_owned() };
        for index in ancestry {
            self.learn_ancestry(*index, Ancestry::Unreadable { why: why.to_owned() });
        }
        for HistoryNeeded { update, cover, part } in histories {
            let history = self.histories.entry((*update, cover.clone())).or_default();
            let end = End::Unreadable(unreadable());
            match part {
                HistoryPart::Paths => history.paths.get_or_insert_with(Listing::open).close(end),
                HistoryPart::Files => history.files.get_or_insert_with(Listing::open).close(end),
                HistoryPart::Commits => history.commits.get_or_insert_with(Listing::open).close(end),
                HistoryPart::Signatures if history.signed => {
                    history.commits.get_or_insert_with(Listing::open).close(end);
                }
                HistoryPart::Signatures => {
                    (history.commits, history.signed) = (Some(Listing::of([], end)), true);
                }
                HistoryPart::CommitCount(_) => {
                    history.commits.get_or_insert_with(Listing::open).close(end);
                }
                HistoryPart::Tip => {
                    history.tip.get_or_insert_with(|| Err(unreadable()));
                }
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
        of: impl Fn(&'a History) -> Option<&'a T>,
    ) -> Option<&'a T> {
        let known = |cover: Cover| self.histories.get(&(index, cover)).and_then(&of);
        known(cover.clone()).or_else(|| known(Cover::whatever()))
    }
}

/// What is known of the new commits of one update in view of one cover.
#[derive(Debug, Clone, Copy)]
pub struct HistoryKnown<'a> {
    /// In view of which refs.
    pub cover: &'a Cover,
    /// See [`Facts::paths`].
    pub paths: Option<&'a Listing<TreePath>>,
    /// See [`Facts::files`].
    pub files: Option<&'a Listing<NewFile>>,
    /// See [`Facts::commits`].
    pub commits: Option<&'a Listing<Nth>>,
    /// Whether the commits come with their signatures.
    pub signed: bool,
    /// See [`Facts::tip`].
    pub tip: Option<&'a Learnt<Tip>>,
}

/// All of a list, or nothing of it.
fn ended<T>(list: Learnt<Vec<T>>) -> (Vec<T>, End) {
    match list {
        Ok(list) => (list, End::Complete),
        Err(unreadable) => (Vec::new(), End::Unreadable(unreadable)),
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
    /// Whether the push is refused whatever they are: then they would only tell more reasons.
    pub refused_anyway: bool,
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
    /// See [`Facts::learn_commits`]; their signatures need not be known.
    Commits,
    /// The new commits, with their signatures.
    Signatures,
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
            Self::Signatures => "signatures of the new commits",
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
