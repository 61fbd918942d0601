//! What becomes of old entries: files of entries are compressed, and removed when their time is over.
//!
//! Only whole files that the journal has let go of are touched, the oldest first. A file is compressed beside itself, read
//! back and compared before it goes. Before any is removed, the log tells of it, and a checkpoint covers that; the hashes
//! stay for ever, and with them every proof.

use std::{
    io,
    sync::{MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use jiff::{SignedDuration, Span, Timestamp, tz::TimeZone};
use oam_audit::{
    checkpoint::SignedCheckpoint,
    entry::{EncodeError, EntriesPruned, Entry, Event, PrunedRotation, Time},
    tile::{Tile, TileKind, WIDTH},
};

use super::{AppendError, AuditLog, ReadError, folder};

/// How often it is looked for old entries.
const EVERY: Duration = Duration::from_secs(3600);
/// Entries are removed when some are older than they should be by this: so not more than once in that time.
const SLACK: SignedDuration = SignedDuration::from_hours(24);

/// How long entries are kept, and how.
#[derive(Debug, Clone)]
pub struct Keeping {
    /// From which age on files of entries are compressed.
    pub compress_after: Option<Age>,
    /// From which age on they are removed.
    pub keep: Option<Age>,
    /// For how much longer they stay when a collector has not taken them.
    pub wait_for_collectors: Age,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { compress_after: None, keep: None, wait_for_collectors: Age::days(30) }
    }
}

/// How old something is, in days, months or years.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Age {
    text: String,
    span: jiff::SpanFieldwise,
}

impl std::str::FromStr for Age {
    type Err = AgeError;

    fn from_str(text: &str) -> Result<Self, AgeError> {
        let fault = |why: String| AgeError { text: text.to_owned(), why };
        let span: Span = text.parse().map_err(|error: jiff::Error| fault(error.to_string()))?;
        let age = Self { text: text.to_owned(), span: span.fieldwise() };
        // What lies in the future, or before there were clocks, is no age.
        let now = Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::from_hours(24 * 365 * 100)).ok();
        match now.and_then(|now| Some((now, age.before(now)?))) {
            Some((now, then)) if then < now => Ok(age),
            _ => Err(fault("it is not in the past".into())),
        }
    }
}

impl std::fmt::Display for Age {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Age {
    fn days(days: i32) -> Self {
        Self { text: format!("{days}d"), span: Span::new().days(days).fieldwise() }
    }

    /// The moment that lies so far before `now`, by the calendar in UTC.
    fn before(&self, now: Timestamp) -> Option<Timestamp> {
        now.to_zoned_datetime(TimeZone::UTC).checked_sub(self.span.0).ok().map(|then| then.timestamp())
    }
}

/// Why a text is no age.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no age such as `30d`, `18mo` or `7y`: {why}")]
pub struct AgeError {
    text: String,
    why: String,
}

/// What was done about old entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// How many files were compressed.
    pub compressed: u64,
    /// How many were removed.
    pub removed: u64,
}

