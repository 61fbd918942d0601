use std::{collections::BTreeSet, fmt};

use serde::Serialize;

use super::{PathSet, Pattern, PatternError, pattern::split_exclusion, regex::RegexPattern};
use crate::glob::Glob;

/// What each new commit must be like. The default asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct CommitChecks {
    /// The committer's e-mail is one of the pusher's.
    pub committer_is_pusher: bool,
    /// The author's e-mail is that of an active user of the directory.
    pub author_known: bool,
    /// A signature that is good, with a key of the committer.
    pub signed: bool,
    /// What the first line of the message is like.
    pub message: Option<MessagePattern>,
    /// A line `Signed-off-by:` by the author or the committer.
    pub sign_off: bool,
    /// How large a new file may be, in bytes.
    pub max_blob: Option<u64>,
    /// Paths that may not be there.
    pub forbid_paths: Option<PathSet>,
    /// Extensions that no file may have, in lower case; compared without regard to ASCII case.
    pub forbid_extensions: BTreeSet<String>,
    /// No merges.
    pub linear: bool,
    /// The ref's old tip stays on its line of first parents: no merge on that line has it behind another parent.
    pub no_foreign_merges: bool,
    /// How many new commits there may be, merges among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_commits: Option<u64>,
}

impl CommitChecks {
    /// Whether they ask for nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether no file may have `extension`.
    pub fn forbids_extension(&self, extension: &[u8]) -> bool {
        self.forbid_extensions.iter().any(|forbidden| forbidden.as_bytes().eq_ignore_ascii_case(extension))
    }
}

/// One of the checks; each has its own reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommitCheck {
    /// [`CommitChecks::committer_is_pusher`]
    CommitterIsPusher,
    /// [`CommitChecks::author_known`]
    AuthorKnown,
    /// [`CommitChecks::signed`]
    Signed,
    /// [`CommitChecks::message`]
    Message,
    /// [`CommitChecks::sign_off`]
    SignOff,
    /// [`CommitChecks::max_blob`]
    MaxBlob,
    /// [`CommitChecks::forbid_paths`]
    ForbidPaths,
    /// [`CommitChecks::forbid_extensions`]
    ForbidExtensions,
    /// [`CommitChecks::linear`]
    Linear,
    /// [`CommitChecks::no_foreign_merges`]
    NoForeignMerges,
    /// [`CommitChecks::max_commits`]
    MaxCommits,
}

/// First lines that there can be, as different as they come: hardly a pattern matches all of them.
const POSSIBLE: [&[u8]; 6] = [b"", b"a", b"A-1 fix a/b", b"Merge branch 'x' into y.", b"{[(*", b"\xff\xfe"];

/// A pattern over the first line of a message: `re:…`, or a glob, in which `/` is a character like any other but for
/// `*` and `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagePattern(Pattern);

impl MessagePattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// When it is faulty.
    pub fn parse(source: &str) -> Result<Self, PatternError> {
        if let (true, _) = split_exclusion(source) {
            return Err(PatternError::ExcludingMessage);
        }
        let pattern = match source.strip_prefix("re:") {
            Some(regex) => Pattern::Regex(RegexPattern::parse(regex)?),
            None if source.contains("${") => return Err(PatternError::UserInPath),
            None => Pattern::Glob(Glob::parse(source)?),
        };
        Ok(Self(pattern))
    }

    /// Whether the whole of `subject` is like that.
    pub fn matches(&self, subject: &[u8]) -> bool {
        self.0.matches(subject, "")
    }

    /// Whether every first line that there can be is like that, also that of a commit without a message; `None`: nobody can
    /// tell.
    pub(crate) fn is_of_all(&self) -> Option<bool> {
        if !POSSIBLE.iter().all(|subject| self.matches(subject)) {
            return Some(false);
        }
        let plainly = match &self.0 {
            Pattern::Glob(glob) => glob.is_of_all(),
            Pattern::Regex(regex) => regex.as_str() == "re:.*",
        };
        plainly.then_some(true)
    }

    /// What it costs to keep: see [`crate::file::MAX_SIGNS`].
    pub(crate) fn weight(&self) -> usize {
        self.0.weight()
    }
}

impl fmt::Display for MessagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Serialize for MessagePattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::MessagePattern;

    fn is_of_all(source: &str) -> Option<bool> {
        MessagePattern::parse(source).unwrap().is_of_all()
    }

    #[test]
    fn what_every_message_is_like_is_known_where_it_is_plain() {
        for (source, expected) in [
            // A commit may have no message.
            ("**", Some(false)),
            ("*", Some(false)),
            ("A-*", Some(false)),
            ("**/*", Some(true)),
            ("{**,}", Some(true)),
            ("{A-*,*,**}", Some(true)),
            ("**/**/*", None),
        ] {
            assert_eq!(is_of_all(source), expected, "{source}");
        }
    }

    #[test]
    #[cfg(feature = "regex")]
    fn so_it_is_of_regular_expressions() {
        for (source, expected) in
            [("re:.*", Some(true)), ("re:.+", Some(false)), (r"re:[^\n]*", None), ("re:(.*)", None)]
        {
            assert_eq!(is_of_all(source), expected, "{source}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_of_all_matches_whatever_comes(text in "[a/]{0,6}", subject: Vec<u8>) {
            for source in ["**/*", "{**,}", "{A-*,*,**}"] {
                let pattern = MessagePattern::parse(source).unwrap();
                proptest::prop_assert!(pattern.matches(&subject) && pattern.matches(text.as_bytes()), "{}", source);
            }
        }
    }
}
