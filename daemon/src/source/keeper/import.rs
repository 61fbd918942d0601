use std::sync::Arc;

use jiff::Timestamp;
use oam_policy::{Snapshot, snapshot::DirectoryError};
use tokio::{sync::MutexGuard, task::block_in_place};

use super::{CommitError, NotSo, Planned, Sources, Work};
use crate::{
    config::SourceKind,
    directory::{By, ChangeError, Changed},
    source::{Change, Entry, Listed, Roster, Source, disk::Draft, merge},
    store::Loaded,
};

impl Sources {
    /// The source to which a file is imported: the one that is named, or else the only one of this kind, or `file`.
    ///
    /// # Errors
    /// When there is none, it is of another kind, or more than one could be meant.
    pub fn for_import(&self, name: &str) -> Result<&Arc<Source>, NotSo> {
        if !name.is_empty() {
            let source = self.get(name)?;
            return match source.config.kind {
                SourceKind::File => Ok(source),
                _ => Err(NotSo::Pushes(source.name().clone())),
            };
        }
        let files: Vec<_> = self
            .sources
            .iter()
            .filter(|source| !source.retired && source.config.kind == SourceKind::File)
            .collect();
        match files.as_slice() {
            [only] => Ok(only),
            [] => Err(NotSo::Which("the configuration has no source of `kind = \"file\"`".into())),
            several => {
                several.iter().find(|source| source.name().as_str() == "file").copied().ok_or_else(|| {
                    let names: Vec<_> = several.iter().map(|source| source.name().as_str()).collect();
                    NotSo::Which(format!("one of `{}`", names.join("`, `")))
                })
            }
        }
    }

    /// The directory, if this source listed these.
    ///
    /// # Errors
    /// When the file speaks for another source.
    pub fn rehearse(&self, source: &Source, listed: Listed) -> Result<Snapshot, NotSo> {
        let now = Timestamp::now();
        let roster = self.candidate(source, listed, now)?;
        Ok(self.merged(source, &roster, now)?)
    }

    /// The directory, if this source said that.
    fn merged(&self, source: &Source, roster: &Roster, as_of: Timestamp) -> Result<Snapshot, DirectoryError> {
        block_in_place(|| {
            self.with_voices(Some((source.name(), roster)), |voices| merge::snapshot(voices, as_of))
        })
    }

    /// Puts another list in the place of what this source said. Whoever is not on it any more stays known, and inactive.
    ///
    /// # Errors
    /// When the file makes no sense, or it cannot be recorded and stored; then nothing changes.
    pub async fn import(
        &self,
        source: &Source,
        listed: Listed,
        by: By,
    ) -> Result<Changed, CommitError<NotSo>> {
        let _alone = self.alone().await;
        let now = Timestamp::now();
        let roster = block_in_place(|| self.candidate(source, listed, now)).map_err(CommitError::Refused)?;
        self.put(source, roster, now, by).await
    }