impl AuditLog {
    /// Compresses and removes what is old enough, now and then, for as long as the log is open. `taken` says how many
    /// entries every collector has.
    pub async fn keep(self, keeping: Keeping, taken: impl Fn() -> u64) {
        loop {
            match self.keep_once(&keeping, taken(), Timestamp::now()).await {
                Ok(Kept { compressed: 0, removed: 0 }) => {}
                Ok(Kept { compressed, removed }) => {
                    tracing::info!(compressed, removed, "audit log: files of old entries");
                }
                Err(KeepError::Stopping) => return,
                Err(error) => {
                    tracing::error!(%error, "audit log: old entries stay as they are, will try again");
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Compresses and removes what is old enough at `now`, when every collector has `taken` so many entries.
    ///
    /// # Errors
    /// When a file cannot be read or written, or the log does not take the entry that tells of it. What was not done is
    /// done the next time.
    pub async fn keep_once(&self, keeping: &Keeping, taken: u64, now: Timestamp) -> Result<Kept, KeepError> {
        let mut kept = Kept::default();
        if let Some(keep) = &keeping.keep
            && let Some(over) = Over::of(keep, &keeping.wait_for_collectors, taken, now)
        {
            kept.removed = self.prune(keep, over).await?;
        }
        if let Some(then) = keeping.compress_after.as_ref().and_then(|age| age.before(now)) {
            let log = self.clone();
            let compress = move || log.compress(then);
            kept.compressed =
                tokio::task::spawn_blocking(compress).await.map_err(|_| KeepError::Stopping)??;
        }
        Ok(kept)
    }

    /// Has the log tell which entries go, waits until that is signed, and removes them.
    async fn prune(&self, keep: &Age, over: Over) -> Result<u64, KeepError> {
        let (log, age) = (self.clone(), keep.clone());
        let plan = move || log.plan(&age, over);
        let Some(pruned) = tokio::task::spawn_blocking(plan).await.map_err(|_| KeepError::Stopping)?? else {
            return Ok(0);
        };
        let end = pruned.before / WIDTH;
        if pruned.before > over.taken {
            let (taken, before) = (over.taken, pruned.before);
            tracing::warn!(taken, before, "audit log: entries go that a collector never took");
        }
        let told = self.append(self.batch(&Event::EntriesPruned(pruned))?).await?.last;
        let mut checkpoints = self.checkpoints();
        while signed_size(&checkpoints.borrow_and_update()) <= told {
            checkpoints.changed().await.map_err(|_| KeepError::Stopping)?;
        }
        let log = self.clone();
        let remove = move || log.remove(end);
        tokio::task::spawn_blocking(remove).await.map_err(|_| KeepError::Stopping)?
    }

    /// What is to be removed; none when there is nothing, or too little.
    fn plan(&self, keep: &Age, over: Over) -> Result<Option<EntriesPruned>, KeepError> {
        let first = self.first() / WIDTH;
        if first >= self.settled() || !over.earlier(SLACK).is_for(first, &Old::read(self, first)?) {
            return Ok(None);
        }
        let (mut end, mut rotations) = (first, Vec::new());
        while end < self.settled() {
            let old = Old::read(self, end)?;
            if !over.is_for(end, &old) {
                break;
            }
            rotations.extend(old.rotations);
            end += 1;
        }
        let (before, keep) = (end * WIDTH, keep.to_string());
        Ok(Some(EntriesPruned { before, keep, older_than: Time::from(over.then), rotations }))
    }

    /// Removes the files of entries up to this one, the oldest first.
    fn remove(&self, end: u64) -> Result<u64, KeepError> {
        let first = self.first() / WIDTH;
        for index in first..end {
            let _open = self.held()?;
            self.shared.first.store((index + 1) * WIDTH, Ordering::Release);
            let tile = Tile::full(TileKind::Entries, index);
            folder::remove_bundle(&self.shared.folder, tile).map_err(KeepError::io("remove", tile))?;
        }
        Ok(end.saturating_sub(first))
    }

    fn compress(&self, then: Timestamp) -> Result<u64, KeepError> {
        let (mut from, mut to) = (self.first() / WIDTH, self.settled());
        let end = to;
        // Those that are compressed come first.
        while from < to {
            let middle = from + (to - from) / 2;
            let tile = Tile::full(TileKind::Entries, middle);
            let plain =
                folder::is_plain(&self.shared.folder, tile).map_err(KeepError::io("look at", tile))?;
            if plain { to = middle } else { from = middle + 1 }
        }
        let mut compressed = 0;
        for index in from..end {
            if Old::read(self, index)?.newest >= then {
                break;
            }
            let _open = self.held()?;
            let tile = Tile::full(TileKind::Entries, index);
            folder::compress_bundle(&self.shared.folder, tile).map_err(KeepError::io("compress", tile))?;
            compressed += 1;
        }
        Ok(compressed)
    }

    /// How many files of entries the journal has let go of.
    fn settled(&self) -> u64 {
        self.shared.places().first() / WIDTH
    }

    /// Keeps the folder from being given up, and says whether it was already.
    fn held(&self) -> Result<MutexGuard<'_, bool>, KeepError> {
        let open = self.shared.checkpoint_file.lock().unwrap_or_else(PoisonError::into_inner);
        if *open { Ok(open) } else { Err(KeepError::Stopping) }
    }
}

/// For which files of entries the time is over.
#[derive(Debug, Clone, Copy)]
struct Over {
    /// For those from before this moment that every collector has,
    then: Timestamp,
    /// and for those from before this one.
    at_any_rate: Timestamp,
    /// How many entries every collector has.
    taken: u64,
}

impl Over {
    /// Nothing where the calendar does not go back so far.
    fn of(keep: &Age, wait: &Age, taken: u64, now: Timestamp) -> Option<Self> {
        let then = keep.before(now)?;
        Some(Self { then, at_any_rate: wait.before(then)?, taken })
    }

    /// The same, as it was before.
    fn earlier(self, by: SignedDuration) -> Self {
        let earlier = |moment: Timestamp| moment.checked_sub(by).unwrap_or(Timestamp::MIN);
        Self { then: earlier(self.then), at_any_rate: earlier(self.at_any_rate), ..self }
    }

    fn is_for(self, index: u64, file: &Old) -> bool {
        let then = if (index + 1) * WIDTH <= self.taken { self.then } else { self.at_any_rate };
        file.newest < then
    }
}

/// What there is to know of a file of entries before it goes.
struct Old {
    /// The time of its newest entry.
    newest: Timestamp,
    /// The rotations that would go with it: its own, and those that former prunings had to keep.
    rotations: Vec<PrunedRotation>,
}

impl Old {
    fn read(log: &AuditLog, index: u64) -> Result<Self, KeepError> {
        let tile = Tile::full(TileKind::Entries, index);
        let bundle = folder::files(&log.shared.folder).bundle(tile).map_err(ReadError::from)?;
        let mut old = Self { newest: Timestamp::MIN, rotations: Vec::new() };
        for line in bundle.entries() {
            let changed = |_| ReadError::Changed { path: log.shared.folder.join(tile.to_string()) };
            let entry = Entry::decode(line).map_err(changed)?;
            old.newest = old.newest.max(entry.time.timestamp());
            match entry.event {
                Event::KeyRotated(rotation) => {
                    old.rotations.push(PrunedRotation { seq: entry.seq, rotation });
                }
                Event::EntriesPruned(pruned) => old.rotations.extend(pruned.rotations),
                _ => {}
            }
        }
        Ok(old)
    }
}

/// How many entries a checkpoint of ours covers.
fn signed_size(checkpoint: &str) -> u64 {
    SignedCheckpoint::parse(checkpoint).map_or(0, |signed| signed.unverified().size)
}

/// Why old entries stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// They cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file cannot be written or removed.
    #[error(
        "cannot {doing} `{tile}` of the audit log: {source}; free space or repair the disk: it goes on by itself"
    )]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        tile: Tile,
        /// What the system says.
        source: io::Error,
    },
    /// The log does not take the entry that tells of it.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// That entry is too long.
    #[error("there were more rotations of the key than fit an entry: {0}")]
    Encode(#[from] EncodeError),
    /// The log was closed.
    #[error("the audit log is closed")]
    Stopping,
}

impl KeepError {
    fn io(doing: &'static str, tile: Tile) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, tile, source }
    }
}
