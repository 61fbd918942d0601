use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use oam_fetch::Secret;

/// A secret in a file: another one that is put there is used from then on, and a faulty one is not.
#[derive(Debug)]
pub(crate) struct SecretFile {
    path: PathBuf,
    shortest: usize,
    held: Mutex<(Option<SystemTime>, Secret)>,
}

impl SecretFile {
    /// Reads the file, which must hold as many characters.
    ///
    /// # Errors
    /// When it cannot be read, or holds fewer.
    pub(crate) fn open(path: &Path, shortest: usize) -> Result<Self, String> {
        let changed = changed(path);
        let secret = read(path, shortest)?;
        Ok(Self { path: path.to_owned(), shortest, held: Mutex::new((changed, secret)) })
    }

    /// The secret, read again where the file is another.
    pub(crate) fn current(&self) -> Secret {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = changed(&self.path);
        if now != held.0 {
            held.0 = now;
            match read(&self.path, self.shortest) {
                Ok(secret) => held.1 = secret,
                Err(why) => {
                    tracing::warn!(path = %self.path.display(), why, "the secret before it stays in use");
                }
            }
        }
        held.1.clone()
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn read(path: &Path, shortest: usize) -> Result<Secret, String> {
    let text = fs::read_to_string(path).map_err(|error: io::Error| error.to_string())?;
    let secret = Secret::new(text.trim());
    if secret.reveal().len() < shortest {
        return Err(format!("it takes {shortest} characters at least"));
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use std::{fs, time::SystemTime};

    use super::SecretFile;

    #[test]
    fn another_is_used_from_then_on_and_a_faulty_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        assert!(SecretFile::open(&path, 4).is_err());
        let mut second = 0;
        let mut put = |text: &str| {
            fs::write(&path, text).unwrap();
            // The clock of the file system may not have moved on.
            second += 1;
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second);
            fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        };
        put("first\n");
        let secret = SecretFile::open(&path, 4).unwrap();
        put("second\n");
        assert_eq!(secret.current().reveal(), "second");
        put("");
        assert_eq!(secret.current().reveal(), "second");
        fs::remove_file(&path).unwrap();
        assert_eq!(secret.current().reveal(), "second");
        fs::write(&path, "third\n").unwrap();
        assert_eq!(secret.current().reveal(), "third");
        assert!(!format!("{secret:?}").contains("third"));
    }
}
