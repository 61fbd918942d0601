use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use oam_bitbucket::{
    mirror::Owned,
    permission::{Holder, Level, Place},
    provision::{Managed, Pending, Told},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::store::durable;

/// How many changes may wait to hear what became of them.
const MOST_PENDING: usize = 10_000;

/// What OAM gave in Bitbucket, kept in a file to which each change is appended.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    state: Mutex<State>,
}

/// Why a change cannot be noted.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// The file.
    #[error("what OAM gave in Bitbucket cannot be noted in `{path}`: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// More than anybody could have begun.
    #[error("{MOST_PENDING} changes were begun and never ended: run `oam bitbucket apply` to its end first")]
    TooManyPending,
    /// Nobody began it, or it was ended already.
    #[error("no change with the entry {0} waits to hear what became of it")]
    NotPending(u64),
}

#[derive(Debug, Default)]
struct State {
    managed: BTreeMap<(Place, Holder), Managed>,
    pending: BTreeMap<u64, Told>,
    restrictions: Owned,
    /// Open for appending, once there was something to append.
    file: Option<File>,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Line {
    /// It is ours.
    Managed { place: Place, holder: Holder, level: Level, below: Option<Level> },
    /// A branch restriction is ours.
    Restricted { place: Place, thing: String },
    /// A change is about to be made.
    Begun { entry: u64, change: Written },
    /// It was made, or not, or nobody knows.
    Ended { entry: u64, done: Option<bool> },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    step: String,
    place: String,
    user: String,
    group: String,
    thing: String,
    before: String,
    after: String,
    because: String,
}

impl Ledger {
    /// Reads the file, and writes it anew without what is over. `None` beside it: all of it was understood; otherwise what
    /// became of the rest.
    ///
    /// # Errors
    /// When it can be neither read nor written.
    pub fn open(path: &Path) -> Result<(Self, Option<String>), LedgerError> {
        let fault = |source| LedgerError::File { path: path.to_owned(), source };
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(fault(error)),
        };
        // What is no text is damaged, as a line that is not understood is.
        let text = String::from_utf8_lossy(&bytes);
        let (mut state, mut damage) = (State::default(), None);
        for line in text.split_inclusive('\n') {
            // One that was being written when the machine stopped tells of nothing that was answered.
            let Some(whole) = line.strip_suffix('\n') else { break };
            match serde_json::from_str(whole) {
                Ok(line) => state.take(line),
                Err(_) => damage = Some("some of what OAM gave in Bitbucket is not known any more"),
            }
        }
        let ledger = Self { path: path.to_owned(), state: Mutex::new(state) };
        if !text.is_empty() {
            let aside = match damage {
                Some(_) => durable::set_aside(path).map_err(fault)?,
                None => None,
            };
            ledger.rewrite().map_err(fault)?;
            let told = damage
                .zip(aside)
                .map(|(damage, aside)| format!("{damage}: the damaged file is `{}`", aside.display()));
            return Ok((ledger, told));
        }
        Ok((ledger, None))
    }

    /// What is ours.
    pub fn managed(&self) -> BTreeMap<(Place, Holder), Managed> {
        self.state().managed.clone()
    }

    /// The branch restrictions that are ours.
    pub fn restrictions(&self) -> Owned {
        self.state().restrictions.clone()
    }

    /// What was begun, and never ended.
    pub fn pending(&self) -> Vec<Pending> {
        let state = self.state();
        state
            .pending
            .iter()
            .map(|(entry, change)| Pending { entry: *entry, change: change.clone() })
            .collect()
    }

    /// Notes that a change is about to be made, of which an entry of the audit log tells. Durable when this returns.
    ///
    /// # Errors
    /// When it cannot be noted. Then nothing may be changed.
    pub fn begin(&self, entry: u64, change: &Told) -> Result<(), LedgerError> {
        let mut state = self.state();
        if state.pending.len() >= MOST_PENDING {
            return Err(LedgerError::TooManyPending);
        }
        self.append(&mut state, Line::Begun { entry, change: Written::of(change) })
    }

