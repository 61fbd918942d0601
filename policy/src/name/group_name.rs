use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::printable::Printable;

/// A group as a source names it, written `source:group`, so that the same name from two sources can never be
/// confused. Compared exactly: identity providers differ in how they fold case, and a guess would be a grant.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupName {
    source: Box<str>,
    name: Box<str>,
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
        Ok(Self { source: source.into(), name: name.into() })
    }

    /// The source, as in `okta`.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The group's name at that source.
    pub fn name(&self) -> &str {
        &self.name
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
        write!(f, "{}:{}", self.source, Printable::new(self.name.as_bytes()))
    }
}

impl fmt::Debug for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupName({self})")
    }
}

impl Serialize for GroupName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}:{}", self.source, self.name))
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
}
