use std::{
    collections::BTreeSet,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, RwLock, atomic::AtomicU64},
};

use jiff::Timestamp;
use oam_policy::{
    Snapshot,
    snapshot::{Person, UserView},
};
use thiserror::Error;

use super::Sources;
use crate::{
    config::{SourceConfig, SourceKind, SourceName},
    directory::{By, ChangeError, DirectoryReader, DirectoryWriter},
    source::{
        Change, Entry, Feed, Roster, Source,
        disk::{self, Disk, Found},
        heard::Heard,
        merge,
        token::{Kind, Tokens},
    },
    store::{Healed, durable},
};

/// Why the sources cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The disk.
    #[error("source state `{path}`: {source}")]
    Disk {
        /// Where.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// A source has become one of another kind.
    #[error(
        "the source `{name}` is configured as `{configured}`, and what is kept of it is of a source of kind `{kept}`: give \
         the new source another name, so that nobody takes one for the other"
    )]
    Kind {
        /// Which.
        name: SourceName,
        /// What the configuration says.
        configured: &'static str,
        /// What is kept.
        kept: &'static str,
    },
    /// What the sources say could not be put in force.
    #[error("what the sources say could not be put in force: {0}")]
    Change(#[from] ChangeError),
}

impl Sources {
    /// Opens every source, and puts in force whatever was said before the last stop and is not in the directory. Tells
    /// what was damaged.
    ///
    /// # Errors
    /// When something cannot be read or written, or a source has become one of another kind. Damage is no error.
    pub async fn open(
        configured: &[SourceConfig],
        state: &Path,
        (writer, reader): (DirectoryWriter, DirectoryReader),
    ) -> Result<(Self, Vec<Healed>), OpenError> {
        let before = reader.current().map(|loaded| loaded.snapshot.clone());
        let folder = super::folder(state);
        let mut opening =
            Opening { folder: folder.clone(), before, healed: Vec::new(), now: Timestamp::now() };
        let sources = opening.all(configured).map_err(|failure| failure.at(&folder))?;
        let opened = Self {
            sources,
            writer,
            reader,
            saying: tokio::sync::Mutex::default(),
            passing: tokio::sync::Mutex::default(),
            left: Mutex::default(),
            troubles: Mutex::default(),
            for_a_while: OnceLock::new(),
        };
        opened.bury_the_unknown(opening.now).map_err(|failure| failure.at(&folder))?;
        opened.catch_up().await?;
        // Before anybody asks. What cannot be stored is in force all the same, and tried again.
        opened.expire(Timestamp::now()).await;
        Ok((opened, opening.healed))
    }

    /// Whoever is in the directory and no source remembers stays known, so that nobody gains by being forgotten.
    fn bury_the_unknown(&self, at: Timestamp) -> Result<(), Failure> {
        let Some(before) = self.reader.current() else { return Ok(()) };
        let is_known = |person: &Person| {
            let key = person.username.key();
            self.sources.iter().any(|source| source.roster().knows(&key))
        };
        let unknown: Vec<_> =
            before.snapshot.users().map(UserView::to_person).filter(|person| !is_known(person)).collect();
        let (Some(source), false) = (self.sources.first(), unknown.is_empty()) else { return Ok(()) };
        tracing::warn!(
            people = unknown.len(),
            source = %source.name(),
            "no source remembers somebody of the directory: they stay known, and inactive"
        );
        let mut roster = source.roster().clone();
        roster.bury(unknown.into_iter(), at);
        let mut disk = source.disk();
        let draft = disk.draft(&roster)?;
        disk.adopt(&draft)?;
        source.replace_roster(roster);
        Ok(())
    }

    /// Makes the directory what the sources say, after a crash in between or a change of the configuration.
    async fn catch_up(&self) -> Result<(), ChangeError> {
        if self.sources.iter().all(|source| source.roster().seen.is_none()) && self.reader.current().is_none()
        {
            return Ok(());
        }
        let now = Timestamp::now();
        let merged = self.with_voices(None, |voices| merge::snapshot(voices, now))?;
        if self.reader.current().is_some_and(|before| before.snapshot.is_same_directory(&merged)) {
            return Ok(());
        }
        let reason = "what the sources said before the last stop, by the configuration of now".to_owned();
        self.writer.deliver(merged, By { actor: "start".to_owned(), reason }).await.map(|_| ())
    }
}

/// What went wrong, before it is said where.
enum Failure {
    Disk(io::Error),
    Open(OpenError),
}

