//! Opening: which copy to believe, and mending the others from it.

use std::{
    io,
    path::{Path, PathBuf},
};

use oam_policy::{Digest, SnapshotVersion};
use thiserror::Error;

use super::{
    ArchiveError, Healed, History, Layout, Loaded, Lock, OpenReport, Store,
    archive::Archive,
    durable, floor,
    judge::{Sled, judge},
    recovery::{Candidate, Recovery, Survey},
    shelving::{Shelving, note_shelved},
};

/// A store, and what was in it.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    /// The newest generation; absent when there is none, or none that can be trusted.
    pub loaded: Option<Loaded>,
    /// What was found and mended.
    pub report: OpenReport,
}

/// Why a store could not be opened. Nothing in it was given up.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another daemon has it.
    #[error(
        "state folder `{0}` is in use by another daemon; stop that one, or give this one a folder of its own"
    )]
    Locked(PathBuf),
    /// The system does not let it be read or written.
    #[error("state folder `{path}`: {source}; the daemon must own it, and needs room to write")]
    System {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The journal cannot be believed, and sled cannot be read for a reason that may pass.
    #[error(
        "the store in `{path}` cannot be read now ({source}), and its recovery files are no help: {recovery}"
    )]
    Unavailable {
        /// The state folder.
        path: PathBuf,
        /// What is in the way of sled.
        source: ArchiveError,
        /// What is wrong with the recovery files.
        recovery: String,
    },
}

/// Opens the state folder.
pub(super) fn open(state: &Path, kept: usize) -> Result<Opened, OpenError> {
    let system = |source| OpenError::System { path: state.to_owned(), source };
    let layout = Layout { state: state.to_owned() };
    durable::make_folder(state).map_err(system)?;
    let lock = Lock::take(&layout.lock()).map_err(system)?;
    let lock = lock.ok_or_else(|| OpenError::Locked(state.to_owned()))?;
    let mut findings = Findings::gather(layout).map_err(system)?;
    let loaded = findings.newest();
    if loaded.is_none()
        && let Sled::Unavailable(error) = findings.sled
    {
        let recovery = findings.recovery_fault.unwrap_or_else(|| "there are none".into());
        return Err(OpenError::Unavailable { path: state.to_owned(), source: error, recovery });
    }
    findings.mend(loaded, lock, kept).map_err(system)
}

/// All that lies in a state folder, and what is wrong with it.
struct Findings {
    layout: Layout,
    floor: floor::Found,
    /// Up to where sled was brought.
    shelved: floor::Found,
    sled: Sled,
    survey: Survey,
    /// Why the recovery files cannot be believed, or not all of them.
    recovery_fault: Option<String>,
    /// The highest generation that anything speaks of, believed or not.
    highest: u64,
}

impl Findings {
    fn gather(layout: Layout) -> io::Result<Self> {
        let floor = floor::read(&layout.floor())?;
        let known = floor.known();
        let survey = Recovery::survey(&layout.recovery(), known)?;
        let (was_there, shelved) = (layout.archive().exists(), floor::read(&layout.shelved())?);
        let mut highest = survey.highest.max(known.map_or(0, |version| version.generation));
        let sled = match Archive::open(&layout.archive()) {
            Ok(archive) => {
                highest = highest.max(archive.shelf().newest().map_or(0, |version| version.generation));
                judge(archive, known, &shelved, was_there)
            }
            Err(error) if error.is_damage() => Sled::Damaged(error.to_string()),
            Err(error) => Sled::Unavailable(error),
        };
        let mut recovery_fault = survey.faults.first().cloned();
        if survey.candidate.is_none() && recovery_fault.is_none() && known.is_some() {
            recovery_fault = Some("its files are missing".into());
        }
        let mut findings = Self { layout, floor, shelved, sled, survey, recovery_fault, highest };
        findings.ask_for_a_witness();
        Ok(findings)
    }

    /// Without a floor, a copy that may have lost its end in silence is believed only beside another one.
    fn ask_for_a_witness(&mut self) {
        if matches!(self.floor, floor::Found::Known(_) | floor::Found::New) {
            return;
        }
        let alone =
            "nothing vouches that it is the newest: the floor cannot be read, and there is no other copy";
        if self.survey.candidate.is_none()
            && let Sled::Usable(archive) = &self.sled
            && archive.shelf().newest().is_some()
        {
            // Sled goes back in silence.
            self.distrust_sled(alone.into());
        }
        let torn = self.survey.candidate.as_ref().is_some_and(Candidate::is_torn);
        if torn && self.sled_version().is_none() {
            self.distrust_recovery(alone.into());
        }
    }

