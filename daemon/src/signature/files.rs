use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use oam_policy::facts::Unreadable;
use ssh_key::Fingerprint;
use tokio::sync::Notify;

use super::{
    followed::{Beginning, File, Followed, KeyFile, Says},
    signers::{self, Signer, Signers},
};

/// The keys that are revoked.
type Revoked = BTreeSet<Fingerprint>;

/// The files that say more of keys than the directory does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignatureFiles {
    /// Who may sign with which SSH key, as `ssh-keygen` reads it.
    pub allowed_signers: Option<PathBuf>,
    /// SSH keys that nobody may sign with any more.
    pub revoked_keys: Option<PathBuf>,
}

/// The files, each of which is followed by itself.
#[derive(Debug)]
pub(super) struct FollowedFiles {
    signers: Followed<Signers>,
    revoked: Followed<Revoked>,
}

/// What the files say at one moment.
#[derive(Debug)]
pub(super) struct Files {
    signers: Arc<Says<Signers>>,
    revoked: Arc<Says<Revoked>>,
}

/// The files, all of which were read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Readable<'a> {
    signers: &'a Signers,
    revoked: &'a Revoked,
}

impl FollowedFiles {
    /// Reads the files, for no longer than `patience` in all.
    pub(super) fn start(places: SignatureFiles, patience: Duration) -> Self {
        let SignatureFiles { allowed_signers, revoked_keys } = places;
        let signers =
            Beginning::of("allowed_signers", allowed_signers.map(|path| key_file(path, signers::parse)));
        let revoked = Beginning::of("revoked_keys", revoked_keys.map(|path| key_file(path, revoked)));
        let until = Instant::now() + patience;
        Self { signers: signers.wait(until), revoked: revoked.wait(until) }
    }

    /// Follows the files for ever; `now` reads all of them again.
    pub(super) async fn follow(&self, now: &Notify) {
        let (signers, revoked) = (Notify::new(), Notify::new());
        let pass_on = async {
            loop {
                now.notified().await;
                signers.notify_one();
                revoked.notify_one();
            }
        };
        tokio::join!(self.signers.follow(&signers), self.revoked.follow(&revoked), pass_on);
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        [self.signers.warning(), self.revoked.warning()].into_iter().flatten().collect()
    }

    pub(super) fn say(&self) -> Files {
        Files { signers: self.signers.says(), revoked: self.revoked.says() }
    }
}

fn key_file<T: std::fmt::Debug + 'static>(
    path: PathBuf,
    parse: fn(&str) -> Result<T, Vec<String>>,
) -> Arc<dyn File<T>> {
    Arc::new(KeyFile { path, parse })
}

impl Files {
    /// Whether nothing was read between the two.
    pub(super) fn are(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.signers, &other.signers) && Arc::ptr_eq(&self.revoked, &other.revoked)
    }

    /// What they say.
    ///
    /// # Errors
    /// When one of them was never read: a key that it would have named is not unknown, and one that it would have
    /// revoked not good.
    pub(super) fn readable(&self) -> Result<Readable<'_>, Unreadable> {
        let unreadable = |why: &String| Unreadable { why: why.clone() };
        let signers = self.signers.as_ref().as_ref().map_err(unreadable)?;
        Ok(Readable { signers, revoked: self.revoked.as_ref().as_ref().map_err(unreadable)? })
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