impl Failure {
    fn at(self, path: &Path) -> OpenError {
        match self {
            Self::Disk(source) => OpenError::Disk { path: path.to_owned(), source },
            Self::Open(error) => error,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

struct Opening {
    folder: PathBuf,
    before: Option<Snapshot>,
    healed: Vec<Healed>,
    now: Timestamp,
}

impl Opening {
    fn all(&mut self, configured: &[SourceConfig]) -> Result<Vec<Arc<Source>>, Failure> {
        let is_first_time = !self.folder.is_dir();
        durable::make_folder(&self.folder)?;
        let known = self.known()?;
        let mut names: BTreeSet<SourceName> = known.clone();
        names.extend(configured.iter().map(|source| source.name.clone()));
        if is_first_time && self.before.is_some() {
            // What was imported before there were sources is what the file said.
            names.insert(SourceName::file());
        }
        let mut sources = Vec::new();
        for name in &names {
            let config = configured.iter().find(|source| source.name == *name);
            let was_known = known.contains(name);
            let seeds = is_first_time && *name == SourceName::file();
            sources.push(Arc::new(self.one(name, config, was_known, seeds)?));
        }
        if names != known {
            self.note(&names)?;
        }
        Ok(sources)
    }

    fn one(
        &mut self,
        name: &SourceName,
        config: Option<&SourceConfig>,
        was_known: bool,
        seeds: bool,
    ) -> Result<Source, Failure> {
        let folder = self.folder.join(name.as_str());
        let found = match disk::read(&folder)? {
            Found::Nothing if was_known => Found::Damaged("its files are missing".into()),
            found => found,
        };
        let retired = config.is_none();
        let as_kind = |kind| SourceConfig::bare(name.clone(), kind);
        let (config, roster, disk) = match found {
            Found::Whole(stored) => {
                let kept = stored.kind();
                let config = config.cloned().unwrap_or_else(|| as_kind(kept));
                let disk = Disk::resume(&folder, &stored)?;
                let (image, entries) = (stored.image, stored.entries);
                let Some(mut roster) = Roster::of_image(image, &config) else {
                    let (configured, kept) = (config.kind.as_str(), kept.as_str());
                    return Err(Failure::Open(OpenError::Kind { name: name.clone(), configured, kept }));
                };
                for entry in entries {
                    roster.apply(entry);
                }
                (config, roster, disk)
            }
            Found::Nothing => {
                let config = config.cloned().unwrap_or_else(|| as_kind(SourceKind::File));
                let mut roster = Roster::empty(&config);
                if seeds && let Some(before) = &self.before {
                    let listed = Change::List(before.clone().into());
                    roster.apply(Entry { at: before.as_of(), changes: vec![listed] });
                }
                let disk = Disk::begin(&folder, config.kind, &roster)?;
                (config, roster, disk)
            }
            Found::Damaged(why) => {
                let config = config.cloned().unwrap_or_else(|| as_kind(SourceKind::File));
                let known = self.before.as_ref().map(people).unwrap_or_default();
                let roster = Roster::lost(&config, known.into_iter(), self.now);
                // The tokens are no part of what is lost.
                let tokens = fs::read(folder.join("tokens")).ok();
                let set_aside = durable::set_aside(&folder)?;
                let disk = Disk::begin(&folder, config.kind, &roster)?;
                if let Some(tokens) = tokens {
                    durable::create(&folder.join("tokens"))?.write_all(&tokens)?;
                }
                let found = format!("source `{name}`: {why}");
                tracing::error!("{found}; what it said is lost");
                self.healed.push(Healed { what: "source", set_aside, found, rebuilt_generation: None });
                (config, roster, disk)
            }
        };
        let tokens = Tokens::open(&folder, Kind::Scim)?;
        Ok(Source {
            config,
            retired,
            heard: Heard::since(roster.seen, Timestamp::now),
            unheard: RwLock::default(),
            roster: RwLock::new(roster),
            disk: Mutex::new(disk),
            tokens: Mutex::new(tokens),
            changes: AtomicU64::new(0),
            feed: Feed::default(),
        })
    }

    /// The sources that there ever were: one whose folder is gone is lost, and not new.
    fn known(&self) -> Result<BTreeSet<SourceName>, Failure> {
        let listed = match fs::read_to_string(self.folder.join("known")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error.into()),
        };
        let mut names: BTreeSet<_> = listed.lines().filter_map(SourceName::parse).collect();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                names.extend(entry.file_name().to_str().and_then(SourceName::parse));
            }
        }
        Ok(names)
    }

    fn note(&self, names: &BTreeSet<SourceName>) -> Result<(), Failure> {
        let path = self.folder.join("known");
        let draft = self.folder.join("known.draft");
        let mut file = durable::create(&draft)?;
        for name in names {
            writeln!(file, "{name}")?;
        }
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        durable::sync_parent(&path)?;
        Ok(())
    }
}

fn people(snapshot: &Snapshot) -> Vec<Person> {
    snapshot.users().map(UserView::to_person).collect()
}