    fn sled_version(&self) -> Option<SnapshotVersion> {
        match &self.sled {
            Sled::Usable(archive) => archive.shelf().newest(),
            Sled::Behind(_) | Sled::Empty(_) | Sled::Damaged(_) | Sled::Unavailable(_) => None,
        }
    }

    fn recovery_version(&self) -> Option<SnapshotVersion> {
        self.survey.candidate.as_ref().map(Candidate::version)
    }

    fn distrust_sled(&mut self, why: String) {
        if let Sled::Usable(archive) = std::mem::replace(&mut self.sled, Sled::Damaged(why)) {
            archive.close();
        }
    }

    fn distrust_recovery(&mut self, why: String) {
        self.survey.candidate = None;
        self.recovery_fault.get_or_insert(why);
    }

    /// The newest generation that can be believed. Each copy that fails on the way is given up.
    fn newest(&mut self) -> Option<Loaded> {
        loop {
            let (sled, recovery) = (self.sled_version(), self.recovery_version());
            match (sled, recovery) {
                (Some(sled), Some(recovery)) if sled == recovery => {}
                (Some(sled), Some(recovery)) if sled.generation == recovery.generation => {
                    // The journal is written first.
                    self.distrust_sled(format!(
                        "its generation {} is not that of the journal",
                        sled.generation
                    ));
                    continue;
                }
                (None, None) => return None,
                _ => {}
            }
            let from_sled =
                sled.map(|version| version.generation) >= recovery.map(|version| version.generation);
            let attempt = if from_sled { self.load_from_sled() } else { self.load_from_recovery() };
            match attempt {
                Ok(loaded) => return Some(loaded),
                Err(why) if from_sled => self.distrust_sled(why),
                Err(why) => self.distrust_recovery(why),
            }
        }
    }

    fn load_from_sled(&self) -> Result<Loaded, String> {
        let Sled::Usable(archive) = &self.sled else { return Err("it is not open".into()) };
        let newest = archive.shelf().newest().ok_or("it is empty")?;
        archive.shelf().load(newest.generation).map_err(|error| error.to_string())
    }

    fn load_from_recovery(&self) -> Result<Loaded, String> {
        self.survey.candidate.as_ref().ok_or("there is none")?.rebuild()
    }

    /// Brings all three copies to what was loaded, and keeps aside what was damaged.
    fn mend(self, loaded: Option<Loaded>, lock: Lock, kept: usize) -> io::Result<Opened> {
        let mut report = OpenReport::default();
        let rebuilt = loaded.as_ref().map(|loaded| loaded.snapshot.version());
        let Self { layout, floor, shelved, sled, survey, recovery_fault, highest } = self;
        let lost = rebuilt.is_none()
            && (!matches!(floor, floor::Found::Absent | floor::Found::New)
                || recovery_fault.is_some()
                || matches!(sled, Sled::Damaged(_)));
        let mut mender = Mender { report: &mut report, rebuilt: rebuilt.map(|version| version.generation) };
        let recovery = mender.recovery(
            &layout.recovery(),
            survey.candidate.as_ref(),
            recovery_fault,
            loaded.as_ref(),
        )?;
        mender.floor(&layout.floor(), &floor, rebuilt, lost.then_some(highest))?;
        let (archive, archive_trouble) = mender.archive(&layout.archive(), sled, loaded.as_ref(), kept)?;
        if let Some(archive) = &archive {
            note_shelved(&layout.shelved(), &shelved, archive)?;
        }
        report.lost = lost.then_some(highest);
        report.warnings.extend(archive_trouble.clone());
        let history = History::default();
        history.show(archive.as_ref(), &[]);
        let stored = rebuilt.map_or(highest, |version| version.generation);
        let shelving = Shelving {
            archive,
            trouble: archive_trouble,
            history,
            kept,
            waiting: Vec::new(),
            is_urgent: false,
        };
        let store = Store { layout, recovery, shelving, stored, highest, _lock: lock };
        Ok(Opened { store, loaded, report })
    }
}

impl floor::Found {
    fn known(&self) -> Option<SnapshotVersion> {
        match self {
            Self::Known(version) => Some(*version),
            Self::Absent | Self::Damaged(_) | Self::New => None,
        }
    }
}

/// Mends one copy after the other, and writes down what it did.
struct Mender<'a> {
    report: &'a mut OpenReport,
    rebuilt: Option<u64>,
}