    /// Notes what became of a change: whether it was made, if anybody knows. Where nobody does, what is ours is as it was.
    ///
    /// # Errors
    /// When nobody began it, or it cannot be noted.
    pub fn end(&self, entry: u64, done: Option<bool>) -> Result<(), LedgerError> {
        let mut state = self.state();
        if !state.pending.contains_key(&entry) {
            return Err(LedgerError::NotPending(entry));
        }
        self.append(&mut state, Line::Ended { entry, done })
    }

    /// The change that was begun with an entry.
    pub fn begun(&self, entry: u64) -> Option<Told> {
        self.state().pending.get(&entry).cloned()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, state: &mut State, line: Line) -> Result<(), LedgerError> {
        let fault = |source| LedgerError::File { path: self.path.clone(), source };
        let text = written(&line).map_err(fault)?;
        let mut file = match state.file.take() {
            Some(file) => file,
            None => open(&self.path).map_err(fault)?,
        };
        let before = file.metadata().map_err(fault)?.len();
        let noted = file.write_all(text.as_bytes()).and_then(|()| file.sync_data());
        if let Err(error) = noted {
            // Half a line would spoil the next one.
            let _ = file.set_len(before);
            return Err(fault(error));
        }
        state.file = Some(file);
        state.take(line);
        Ok(())
    }

    fn rewrite(&self) -> io::Result<()> {
        let state = self.state();
        let draft = self.path.with_extension("draft");
        let mut file = durable::create(&draft)?;
        for ((place, holder), Managed { level, below }) in &state.managed {
            let (place, holder) = (place.clone(), holder.clone());
            file.write_all(
                written(&Line::Managed { place, holder, level: *level, below: *below })?.as_bytes(),
            )?;
        }
        for (place, thing) in &state.restrictions {
            let line = Line::Restricted { place: place.clone(), thing: thing.clone() };
            file.write_all(written(&line)?.as_bytes())?;
        }
        for (entry, change) in &state.pending {
            let line = Line::Begun { entry: *entry, change: Written::of(change) };
            file.write_all(written(&line)?.as_bytes())?;
        }
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        durable::sync_parent(&self.path)
    }
}

impl State {
    fn take(&mut self, line: Line) {
        match line {
            Line::Managed { place, holder, level, below } => {
                self.managed.insert((place, holder), Managed { level, below });
            }
            Line::Restricted { place, thing } => drop(self.restrictions.insert((place, thing))),
            Line::Begun { entry, change } => {
                let change = change.told();
                if change.step == "restrict" {
                    self.restrictions.extend(change.restriction());
                }
                // From here on it may be there. What others gave and is lowered is theirs until that is done.
                if let (Some(key), Some(level)) = (change.permission(), Level::parse(&change.after))
                    && Level::parse(&change.before) <= Some(level)
                {
                    self.managed.entry(key).or_insert(Managed { level, below: below(&change, level) });
                }
                self.pending.insert(entry, change);
            }
            Line::Ended { entry, done } => {
                if let Some((change, done)) = self.pending.remove(&entry).zip(done) {
                    self.settle(&change, done);
                }
            }
        }
    }

    fn settle(&mut self, change: &Told, done: bool) {
        if let Some(key) = change.restriction() {
            // What was not made is not ours, unless it was before.
            let is_gone = if change.step == "lift" { done } else { !done && !change.was_ours() };
            if is_gone {
                self.restrictions.remove(&key);
            }
        }
        let Some(key) = change.permission() else { return };
        let (before, after) = (Level::parse(&change.before), Level::parse(&change.after));
        let known = self.managed.get(&key).copied();
        match (change.step.as_str(), after) {
            // What somebody else had given is there again, and theirs.
            ("permit", Some(after)) if done && known.is_some_and(|known| gave_back(known, before, after)) => {
                self.managed.remove(&key);
            }
            ("permit", Some(level)) if done => {
                let below = known.and_then(|known| known.below);
                self.managed.insert(key, Managed { level, below });
            }
            // Nothing was given, so what is there is what was there.
            ("permit", Some(level)) if known == Some(Managed { level, below: below(change, level) }) => {
                self.managed.remove(&key);
            }
            ("revoke" | "forget", _) if done => {
                self.managed.remove(&key);
            }
            _ => {}
        }
    }
}

