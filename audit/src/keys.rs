//! The two halves of a log's Ed25519 key, in the text forms of C2SP signed-note and Go's `sumdb/note`.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::Signer;
use sha2::{Digest, Sha256};

use crate::{Name, NameError};

/// The signature type of plain Ed25519 (C2SP signed-note, "Signature types"): of logs.
pub(crate) const ED25519: u8 = 0x01;
/// The signature type of timestamped Ed25519 (C2SP tlog-cosignature): of witnesses.
pub(crate) const COSIGNATURE: u8 = 0x04;
/// What Go's `sumdb/note` puts before a private key.
const PRIVATE: &str = "PRIVATE+KEY+";

/// Four bytes that tell the keys of one name apart; no protection by themselves.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyId([u8; 4]);

impl KeyId {
    /// SHA-256(name || 0x0A || type || public key), its first four bytes.
    fn of(name: &Name, kind: u8, public: &ed25519_dalek::VerifyingKey) -> Self {
        let hash = Sha256::new()
            .chain_update(name.as_str())
            .chain_update([b'\n', kind])
            .chain_update(public.as_bytes())
            .finalize();
        let [a, b, c, d, ..]: [u8; 32] = hash.into();
        Self([a, b, c, d])
    }

    pub(crate) const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a node signs its checkpoints with. A secret: it is wiped when dropped, and prints as `***`.
#[derive(Debug)]
pub struct SigningKey(Secret<ED25519>);

/// What a log's checkpoints are verified with. Printed and parsed as `name+id+base64`.
pub type VerifierKey = Public<ED25519>;

/// What a witness signs the checkpoints of others with. A secret, as [`SigningKey`].
#[derive(Debug)]
pub struct CosigningKey(pub(crate) Secret<COSIGNATURE>);

/// What the signatures of a witness are verified with. Printed and parsed as `name+id+base64`.
pub type CosignerKey = Public<COSIGNATURE>;

impl SigningKey {
    /// The key of the log `name` from 32 bytes of good randomness (RFC 8032, section 5.1.5).
    #[must_use]
    pub fn from_seed(name: Name, seed: &[u8; 32]) -> Self {
        Self(Secret::from_seed(name, seed))
    }

    /// What others verify its signatures with.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.0.public
    }

    /// The secret in clear, `PRIVATE+KEY+name+id+base64`: for the key file, and for nothing else.
    #[must_use]
    pub fn expose_secret_text(&self) -> String {
        self.0.expose_secret_text()
    }

    pub(crate) fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.0.sign(text)
    }
}

impl CosigningKey {
    /// The key of the witness `name` from 32 bytes of good randomness.
    #[must_use]
    pub fn from_seed(name: Name, seed: &[u8; 32]) -> Self {
        Self(Secret::from_seed(name, seed))
    }

    /// What others verify its signatures with.
    #[must_use]
    pub fn verifier(&self) -> &CosignerKey {
        &self.0.public
    }

    /// The secret in clear, as [`SigningKey::expose_secret_text`].
    #[must_use]
    pub fn expose_secret_text(&self) -> String {
        self.0.expose_secret_text()
    }
}

impl FromStr for SigningKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        text.parse().map(Self)
    }
}

impl FromStr for CosigningKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        text.parse().map(Self)
    }
}

/// An Ed25519 secret for signatures of one kind.
pub(crate) struct Secret<const KIND: u8> {
    key: ed25519_dalek::SigningKey,
    public: Public<KIND>,
}

impl<const KIND: u8> Secret<KIND> {
    fn from_seed(name: Name, seed: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let public = Public::new(name, key.verifying_key());
        Self { key, public }
    }

    fn expose_secret_text(&self) -> String {
        let Public { name, id, .. } = &self.public;
        format!("{PRIVATE}{name}+{id}+{}", typed_base64(KIND, &self.key.to_bytes()))
    }

    pub(crate) fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.key.sign(text).to_bytes()
    }
}

impl<const KIND: u8> FromStr for Secret<KIND> {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parts = KeyParts::parse(text.strip_prefix(PRIVATE).ok_or(KeyError::Form)?, KIND)?;
        let key = Self::from_seed(parts.name, &parts.bytes);
        key.public.check_id(parts.id)?;
        Ok(key)
    }
}

