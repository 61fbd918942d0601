//! What requires say about new commits and new files.

use super::{known::Known, one_ref::OneRef};
use crate::{
    facts::{Commit, HistoryNeeded, HistoryPart, Identity, Listing, NewFile, Nth},
    name::TreePath,
    reason::{FaultyCommit, Shortfall},
    rule::{CommitCheck, CommitChecks, RefSet, Require},
};

impl OneRef<'_, '_> {
    /// What is wrong with the new commits in one respect; `None`: nothing.
    pub(crate) fn failed(&self, require: &Require, check: CommitCheck) -> Known<Option<Shortfall>> {
        if self.is_deletion() {
            return Known::Is(None);
        }
        let checks = &require.commits;
        match check {
            CommitCheck::MaxBlob => self.among_files(&require.refs, |files| too_large(checks, files)),
            CommitCheck::ForbidPaths | CommitCheck::ForbidExtensions => {
                self.among_files(&require.refs, |files| forbidden(checks, check, files))
            }
            // Each way in which a signature is not accepted is told by itself: see `badly_signed`.
            CommitCheck::Signed => Known::Is(None),
            CommitCheck::Message if self.scope.facts.supposes_messages() => Known::Is(None),
            CommitCheck::CommitterIsPusher
            | CommitCheck::AuthorKnown
            | CommitCheck::Message
            | CommitCheck::SignOff
            | CommitCheck::Linear
            | CommitCheck::NoForeignMerges => self.faulty_commits(require, check),
            CommitCheck::MaxCommits => match checks.max_commits {
                Some(max) => self.too_many(&require.refs, max),
                None => Known::Is(None),
            },
        }
    }

    /// What is found among the new files.
    fn among_files(
        &self,
        refs: &RefSet,
        find: impl FnOnce(&Listing<NewFile>) -> Option<Shortfall>,
    ) -> Known<Option<Shortfall>> {
        let cover = refs.cover();
        let files = self.scope.facts.files(self.index, &cover).filter(|files| self.stands(files));
        let needed = HistoryNeeded { update: self.index, cover, part: HistoryPart::Files };
        match files {
            Some(files) => Known::found(find(files), files.end(), || needed),
            None => Known::needs(needed),
        }
    }

    /// The new commits that fail a check.
    fn faulty_commits(&self, require: &Require, check: CommitCheck) -> Known<Option<Shortfall>> {
        let commits = match self.new_commits(&require.refs, HistoryPart::Commits) {
            Ok(commits) => commits,
            Err(needed) => return Known::needs(needed),
        };
        let checks = &require.commits;
        let shortfall = commits.examples(|nth| self.faulty(checks, check, &nth.commit)).map(|commits| {
            let pattern = checks.message.as_ref().filter(|_| check == CommitCheck::Message);
            Shortfall::Commits { check, wanted: pattern.map(ToString::to_string), commits }
        });
        Known::found(shortfall, commits.end(), || self.commits_needed(&require.refs, HistoryPart::Commits))
    }

    /// Whether there are more new commits than `max`; the commits themselves tell as well.
    fn too_many(&self, refs: &RefSet, max: u64) -> Known<Option<Shortfall>> {
        let judged = |count: u64| (count > max).then_some(Shortfall::TooManyCommits { max });
        match self.scope.facts.commit_count(self.index, &refs.cover()) {
            Some(Ok(count)) => return Known::Is(judged(count)),
            Some(Err(unreadable)) => return Known::unreadable(unreadable.why),
            None => {}
        }
        let part = HistoryPart::CommitCount(max);
        match self.new_commits(refs, part) {
            Ok(commits) => {
                Known::found(judged(commits.told()), commits.end(), || self.commits_needed(refs, part))
            }
            Err(needed) => Known::needs(needed),
        }
    }

    /// The new commits, as far as they are known; else what would tell. `part` is what it takes.
    pub(super) fn new_commits(
        &self,
        refs: &RefSet,
        part: HistoryPart,
    ) -> Result<&Listing<Nth>, HistoryNeeded> {
        let (facts, cover) = (self.scope.facts, refs.cover());
        let commits = match part {
            HistoryPart::Signatures => facts.signed_commits(self.index, &cover),
            _ => facts.commits(self.index, &cover),
        };
        commits.filter(|commits| self.stands(commits)).ok_or_else(|| self.commits_needed(refs, part))
    }

    pub(super) fn commits_needed(&self, refs: &RefSet, part: HistoryPart) -> HistoryNeeded {
        HistoryNeeded { update: self.index, cover: refs.cover(), part }
    }

    fn faulty(&self, checks: &CommitChecks, check: CommitCheck, commit: &Commit) -> Option<FaultyCommit> {
        let found = match check {
            CommitCheck::CommitterIsPusher => {
                (!self.scope.people().is_pusher(&commit.committer)).then(|| email(&commit.committer))?
            }
            CommitCheck::AuthorKnown => {
                (!self.scope.people().is_known(&commit.author)).then(|| email(&commit.author))?
            }
            CommitCheck::Message => {
                let fits = checks.message.as_ref().is_none_or(|pattern| pattern.matches(&commit.subject));
                (!fits).then_some(None)?
            }
            CommitCheck::SignOff => (!commit.signed_off).then_some(None)?,
            CommitCheck::Linear => (commit.parents > 1).then_some(None)?,
            CommitCheck::NoForeignMerges => commit.foreign.then_some(None)?,
            // What is to be said of these is no single commit, or stands in `signatures`.
            CommitCheck::Signed
            | CommitCheck::MaxBlob
            | CommitCheck::ForbidPaths
            | CommitCheck::ForbidExtensions
            | CommitCheck::MaxCommits => return None,
        };
        Some(FaultyCommit::of(commit, found))
    }
}

impl FaultyCommit {
    pub(super) fn of(commit: &Commit, found: Option<String>) -> Self {
        Self { id: commit.id, subject: commit.subject.clone(), found }
    }
}

fn email(who: &Identity) -> Option<String> {
    match who {
        Identity::Email(email) | Identity::NoEmail(email) => Some(format!("<{email}>")),
        Identity::Pusher | Identity::Stranger => None,
    }
}

fn too_large(checks: &CommitChecks, files: &Listing<NewFile>) -> Option<Shortfall> {
    let max = checks.max_blob?;
    let large = files.examples(|file| (file.size > max).then(|| (file.path.clone(), file.size)));
    large.map(|blobs| Shortfall::Blobs { max, blobs })
}

fn forbidden(checks: &CommitChecks, check: CommitCheck, files: &Listing<NewFile>) -> Option<Shortfall> {
    let is_forbidden = |path: &TreePath| match check {
        CommitCheck::ForbidPaths => checks.forbid_paths.as_ref().is_some_and(|paths| paths.matches(path)),
        _ => path.extension().is_some_and(|extension| checks.forbids_extension(extension)),
    };
    // A path that is there with several contents is one path.
    let mut last = None;
    let paths = files.examples(|file| {
        let is_another = last.replace(&file.path) != Some(&file.path);
        (is_another && is_forbidden(&file.path)).then(|| file.path.clone())
    });
    paths.map(|paths| Shortfall::Paths { check, paths })
}
