use std::fmt;

use thiserror::Error;

use crate::printable::Printable;

/// The hash function of a repository's object ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectFormat {
    /// 20 bytes, 40 hexadecimal digits.
    Sha1,
    /// 32 bytes, 64 hexadecimal digits.
    Sha256,
}

/// The id of an object that exists: SHA-1 or SHA-256, and never the zero id, which git uses to say "no object".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectId {
    /// An id in a SHA-1 repository.
    Sha1([u8; 20]),
    /// An id in a SHA-256 repository.
    Sha256([u8; 32]),
}

/// Why bytes are no [`ObjectId`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ObjectIdError {
    /// Neither 40 nor 64 hexadecimal digits.
    #[error("`{0}` is no object id: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits are expected")]
    NotHex(String),
    /// Neither 20 nor 32 bytes.
    #[error("an object id of {0} bytes: 20 (SHA-1) or 32 (SHA-256) are expected")]
    Length(usize),
    /// The zero id, where an object must be named.
    #[error("the zero object id names no object")]
    Zero,
}

impl ObjectId {
    /// Parses lower-case hexadecimal digits as git writes them; the zero id is `None`.
    ///
    /// # Errors
    /// [`ObjectIdError::NotHex`] for anything but 40 or 64 lower-case hexadecimal digits.
    pub fn parse_hex_or_zero(text: &[u8]) -> Result<Option<Self>, ObjectIdError> {
        let not_hex = || ObjectIdError::NotHex(Printable::new(text.get(..80).unwrap_or(text)).to_string());
        if text.iter().any(u8::is_ascii_uppercase) {
            return Err(not_hex());
        }
        let bytes = hex::decode(text).map_err(|_| not_hex())?;
        match Self::from_bytes(&bytes) {
            Ok(id) => Ok(Some(id)),
            Err(ObjectIdError::Zero) => Ok(None),
            Err(_) => Err(not_hex()),
        }
    }

    /// Parses lower-case hexadecimal digits that must name an object.
    ///
    /// # Errors
    /// As [`Self::parse_hex_or_zero`], and [`ObjectIdError::Zero`].
    pub fn parse_hex(text: &[u8]) -> Result<Self, ObjectIdError> {
        Self::parse_hex_or_zero(text)?.ok_or(ObjectIdError::Zero)
    }

    /// Takes the 20 or 32 raw bytes of an id.
    ///
    /// # Errors
    /// [`ObjectIdError::Length`] or [`ObjectIdError::Zero`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ObjectIdError> {
        if !bytes.is_empty() && bytes.iter().all(|byte| *byte == 0) && matches!(bytes.len(), 20 | 32) {
            return Err(ObjectIdError::Zero);
        }
        if let Ok(sha1) = bytes.try_into() {
            return Ok(Self::Sha1(sha1));
        }
        bytes.try_into().map(Self::Sha256).map_err(|_| ObjectIdError::Length(bytes.len()))
    }

    /// The raw bytes: 20 or 32.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha1(bytes) => bytes,
            Self::Sha256(bytes) => bytes,
        }
    }

    /// Which hash function made the id.
    pub fn format(&self) -> ObjectFormat {
        match self {
            Self::Sha1(_) => ObjectFormat::Sha1,
            Self::Sha256(_) => ObjectFormat::Sha256,
        }
    }

    /// The first 10 hexadecimal digits, for people.
    pub fn short(&self) -> String {
        hex::encode(self.as_bytes()).chars().take(10).collect()
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.as_bytes()))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::{ObjectFormat, ObjectId, ObjectIdError};

    #[test]
    fn both_hash_functions_and_the_zero_id() {
        let sha1 = ObjectId::parse_hex(b"0123456789abcdef0123456789abcdef01234567").unwrap();
        assert_eq!(sha1.format(), ObjectFormat::Sha1);
        assert_eq!(sha1.to_string(), "0123456789abcdef0123456789abcdef01234567");
        let sha256 = ObjectId::parse_hex(&[b'a'; 64]).unwrap();
        assert_eq!(sha256.format(), ObjectFormat::Sha256);
        assert_eq!(ObjectId::parse_hex_or_zero(&[b'0'; 40]), Ok(None));
        assert_eq!(ObjectId::parse_hex_or_zero(&[b'0'; 64]), Ok(None));
        assert_eq!(ObjectId::parse_hex(&[b'0'; 40]), Err(ObjectIdError::Zero));
    }

    #[test]
    fn nothing_else_is_an_id() {
        for text in [&b""[..], b"0", &[b'a'; 39], &[b'a'; 41], &[b'A'; 40], &[b'g'; 40], &[b'a'; 62]] {
            assert!(matches!(ObjectId::parse_hex_or_zero(text), Err(ObjectIdError::NotHex(_))), "{text:?}");
        }
    }
}
