//! One file that says more of keys than the directory does, and is followed by itself: while it does not answer, all others
//! are read.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use oam_fetch::files::{self, Mark};
use tokio::sync::Notify;

use crate::{
    aside::{PATIENCE, aside, patiently},
    file_watch::FileWatch,
};

/// How long a file may be.
const MAX_FILE: u64 = 16 << 20;
/// How many faults of one file are told.
const MAX_FAULTS: usize = 10;

/// What a file says. The error is for people: it was never read.
pub(super) type Says<T> = Result<Arc<T>, String>;

/// A file, as it is looked at and read; either may take for ever.
pub(super) trait File<T>: fmt::Debug + Send + Sync {
    /// What tells whether it has changed.
    fn mark(&self) -> Option<Mark>;
    /// What it says, or what is wrong with it.
    fn read(&self) -> Result<T, String>;
    /// Where it is.
    fn shown(&self) -> String;
}

/// A file of keys.
#[derive(Debug)]
pub(super) struct KeyFile<T> {
    pub(super) path: PathBuf,
    pub(super) parse: fn(&str) -> Result<T, Vec<String>>,
}

impl<T: fmt::Debug> File<T> for KeyFile<T> {
    fn mark(&self) -> Option<Mark> {
        Mark::of(&self.path)
    }

    fn read(&self) -> Result<T, String> {
        let text = files::read_file(&self.path, MAX_FILE).map_err(|error| error.to_string())?;
        (self.parse)(&text).map_err(|faults| {
            let more = faults.len().saturating_sub(MAX_FAULTS);
            let more = if more == 0 { String::new() } else { format!("; and {more} more") };
            let first: Vec<_> = faults.into_iter().take(MAX_FAULTS).collect();
            format!("`{}` is faulty: {}{more}", self.shown(), first.join("; "))
        })
    }

    fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

/// What a file says, and what is wrong with it now.
#[derive(Debug)]
pub(super) struct Followed<T> {
    /// Its name in the configuration.
    key: &'static str,
    /// `None` where there is none, which says nothing.
    file: Option<Arc<dyn File<T>>>,
    patience: Duration,
    /// What it was like just before it was read first; `None` where it could not be read.
    at_start: Option<Option<Mark>>,
    /// After a change for the worse, what it said before.
    says: ArcSwap<Says<T>>,
    fault: ArcSwapOption<String>,
}

/// A file that is being read for the first time.
pub(super) struct Beginning<T> {
    key: &'static str,
    file: Option<Arc<dyn File<T>>>,
    told: mpsc::Receiver<(Option<Mark>, Result<T, String>)>,
}

impl<T: fmt::Debug + Default + Send + Sync + 'static> Beginning<T> {
    pub(super) fn of(key: &'static str, file: Option<Arc<dyn File<T>>>) -> Self {
        let (tell, told) = mpsc::channel();
        if let Some(file) = file.clone() {
            // Who asked may have gone on.
            drop(aside(move || tell.send((file.mark(), file.read())).is_ok()));
        }
        Self { key, file, told }
    }

    /// What came of it `until` then. That it does not answer stops no start.
    pub(super) fn wait(self, until: Instant) -> Followed<T> {
        let Self { key, file, told } = self;
        let followed = |at_start, says| Followed {
            key,
            file: file.clone(),
            patience: PATIENCE,
            at_start,
            says: ArcSwap::from_pointee(says),
            fault: ArcSwapOption::empty(),
        };
        let Some(of) = &file else { return followed(None, Ok(Arc::default())) };
        match told.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok((mark, Ok(said))) => followed(Some(mark), Ok(Arc::new(said))),
            Ok((_, Err(fault))) => followed(None, Err(fault.clone())).with_fault(&fault),
            Err(_) => {
                let fault = silence(of.as_ref());
                followed(None, Err(fault.clone())).with_fault(&fault)
            }
        }
    }
}