impl<const KIND: u8> fmt::Debug for Secret<KIND> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("public", &self.public).field("key", &format_args!("***")).finish()
    }
}

/// The public half of a key for signatures of one kind. Printed and parsed as `name+id+base64`.
#[derive(Clone, PartialEq, Eq)]
pub struct Public<const KIND: u8> {
    name: Name,
    id: KeyId,
    key: ed25519_dalek::VerifyingKey,
}

impl<const KIND: u8> Public<KIND> {
    fn new(name: Name, key: ed25519_dalek::VerifyingKey) -> Self {
        Self { id: KeyId::of(&name, KIND, &key), name, key }
    }

    /// The log or witness that it speaks for.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    pub(crate) fn id(&self) -> KeyId {
        self.id
    }

    /// Whether `signature` is this key's over `text`. Strict: no small-order keys, no second signature for one text.
    pub(crate) fn accepts(&self, text: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text, &signature).is_ok())
    }

    fn check_id(&self, stated: KeyId) -> Result<(), KeyError> {
        if stated == self.id {
            Ok(())
        } else {
            Err(KeyError::Id { stated: stated.to_string(), computed: self.id.to_string() })
        }
    }
}

impl<const KIND: u8> FromStr for Public<KIND> {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parts = KeyParts::parse(text, KIND)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&parts.bytes).map_err(|_| KeyError::Point)?;
        let verifier = Self::new(parts.name, key);
        verifier.check_id(parts.id)?;
        Ok(verifier)
    }
}

impl<const KIND: u8> fmt::Display for Public<KIND> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, self.id, typed_base64(KIND, self.key.as_bytes()))
    }
}

impl<const KIND: u8> fmt::Debug for Public<KIND> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `name+id+base64(type || 32 bytes)`, taken apart.
struct KeyParts {
    name: Name,
    id: KeyId,
    bytes: [u8; 32],
}

impl KeyParts {
    fn parse(text: &str, kind: u8) -> Result<Self, KeyError> {
        // Base64 may hold a `+` too, so only the first two divide.
        let mut fields = text.splitn(3, '+');
        let (Some(name), Some(id), Some(base64)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(KeyError::Form);
        };
        let name = name.parse()?;
        let mut id_bytes = [0; 4];
        hex::decode_to_slice(id, &mut id_bytes).map_err(|_| KeyError::Form)?;
        let typed = STANDARD.decode(base64).map_err(|_| KeyError::Form)?;
        match typed.split_first() {
            Some((&found, key)) if found == kind => {
                let bytes = key.try_into().map_err(|_| KeyError::Form)?;
                Ok(Self { name, id: KeyId::from_bytes(id_bytes), bytes })
            }
            Some((&found, _)) => Err(KeyError::Type { found, wanted: kind }),
            None => Err(KeyError::Form),
        }
    }
}

fn typed_base64(kind: u8, key: &[u8; 32]) -> String {
    let mut typed = vec![kind];
    typed.extend_from_slice(key);
    STANDARD.encode(typed)
}

/// Why a text is not a key. It never repeats the text, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The fields are not there.
    #[error("log key is not of the form `name+id+base64`; copy it whole, on one line")]
    Form,
    /// The name is not one.
    #[error("log key has no valid name: {0}")]
    Name(#[from] NameError),
    /// Another kind of key.
    #[error(
        "log key has signature type {found:#04x}, and {wanted:#04x} is needed: 0x01 is that of a log, 0x04 that of a witness"
    )]
    Type {
        /// The type byte.
        found: u8,
        /// The one that it should be.
        wanted: u8,
    },
    /// The bytes are no point of the curve.
    #[error("log key is not an Ed25519 public key; copy it again from where it is published")]
    Point,
    /// The id belongs to another name or key.
    #[error(
        "log key states id `{stated}`, but its name and bytes give `{computed}`; copy it again, it was altered"
    )]
    Id {
        /// What it states.
        stated: String,
        /// What it should be.
        computed: String,
    },
}
