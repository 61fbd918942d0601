//! The keys of a log: the one that signs, its public half, and the one that is to follow while the log is told of it.

use std::{
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use oam_audit::{Name, files::VERIFIER, keys::SigningKey};

use super::{SHARED, read_if_there, replace, sync_folder};
use crate::audit_log::open::OpenError;

const KEY: &str = "checkpoint.key";
/// The key that is to follow.
const NEXT_KEY: &str = "checkpoint.key.next";

/// For this user only.
const SECRET: u32 = 0o600;

/// The files of keys in the folder of a log. Whoever uses them holds the folder.
#[derive(Debug)]
pub(in crate::audit_log) struct KeyFiles<'a>(pub(in crate::audit_log) &'a Path);

impl KeyFiles<'_> {
    /// The signing key; none when no log was begun here. A key that others could have read or that is not for `name`
    /// is refused.
    pub(in crate::audit_log) fn read(&self, name: &Name) -> Result<Option<SigningKey>, OpenError> {
        let Some(key) = self.read_secret(KEY, name)? else { return Ok(None) };
        self.check_verifier(&key)?;
        Ok(Some(key))
    }

    /// Stores the key of a log that begins, its public half first.
    pub(in crate::audit_log) fn write(&self, key: &SigningKey) -> Result<(), OpenError> {
        self.write_verifier(key)?;
        self.write_secret(KEY, key)
    }

    /// The key that is to follow; none when nobody was about to rotate.
    pub(in crate::audit_log) fn read_next(&self, name: &Name) -> Result<Option<SigningKey>, OpenError> {
        self.read_secret(NEXT_KEY, name)
    }

    pub(in crate::audit_log) fn write_next(&self, key: &SigningKey) -> Result<(), OpenError> {
        self.write_secret(NEXT_KEY, key)
    }

    /// Nobody was told of it.
    pub(in crate::audit_log) fn forget_next(&self) -> Result<(), OpenError> {
        let path = self.0.join(NEXT_KEY);
        let forgotten = std::fs::remove_file(&path).and_then(|()| sync_folder(self.0));
        forgotten.map_err(OpenError::io("remove", &path))
    }

    /// The next key is the key: the public half last, since it follows from the other.
    pub(in crate::audit_log) fn take_next(&self, key: &SigningKey) -> Result<(), OpenError> {
        let public = self.0.join(VERIFIER);
        match std::fs::remove_file(&public) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(OpenError::io("remove", &public)(error));
            }
            _ => {}
        }
        let path = self.0.join(KEY);
        std::fs::rename(self.0.join(NEXT_KEY), &path).map_err(OpenError::io("replace", &path))?;
        self.write_verifier(key)
    }

    fn read_secret(&self, file: &str, name: &Name) -> Result<Option<SigningKey>, OpenError> {
        let path = self.0.join(file);
        let Some(text) = read_if_there(&path)? else { return Ok(None) };
        let mode = path.metadata().map_err(OpenError::io("look at", &path))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(OpenError::KeyExposed { path, mode });
        }
        let key: SigningKey = match text.trim_end().parse() {
            Ok(key) => key,
            Err(source) => return Err(OpenError::Key { path, source }),
        };
        if key.verifier().name() == name {
            return Ok(Some(key));
        }
        let found = key.verifier().name().clone();
        Err(OpenError::KeyName { path, found, wanted: name.clone() })
    }

    fn write_secret(&self, file: &str, key: &SigningKey) -> Result<(), OpenError> {
        let text = format!("{}\n", key.expose_secret_text());
        replace(self.0, file, text.as_bytes(), SECRET).map_err(OpenError::io("write", &self.0.join(file)))
    }

    /// The public half follows from the secret one: it is written when missing, and refused when it is another's.
    fn check_verifier(&self, key: &SigningKey) -> Result<(), OpenError> {
        let path: PathBuf = self.0.join(VERIFIER);
        match read_if_there(&path)? {
            Some(found) if found.trim_end() == key.verifier().to_string() => Ok(()),
            Some(_) => Err(OpenError::VerifierDiffers { path }),
            None => self.write_verifier(key),
        }
    }

    fn write_verifier(&self, key: &SigningKey) -> Result<(), OpenError> {
        let text = format!("{}\n", key.verifier());
        replace(self.0, VERIFIER, text.as_bytes(), SHARED)
            .map_err(OpenError::io("write", &self.0.join(VERIFIER)))
    }
}
