use std::{
    borrow::{Borrow, Cow},
    fmt,
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use smol_str::SmolStr;
use thiserror::Error;

use crate::printable::Printable;

/// A username as Bitbucket gives it (`BB_USER_NAME`): 1 to 255 bytes of text without control characters.
/// It keeps the spelling it was given; compare by [`Username::key`], since Bitbucket folds case. It is cheap to clone, and
/// mostly lies where its holder lies: every decision names somebody.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Username {
    text: SmolStr,
    /// Whether it is the same in lower case: most names are, and each decision asks.
    is_folded: bool,
}

/// A username folded to lower case: what users are found and compared by.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UsernameKey(Box<str>);

/// Why a text is no [`Username`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UsernameError {
    /// No name at all.
    #[error("the username is empty")]
    Empty,
    /// More than 255 bytes, as given or in lower case.
    #[error("the username is {0} bytes long in lower case; 255 are allowed")]
    TooLong(usize),
    /// Control characters, or white space around it.
    #[error("`{0}` is no username: it has a control character, or white space at an end")]
    Character(String),
}

impl Username {
    /// Parses a username.
    ///
    /// # Errors
    /// When it is empty, longer than 255 bytes, or holds a control character.
    pub fn parse(text: &str) -> Result<Self, UsernameError> {
        if text.is_empty() {
            return Err(UsernameError::Empty);
        }
        // Folding can lengthen a name (`İ`), and the folded one must be a name again.
        let folded = text.to_lowercase();
        let length = text.len().max(folded.len());
        if length > 255 {
            return Err(UsernameError::TooLong(length));
        }
        if text.chars().any(char::is_control) || text.trim() != text {
            return Err(UsernameError::Character(Printable::new(text).to_string()));
        }
        Ok(Self { text: text.into(), is_folded: folded == text })
    }

    /// Somebody of whom nothing is known but what they hold. In a ref that is asked about, `${user}` stands for them.
    pub(crate) fn anybody() -> Self {
        Self { text: "${user}".into(), is_folded: true }
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name folded for comparison.
    pub fn key(&self) -> UsernameKey {
        UsernameKey(self.folded().into())
    }

    /// The text of [`Self::key`]: mostly the name as it is.
    #[inline]
    pub(crate) fn folded(&self) -> Cow<'_, str> {
        if self.is_folded { Cow::Borrowed(&self.text) } else { Cow::Owned(self.text.to_lowercase()) }
    }
}

impl UsernameKey {
    /// The folded name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Keys are hashed and ordered as their texts are.
impl Borrow<str> for UsernameKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for Username {
    type Err = UsernameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for Username {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Username {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for UsernameKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable::new(self.as_str()).fmt(f)
    }
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Username({self})")
    }
}

impl fmt::Debug for UsernameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UsernameKey({})", Printable::new(self.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::Username;

    #[test]
    fn case_folds_beyond_ascii() {
        let key = |text| Username::parse(text).unwrap().key();
        assert_eq!(key("Alice"), key("aLICE"));
        assert_eq!(key("ÉLODIE"), key("élodie"));
        assert_ne!(key("alice"), key("аlice"), "a Cyrillic look-alike is somebody else");
    }

    #[test]
    fn what_is_no_username() {
        for text in ["", " alice", "alice\n", "al\u{0}ice", "a\u{9b}b", &"x".repeat(256), &"İ".repeat(127)] {
            assert!(Username::parse(text).is_err(), "{text:?}");
        }
        assert!(Username::parse("access-token-user/2/11754").is_ok());
    }
}