impl Mender<'_> {
    fn healed(&mut self, what: &'static str, set_aside: Option<PathBuf>, found: String) {
        if set_aside.is_none() && self.rebuilt.is_none() {
            // Lost at an earlier start: told as such, but nothing was mended now.
            return;
        }
        let healed = Healed { what, set_aside, found, rebuilt_generation: self.rebuilt };
        tracing::error!("{healed}");
        self.report.healed.push(healed);
    }

    fn recovery(
        &mut self,
        folder: &Path,
        candidate: Option<&Candidate>,
        fault: Option<String>,
        loaded: Option<&Loaded>,
    ) -> io::Result<Recovery> {
        let newest = loaded.map(|loaded| loaded.snapshot.version());
        if fault.is_none()
            && let Some(candidate) = candidate
            && newest == Some(candidate.version())
        {
            return Recovery::resume(folder, candidate);
        }
        if let Some(found) = fault {
            let (recovery, aside) = match loaded {
                Some(loaded) => Recovery::replace(folder, loaded)?,
                None => {
                    let aside = durable::set_aside(folder)?;
                    (Recovery::begin(folder)?, aside)
                }
            };
            self.healed("recovery", aside, found);
            return Ok(recovery);
        }
        let mut recovery = Recovery::begin(folder)?;
        if let Some(loaded) = loaded {
            recovery.save(loaded, &super::Change::Whole)?;
            recovery.forget_older();
        }
        Ok(recovery)
    }

    fn floor(
        &mut self,
        path: &Path,
        found: &floor::Found,
        newest: Option<SnapshotVersion>,
        lost: Option<u64>,
    ) -> io::Result<()> {
        let unknown = |why: String| if newest.is_some() || lost.is_some() { Some(why) } else { None };
        let fault = match found {
            floor::Found::Known(_) | floor::Found::New => None,
            floor::Found::Absent => unknown("it is missing".into()),
            floor::Found::Damaged(why) => Some(why.clone()),
        };
        if let Some(why) = fault {
            let aside = durable::set_aside(path)?;
            self.healed("floor", aside, why);
        }
        match (newest, lost, found) {
            (Some(version), _, floor::Found::Known(known)) if *known == version => Ok(()),
            (Some(version), ..) => floor::write(path, version),
            // It stays, and with it the loss is told at every start until the next import.
            (None, _, floor::Found::Known(_)) | (None, None, floor::Found::New) => Ok(()),
            (None, None, _) => floor::write_new(path),
            (None, Some(generation), _) => {
                let generation = generation.max(1);
                floor::write(path, SnapshotVersion { generation, digest: Digest::from_bytes([0; 32]) })
            }
        }
    }

    fn archive(
        &mut self,
        folder: &Path,
        sled: Sled,
        loaded: Option<&Loaded>,
        kept: usize,
    ) -> io::Result<(Option<Archive>, Option<String>)> {
        let opened = match sled {
            Sled::Behind(archive) if loaded.is_none() && archive.shelf().newest().is_some() => {
                archive.close();
                let found = "it lacks what was acknowledged last, and no other copy has it".to_owned();
                self.new_archive(folder, found, loaded, kept)?
            }
            Sled::Usable(archive) | Sled::Behind(archive) => match up_to_date(archive, loaded, kept) {
                Err(error) if error.is_damage() => {
                    self.new_archive(folder, error.to_string(), loaded, kept)?
                }
                other => other,
            },
            // Nothing is in it, and there is nothing to put into it.
            Sled::Empty(_) if loaded.is_none() => Archive::open(folder),
            Sled::Empty(found) | Sled::Damaged(found) => self.new_archive(folder, found, loaded, kept)?,
            Sled::Unavailable(error) => Err(error),
        };
        Ok(match opened {
            Ok(archive) => (Some(archive), None),
            Err(error) => (None, Some(format!("the store of older generations cannot be used: {error}"))),
        })
    }

    fn new_archive(
        &mut self,
        folder: &Path,
        found: String,
        loaded: Option<&Loaded>,
        kept: usize,
    ) -> io::Result<Result<Archive, ArchiveError>> {
        let aside = durable::set_aside(folder)?;
        self.healed("store", aside, found);
        Ok(Archive::open(folder).and_then(|archive| up_to_date(archive, loaded, kept)))
    }
}

/// Adds what a crash kept from being added, and removes what it left over.
fn up_to_date(mut archive: Archive, loaded: Option<&Loaded>, kept: usize) -> Result<Archive, ArchiveError> {
    let missing = loaded.filter(|loaded| archive.shelf().newest() != Some(loaded.snapshot.version()));
    let saved = missing.map_or(Ok(()), |loaded| archive.save([loaded], kept));
    match saved.and_then(|()| archive.sweep()) {
        Ok(()) => Ok(archive),
        Err(error) => {
            archive.close();
            Err(error)
        }
    }
}
