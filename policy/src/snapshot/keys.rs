//! The public keys with which people sign. Each is kept in one form however it was written, so that two snapshots with
//! the same keys have the same digest. What is read here is the form alone: arithmetic is left to whoever verifies.

mod armor;
mod openpgp;
mod ssh;

use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;

pub use openpgp::OpenPgpKey;
pub use ssh::SshKey;

use super::hash_text;

/// How many keys of each kind somebody may have.
pub const MAX_KEYS: usize = 64;
/// How long the text of one key may be.
pub const MAX_KEY_LEN: usize = 64 << 10;

/// The public keys of one person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Keys {
    /// Of SSH.
    pub ssh: Vec<SshKey>,
    /// Of OpenPGP.
    pub openpgp: Vec<OpenPgpKey>,
}

/// Why a text is no key that can be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Nobody should have seen it.
    #[error(
        "this is a private key: take it out of the file, make a new one, and give the public half of that"
    )]
    Private,
    /// Longer than [`MAX_KEY_LEN`].
    #[error("a key has {MAX_KEY_LEN} characters at most, this one {0}")]
    TooLong(usize),
    /// A certificate, whose authority is not known.
    #[error("this is a certificate: give the key itself, of the kind `{0}`")]
    Certificate(String),
    /// No SSH key by its first word.
    #[error(
        "`{0}` is no kind of SSH key that is accepted: `ssh-ed25519`, `ecdsa-sha2-nistp256` (384, 521), `ssh-rsa`, \
         `sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`"
    )]
    Kind(String),
    /// It is not written as its kind is.
    #[error("this is no public key: {0}")]
    Malformed(&'static str),
    /// Too weak, or larger than anybody needs.
    #[error("this RSA key has {0} bits: 2048 to 4096 are accepted")]
    RsaBits(usize),
    /// Of OpenPGP, of a version that is not verified.
    #[error("this key is of version {0} of the format: 4 and 6 are accepted")]
    Version(u8),
}

impl Keys {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ssh.is_empty() && self.openpgp.is_empty()
    }

    pub(super) fn hash_into(&self, hasher: &mut Sha256) {
        use sha2::Digest as _;
        // No length prefix, as all else begins with: who has no keys has the digest of before there were any.
        hasher.update([0xff; 8]);
        hasher.update((self.ssh.len() as u64).to_be_bytes());
        for key in &self.ssh {
            hash_text(hasher, key.as_str());
        }
        hasher.update((self.openpgp.len() as u64).to_be_bytes());
        for key in &self.openpgp {
            hasher.update((key.as_bytes().len() as u64).to_be_bytes());
            hasher.update(key.as_bytes());
        }
    }
}

fn bounded(text: &str) -> Result<&str, KeyError> {
    let text = text.trim();
    if text.len() > MAX_KEY_LEN {
        return Err(KeyError::TooLong(text.len()));
    }
    if text.contains("PRIVATE KEY") {
        return Err(KeyError::Private);
    }
    Ok(text)
}