/// What a permission of this level is put upon, that somebody else had given.
fn below(change: &Told, level: Level) -> Option<Level> {
    Level::parse(&change.before).filter(|before| *before < level)
}

/// Whether a permission went down to what had been there before ours.
fn gave_back(known: Managed, before: Option<Level>, after: Level) -> bool {
    before.is_some_and(|before| before > after) && known.below == Some(after)
}

impl Written {
    fn of(told: &Told) -> Self {
        let Told { step, place, user, group, thing, before, after, because } = told.clone();
        Self { step, place, user, group, thing, before, after, because }
    }

    fn told(self) -> Told {
        let Self { step, place, user, group, thing, before, after, because } = self;
        Told { step, place, user, group, thing, before, after, because }
    }
}

fn written(line: &Line) -> io::Result<String> {
    Ok(serde_json::to_string(line)? + "\n")
}

fn open(path: &Path) -> io::Result<File> {
    if !path.exists() {
        durable::create(path)?.sync_all()?;
        durable::sync_parent(path)?;
    }
    OpenOptions::new().append(true).open(path)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use oam_bitbucket::{
        permission::{Holder, Level, Place},
        provision::{Managed, Told},
    };
    use tempfile::TempDir;

    use super::{Ledger, LedgerError};

    fn key(place: &str, holder: &str) -> (Place, Holder) {
        (place.parse().unwrap(), holder.parse().unwrap())
    }

    fn permit(before: &str, after: &str) -> Told {
        let text = str::to_owned;
        Told {
            step: text("permit"),
            place: text("PAY"),
            user: text("ada"),
            before: text(before),
            after: text(after),
            ..Told::default()
        }
    }

    fn revoke() -> Told {
        Told { step: "revoke".into(), before: "write".into(), ..permit("", "") }
    }

    fn open(path: &Path) -> Ledger {
        let (ledger, damage) = Ledger::open(path).unwrap();
        assert_eq!(damage, None);
        ledger
    }

    fn level(ledger: &Ledger) -> Option<Managed> {
        ledger.managed().get(&key("PAY", "user:ADA")).copied()
    }

    fn managed(level: Level, below: Option<Level>) -> Option<Managed> {
        Some(Managed { level, below })
    }

    #[test]
    fn what_was_begun_is_ours_until_it_is_known_to_have_failed() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ledger");
        let ledger = open(&path);
        ledger.begin(7, &permit("read", "write")).unwrap();
        assert_eq!(level(&ledger), managed(Level::Write, Some(Level::Read)));
        // Interrupted: it is still known.
        let ledger = open(&path);
        assert_eq!((ledger.pending().len(), level(&ledger)), (1, managed(Level::Write, Some(Level::Read))));
        ledger.end(7, Some(false)).unwrap();
        assert_eq!(level(&ledger), None);
        assert!(matches!(ledger.end(7, Some(true)), Err(LedgerError::NotPending(7))));
        let ledger = open(&path);
        assert!(ledger.pending().is_empty() && ledger.managed().is_empty());
    }

    #[test]
    fn what_was_given_is_ours_until_it_is_taken() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ledger");
        let ledger = open(&path);
        let change = |entry, change: &Told, done| {
            ledger.begin(entry, change).unwrap();
            ledger.end(entry, Some(done)).unwrap();
        };
        change(1, &permit("read", "write"), true);
        change(2, &permit("write", "admin"), true);
        assert_eq!(level(&ledger), managed(Level::Admin, Some(Level::Read)));
        // A change of ours that fails leaves it ours.
        change(3, &revoke(), false);
        change(4, &permit("admin", "write"), true);
        assert_eq!(level(&ledger), managed(Level::Write, Some(Level::Read)));
        // Given back is theirs.
        change(5, &permit("write", "read"), true);
        assert_eq!(level(&ledger), None);
        change(6, &permit("", "write"), true);
        // What may have been taken may be there still.
        ledger.begin(60, &revoke()).unwrap();
        ledger.end(60, None).unwrap();
        assert_eq!((ledger.pending().len(), level(&ledger)), (0, managed(Level::Write, None)));
        change(7, &revoke(), true);
        assert!(open(&path).managed().is_empty());
    }

    #[test]
    fn a_restriction_is_ours_from_when_it_was_begun_until_it_is_lifted() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ledger");
        let ledger = open(&path);
        let told = |step: &str, before: &str| Told {
            step: step.into(),
            place: "PAY".into(),
            thing: "no-deletes BRANCH refs/heads/main".into(),
            before: before.into(),
            ..Told::default()
        };
        ledger.begin(1, &told("restrict", "")).unwrap();
        // Interrupted: it may be there.
        let ledger = open(&path);
        assert_eq!(ledger.restrictions().len(), 1);
        ledger.end(1, Some(false)).unwrap();
        assert!(ledger.restrictions().is_empty());
        ledger.begin(2, &told("restrict", "")).unwrap();
        ledger.end(2, Some(true)).unwrap();
        // One that was ours stays ours when it could not be made again.
        ledger.begin(3, &told("restrict", "one of ours")).unwrap();
        ledger.end(3, Some(false)).unwrap();
        let ledger = open(&path);
        assert_eq!(ledger.restrictions().len(), 1);
        ledger.begin(4, &told("lift", "")).unwrap();
        ledger.end(4, Some(false)).unwrap();
        ledger.begin(5, &told("lift", "")).unwrap();
        ledger.end(5, None).unwrap();
        assert_eq!(ledger.restrictions().len(), 1);
        ledger.begin(6, &told("lift", "")).unwrap();
        ledger.end(6, Some(true)).unwrap();
        assert!(open(&path).restrictions().is_empty());
    }

    /// What `--fix` takes away of others is never ours, whatever becomes of it.
    #[test]
    fn a_restriction_of_others_that_is_lifted_is_not_ours() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ledger");
        let thing = "read-only BRANCH refs/heads/main".to_owned();
        let lift = Told { step: "lift".into(), place: "PAY".into(), thing, ..Told::default() };
        for (entry, done) in [(1, Some(false)), (2, None), (3, Some(true))] {
            open(&path).begin(entry, &lift).unwrap();
            // Interrupted in between.
            let ledger = open(&path);
            assert!(ledger.restrictions().is_empty(), "{entry}");
            ledger.end(entry, done).unwrap();
            assert!(open(&path).restrictions().is_empty(), "{entry}");
        }
    }

    #[test]
    fn what_others_gave_is_ours_once_it_was_lowered_and_not_before() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ledger");
        for (entry, done) in [(1, Some(false)), (2, None), (3, Some(true))] {
            open(&path).begin(entry, &permit("admin", "write")).unwrap();
            let ledger = open(&path);
            assert_eq!(level(&ledger), None, "{entry}");
            ledger.end(entry, done).unwrap();
        }
        assert_eq!(level(&open(&path)), managed(Level::Write, None));
    }

    #[test]
    fn a_torn_line_is_nothing_and_a_damaged_one_is_told() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ledger");
        let ledger = open(&path);
        ledger.begin(1, &permit("", "write")).unwrap();
        ledger.end(1, Some(true)).unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{whole}{{\"begun\":{{\"ent")).unwrap();
        assert_eq!(level(&open(&path)), managed(Level::Write, None));
        for rubbish in [&b"rubbish\n"[..], b"\xff\n"] {
            fs::write(&path, [rubbish, whole.as_bytes()].concat()).unwrap();
            let (ledger, damage) = Ledger::open(&path).unwrap();
            assert!(damage.unwrap().contains("the damaged file is"));
            assert_eq!(level(&ledger), managed(Level::Write, None));
            assert_eq!(level(&open(&path)), managed(Level::Write, None));
        }
    }
}
