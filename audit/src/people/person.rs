//! One person: a name, and the random bytes that their alias and the seals of what they wrote follow from.

use std::fmt;

use ring::hmac;
use serde::{Deserialize, Serialize};

use super::Alias;

/// How many random bytes a person has.
pub const SECRET_BYTES: usize = 32;

/// One person.
///
/// The alias is the HMAC-SHA-256 of the name by the secret, cut to 16 bytes. So whoever is handed a line of the table can
/// see that this name belongs to this alias, and nobody can find it out by trying names, with the secret gone.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    name: String,
    secret: [u8; SECRET_BYTES],
    alias: Alias,
}

/// A line of the table.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row<'a> {
    alias: String,
    secret: String,
    #[serde(borrow)]
    name: std::borrow::Cow<'a, str>,
}

impl Person {
    /// A person of that name, with 32 random bytes that nobody else has.
    #[must_use]
    pub fn new(name: &str, secret: [u8; SECRET_BYTES]) -> Self {
        let tag = mac(&secret, b"alias", &[name.as_bytes()]);
        let alias = tag.first_chunk().copied().unwrap_or_default();
        Self { name: name.to_owned(), secret, alias: Alias::new(alias) }
    }

    /// The name, in the spelling that came first.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What stands in entries in the place of the name.
    #[must_use]
    pub fn alias(&self) -> Alias {
        self.alias
    }

    /// The line of the table, with its line feed.
    #[must_use]
    pub fn line(&self) -> String {
        let row = Row {
            alias: self.alias.digits(),
            secret: hex::encode(self.secret),
            name: self.name.as_str().into(),
        };
        // Texts cannot fail to be written.
        serde_json::to_string(&row).unwrap_or_default() + "\n"
    }

    /// Reads a line of the table, without its line feed. A line of which a bit was flipped is none: the alias would not
    /// follow from the rest.
    ///
    /// # Errors
    /// When it is none.
    pub fn of_line(line: &[u8]) -> Result<Self, PersonError> {
        let row: Row<'_> = serde_json::from_slice(line).map_err(|_| PersonError::Shape)?;
        let mut secret = [0; SECRET_BYTES];
        hex::decode_to_slice(&row.secret, &mut secret).map_err(|_| PersonError::Shape)?;
        let person = Self::new(&row.name, secret);
        if person.alias.digits() == row.alias { Ok(person) } else { Err(PersonError::Alias) }
    }

    /// A key that takes this person's secret to be had, and the one before.
    pub(super) fn chain(&self, before: &[u8; SECRET_BYTES]) -> [u8; SECRET_BYTES] {
        mac(&self.secret, b"words", &[before])
    }
}

/// HMAC-SHA-256, of texts that are told apart by what they are for.
pub(super) fn mac(key: &[u8; SECRET_BYTES], purpose: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    context.update(purpose);
    context.update(&[0]);
    parts.iter().for_each(|part| context.update(part));
    context.sign().as_ref().first_chunk().copied().unwrap_or_default()
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person {{ name: {:?}, alias: {:?}, secret: *** }}", self.name, self.alias)
    }
}

/// Why a line is not that of a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    /// It is not JSON of this shape.
    #[error("it is not what this program writes there")]
    Shape,
    /// The alias does not follow from the rest.
    #[error("its alias does not follow from its name and its secret: a part of it was changed")]
    Alias,
}
