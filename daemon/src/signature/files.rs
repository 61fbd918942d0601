use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use oam_fetch::files::{self, Mark};
use oam_policy::facts::Unreadable;
use ssh_key::Fingerprint;
use tokio::{sync::Notify, time};

use super::{
    Signatures,
    signers::{self, Signer, Signers},
};
use crate::{
    aside::{PATIENCE, aside, patiently},
    backoff::Again,
};

/// How often the files are looked at, as the policy's are.
const EVERY: Duration = Duration::from_millis(500);
/// How long a file may be.
const MAX_FILE: u64 = 16 << 20;
/// How many faults of one file are told.
const MAX_FAULTS: usize = 10;

/// The files that say more of keys than the directory does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignatureFiles {
    /// Who may sign with which SSH key, as `ssh-keygen` reads it.
    pub allowed_signers: Option<PathBuf>,
    /// SSH keys that nobody may sign with any more.
    pub revoked_keys: Option<PathBuf>,
}

/// What the files say.
#[derive(Debug)]
pub(super) struct Files {
    /// The error is for people: a file that was never read.
    signers: Result<Arc<Signers>, String>,
    revoked: Result<Arc<BTreeSet<Fingerprint>>, String>,
}

/// The files, all of which were read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Readable<'a> {
    signers: &'a Signers,
    revoked: &'a BTreeSet<Fingerprint>,
}

impl Files {
    /// Reads the files. One that is faulty says what it said in `before`.
    pub(super) fn read(places: &SignatureFiles, before: Option<&Self>) -> (Self, Vec<String>) {
        let signers = read(places.allowed_signers.as_deref(), signers::parse);
        Self::of(signers, read(places.revoked_keys.as_deref(), revoked), before)
    }

    /// What is known of files that do not answer.
    pub(super) fn silent(places: &SignatureFiles, before: Option<&Self>) -> (Self, Vec<String>) {
        Self::of(silent(places.allowed_signers.as_deref()), silent(places.revoked_keys.as_deref()), before)
    }

    fn of(
        signers: Result<Signers, String>,
        revoked: Result<BTreeSet<Fingerprint>, String>,
        before: Option<&Self>,
    ) -> (Self, Vec<String>) {
        let mut faults = Vec::new();
        let signers = signers.map(Arc::new).or_else(|fault| {
            faults.push(told("allowed_signers", &fault, before.is_some_and(|before| before.signers.is_ok())));
            before.map_or(Err(fault), |before| before.signers.clone())
        });
        let revoked = revoked.map(Arc::new).or_else(|fault| {
            faults.push(told("revoked_keys", &fault, before.is_some_and(|before| before.revoked.is_ok())));
            before.map_or(Err(fault), |before| before.revoked.clone())
        });
        (Self { signers, revoked }, faults)
    }

    /// What they say.
    ///
    /// # Errors
    /// When one of them was never read: a key that it would have named is not unknown, and one that it would have
    /// revoked not good.
    pub(super) fn readable(&self) -> Result<Readable<'_>, Unreadable> {
        let unreadable = |why: &String| Unreadable { why: why.clone() };
        let signers = self.signers.as_ref().map_err(unreadable)?;
        Ok(Readable { signers, revoked: self.revoked.as_ref().map_err(unreadable)? })
    }
}

impl<'a> Readable<'a> {
    pub(super) fn signers(self, key: Fingerprint) -> &'a [Signer] {
        self.signers.get(&key).map_or(&[], Vec::as_slice)
    }

    pub(super) fn is_revoked(self, key: Fingerprint) -> bool {
        self.revoked.contains(&key)
    }
}

fn told(key: &str, fault: &str, has_one_before: bool) -> String {
    let meanwhile = if has_one_before {
        "what it said before stays in force"
    } else {
        "SSH signatures cannot be verified, so pushes that depend on them are undecided"
    };
    format!("`signatures.{key}`: {fault}; {meanwhile}")
}

fn silent<T: Default>(path: Option<&Path>) -> Result<T, String> {
    let Some(path) = path else { return Ok(T::default()) };
    Err(format!(
        "`{}` does not answer for {} seconds; it is read when it does",
        path.display(),
        PATIENCE.as_secs()
    ))
}

/// Nothing, where there is no such file.
fn read<T: Default>(
    path: Option<&Path>,
    parse: impl Fn(&str) -> Result<T, Vec<String>>,
) -> Result<T, String> {
    let Some(path) = path else { return Ok(T::default()) };
    let shown = path.display();
    let text = files::read_file(path, MAX_FILE).map_err(|error| error.to_string())?;
    parse(&text).map_err(|faults| {
        let more = faults.len().saturating_sub(MAX_FAULTS);
        let more = if more == 0 { String::new() } else { format!("; and {more} more") };
        let first: Vec<_> = faults.into_iter().take(MAX_FAULTS).collect();
        format!("`{shown}` is faulty: {}{more}", first.join("; "))
    })
}

