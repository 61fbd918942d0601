use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use crate::{
    RootsError,
    connect::{self, Config},
};

/// Whose certificates are believed. Another file that is put in the place of the one with the authorities counts from the next
/// connection on, and a faulty one does not: then those of before do.
#[derive(Debug, Clone)]
pub(crate) struct Authorities(Arc<Inner>);

#[derive(Debug)]
enum Inner {
    System(Config),
    File { path: PathBuf, held: Mutex<(Option<Stamp>, Config)> },
}

/// What tells a file from the one that was in its place before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    file: u64,
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(Self { file: metadata.ino(), length: metadata.len(), modified: metadata.modified().ok() })
    }
}

impl Authorities {
    /// Those in `file`, or else the system's.
    ///
    /// # Errors
    /// When there are none.
    pub(crate) fn open(file: Option<&Path>) -> Result<Self, RootsError> {
        let inner = match file {
            None => Inner::System(connect::tls(None)?),
            Some(path) => {
                // Before it is read: one that is put there meanwhile is read once more.
                let stamp = Stamp::of(path);
                let held = Mutex::new((stamp, connect::tls(Some(path))?));
                Inner::File { path: path.to_owned(), held }
            }
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Our side of TLS, by the file as it is now.
    pub(crate) fn current(&self) -> Config {
        let (path, held) = match &*self.0 {
            Inner::System(config) => return Arc::clone(config),
            Inner::File { path, held } => (path, held),
        };
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Stamp::of(path);
        if now != held.0 {
            held.0 = now;
            if let Ok(config) = connect::tls(Some(path)) {
                held.1 = config;
            }
        }
        Arc::clone(&held.1)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use super::Authorities;

    fn authority() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::default();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters.self_signed(&key).unwrap().pem()
    }

    #[test]
    fn another_file_counts_from_then_on_and_a_faulty_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let put = |text: &str| {
            let draft = folder.path().join("draft");
            fs::write(&draft, text).unwrap();
            fs::rename(&draft, &path).unwrap();
        };
        assert!(Authorities::open(Some(&path)).is_err());
        put(&authority());
        let authorities = Authorities::open(Some(&path)).unwrap();
        let first = authorities.current();
        assert!(Arc::ptr_eq(&first, &authorities.clone().current()), "it is read once");
        put("no authority\n");
        assert!(Arc::ptr_eq(&first, &authorities.current()));
        fs::remove_file(&path).unwrap();
        assert!(Arc::ptr_eq(&first, &authorities.current()));
        put(&authority());
        assert!(!Arc::ptr_eq(&first, &authorities.current()));
    }
}
