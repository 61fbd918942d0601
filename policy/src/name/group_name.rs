use std::{cmp::Ordering, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::printable::Printable;

/// A group as a source names it, written `source:group`, so that the same name from two sources can never be
/// confused. Compared exactly: identity providers differ in how they fold case, and a guess would be a grant.
///
/// Clones share the text: half a million people name a few thousand groups.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct GroupName {
    text: Arc<str>,
    /// How long the source's name is, which has no `:`.
    source: usize,
}

/// Why a text is no [`GroupName`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GroupNameError {
    /// There is no `:`.
    #[error("`{0}` names no source: a group is written `source:group`, as in `okta:eng`")]
    NoSource(String),
    /// The part before `:` is not a source's name.
    #[error("`{0}`: a source's name is 1 to 64 lower-case letters, digits, `-` or `_`")]
    Source(String),
    /// The part after `:` is not a group's name.
    #[error("`{0}`: a group's name is 1 to 512 bytes without control characters or white space at an end")]
    Name(String),
}

impl GroupName {
    /// Parses `source:group`; the group's own name may hold further colons.
    ///
    /// # Errors
    /// When the source is missing, or either part breaks its rules.
    pub fn parse(text: &str) -> Result<Self, GroupNameError> {
        let shown = || Printable::new(text).to_string();
        let (source, name) = text.split_once(':').ok_or_else(|| GroupNameError::NoSource(shown()))?;
        let source_character = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if !(1..=64).contains(&source.len()) || !source.chars().all(source_character) {
            return Err(GroupNameError::Source(shown()));
        }
        if !(1..=512).contains(&name.len()) || name.chars().any(char::is_control) || name.trim() != name {
            return Err(GroupNameError::Name(shown()));
        }
        Ok(Self { text: text.into(), source: source.len() })
    }

    /// The source, as in `okta`.
    pub fn source(&self) -> &str {
        self.text.get(..self.source).unwrap_or_default()
    }

    /// The group's name at that source.
    pub fn name(&self) -> &str {
        self.text.get(self.source + 1..).unwrap_or_default()
    }
}

/// By source, and then by name: `:` is no letter of either.
impl Ord for GroupName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.source().cmp(other.source()).then_with(|| self.name().cmp(other.name()))
    }
}

impl PartialOrd for GroupName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for GroupName {
    type Err = GroupNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source(), Printable::new(self.name().as_bytes()))
    }
}

impl fmt::Debug for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupName({self})")
    }
}

impl Serialize for GroupName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for GroupName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::GroupName;

    #[test]
    fn source_and_name() {
        let group = GroupName::parse("ad:Release: Managers").unwrap();
        assert_eq!((group.source(), group.name()), ("ad", "Release: Managers"));
        for text in ["eng", ":eng", "okta:", "Okta:eng", "okta: eng", "okta:e\ng"] {
            assert!(GroupName::parse(text).is_err(), "{text}");
        }
    }

    /// As a pair is ordered, whatever stands between the two in the text.
    #[test]
    fn the_order_is_by_source_and_then_by_name() {
        let mut groups = ["a:b", "a-x:a", "a:", "ab:a", "a:a:z", "a:a"].map(GroupName::parse);
        groups.sort_by_key(|group| {
            group.as_ref().ok().map(|group| (group.source().to_owned(), group.name().to_owned()))
        });
        let pairs: Vec<_> = groups.into_iter().flatten().collect();
        assert_eq!(pairs.len(), 5);
        assert!(pairs.is_sorted_by(|a, b| a < b), "{pairs:?}");
    }
}