/// Reads revoked keys: one public key a line.
fn revoked(text: &str) -> Result<BTreeSet<Fingerprint>, Vec<String>> {
    if text.starts_with("SSHKRL") {
        return Err(vec!["it is a binary list (KRL): give the public keys themselves, one a line".into()]);
    }
    let (mut revoked, mut faults) = (BTreeSet::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match signers::key(line) {
            Ok(key) => {
                revoked.insert(key);
            }
            Err(fault) => faults.push(format!("line {}: {fault}", number + 1)),
        }
    }
    if faults.is_empty() { Ok(revoked) } else { Err(faults) }
}

/// What tells whether a file has changed.
pub(super) type Marks = [Option<Mark>; 2];

pub(super) fn marks(places: &SignatureFiles) -> Marks {
    [&places.allowed_signers, &places.revoked_keys].map(|path| Mark::of(path.as_ref()?))
}

/// Loads the files when they have changed and lain still for one look, or at once when `now` is notified.
pub(super) async fn follow(signatures: &Signatures, now: &Notify) {
    let places = &signatures.0.places;
    if *places == SignatureFiles::default() {
        return;
    }
    // What changed since the start is a change, and what could not be read then is read when it can be.
    let mut loaded = signatures.0.at_start;
    let mut seen = loaded;
    let mut again: Option<Again> = None;
    loop {
        let asked = tokio::select! {
            () = time::sleep(EVERY) => false,
            () = now.notified() => true,
        };
        let looked = places.clone();
        let late = || signatures.tell_silence();
        let current = patiently(aside(move || marks(&looked)), PATIENCE, late).await;
        if current.was_late {
            loaded = None;
        }
        let still = current.what == seen;
        seen = current.what;
        let is_due = again.as_ref().is_some_and(Again::is_due);
        if !(asked || (still && (is_due || loaded != seen))) {
            continue;
        }
        loaded = seen;
        let reading = signatures.clone();
        let late = || signatures.tell_silence();
        let read = patiently(aside(move || reading.reload()), PATIENCE, late).await;
        again = (read.what != Some(true)).then(|| Again::after(again));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::Path,
        thread,
        time::{Duration, SystemTime},
    };

    use super::{super::Signatures, Files, SignatureFiles, marks};

    #[test]
    fn a_file_that_is_replaced_by_one_as_long_and_as_old_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("revoked"), folder.path().join("other"));
        let write = |path: &Path, text: &str| {
            fs::write(path, text).unwrap();
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        };
        write(&file, "one");
        write(&other, "two");
        let places = SignatureFiles { revoked_keys: Some(file.clone()), ..Default::default() };
        let before = marks(&places);
        assert_eq!(marks(&places), before);
        fs::rename(&other, &file).unwrap();
        assert_ne!(marks(&places), before);
    }

    #[test]
    fn what_is_no_text_or_no_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("allowed");
        fs::write(&file, b"# keys\n\xff").unwrap();
        for (path, why) in [(file.as_path(), "line 2, column 1"), (Path::new("/dev/zero"), "it is a device")]
        {
            let places = SignatureFiles { allowed_signers: Some(path.to_owned()), ..Default::default() };
            let (_, faults) = Files::read(&places, None);
            assert!(faults.iter().any(|fault| fault.contains(why)), "{faults:?}");
        }
    }

    /// As of a mount that hangs when the daemon is started.
    #[tokio::test]
    async fn silence_stops_no_start_and_is_told_until_they_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("revoked");
        fs::write(&file, "").unwrap();
        let places = SignatureFiles { revoked_keys: Some(file), ..Default::default() };
        let reading = places.clone();
        let signatures = Signatures::start_by(places, Duration::from_millis(20), move || {
            thread::sleep(Duration::from_secs(60));
            (marks(&reading), Files::read(&reading, None))
        });
        assert!(signatures.warnings()[0].contains("does not answer"), "{:?}", signatures.warnings());
        assert!(signatures.0.files.load().readable().is_err());
        let following = tokio::spawn(signatures.clone().follow(Default::default()));
        while !signatures.warnings().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(signatures.0.files.load().readable().is_ok());
        signatures.tell_silence();
        assert!(signatures.warnings()[0].contains("what it said before stays in force"));
        following.abort();
    }
}
