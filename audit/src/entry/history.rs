//! What a verdict rested on of the new commits of an update.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use sha2::{Digest as _, Sha256};

/// What was asked of the new commits of one update in view of some refs, and what the hook told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// The refs to which the commits are new, by patterns as the policy writes them.
    pub refs: Vec<String>,
    /// The paths that change; absent when they were not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Listed<Text>>,
    /// The files that are new; absent when they were not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Listed<NewFile>>,
    /// The new commits; absent when they were not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commits: Option<Listed<Commit>>,
    /// Whether the commits' signatures were asked for; absent when they were not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub signatures: bool,
    /// What the ref was to name; absent when that was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tip: Option<Tip>,
}

impl History {
    /// Puts the digests of its lists in their place.
    pub fn digest_lists(&mut self) {
        let Self { refs: _, paths, files, commits, signatures: _, tip: _ } = self;
        paths.iter_mut().for_each(Listed::digest);
        files.iter_mut().for_each(Listed::digest);
        commits.iter_mut().for_each(Listed::digest);
    }
}

/// What a ref was to name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Tip {
    /// A tag object.
    Tag {
        /// Who made it.
        tagger: Named,
        /// What its signature was worth.
        signature: Signature,
    },
    /// Something else.
    Other,
    /// It could not be read.
    Unreadable,
}

/// A list, or how long it is where it is too long for an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed<T> {
    /// How many the hook told; a path that came twice counts twice.
    pub told: u64,
    /// How the list went on.
    pub end: End,
    /// All that were told; absent when they are too many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<T>>,
    /// Where `all` is absent: the SHA-256 of what would stand there, as it would be written, in hexadecimal; absent
    /// when the daemon did not hold that either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl<T: Serialize> Listed<T> {
    pub(super) fn digest(&mut self) {
        // Texts and numbers cannot fail to be written.
        if let Some(json) = self.all.take().and_then(|all| serde_json::to_vec(&all).ok()) {
            self.sha256 = Some(hex::encode(Sha256::digest(json)));
        }
    }
}

/// How a list went on when the verdict was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// It was complete.
    Complete,
    /// More might have followed, and could have changed nothing.
    Open,
    /// What followed could not be read.
    Unreadable,
}

/// A file with content that was not there before at its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewFile {
    /// The path.
    pub path: Text,
    /// Its size in bytes.
    pub size: u64,
}

/// A new commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// Its id, in hexadecimal.
    pub id: String,
    /// The first line of its message.
    pub subject: Text,
    /// Who wrote it.
    pub author: Named,
    /// Who committed it.
    pub committer: Named,
    /// How many parents it has.
    pub parents: u64,
    /// Whether its message is signed off.
    pub signed_off: bool,
    /// Whether it is a merge that has the ref's old tip behind another parent than the first.
    pub foreign: bool,
    /// What its signature was worth.
    pub signature: Signature,
}

/// Whom a commit names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Named {
    /// By an e-mail.
    Email(String),
    /// By something that is no e-mail of anybody's, as it can be shown.
    NoEmail(String),
}

/// What a signature was worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Signature {
    /// There was none, or nobody asked.
    Absent,
    /// It was good.
    Good {
        /// Whose key it was made with.
        by: String,
    },
    /// It was good, by the file of allowed signers.
    GoodByAddress {
        /// To which address the file gives the key.
        address: String,
    },
    /// It was not to be relied upon.
    Bad {
        /// The code of the reason: `signature-key-expired`.
        cause: String,
        /// Why, in words.
        why: String,
    },
}

/// Bytes that are text as a rule: a string where they are UTF-8, and `{"b64":"…"}` (standard base64) only where they
/// are not, so that they have one spelling.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "Spelling")]
pub struct Text(Vec<u8>);

impl Text {
    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0.escape_ascii())
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                let mut field = serializer.serialize_map(Some(1))?;
                field.serialize_entry("b64", &STANDARD.encode(&self.0))?;
                field.end()
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Spelling {
    Text(String),
    Base64 { b64: String },
}

impl TryFrom<Spelling> for Text {
    type Error = TextError;

    fn try_from(spelling: Spelling) -> Result<Self, TextError> {
        match spelling {
            Spelling::Text(text) => Ok(Self(text.into_bytes())),
            Spelling::Base64 { b64 } => match STANDARD.decode(&b64) {
                Ok(bytes) if std::str::from_utf8(&bytes).is_err() => Ok(Self(bytes)),
                Ok(_) | Err(_) => Err(TextError { b64 }),
            },
        }
    }
}

/// A `b64` that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("b64 `{b64}` is not padded standard base64 of bytes that are no UTF-8")]
pub struct TextError {
    /// What stood there.
    pub b64: String,
}
