//! What makes a change durable, and what sled is rebuilt from: whole snapshots in plain files, and a journal of the
//! changes since.

mod base;
pub(crate) mod journal;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use oam_policy::{Digest, SnapshotVersion};

use super::{Change, Loaded, durable};
use base::Base;
use journal::{Journal, Mark, Record, Scan};

/// A journal with more records is ended by a new base, so that a rebuild stays quick.
const MAX_RECORDS: usize = 2_000;

/// The recovery folder, open for the next generation.
#[derive(Debug)]
pub(super) struct Recovery {
    folder: PathBuf,
    /// `None` until the next generation is written as a base.
    journal: Option<Journal>,
    max_records: usize,
}

/// How to take back the generation that was saved last.
#[derive(Debug)]
pub(super) struct Undo(Step);

#[derive(Debug)]
enum Step {
    /// Cut the journal back.
    Record(Mark),
    /// Remove the base of this generation, and go on with the journal before it.
    Base(u64, Option<Journal>),
}

/// A base with the changes since, whole by its checksums.
#[derive(Debug)]
pub(super) struct Candidate {
    base: Base,
    scan: Scan,
}

/// What lies in the recovery folder.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The newest that can be believed.
    pub(super) candidate: Option<Candidate>,
    /// What is wrong with anything newer than the candidate.
    pub(super) faults: Vec<String>,
    /// The highest generation that any file speaks of, believable or not.
    pub(super) highest: u64,
}

impl Candidate {
    /// The newest generation it leads to.
    pub(super) fn version(&self) -> SnapshotVersion {
        self.scan.records.last().map_or(self.base.info().version, |record| record.info.version)
    }

    /// Whether something follows the last whole record: a change that was not finished, or damage.
    pub(super) fn is_torn(&self) -> bool {
        self.scan.torn
    }

    /// Why it cannot be believed beside that floor.
    fn contradicts(&self, floor: SnapshotVersion) -> Option<String> {
        let newest = self.version();
        if newest.generation < floor.generation {
            return Some(format!(
                "it ends at generation {}, below the floor {}",
                newest.generation, floor.generation
            ));
        }
        let infos = self.scan.records.iter().map(|record| &record.info).chain([self.base.info()]);
        let mut at_floor = infos.map(|info| info.version).filter(|it| it.generation == floor.generation);
        at_floor
            .any(|version| version != floor)
            .then(|| format!("its generation {} is not the one that was acknowledged", floor.generation))
    }

    /// The newest snapshot, made anew from the base and every change since.
    ///
    /// # Errors
    /// In words, when any step does not give the digest that was written down.
    pub(super) fn rebuild(&self) -> Result<Loaded, String> {
        let mut loaded = self.base.decode()?;
        for record in &self.scan.records {
            loaded = record.apply(&loaded)?;
        }
        Ok(loaded)
    }
}

impl Recovery {
    /// Looks for the newest snapshot that can be believed beside `floor`.
    ///
    /// # Errors
    /// When the system does not let the folder be read.
    pub(super) fn survey(folder: &Path, floor: Option<SnapshotVersion>) -> io::Result<Survey> {
        let mut survey = Survey::default();
        for generation in generations(folder)?.into_iter().rev() {
            survey.highest = survey.highest.max(generation);
            match find(folder, generation, floor)? {
                Ok(candidate) => {
                    survey.highest = survey.highest.max(candidate.version().generation);
                    survey.candidate = Some(candidate);
                    break;
                }
                Err(fault) => survey.faults.push(fault),
            }
        }
        Ok(survey)
    }

    /// Goes on behind the newest change of `candidate`, cutting off what was not finished.
    pub(super) fn resume(folder: &Path, candidate: &Candidate) -> io::Result<Self> {
        let path = journal_path(folder, candidate.base.info().version.generation);
        let journal = Journal::resume(&path, &candidate.scan)?;
        let recovery = Self { folder: folder.to_owned(), journal: Some(journal), max_records: MAX_RECORDS };
        recovery.forget_older();
        Ok(recovery)
    }

    /// Begins with nothing; the next generation is written whole.
    pub(super) fn begin(folder: &Path) -> io::Result<Self> {
        durable::make_folder(folder)?;
        Ok(Self { folder: folder.to_owned(), journal: None, max_records: MAX_RECORDS })
    }

