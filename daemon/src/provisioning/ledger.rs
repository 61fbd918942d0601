mod change;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    mem,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use oam_bitbucket::{
    AccountId,
    mirror::Owned,
    permission::{Holder, Level, Place},
    provision::{Managed, Pending, Told},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::change::Written;
use super::Numbers;
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
    numbers: Numbers,
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
    /// An account was known by a name.
    Known { id: AccountId, name: Holder },
    /// Accounts are called otherwise than they were known, and what is ours of them goes with them. Of all of them at once: two may
    /// have each other's name now. And names of which nobody can tell whose is what is ours under them: it is that of others.
    Renamed {
        movers: Vec<Mover>,
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        dropped: BTreeSet<Holder>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mover {
    id: AccountId,
    was: Holder,
    name: Holder,
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
            ledger.rewrite(&ledger.state()).map_err(fault)?;
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

    /// By what names accounts were known.
    pub fn numbers(&self) -> Numbers {
        self.state().numbers.clone()
    }

    /// By what name an account was known.
    pub fn known_as(&self, id: AccountId) -> Option<Holder> {
        self.state().numbers.name_of(id).cloned()
    }

    /// Notes by what names accounts are known from now on. What is ours of those that `move_on` goes with them: in Bitbucket it is theirs
    /// under the new name. What else is ours under the names that are `dropped` is that of others from then on.
    ///
    /// # Errors
    /// When it cannot be noted.
    pub fn know(
        &self,
        accounts: Vec<(AccountId, Holder)>,
        move_on: &BTreeSet<AccountId>,
        dropped: &BTreeSet<Holder>,
    ) -> Result<(), LedgerError> {
        let mut state = self.state();
        let (mut lines, mut movers) = (Vec::new(), Vec::new());
        for (id, name) in accounts {
            let was = state.numbers.name_of(id).filter(|was| **was != name && move_on.contains(&id));
            match was.cloned() {
                Some(was) => movers.push(Mover { id, was, name }),
                None => lines.push(Line::Known { id, name }),
            }
        }
        if !movers.is_empty() || !dropped.is_empty() {
            // First: where the rest is not written any more it is told again.
            lines.insert(0, Line::Renamed { movers, dropped: dropped.clone() });
        }
        self.append(&mut state, lines)
    }

    /// Forgets that any account had these numbers: in another Bitbucket whoever gets one next is somebody else. All is written anew
    /// without them: to a version that does not know it, a line that says so would be damage.
    ///
    /// # Errors
    /// When it cannot be written. Then nothing is forgotten.
    pub fn forget(&self, ids: BTreeSet<AccountId>) -> Result<(), LedgerError> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut state = self.state();
        let before = state.numbers.clone();
        ids.into_iter().for_each(|id| state.numbers.forget(id));
        // Another file has that name then, be it that the rest fails.
        state.file = None;
        let written = self.rewrite(&state);
        written.map_err(|source| {
            state.numbers = before;
            LedgerError::File { path: self.path.clone(), source }
        })
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
        self.append(&mut state, vec![Line::Begun { entry, change: Written::of(change) }])
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
        self.append(&mut state, vec![Line::Ended { entry, done }])
    }

    /// The change that was begun with an entry.
    pub fn begun(&self, entry: u64) -> Option<Told> {
        self.state().pending.get(&entry).cloned()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, state: &mut State, lines: Vec<Line>) -> Result<(), LedgerError> {
        if lines.is_empty() {
            return Ok(());
        }
        let fault = |source| LedgerError::File { path: self.path.clone(), source };
        let text = lines.iter().map(written).collect::<io::Result<String>>().map_err(fault)?;
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
        lines.into_iter().for_each(|line| state.take(line));
        Ok(())
    }

    fn rewrite(&self, state: &State) -> io::Result<()> {
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
        for (id, name) in state.numbers.all() {
            file.write_all(written(&Line::Known { id, name: name.clone() })?.as_bytes())?;
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
            Line::Known { id, name } => self.numbers.note(id, name),
            Line::Renamed { movers, dropped } => self.rename(movers, &dropped),
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

    /// What was ours under a new name stays so where its account has nothing of ours, unless that name is dropped.
    fn rename(&mut self, movers: Vec<Mover>, dropped: &BTreeSet<Holder>) {
        let names: BTreeMap<_, _> = movers.iter().map(|one| (&one.was, &one.name)).collect();
        let (mut moved, mut stays) = (BTreeMap::new(), BTreeMap::new());
        for ((place, holder), managed) in mem::take(&mut self.managed) {
            let (all, holder) = match names.get(&holder) {
                Some(name) => (&mut moved, Holder::clone(name)),
                None if dropped.contains(&holder) => continue,
                None => (&mut stays, holder),
            };
            all.insert((place, holder), managed);
        }
        stays.extend(moved);
        self.managed = stays;
        movers.into_iter().for_each(|Mover { id, name, .. }| self.numbers.note(id, name));
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
mod tests;
