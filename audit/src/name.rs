//! The name of a node and of its log.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// The name of a log and of the node that writes it, such as `oam.example.com/node-1`.
///
/// One to 255 visible ASCII characters without `+`, `"` and `\`. That is stricter than the signed-note
/// specification (C2SP signed-note, "Format") asks of a key name, so that a name stands unescaped in JSON, in a
/// note and in a key, and no look-alike character can name the same log twice.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(Arc<str>);

impl Name {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 255;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.len() > Self::MAX_BYTES {
            return Err(NameError::Length { bytes: text.len() });
        }
        match text.chars().find(|c| !c.is_ascii_graphic() || matches!(c, '+' | '"' | '\\')) {
            Some(character) => Err(NameError::Character { name: text.to_owned(), character }),
            None => Ok(Self(text.into())),
        }
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// Why a text is not a [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, or too long.
    #[error(
        "log name has {bytes} bytes; use 1 to {} characters, such as `oam.example.com/node-1`",
        Name::MAX_BYTES
    )]
    Length {
        /// How long it was.
        bytes: usize,
    },
    /// A character that a note, a key or JSON would have to escape.
    #[error("log name {name:?} contains {character:?}; use visible ASCII without `+`, `\"` and `\\`")]
    Character {
        /// The whole text.
        name: String,
        /// The first character that is not allowed.
        character: char,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_visible_ascii() {
        for good in ["a", "oam.example.com/node-1", "~!@#", &"x".repeat(255)] {
            assert_eq!(good.parse::<Name>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a+b", "a\"b", "a\\b", "a\nb", "é", "a\u{7f}", &"x".repeat(256)] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
    }
}
