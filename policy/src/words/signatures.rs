//! The words for signatures that are not accepted.

use crate::{facts::BadSignature, reason::SignatureFault};

/// What was signed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Signed {
    Commits,
    Tag,
}

impl Signed {
    /// What must be: `commits must be signed`.
    pub(super) fn wanted(self, fault: SignatureFault) -> String {
        let (many, who) = match self {
            Self::Commits => ("commits", "their committers"),
            Self::Tag => ("a tag", "its tagger"),
        };
        match fault {
            SignatureFault::Missing => format!("{many} must be signed"),
            SignatureFault::ByOther => format!("{many} must be signed by {who}"),
            SignatureFault::Bad(bad) => format!("{many} must be signed {}", with(bad)),
        }
    }

    /// What to do.
    pub(super) fn hint(self, fault: SignatureFault) -> String {
        let anew = match self {
            Self::Commits => {
                "`git commit --amend -S`, or `git rebase --exec 'git commit --amend --no-edit -S'` for several"
            }
            Self::Tag => "`git tag -s -f` with the tag's name",
        };
        match fault {
            SignatureFault::Missing => format!("Sign with your own key: {anew}."),
            SignatureFault::ByOther => format!(
                "Sign with your own key, and with the address that the company directory has of you: {anew}."
            ),
            SignatureFault::Bad(BadSignature::Invalid) => format!("Sign anew, with a current key: {anew}."),
            SignatureFault::Bad(BadSignature::KeyUnknown) => format!(
                "Have an administrator enter your public key in the company directory, or sign with one that is \
                 there: {anew}."
            ),
            SignatureFault::Bad(BadSignature::KeyExpired) => format!(
                "Hand in your public key with its new date, if you gave it one; else sign with another: {anew}."
            ),
            SignatureFault::Bad(BadSignature::KeyRevoked) => format!(
                "Sign with a key that is good: {anew}. If it was not you who revoked the old one, ask an administrator."
            ),
            SignatureFault::Bad(BadSignature::KindUnknown) => format!(
                "Sign with an SSH or OpenPGP key, after `git config gpg.format ssh` or `openpgp`: {anew}."
            ),
        }
    }
}

const fn with(bad: BadSignature) -> &'static str {
    match bad {
        BadSignature::Invalid => "so that it can be verified",
        BadSignature::KeyUnknown => "with a key that is known",
        BadSignature::KeyExpired => "with a key that has not expired",
        BadSignature::KeyRevoked => "with a key that is not revoked",
        BadSignature::KindUnknown => "with SSH or OpenPGP",
    }
}