    /// Puts `loaded` into a new folder in the place of `folder`, in one step, and tells where the folder before it is
    /// kept.
    pub(super) fn replace(folder: &Path, loaded: &Loaded) -> io::Result<(Self, Option<PathBuf>)> {
        let draft = folder.with_extension("draft");
        // Left by a crash: it may be the damaged one already.
        durable::set_aside(&draft)?;
        Self::begin(&draft)?.save(loaded, &Change::Whole)?;
        let aside = durable::swap(&draft, folder)?;
        let generation = loaded.snapshot.version().generation;
        let candidate = find(folder, generation, None)?.map_err(io::Error::other)?;
        Ok((Self::resume(folder, &candidate)?, aside))
    }

    /// Makes the next generation durable.
    pub(super) fn save(&mut self, next: &Loaded, change: &Change) -> io::Result<Undo> {
        if let Some(journal) = &mut self.journal
            && journal.records() < self.max_records
            && *change != Change::Whole
        {
            let record = Record { info: next.info.clone(), change: change.clone() };
            return journal.append(&record).map(|mark| Undo(Step::Record(mark)));
        }
        let generation = next.snapshot.version().generation;
        let path = journal_path(&self.folder, generation);
        let checksum = base::write(&base_path(&self.folder, generation), next)?;
        match Journal::begin(&path, checksum) {
            Ok(journal) => Ok(Undo(Step::Base(generation, self.journal.replace(journal)))),
            Err(error) => {
                self.remove(generation)?;
                Err(error)
            }
        }
    }

    /// Takes back what [`Recovery::save`] did last.
    pub(super) fn undo(&mut self, undo: Undo) -> io::Result<()> {
        match undo.0 {
            Step::Record(mark) => {
                let Some(journal) = &mut self.journal else { return Ok(()) };
                journal.cut_back(mark)
            }
            Step::Base(generation, before) => {
                self.journal = before;
                self.remove(generation)
            }
        }
    }

    /// Lets the next generation be written whole, whatever the journal ends with.
    pub(super) fn break_off(&mut self) {
        self.journal = None;
    }

    /// Removes the bases before the one in use. Failing is harmless: they are passed over, and tried again.
    pub(super) fn forget_older(&self) {
        let Some(current) = self.journal.as_ref().map(|journal| journal.path().to_owned()) else { return };
        let Ok(generations) = generations(&self.folder) else { return };
        for generation in generations {
            if journal_path(&self.folder, generation) == current {
                break;
            }
            if let Err(error) = self.remove(generation) {
                tracing::warn!(%error, generation, "cannot remove an old recovery file");
            }
        }
    }

    #[cfg(test)]
    pub(super) fn set_max_records(&mut self, records: usize) {
        self.max_records = records;
    }

    fn remove(&self, generation: u64) -> io::Result<()> {
        let base = base_path(&self.folder, generation);
        fs::remove_file(&base)?;
        durable::sync_parent(&base)?;
        match fs::remove_file(journal_path(&self.folder, generation)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The base of `generation` with its journal, or why it cannot be believed.
fn find(
    folder: &Path,
    generation: u64,
    floor: Option<SnapshotVersion>,
) -> io::Result<Result<Candidate, String>> {
    let in_words = |fault: String| format!("base of generation {generation}: {fault}");
    let base = match fs::read(base_path(folder, generation)) {
        Ok(bytes) => Base::parse(&bytes, generation),
        Err(error) => Err(unreadable(error)?),
    };
    let base = match base {
        Ok(base) => base,
        Err(fault) => return Ok(Err(in_words(fault))),
    };
    let journal = match fs::read(journal_path(folder, generation)) {
        Ok(bytes) => bytes,
        // It is made after its base.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Ok(Err(in_words(unreadable(error)?))),
    };
    let scan = journal::scan(&journal, base.checksum(), generation);
    let candidate = Candidate { base, scan };
    Ok(match floor.and_then(|floor| candidate.contradicts(floor)) {
        Some(fault) => Err(in_words(fault)),
        None => Ok(candidate),
    })
}

/// A bad sector is damage like any other; what this user may not read is not.
fn unreadable(error: io::Error) -> io::Result<String> {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Err(error),
        _ => Ok(error.to_string()),
    }
}

/// The generations of the bases in the folder, ascending.
fn generations(folder: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut generations = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("base-"));
        generations.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    generations.sort_unstable();
    Ok(generations)
}

fn base_path(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("base-{generation:020}"))
}

fn journal_path(folder: &Path, generation: u64) -> PathBuf {
    folder.join(format!("journal-{generation:020}"))
}

/// What a record's checksum is chained to: the base's checksum first, then the record before.
type Checksum = Digest;
