//! What requires say about new commits and new files.

use super::{known::Known, one_ref::OneRef};
use crate::{
    facts::{Commit, HistoryNeeded, HistoryPart, Identity, Listing, NewFile, SignatureState},
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
            CommitCheck::MaxBlob => self.among_files(&require.refs, |files| too_large(checks, files)),
            CommitCheck::ForbidPaths | CommitCheck::ForbidExtensions => {
                self.among_files(&require.refs, |files| forbidden(checks, check, files))
            }
            CommitCheck::Signed => self.among_commits(require, check, HistoryPart::Signatures),
            CommitCheck::CommitterIsPusher
            | CommitCheck::AuthorKnown
            | CommitCheck::Message
            | CommitCheck::SignOff
            | CommitCheck::Linear
            | CommitCheck::NoForeignMerges => self.among_commits(require, check, HistoryPart::Commits),
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

    /// The new commits that fail a check; `part` is what it takes to tell.
    fn among_commits(
        &self,
        require: &Require,
        check: CommitCheck,
        part: HistoryPart,
    ) -> Known<Option<Shortfall>> {
        let (facts, cover) = (self.scope.facts, require.refs.cover());
        let commits = match part {
            HistoryPart::Signatures => facts.signed_commits(self.index, &cover),
            HistoryPart::Paths | HistoryPart::Files | HistoryPart::Commits => {
                facts.commits(self.index, &cover)
            }
        };
        let needed = HistoryNeeded { update: self.index, cover, part };
        let Some(commits) = commits.filter(|commits| self.stands(commits)) else {
            return Known::needs(needed);
        };
        let checks = &require.commits;
        let shortfall = commits.examples(|nth| self.faulty(checks, check, &nth.commit)).map(|commits| {
            let pattern = checks.message.as_ref().filter(|_| check == CommitCheck::Message);
            Shortfall::Commits { check, wanted: pattern.map(ToString::to_string), commits }
        });
        Known::found(shortfall, commits.end(), || needed)
    }

    fn faulty(&self, checks: &CommitChecks, check: CommitCheck, commit: &Commit) -> Option<FaultyCommit> {
        let found = match check {
            CommitCheck::CommitterIsPusher => {
                (!self.scope.people().is_pusher(&commit.committer)).then(|| email(&commit.committer))?
            }
            CommitCheck::AuthorKnown => {
                (!self.scope.people().is_known(&commit.author)).then(|| email(&commit.author))?
            }
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

    /// Why the signature is not accepted; `None`: it is.
    fn unaccepted(&self, commit: &Commit) -> Option<Option<String>> {
        match &commit.signature {
            SignatureState::GoodByCommitter => None,
            SignatureState::Absent => Some(Some("it is not signed".to_owned())),
            SignatureState::Bad { why } => Some(Some(why.clone())),
            SignatureState::Good { by } => {
                let is_theirs = self.scope.people().committed(by, commit);
                (!is_theirs).then(|| Some(format!("it is signed by `{by}`, who did not commit it")))
            }
        }
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
