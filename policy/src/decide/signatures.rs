//! What requires say about signatures: of new commits, and of tag objects.

use std::collections::BTreeMap;

use super::{known::Known, one_ref::OneRef};
use crate::{
    examples::Examples,
    facts::{BadSignature, HistoryNeeded, HistoryPart, Identity, SignatureState, Tip},
    name::Username,
    reason::{FaultyCommit, Shortfall, SignatureFault},
    rule::{RefSet, Require, TagCheck},
};

/// Why a signature is not accepted, and what was found, where that says more.
type Unaccepted = (SignatureFault, Option<String>);

impl OneRef<'_> {
    /// The new commits whose signatures are not accepted, by cause.
    pub(super) fn badly_signed(&self, require: &Require) -> Known<Vec<Shortfall>> {
        if self.is_deletion() {
            return Known::Is(Vec::new());
        }
        self.new_commits(&require.refs).map(|commits| {
            let mut by_fault: BTreeMap<SignatureFault, Vec<FaultyCommit>> = BTreeMap::new();
            for commit in commits {
                if let Some((fault, found)) = self.unaccepted(&commit.signature, &commit.committer) {
                    by_fault.entry(fault).or_default().push(FaultyCommit::of(commit, found));
                }
            }
            let shortfall = |(fault, commits)| {
                Some(Shortfall::CommitSignatures { fault, commits: Examples::of(commits)? })
            };
            by_fault.into_iter().filter_map(shortfall).collect()
        })
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
                let (fault, found) = self.unaccepted(signature, tagger)?;
                Some(Shortfall::TagSignature { fault, found })
            }
        })
    }

    fn tip(&self, refs: &RefSet) -> Known<&Tip> {
        let cover = refs.cover();
        let fact = self.scope.facts.tip(self.index, &cover);
        Known::of_history(fact, || HistoryNeeded { update: self.index, cover, part: HistoryPart::Tip })
    }

    /// Why a signature of what `maker` made is not accepted; `None`: it is.
    fn unaccepted(&self, signature: &SignatureState, maker: &Identity) -> Option<Unaccepted> {
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

    /// Whether `maker` is `user`, by any of their e-mails. Addresses are compared without regard to ASCII case.
    fn is_one(&self, user: &Username, maker: &Identity) -> bool {
        match maker {
            Identity::Email(email) => self.scope.has_email(user, email),
            Identity::Pusher => user.key() == self.scope.subject.username.key(),
            Identity::Stranger => false,
        }
    }

    fn is_active(&self, user: &Username) -> bool {
        let user = self.scope.snapshot.and_then(|snapshot| snapshot.user(&user.key()));
        user.is_some_and(|user| user.is_active())
    }
}
