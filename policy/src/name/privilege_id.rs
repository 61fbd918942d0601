use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use thiserror::Error;

/// The id of something that somebody was given for a while, short enough to be read out: `7k2m9x`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrivilegeId(Box<str>);

/// A text is no such id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an id is 4 to 32 lower-case letters and digits, as `oam grant list` shows it")]
pub struct PrivilegeIdError;

impl PrivilegeId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Of something that is only supposed; longer than any that is given out.
    pub(crate) fn supposed() -> Self {
        Self("supposed".into())
    }

    /// Reads an id.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, PrivilegeIdError> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if is_plain && (4..=32).contains(&text.len()) { Ok(Self(text.into())) } else { Err(PrivilegeIdError) }
    }
}

impl FromStr for PrivilegeId {
    type Err = PrivilegeIdError;

    fn from_str(text: &str) -> Result<Self, PrivilegeIdError> {
        Self::parse(text)
    }
}

impl fmt::Display for PrivilegeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PrivilegeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivilegeId({})", self.0)
    }
}

impl Serialize for PrivilegeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::PrivilegeId;

    #[test]
    fn ids_are_short_and_plain() {
        assert!(PrivilegeId::parse("7k2m9x").is_ok());
        for text in ["", "abc", "A234", "a-23", "a 23", "ä234", &"a".repeat(33)] {
            assert!(PrivilegeId::parse(text).is_err(), "{text}");
        }
    }
}
