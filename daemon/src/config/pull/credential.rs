use std::{fmt, path::PathBuf};

use super::{absolute, fault, text, written};
use crate::config::ConfigError;

/// How an application of ours shows who it is, where it asks for tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// By a secret, in a file.
    Secret(PathBuf),
    /// By what it signs with a key (RFC 7523): nobody but us ever has what shows it.
    Key(ClientKey),
}

/// A private key of ours, of which the other side knows the public half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientKey {
    /// The file with the key, PEM.
    pub key: PathBuf,
    /// By what the other side knows it.
    pub known_by: KnownBy,
}

/// By what the other side finds the public half of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownBy {
    /// By a name (`kid`); `None`: it has only one of us.
    Id(Option<String>),
    /// By the certificate in this file (`x5t#S256`).
    Certificate(PathBuf),
}

impl Credential {
    /// Its lines in a section.
    pub(super) fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(path) => writeln!(f, "client_secret_file = {}", written(path)),
            Self::Key(key) => key.show(f),
        }
    }
}

impl ClientKey {
    /// A key in an absolute path.
    pub(super) fn new(key: &'static str, path: PathBuf, known_by: KnownBy) -> Result<Self, ConfigError> {
        Ok(Self { key: absolute(key, path)?, known_by })
    }

    /// Its lines in a section.
    pub(super) fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "key = {}", written(&self.key))?;
        match &self.known_by {
            KnownBy::Id(Some(id)) => writeln!(f, "key_id = {}", text(id)),
            KnownBy::Id(None) => writeln!(f, "# key_id: the application has one key"),
            KnownBy::Certificate(path) => writeln!(f, "certificate = {}", written(path)),
        }
    }
}

/// The name of a key, as it stands in the head of what is signed.
pub(super) fn key_id(key: &'static str, id: String) -> Result<String, ConfigError> {
    if (1..=255).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(id);
    }
    Err(fault(key, "the name of a key is 1 to 255 visible ASCII characters"))
}
