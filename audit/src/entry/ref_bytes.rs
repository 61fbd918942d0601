//! The name of a ref, as the bytes that git was given.

use std::{borrow::Cow, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};

/// The name of a ref. Git's ref names are bytes, and so is what we record.
///
/// Within an entry it is the field `ref` when the bytes are UTF-8, and `ref_b64` (standard base64) only when they
/// are not, so that each name has one spelling. Meant to be flattened into the object that holds it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "Spelling")]
pub struct RefBytes(Vec<u8>);

impl RefBytes {
    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The name for reading, with U+FFFD for what is not UTF-8. It may hold control characters: escape it before
    /// it reaches a terminal.
    #[must_use]
    pub fn to_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl From<Vec<u8>> for RefBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for RefBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<&str> for RefBytes {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl fmt::Debug for RefBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0.escape_ascii())
    }
}

impl Serialize for RefBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut field = serializer.serialize_map(Some(1))?;
        match std::str::from_utf8(&self.0) {
            Ok(text) => field.serialize_entry("ref", text)?,
            Err(_) => field.serialize_entry("ref_b64", &STANDARD.encode(&self.0))?,
        }
        field.end()
    }
}

#[derive(Deserialize)]
enum Spelling {
    #[serde(rename = "ref")]
    Text(String),
    #[serde(rename = "ref_b64")]
    Base64(String),
}

impl TryFrom<Spelling> for RefBytes {
    type Error = RefBytesError;

    fn try_from(spelling: Spelling) -> Result<Self, RefBytesError> {
        match spelling {
            Spelling::Text(text) => Ok(Self(text.into_bytes())),
            Spelling::Base64(text) => match STANDARD.decode(&text) {
                Ok(bytes) if std::str::from_utf8(&bytes).is_err() => Ok(Self(bytes)),
                Ok(_) => Err(RefBytesError::NeedlessBase64 { text }),
                Err(_) => Err(RefBytesError::Base64 { text }),
            },
        }
    }
}

/// Why a `ref_b64` is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefBytesError {
    /// It is not standard base64 (RFC 4648, section 4, padded).
    #[error("ref_b64 `{text}` is not standard base64; write it padded, with `+` and `/`")]
    Base64 {
        /// What stood there.
        text: String,
    },
    /// Its bytes are UTF-8 and belong into `ref`.
    #[error("ref_b64 `{text}` is valid UTF-8; write it as `ref`")]
    NeedlessBase64 {
        /// What stood there.
        text: String,
    },
}
