use std::{
    collections::{BTreeSet, HashSet},
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use oam_policy::Digest;

use crate::store::durable;

/// How many events are known again. Beyond it the oldest are forgotten: what they did is done once more if they come again,
/// and it only takes.
const MOST: usize = 100_000;
/// For how long they are: longer than a transmitter delivers again what was taken and not answered.
const LONGEST: SignedDuration = SignedDuration::from_hours(8 * 24);

/// The events that were taken already, durably: lines of when, and the SHA-256 of an id.
#[derive(Debug)]
pub(super) struct Seen {
    path: PathBuf,
    ids: HashSet<Digest>,
    by_time: BTreeSet<(i64, Digest)>,
    /// How many lines the file has, with those that are forgotten.
    lines: usize,
    /// Whether the file ends with a whole line.
    is_whole: bool,
}

impl Seen {
    /// Reads them. A line that cannot be read, such as a torn last one, is passed over.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join("seen");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(&bytes);
        let one = |line: &str| {
            let (time, id) = line.split_once(' ')?;
            Some((time.parse::<i64>().ok()?, id.parse::<Digest>().ok()?))
        };
        let by_time: BTreeSet<_> = text.lines().filter_map(one).collect();
        let ids = by_time.iter().map(|(_, id)| *id).collect();
        Ok(Self {
            path,
            ids,
            by_time,
            lines: text.lines().count(),
            is_whole: bytes.ends_with(b"\n") || bytes.is_empty(),
        })
    }

    /// Whether an event was taken already.
    pub(super) fn has(&self, id: &str) -> bool {
        self.ids.contains(&Digest::of(id.as_bytes()))
    }

    /// Notes that an event was taken. It is durable when this returns.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub(super) fn note(&mut self, id: &str, now: Timestamp) -> io::Result<()> {
        self.forget(now);
        let (time, id) = (now.as_second(), Digest::of(id.as_bytes()));
        if self.lines > 2 * self.ids.len() + 1_000 {
            self.rewrite()?;
        }
        let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)?;
        // One write, so that what is torn by a crash is one line.
        let begin = if self.is_whole { "" } else { "\n" };
        self.is_whole = false;
        file.write_all(format!("{begin}{time} {id}\n").as_bytes())?;
        file.sync_all()?;
        if self.lines == 0 {
            durable::sync_parent(&self.path)?;
        }
        self.is_whole = true;
        self.lines += 1;
        self.ids.insert(id);
        self.by_time.insert((time, id));
        Ok(())
    }

    /// Forgets those that were taken long ago, and the oldest where there are too many.
    fn forget(&mut self, now: Timestamp) {
        let before = now.saturating_sub(LONGEST).unwrap_or(Timestamp::MIN).as_second();
        while let Some((time, id)) = self.by_time.first().copied() {
            if time >= before && self.ids.len() < MOST {
                return;
            }
            self.by_time.remove(&(time, id));
            self.ids.remove(&id);
        }
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let draft = self.path.with_extension("draft");
        let mut file = durable::create(&draft)?;
        let text: String = self.by_time.iter().map(|(time, id)| format!("{time} {id}\n")).collect();
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        durable::sync_parent(&self.path)?;
        (self.lines, self.is_whole) = (self.by_time.len(), true);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use jiff::Timestamp;

    use super::Seen;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn what_was_taken_is_known_again_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let mut seen = Seen::open(folder.path()).unwrap();
        seen.note("a", at(0)).unwrap();
        seen.note("b", at(1)).unwrap();
        assert!(seen.has("a") && seen.has("b") && !seen.has("c"));
        // Half a line of a third, as a crash leaves it, spoils neither what was before nor what comes.
        let mut file = fs::File::options().append(true).open(folder.path().join("seen")).unwrap();
        file.write_all(b"1700000001 ab").unwrap();
        let mut seen = Seen::open(folder.path()).unwrap();
        seen.note("c", at(2)).unwrap();
        let seen = Seen::open(folder.path()).unwrap();
        assert!(seen.has("a") && seen.has("b") && seen.has("c"));
        let stored = fs::read_to_string(folder.path().join("seen")).unwrap();
        assert_eq!(stored.lines().count(), 4);
    }

    #[test]
    fn what_was_taken_long_ago_is_forgotten_and_the_file_stays_short() {
        let folder = tempfile::tempdir().unwrap();
        let mut seen = Seen::open(folder.path()).unwrap();
        let day = 86_400;
        seen.note("first", at(0)).unwrap();
        seen.note("late", at(8 * day)).unwrap();
        assert!(seen.has("first"), "it could still come");
        seen.note("later", at(9 * day)).unwrap();
        assert!(!seen.has("first") && seen.has("late"));
        seen.lines = 5_000;
        seen.note("last", at(9 * day)).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("seen")).unwrap().lines().count(), 3);
        assert!(Seen::open(folder.path()).unwrap().has("last"));
    }
}
