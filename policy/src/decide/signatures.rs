//! What requires say about signatures: of new commits, and of tag objects.

use super::{known::Known, one_ref::OneRef, people::People};
use crate::{
    facts::{BadSignature, HistoryNeeded, HistoryPart, Identity, Nth, SignatureState, Tip},
    name::Username,
    reason::{FaultyCommit, Shortfall, SignatureFault},
    rule::{RefSet, Require, TagCheck},
};

/// Why a signature is not accepted, and what was found, where that says more.
type Unaccepted = (SignatureFault, Option<String>);

impl OneRef<'_, '_> {
    /// The new commits whose signatures are not accepted, by cause.
    pub(super) fn badly_signed(&self, require: &Require) -> Known<Vec<Shortfall>> {
        if self.is_deletion() {
            return Known::Is(Vec::new());
        }
        let part = HistoryPart::Signatures;
        let commits = match self.new_commits(&require.refs, part) {
            Ok(commits) => commits,
            Err(needed) => return Known::needs(needed),
        };
        let people = self.scope.people();
        let with = |fault: SignatureFault| {
            let commits = commits.examples(|Nth { commit, .. }| {
                let (found_fault, found) = people.unaccepted(&commit.signature, &commit.committer)?;
                (found_fault == fault).then(|| FaultyCommit::of(commit, found))
            })?;
            Some(Shortfall::CommitSignatures { fault, commits })
        };
        let found: Vec<_> = SignatureFault::ALL.into_iter().filter_map(with).collect();
        let found = (!found.is_empty()).then_some(found);
        let needed = || self.commits_needed(&require.refs, part);
        Known::found(found, commits.end(), needed).map(Option::unwrap_or_default)
    }

    /// What is wrong with a tag in one respect; `None`: nothing, or it is no tag, or it goes away.
    pub(super) fn faulty_tag(&self, require: &Require, check: TagCheck) -> Known<Option<Shortfall>> {
        if self.is_deletion() || !self.update.name.is_tag() {
            return Known::Is(None);
        }
        self.tip(&require.refs).map(|tip| match (check, tip) {
            (TagCheck::Annotated, Tip::Other) => Some(Shortfall::TagNotAnnotated),
            // That what is no tag object has no signature goes without saying.
            (TagCheck::Annotated, Tip::Tag { .. }) | (TagCheck::Signed, Tip::Other) => None,
            (TagCheck::Signed, Tip::Tag { tagger, signature }) => {
                let (fault, found) = self.scope.people().unaccepted(signature, tagger)?;
                Some(Shortfall::TagSignature { fault, found })
            }
        })
    }

    fn tip(&self, refs: &RefSet) -> Known<&Tip> {
        let cover = refs.cover();
        match self.scope.facts.tip(self.index, &cover) {
            Some(Ok(tip)) => Known::Is(tip),
            Some(Err(unreadable)) => Known::unreadable(unreadable.why),
            None => Known::needs(HistoryNeeded { update: self.index, cover, part: HistoryPart::Tip }),
        }
    }
}

impl People<'_> {
    /// Why a signature of what `maker` made is not accepted; `None`: it is.
    pub(super) fn unaccepted(self, signature: &SignatureState, maker: &Identity) -> Option<Unaccepted> {
        match signature {
            SignatureState::GoodByCommitter => None,
            SignatureState::Absent => Some((SignatureFault::Missing, None)),
            SignatureState::Bad { cause, why } => Some((SignatureFault::Bad(*cause), Some(why.clone()))),
            SignatureState::Good { by } if !self.is_one(by, maker) => {
                Some((SignatureFault::ByOther, Some(format!("signed by `{by}`"))))
            }
            // Cutting somebody off reaches their keys as well.
            SignatureState::Good { by } if !self.is_active(by) => {
                let why = format!("a key of `{by}`, whose account is not active");
                Some((SignatureFault::Bad(BadSignature::KeyRevoked), Some(why)))
            }
            SignatureState::Good { .. } => None,
            SignatureState::GoodByAddress { address } => {
                let is_theirs =
                    matches!(maker, Identity::Email(email) if email.eq_ignore_ascii_case(address));
                (!is_theirs).then(|| (SignatureFault::ByOther, Some(format!("signed by <{address}>"))))
            }
        }
    }

    fn is_active(self, user: &Username) -> bool {
        let user = self.snapshot.and_then(|snapshot| snapshot.user(&user.key()));
        user.is_some_and(|user| user.is_active())
    }
}