/// Reads revoked keys: one public key a line.
fn revoked(text: &str) -> Result<Revoked, Vec<String>> {
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

#[cfg(test)]
mod tests {
    use std::{
        fs,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        thread,
        time::{Duration, Instant},
    };

    use oam_fetch::files::Mark;
    use tokio::{sync::Notify, time};

    use super::{Beginning, File, FollowedFiles, SignatureFiles, key_file, revoked};

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIamSMGAINwjAJA9MU7TxV5QrhMr3GuOvCgL1ZLmMjr6";

    async fn until(is_so: impl Fn() -> bool) {
        let waiting = async {
            while !is_so() {
                time::sleep(Duration::from_millis(20)).await;
            }
        };
        time::timeout(Duration::from_secs(60), waiting).await.expect("it comes to it");
    }

    #[tokio::test]
    async fn one_that_is_faulty_holds_up_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let [signers, revoked] = ["signers", "revoked"].map(|name| folder.path().join(name));
        fs::write(&signers, "faulty").unwrap();
        fs::write(&revoked, "").unwrap();
        let places =
            SignatureFiles { allowed_signers: Some(signers.clone()), revoked_keys: Some(revoked.clone()) };
        let files = FollowedFiles::start(places, Duration::from_secs(60));
        let [warning] = files.warnings().try_into().unwrap();
        assert!(warning.starts_with("`signatures.allowed_signers`: "), "{warning}");
        let now = Notify::new();
        let story = async {
            let before = files.say();
            assert!(before.are(&files.say()));
            fs::write(&revoked, KEY).unwrap();
            until(|| !files.say().revoked.as_ref().as_ref().unwrap().is_empty()).await;
            assert!(!before.are(&files.say()));
            assert_eq!(files.warnings().len(), 1);
            fs::write(&signers, format!("a@example.com {KEY}")).unwrap();
            until(|| files.warnings().is_empty()).await;
            assert!(files.say().readable().is_ok());
        };
        tokio::select! {
            () = story => {}
            () = files.follow(&now) => panic!("they are followed for ever"),
        }
    }

    /// On a mount that hangs.
    #[derive(Debug)]
    struct Hanging;

    impl<T> File<T> for Hanging {
        fn mark(&self) -> Option<Mark> {
            thread::sleep(Duration::from_secs(60));
            None
        }

        fn read(&self) -> Result<T, String> {
            Err("it hangs".to_owned())
        }

        fn shown(&self) -> String {
            "hanging".to_owned()
        }
    }

    /// A key that is revoked is not good for as long as the other file is silent, be that since the start.
    #[tokio::test]
    async fn one_that_is_silent_holds_up_no_revocation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked");
        fs::write(&path, "").unwrap();
        let until = Instant::now() + Duration::from_secs(1);
        let signers = Beginning::of("allowed_signers", Some(Arc::new(Hanging)));
        let revoked = Beginning::of("revoked_keys", Some(key_file(path.clone(), revoked)));
        let files = FollowedFiles { signers: signers.wait(until), revoked: revoked.wait(until) };
        let [warning] = files.warnings().try_into().unwrap();
        assert!(warning.contains("`hanging` does not answer"), "{warning}");
        let now = Notify::new();
        let story = async {
            fs::write(&path, KEY).unwrap();
            self::until(|| !files.say().revoked.as_ref().as_ref().unwrap().is_empty()).await;
        };
        tokio::select! {
            () = story => {}
            () = files.follow(&now) => panic!("they are followed for ever"),
        }
    }

    /// A key that one of them would name is not unknown, and one that the other would revoke not good.
    #[test]
    fn until_both_were_read_nothing_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let [good, faulty] = ["good", "faulty"].map(|name| Some(folder.path().join(name)));
        fs::write(folder.path().join("good"), "").unwrap();
        fs::write(folder.path().join("faulty"), "faulty").unwrap();
        for (allowed_signers, revoked_keys, is_said) in
            [(&good, &good, true), (&good, &faulty, false), (&faulty, &good, false), (&None, &None, true)]
        {
            let places = SignatureFiles {
                allowed_signers: allowed_signers.clone(),
                revoked_keys: revoked_keys.clone(),
            };
            let files = FollowedFiles::start(places.clone(), Duration::from_secs(60));
            assert_eq!(files.say().readable().is_ok(), is_said, "{places:?}");
        }
    }

    /// A file of which is noted how often it was read.
    #[derive(Debug, Default)]
    struct Counted(AtomicUsize);

    impl<T: Default> File<T> for Counted {
        fn mark(&self) -> Option<Mark> {
            None
        }

        fn read(&self) -> Result<T, String> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(T::default())
        }

        fn shown(&self) -> String {
            "counted".to_owned()
        }
    }

    #[tokio::test]
    async fn a_signal_reads_each_of_them() {
        let counted = <[Arc<Counted>; 2]>::default();
        let until = Instant::now() + Duration::from_secs(60);
        let files = FollowedFiles {
            signers: Beginning::of("allowed_signers", Some(counted[0].clone())).wait(until),
            revoked: Beginning::of("revoked_keys", Some(counted[1].clone())).wait(until),
        };
        let now = Notify::new();
        let story = async {
            now.notify_one();
            self::until(|| counted.iter().all(|one| one.0.load(Ordering::SeqCst) == 2)).await;
        };
        tokio::select! {
            () = story => {}
            () = files.follow(&now) => panic!("they are followed for ever"),
        }
    }
}
