use oam_policy::{ObjectId, printable::Printable};
use thiserror::Error;

use super::{Kind, changes::BadTree};
use crate::git_child::GitError;

/// How many characters of a library's own words are passed on.
const SHOWN: usize = 200;

/// Why something in the repository could not be found out. It is never taken for "there is nothing".
#[derive(Debug, Error)]
pub enum Unreadable {
    /// It is not known where the objects are.
    #[error("the repository's object folders are not known")]
    NoFolders,
    /// An object folder cannot be opened.
    #[error("the object folder `{folder}` could not be opened: {why}")]
    Folder {
        /// Its path, made printable.
        folder: String,
        /// What the library said.
        why: String,
    },
    /// An object is not there.
    #[error("the object {0} is not in the repository")]
    Missing(ObjectId),
    /// An object is not there, in a partial clone, which was made without some.
    #[error(
        "the object {0} is not in the repository, which is a partial clone: what such a clone leaves out is not fetched \
         while a push waits"
    )]
    LeftOut(ObjectId),
    /// An object is there, and not as it should be.
    #[error("the object {id} could not be read: {why}")]
    Damaged {
        /// Which.
        id: ObjectId,
        /// What is wrong.
        why: String,
    },
    /// An object that nobody would make in earnest.
    #[error("the {kind} {id} has {size} bytes; at most {most} are read")]
    TooLarge {
        /// Which.
        id: ObjectId,
        /// What it is.
        kind: Kind,
        /// What its header says.
        size: u64,
        /// The limit.
        most: u64,
    },
    /// Trees that cannot be compared.
    #[error(transparent)]
    Tree(#[from] BadTree),
    /// Where commits, or files with a path, are to be looked at.
    #[error("the ref is to name the {kind} {id}, of which {} cannot be told", Untold(*kind))]
    NoCommit {
        /// What it is to name, tags peeled.
        id: ObjectId,
        /// What that is.
        kind: Kind,
    },
    /// A merge is looked at, and of what is not known.
    #[error("the git server does not say what would be merged")]
    NothingToMerge,
    /// More commits than are held in memory.
    #[error("more than {0} commits are new to the ref, too many to tell which merges are foreign")]
    ManyCommits(usize),
    /// Tags of tags without end.
    #[error("{0} is a tag of a tag of a tag")]
    Tags(ObjectId),
    /// More commits would have to be read than is reasonable within a push.
    #[error("the history is long, and has no commit-graph")]
    Long,
    /// The history is cut off, and what was asked lies behind the cut.
    #[error("the history is shallow")]
    Shallow,
    /// A ref, or a folder of refs.
    #[error("`{name}` could not be read in the repository: {why}")]
    Ref {
        /// Which, made printable.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// The file of the packed refs.
    #[error("`packed-refs` could not be read: {0}")]
    PackedRefs(String),
    /// More refs than are held in memory.
    #[error("too many refs match")]
    ManyRefs,
    /// No repository is known for git to look into.
    #[error("no repository is known to the hook, and {0}")]
    NoRepository(String),
    /// git cannot be run.
    #[error(transparent)]
    Git(#[from] GitError),
    /// git failed.
    #[error("git said: {0}")]
    Failed(String),
    /// The thread that reads the objects is gone.
    #[error("reading the objects broke off")]
    BrokenOff,
}

impl Unreadable {
    /// Whether git may know more. What is missing is so for git as well, and it would read what is too large.
    pub(super) fn is_gits_to_try(&self) -> bool {
        match self {
            Self::NoFolders | Self::Folder { .. } | Self::Damaged { .. } | Self::Long | Self::BrokenOff => {
                true
            }
            Self::Missing(_)
            | Self::LeftOut(_)
            | Self::TooLarge { .. }
            | Self::Tree(_)
            | Self::NoCommit { .. }
            | Self::NothingToMerge
            | Self::ManyCommits(_)
            | Self::Tags(_)
            | Self::Shallow
            | Self::Ref { .. }
            | Self::PackedRefs(_)
            | Self::ManyRefs
            | Self::NoRepository(_)
            | Self::Git(_)
            | Self::Failed(_) => false,
        }
    }

    pub(super) fn folder(folder: &std::path::Path, why: String) -> Self {
        Self::Folder { folder: Printable::new(folder.as_os_str().as_encoded_bytes()).to_string(), why }
    }

    pub(super) fn bad_ref(name: &[u8], why: impl std::fmt::Display) -> Self {
        Self::Ref { name: Printable::new(name).to_string(), why: words(why) }
    }

    /// It is something else than it must be where it is named.
    pub(crate) fn not_a(id: ObjectId, found: Kind, expected: Kind) -> Self {
        Self::damaged(id, format_args!("it is a {found}, where a {expected} is expected"))
    }

    pub(crate) fn damaged(id: ObjectId, why: impl std::fmt::Display) -> Self {
        Self::Damaged { id, why: words(why) }
    }
}

/// What of something that is no commit cannot be told.
struct Untold(Kind);

impl std::fmt::Display for Untold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0 == Kind::Tree { "the commits" } else { "commits or paths" })
    }
}

/// What a library says, in one line, made printable and kept short.
pub(super) fn words(error: impl std::fmt::Display) -> String {
    let said = error.to_string();
    let first = said.lines().next().unwrap_or_default();
    Printable::new(first.as_bytes()).to_string().chars().take(SHOWN).collect()
}