impl<T: fmt::Debug + Default + Send + Sync + 'static> Followed<T> {
    pub(super) fn says(&self) -> Arc<Says<T>> {
        self.says.load_full()
    }

    /// What is wrong with it, in a sentence.
    pub(super) fn warning(&self) -> Option<String> {
        self.fault.load().as_deref().cloned()
    }

    fn with_fault(self, fault: &str) -> Self {
        self.tell(fault);
        self
    }

    /// Tells what is wrong until it was read again.
    fn tell(&self, fault: &str) {
        let meanwhile = if self.says.load().is_ok() {
            "what it said before stays in force"
        } else {
            "SSH signatures cannot be verified, so pushes that depend on them are undecided"
        };
        let fault = format!("`signatures.{}`: {fault}; {meanwhile}", self.key);
        tracing::error!("{fault}");
        self.fault.store(Some(Arc::new(fault)));
    }

    /// Takes what was read. A file that has become faulty changes nothing.
    fn take(&self, read: Result<T, String>) {
        match read {
            Ok(said) => {
                tracing::info!(key = self.key, "the keys of signers were loaded");
                self.says.store(Arc::new(Ok(Arc::new(said))));
                self.fault.store(None);
            }
            Err(fault) => {
                // One that was never read is told by what is wrong with it now; the same is nothing new to whoever has it.
                if self.says.load().as_ref().as_ref().is_err_and(|before| *before != fault) {
                    self.says.store(Arc::new(Err(fault.clone())));
                }
                self.tell(&fault);
            }
        }
    }

    /// Loads the file whenever that is due; for ever.
    pub(super) async fn follow(&self, now: &Notify) {
        let Some(file) = &self.file else { return };
        let late = || self.tell(&silence(file.as_ref()));
        let mut watch = FileWatch::new(self.at_start);
        loop {
            let asked = watch.next(now).await;
            let looked = Arc::clone(file);
            let look = patiently(aside(move || looked.mark()), self.patience, late).await;
            if !watch.is_due(look, asked) {
                continue;
            }
            let reading = Arc::clone(file);
            let read = patiently(aside(move || reading.read()), self.patience, late).await.what;
            // Nothing comes of it where no thread can be had.
            let is_read = matches!(read, Some(Ok(_)));
            read.into_iter().for_each(|read| self.take(read));
            watch.was_read(None, !is_read);
        }
    }
}

