//! What stands in the place of a name.

use std::{fmt, str::FromStr};

/// What stands in an entry in the place of a name: ` person:` and 32 hexadecimal digits.
///
/// It begins with a space, which no username does, so that nobody can be called like another's alias.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Alias([u8; Self::BYTES]);

impl Alias {
    /// How long it is, in bytes.
    pub const BYTES: usize = 16;

    /// From the bytes that it is made of.
    pub(super) fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Its digits alone.
    #[must_use]
    pub fn digits(&self) -> String {
        hex::encode(self.0)
    }

    /// Reads its digits alone.
    pub(super) fn of_digits(text: &str) -> Option<Self> {
        let mut bytes = [0; Self::BYTES];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        let alias = Self(bytes);
        // Of two spellings only one is written.
        (alias.digits() == text).then_some(alias)
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " person:{}", self.digits())
    }
}

impl fmt::Debug for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

impl FromStr for Alias {
    type Err = NoAlias;

    fn from_str(text: &str) -> Result<Self, NoAlias> {
        text.strip_prefix(" person:").and_then(Self::of_digits).ok_or(NoAlias)
    }
}

/// A text is no alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an alias is ` person:` and 32 hexadecimal digits")]
pub struct NoAlias;
