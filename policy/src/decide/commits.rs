//! What requires say about new commits and new files.

use super::{known::Known, one_ref::OneRef};
use crate::{
    examples::Examples,
    facts::{Commit, HistoryNeeded, HistoryPart, Identity, NewFile, SignatureState},
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
        }
    }

    fn new_files(&self, refs: &RefSet) -> Known<&[NewFile]> {
        let cover = refs.cover();
        let fact = self.scope.facts.files(self.index, &cover);
        Known::of_history(fact, || HistoryNeeded { update: self.index, cover, part: HistoryPart::Files })
    }

    fn new_commits(&self, refs: &RefSet) -> Known<&[Commit]> {
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
            CommitCheck::Signed => self.unaccepted(commit)?,
            CommitCheck::Message => {
                let fits = checks.message.as_ref().is_none_or(|pattern| pattern.matches(&commit.subject));
                (!fits).then_some(None)?
            }
            CommitCheck::SignOff => (!commit.signed_off).then_some(None)?,
            CommitCheck::Linear => (commit.parents > 1).then_some(None)?,
            CommitCheck::NoForeignMerges => commit.foreign.then_some(None)?,
            CommitCheck::MaxBlob | CommitCheck::ForbidPaths | CommitCheck::ForbidExtensions => return None,
        };
        Some(FaultyCommit { id: commit.id, subject: commit.subject.clone(), found })
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

    /// Why the signature is not accepted; `None`: it is.
    fn unaccepted(&self, commit: &Commit) -> Option<Option<String>> {
        match &commit.signature {
            SignatureState::GoodByCommitter => None,
            SignatureState::Absent => Some(Some("it is not signed".to_owned())),
            SignatureState::Bad { why } => Some(Some(why.clone())),
            SignatureState::Good { by } => {
                let is_theirs = match &commit.committer {
                    Identity::Email(email) => self.scope.has_email(by, email),
                    Identity::Pusher => by.key() == self.scope.subject.username.key(),
                    Identity::Stranger => false,
                };
                (!is_theirs).then(|| Some(format!("it is signed by `{by}`, who did not commit it")))
            }
        }
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