fn silence<T>(file: &dyn File<T>) -> String {
    format!("`{}` does not answer for {} seconds; it is read when it does", file.shown(), PATIENCE.as_secs())
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
        sync::{
            Arc, Once,
            atomic::{AtomicBool, Ordering},
        },
        thread,
        time::{Duration, Instant},
    };

    use tokio::{sync::Notify, time};

    use super::{Beginning, File, Followed, KeyFile, Mark};

    /// Each line is a key.
    fn lines(text: &str) -> Result<Vec<String>, Vec<String>> {
        Ok(text.lines().map(str::to_owned).collect())
    }

    fn file(path: &Path) -> KeyFile<Vec<String>> {
        KeyFile { path: path.to_owned(), parse: lines }
    }

    fn begun(file: impl File<Vec<String>> + 'static, within: Duration) -> Followed<Vec<String>> {
        Beginning::of("revoked_keys", Some(Arc::new(file))).wait(Instant::now() + within)
    }

    /// On a mount that hangs meanwhile, for whoever looks or for whoever reads.
    #[derive(Debug, Clone)]
    struct OnMount {
        path: PathBuf,
        looks_hang: Arc<AtomicBool>,
        reads_hang: Arc<AtomicBool>,
    }

    impl OnMount {
        fn new(folder: &Path) -> Self {
            let path = folder.join("revoked");
            fs::write(&path, "one").unwrap();
            Self { path, looks_hang: Arc::default(), reads_hang: Arc::default() }
        }
    }

    impl File<Vec<String>> for OnMount {
        fn mark(&self) -> Option<Mark> {
            wait_while(&self.looks_hang);
            file(&self.path).mark()
        }

        fn read(&self) -> Result<Vec<String>, String> {
            wait_while(&self.reads_hang);
            file(&self.path).read()
        }

        fn shown(&self) -> String {
            file(&self.path).shown()
        }
    }

    fn wait_while(it_hangs: &AtomicBool) {
        while it_hangs.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(5));
        }
    }

    async fn until(followed: &Followed<Vec<String>>, is_so: impl Fn(&Followed<Vec<String>>) -> bool) {
        let waiting = async {
            while !is_so(followed) {
                time::sleep(Duration::from_millis(20)).await;
            }
        };
        time::timeout(Duration::from_secs(60), waiting).await.expect("it comes to it");
    }

    fn says(followed: &Followed<Vec<String>>, line: &str) -> bool {
        followed.says().as_ref().as_ref().is_ok_and(|said| **said == [line])
    }

    #[test]
    fn what_is_no_text_or_no_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("allowed");
        fs::write(&path, b"# keys\n\xff").unwrap();
        for (path, why) in [(path.as_path(), "line 2, column 1"), (Path::new("/dev/zero"), "it is a device")]
        {
            let followed = begun(file(path), Duration::from_secs(60));
            let warning = followed.warning().unwrap();
            assert!(warning.starts_with("`signatures.revoked_keys`: ") && warning.contains(why), "{warning}");
            assert!(followed.says().is_err());
        }
    }

    #[test]
    fn where_there_is_none_nothing_is_said() {
        let nothing = Beginning::<Vec<String>>::of("revoked_keys", None).wait(Instant::now());
        assert_eq!((nothing.warning(), nothing.says().as_ref().clone()), (None, Ok(Arc::default())));
    }

    /// As of a mount that hangs when the daemon is started, and whenever it is looked at or read later.
    #[tokio::test]
    async fn silence_is_told_until_it_is_read_and_stops_no_start() {
        let folder = tempfile::tempdir().unwrap();
        let mount = OnMount::new(folder.path());
        mount.reads_hang.store(true, Ordering::SeqCst);
        let mut followed = begun(mount.clone(), Duration::from_millis(20));
        let warning = followed.warning().unwrap();
        assert!(warning.contains("does not answer") && warning.contains("undecided"), "{warning}");
        assert!(followed.says().is_err());
        followed.patience = Duration::from_millis(20);
        mount.reads_hang.store(false, Ordering::SeqCst);
        let never = Notify::new();
        let story = async {
            until(&followed, |followed| followed.warning().is_none() && says(followed, "one")).await;
            for (hangs, next) in
                [(&mount.looks_hang, "two"), (&mount.reads_hang, "three"), (&mount.looks_hang, "four")]
            {
                hangs.store(true, Ordering::SeqCst);
                fs::write(&mount.path, next).unwrap();
                until(&followed, |followed| followed.warning().is_some()).await;
                let warning = followed.warning().unwrap();
                assert!(warning.contains("what it said before stays in force"), "{warning}");
                assert!(!says(&followed, next));
                hangs.store(false, Ordering::SeqCst);
                until(&followed, |followed| followed.warning().is_none() && says(followed, next)).await;
            }
        };
        tokio::select! {
            () = story => {}
            () = followed.follow(&never) => panic!("it is followed for ever"),
        }
    }

    /// It is silent for a moment, and is the same then: it is told no more.
    #[tokio::test]
    async fn what_was_silent_and_has_not_changed_is_told_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let mount = OnMount::new(folder.path());
        let mut followed = begun(mount.clone(), Duration::from_secs(60));
        followed.patience = Duration::from_millis(20);
        assert!(followed.warning().is_none() && says(&followed, "one"));
        let never = Notify::new();
        let story = async {
            mount.looks_hang.store(true, Ordering::SeqCst);
            until(&followed, |followed| followed.warning().is_some()).await;
            mount.looks_hang.store(false, Ordering::SeqCst);
            until(&followed, |followed| followed.warning().is_none()).await;
        };
        tokio::select! {
            () = story => {}
            () = followed.follow(&never) => panic!("it is followed for ever"),
        }
    }

    /// Whoever replaces it while it is read for the first time is heard.
    #[tokio::test]
    async fn what_changes_while_it_is_read_first_is_read_again() {
        /// Replaced as soon as it was read first.
        #[derive(Debug)]
        struct Replaced(KeyFile<Vec<String>>, Once);
        impl File<Vec<String>> for Replaced {
            fn mark(&self) -> Option<Mark> {
                self.0.mark()
            }
            fn read(&self) -> Result<Vec<String>, String> {
                let read = self.0.read();
                self.1.call_once(|| fs::write(&self.0.path, "next").unwrap());
                read
            }
            fn shown(&self) -> String {
                self.0.shown()
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked");
        fs::write(&path, "one").unwrap();
        let followed = begun(Replaced(file(&path), Once::new()), Duration::from_secs(60));
        assert!(says(&followed, "one"));
        let never = Notify::new();
        tokio::select! {
            () = until(&followed, |followed| says(followed, "next")) => {}
            () = followed.follow(&never) => panic!("it is followed for ever"),
        }
    }

    /// Of a file that was never read, people are told what is wrong with it now.
    #[test]
    fn what_is_wrong_with_it_is_what_was_wrong_last() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked");
        let followed = begun(file(&path), Duration::from_secs(60));
        followed.take(Err("line 7 is no key".to_owned()));
        assert_eq!(followed.says().as_ref().clone(), Err("line 7 is no key".to_owned()));
        followed.take(Ok(Vec::new()));
        followed.take(Err("line 8 is no key".to_owned()));
        assert_eq!(followed.says().as_ref().clone(), Ok(Arc::default()));
        assert!(followed.warning().unwrap().contains("line 8 is no key; what it said before stays"));
    }
}
