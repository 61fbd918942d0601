//! What requires say about new commits and new files.

use super::{known::Known, one_ref::OneRef};
use crate::{
    examples::Examples,
    facts::{Commit, HistoryNeeded, HistoryPart, Identity, NewFile},
    name::TreePath,
    reason::{FaultyCommit, Shortfall},
    rule::{CommitCheck, CommitChecks, RefSet, Require},
};

impl OneRef<'_> {
    /// What is wrong with the new commits in one respect; `None`: nothing.
    pub(crate) fn failed(&self, require: &Require, check: CommitCheck) -> Known<Option<Shortfall>> {
        if self.is_deletion() {
            return Known::Is(None);
        }
        let checks = &require.commits;
        match check {
            CommitCheck::MaxBlob => self.new_files(&require.refs).map(|files| too_large(checks, files)),
            CommitCheck::ForbidPaths | CommitCheck::ForbidExtensions => {
                self.new_files(&require.refs).map(|files| forbidden(checks, check, files))
            }
            CommitCheck::CommitterIsPusher
            | CommitCheck::AuthorKnown
            | CommitCheck::Signed
            | CommitCheck::Message
            | CommitCheck::SignOff
            | CommitCheck::Linear
            | CommitCheck::NoForeignMerges => self.new_commits(&require.refs).map(|commits| {
                let faulty = commits.iter().filter_map(|commit| self.faulty(checks, check, commit));
                let pattern = checks.message.as_ref().filter(|_| check == CommitCheck::Message);
                let wanted = pattern.map(ToString::to_string);
                Examples::of(faulty).map(|commits| Shortfall::Commits { check, wanted, commits })
            }),
            CommitCheck::MaxCommits => match checks.max_commits {
                Some(max) => self
                    .commit_count(&require.refs, max)
                    .map(|count| (count > max).then_some(Shortfall::TooManyCommits { max })),
                None => Known::Is(None),
            },
        }
    }

    fn new_files(&self, refs: &RefSet) -> Known<&[NewFile]> {
        let cover = refs.cover();
        let fact = self.scope.facts.files(self.index, &cover);
        Known::of_history(fact, || HistoryNeeded { update: self.index, cover, part: HistoryPart::Files })
    }

    fn commit_count(&self, refs: &RefSet, max: u64) -> Known<u64> {
        let cover = refs.cover();
        let fact = self.scope.facts.commit_count(self.index, &cover);
        let part = HistoryPart::CommitCount(max);
        Known::of_history(fact, || HistoryNeeded { update: self.index, cover, part })
    }

    pub(super) fn new_commits(&self, refs: &RefSet) -> Known<&[Commit]> {
        let cover = refs.cover();
        let fact = self.scope.facts.commits(self.index, &cover);
        Known::of_history(fact, || HistoryNeeded { update: self.index, cover, part: HistoryPart::Commits })
    }

    fn faulty(&self, checks: &CommitChecks, check: CommitCheck, commit: &Commit) -> Option<FaultyCommit> {
        let found = match check {
            CommitCheck::CommitterIsPusher => {
                (!self.is_pusher(&commit.committer)).then(|| email(&commit.committer))?
            }
            CommitCheck::AuthorKnown => (!self.is_known(&commit.author)).then(|| email(&commit.author))?,
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

    /// Whether `who` is the pusher, by any of their e-mails. Addresses are compared without regard to ASCII case.
    fn is_pusher(&self, who: &Identity) -> bool {
        match who {
            Identity::Pusher => true,
            Identity::Stranger => false,
            Identity::Email(email) => self.scope.has_email(&self.scope.subject.username, email),
        }
    }

    fn is_known(&self, who: &Identity) -> bool {
        match who {
            Identity::Pusher => true,
            Identity::Stranger => false,
            Identity::Email(email) => {
                self.scope.snapshot.is_some_and(|snapshot| snapshot.is_email_of_somebody_active(email))
            }
        }
    }
}

impl FaultyCommit {
    pub(super) fn of(commit: &Commit, found: Option<String>) -> Self {
        Self { id: commit.id, subject: commit.subject.clone(), found }
    }
}

fn email(who: &Identity) -> Option<String> {
    match who {
        Identity::Email(email) => Some(format!("<{email}>")),
        Identity::Pusher | Identity::Stranger => None,
    }
}

fn too_large(checks: &CommitChecks, files: &[NewFile]) -> Option<Shortfall> {
    let max = checks.max_blob?;
    let large = files.iter().filter(|file| file.size > max).map(|file| (file.path.clone(), file.size));
    Examples::of(large).map(|blobs| Shortfall::Blobs { max, blobs })
}

fn forbidden(checks: &CommitChecks, check: CommitCheck, files: &[NewFile]) -> Option<Shortfall> {
    let is_forbidden = |path: &TreePath| match check {
        CommitCheck::ForbidPaths => checks.forbid_paths.as_ref().is_some_and(|paths| paths.matches(path)),
        _ => path.extension().is_some_and(|extension| checks.forbids_extension(extension)),
    };
    let mut paths: Vec<_> = files.iter().map(|file| &file.path).filter(|path| is_forbidden(path)).collect();
    paths.sort_unstable();
    paths.dedup();
    Examples::of(paths.into_iter().cloned()).map(|paths| Shortfall::Paths { check, paths })
}
