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
            SignatureState::Bad { why } => why.len(),
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
    /// It is good, and made by the committer, in a question that nobody has pushed.
    GoodByCommitter,
    /// It is not to be relied upon.
    Bad {
        /// Why, for people: `the key has expired`.
        why: String,
    },
}