    /// [`Self::change`] for so much at once that all of it is stored and merged anew.
    ///
    /// # Errors
    /// When it makes no sense, or cannot be recorded and stored; then nothing changes.
    pub async fn change_much<E: std::fmt::Debug + std::fmt::Display>(
        &self,
        source: &Source,
        actor: &str,
        plan: impl FnOnce(&Roster, Timestamp) -> Result<Planned<()>, E>,
    ) -> Result<(), CommitError<E>> {
        let _alone = self.alone().await;
        let now = Timestamp::now();
        let mut roster = source.roster().clone();
        let planned = plan(&roster, now).map_err(CommitError::Refused)?;
        block_in_place(|| roster.apply(Entry { at: now, changes: planned.changes }));
        let by = By { actor: actor.to_owned(), reason: planned.what };
        self.put(source, roster, now, by).await?;
        source.changes.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    async fn put<E: std::fmt::Debug + std::fmt::Display>(
        &self,
        source: &Source,
        roster: Roster,
        now: Timestamp,
        by: By,
    ) -> Result<Changed, CommitError<E>> {
        let merged = self.merged(source, &roster, now).map_err(ChangeError::from)?;
        // On the disk first, so that a crash never leaves an older list behind a newer directory.
        let draft = block_in_place(|| source.disk().draft(&roster)).map_err(CommitError::Disk)?;
        match self.writer.deliver(merged, by).await {
            Ok(changed) => {
                self.adopt(source, roster, &draft);
                self.review().await;
                Ok(changed)
            }
            Err(error) => {
                source.disk().abandon(&draft);
                Err(error.into())
            }
        }
    }

    /// Goes back to an older generation, where one file is all that there is.
    ///
    /// # Errors
    /// When another source goes on telling how things are, the generation is not kept, or it cannot be recorded and
    /// stored; then nothing changes.
    pub async fn roll_back(
        &self,
        generation: u64,
        reactivate: bool,
        by: By,
    ) -> Result<Changed, CommitError<NotSo>> {
        let _alone = self.alone().await;
        let source = self.only_file().map_err(CommitError::Refused)?;
        let target = self.writer.load(generation).await?;
        let now = Timestamp::now();
        let listed = Listed::from(target.snapshot.clone());
        let roster = block_in_place(|| self.candidate(source, listed, now)).map_err(CommitError::Refused)?;
        let then = &target.snapshot;
        let merged = self.merged(source, &roster, then.as_of()).map_err(ChangeError::from)?;
        let snapshot = then.deliver(&merged).renumbered(then.version().generation);
        let target = Arc::new(Loaded { snapshot, info: target.info.clone() });
        // The directory first: it has the revocations that make a rollback safe.
        let changed = self.writer.roll_back_to(target, reactivate, by).await?;
        let draft = block_in_place(|| source.disk().draft(&roster)).map_err(CommitError::Disk)?;
        self.adopt(source, roster, &draft);
        self.review().await;
        Ok(changed)
    }

    /// The one file that the directory comes from.
    fn only_file(&self) -> Result<&Arc<Source>, NotSo> {
        let said_something = |source: &&Arc<Source>| !source.retired && source.has_spoken(&source.roster());
        let others = self.sources.iter().filter(said_something);
        if let Some(other) = others.clone().find(|source| source.config.kind != SourceKind::File) {
            return Err(NotSo::Fed(other.name().clone()));
        }
        match others.collect::<Vec<_>>().as_slice() {
            [only] => Ok(only),
            [] => self.for_import(""),
            [_, other, ..] => Err(NotSo::Fed(other.name().clone())),
        }
    }

    /// Makes sure that a file speaks of nobody else's groups.
    ///
    /// # Errors
    /// When it does.
    pub fn check(&self, source: &Source, listed: &Listed) -> Result<(), NotSo> {
        let foreign = self.with_voices(None, |voices| {
            let mut groups = listed.groups().iter();
            groups.find(|group| !merge::may_speak_of(source.name(), group, voices)).map(ToString::to_string)
        });
        foreign.map_or(Ok(()), |group| Err(NotSo::OthersGroup(group)))
    }

    /// What the source would say with another list.
    fn candidate(&self, source: &Source, listed: Listed, at: Timestamp) -> Result<Roster, NotSo> {
        self.check(source, &listed)?;
        let mut roster = source.roster().clone();
        roster.apply(Entry { at, changes: vec![Change::List(listed)] });
        Ok(roster)
    }

    /// Lets nobody else say anything or pass it on, while what comes of everything that was said is made anew.
    pub(super) async fn alone(&self) -> (MutexGuard<'_, ()>, MutexGuard<'_, ()>) {
        // In the order in which everybody takes them.
        let saying = self.saying.lock().await;
        (saying, self.passing.lock().await)
    }

    fn adopt(&self, source: &Source, roster: Roster, draft: &Draft) {
        if let Err(error) = block_in_place(|| source.disk().adopt(draft)) {
            // It is what the next start finds all the same.
            tracing::error!(%error, source = %source.name(), "the journal of a source cannot be begun");
        }
        source.replace_roster(roster);
        // Everybody was merged just now.
        *self.left() = Work::default();
    }
}
