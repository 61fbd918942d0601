use crate::name::{ObjectId, TreePath, Username};

/// A file with content that was not there before at its path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewFile {
    /// The path.
    pub path: TreePath,
    /// How long it is, in bytes.
    pub size: u64,
}

/// What there is to know of a new commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: ObjectId,
    /// The first line of its message.
    pub subject: Vec<u8>,
    /// Whether its message has a `Signed-off-by:` line with the author's or the committer's e-mail.
    pub signed_off: bool,
    /// Who wrote it.
    pub author: Identity,
    /// Who made the commit of it.
    pub committer: Identity,
    /// How many parents it has: more than one make a merge.
    pub parents: usize,
    /// Whether it is a merge on the ref's line of first parents that has the ref's old tip not on that line, but behind
    /// another parent.
    pub foreign: bool,
    /// What its signature is worth.
    pub signature: SignatureState,
}

impl Commit {
    /// What it takes to keep it, in bytes, about.
    pub(super) fn weight(&self) -> usize {
        let signature = match &self.signature {
            SignatureState::Good { by } => by.as_str().len(),
            SignatureState::GoodByAddress { address } => address.len(),
            SignatureState::Bad { why, .. } => why.len(),
            SignatureState::Absent | SignatureState::GoodByCommitter => 0,
        };
        size_of::<Self>() + self.subject.len() + self.author.len() + self.committer.len() + signature
    }
}

impl Identity {
    fn len(&self) -> usize {
        match self {
            Self::Email(text) | Self::NoEmail(text) => text.len(),
            Self::Pusher | Self::Stranger => 0,
        }
    }
}

/// Whom a commit names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// By this e-mail; whose it is, the directory says.
    Email(Box<str>),
    /// By bytes that are no e-mail of anybody's, since they are no text, or too many: as they can be shown.
    NoEmail(Box<str>),
    /// The pusher, in a question that nobody has pushed.
    Pusher,
    /// Nobody that the directory knows, in such a question.
    Stranger,
}

/// What a signature is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureState {
    /// There is none.
    Absent,
    /// It is good, and made with a key of this person.
    Good {
        /// Whose key it is.
        by: Username,
    },
    /// It is good, and made with a key that the file of allowed signers gives to this address.
    GoodByAddress {
        /// The address; where the file gives the key to many and the committer is none of them, its pattern.
        address: Box<str>,
    },
    /// It is good, and made by the committer, in a question that nobody has pushed.
    GoodByCommitter,
    /// It is not to be relied upon.
    Bad {
        /// In which respect.
        cause: BadSignature,
        /// Why, for people: `the key expired on 2026-01-31`.
        why: String,
    },
}

/// In which respect a signature is not to be relied upon; each is a reason of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BadSignature {
    /// It does not fit what it signs, is malformed, or is too weak or too large to be looked at.
    Invalid,
    /// Nobody knows the key.
    KeyUnknown,
    /// The key had expired when it was made.
    KeyExpired,
    /// The key is revoked, or belongs to somebody who is not active any more.
    KeyRevoked,
    /// It is of a kind that is not verified here, as X.509 is.
    KindUnknown,
}

impl BadSignature {
    /// Each of them.
    pub const ALL: [Self; 5] =
        [Self::Invalid, Self::KeyUnknown, Self::KeyExpired, Self::KeyRevoked, Self::KindUnknown];
}

/// What a ref is to name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tip {
    /// A tag object.
    Tag {
        /// Who made it.
        tagger: Identity,
        /// What its signature is worth.
        signature: SignatureState,
    },
    /// Something else: a commit, in nearly every case.
    Other,
}
