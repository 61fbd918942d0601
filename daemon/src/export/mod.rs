//! Hands the audit log on to collectors: files that are followed, syslog over TLS, OTLP.
//!
//! **In:** the entries that a checkpoint covers, in order. **Out:** the same, each with its number and its leaf hash, in the
//! form that a collector reads.
//!
//! There is no queue: the log is one. What a collector has taken is a number of entries in a file, and whatever lies behind
//! it is handed on until it is taken, however long that takes. So a collector that is down loses nothing and holds nobody
//! up; one that fails between taking and answering gets some entries twice, and knows them by their numbers.
//!
//! **Must never:** hold up an answer, leave out an entry in silence, or speak to an address that the configuration does not
//! mention.

mod file;
mod gaps;
mod otlp;
mod syslog;
#[cfg(test)]
mod tests;

use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use oam_audit::entry::Entry;
use oam_export::{envelope, ocsf};
use oam_fetch::RootsError;
use thiserror::Error;
use tokio::{task::JoinSet, time};
use tokio_util::sync::CancellationToken;

use self::{file::Followed, gaps::Gaps, otlp::Otlp, syslog::Syslog};
use crate::{
    audit_log::AuditLog,
    backoff::Backoff,
    config::{ExportConfig, ExportFormat, ExportFrom, ExportTo},
    cursor::{Cursor, SharedCursor},
};

/// How many entries are handed on together, at most.
const TOGETHER: usize = 256;
/// And how many bytes of the log, unless one entry alone has more. Collectors of OTLP take 4 MiB, and an event of OCSF is
/// larger than its entry.
const TOGETHER_BYTES: usize = 512 * 1024;
/// How long a collector on the network may take for them.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why nothing can be handed on.
#[derive(Debug, Error)]
pub enum ExportError {
    /// No certificates to believe or to show.
    #[error("export `{name}`: {source}")]
    Certificates {
        /// Which.
        name: String,
        /// What went wrong.
        source: RootsError,
    },
    /// How far it came cannot be read.
    #[error("export `{name}`: `{path}`: {source}")]
    Cursor {
        /// Which.
        name: String,
        /// Where.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

/// Everybody who collects the log.
#[derive(Debug, Default)]
pub struct Exports(Vec<Arc<Export>>);

/// Somebody who collects the log.
#[derive(Debug)]
struct Export {
    config: ExportConfig,
    way: Way,
    cursor: SharedCursor,
    gaps: Mutex<Gaps>,
    state: Mutex<State>,
}

/// How it is done.
#[derive(Debug)]
enum Way {
    File(Followed),
    Syslog(Syslog),
    Otlp(Otlp),
}

/// How it goes.
#[derive(Debug, Clone, Default)]
struct State {
    /// Why entries are not taken.
    trouble: Option<String>,
    /// The time of the first entry that waits.
    waits_since: Option<Timestamp>,
}

/// How a collector is, to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: &'static str,
    /// How many entries it has taken, or need not take.
    pub taken: u64,
    /// How many entries wait.
    pub waiting: u64,
    /// For how long the first of them has waited.
    pub waits: Duration,
    /// Why they are not taken; `None`: they are.
    pub trouble: Option<String>,
}

/// An entry on its way.
#[derive(Debug)]
struct Item {
    entry: Entry,
    line: String,
}

impl Item {
    fn read(line: Vec<u8>) -> Result<Self, String> {
        let entry =
            Entry::decode(&line).map_err(|error| format!("the log holds what is no entry: {error}"))?;
        let line =
            String::from_utf8(line).map_err(|error| format!("the log holds what is no text: {error}"))?;
        Ok(Self { entry, line })
    }

    fn body(&self, format: ExportFormat) -> String {
        match format {
            ExportFormat::Jsonl => envelope::line(&self.entry, &self.line),
            ExportFormat::Ocsf => ocsf::event(&self.entry, self.line.as_bytes()).to_string(),
        }
    }
}

impl Exports {
    /// Those that are configured.
    ///
    /// # Errors
    /// When certificates, or how far one came, cannot be read.
    pub fn open(configured: &[ExportConfig], state: &Path, log: &AuditLog) -> Result<Self, ExportError> {
        let folder = state.join("exports");
        configured
            .iter()
            .map(|config| Export::open(config, &folder, log).map(Arc::new))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Hands the log on to all of them, until `stop`.
    pub async fn hand_on(&self, log: AuditLog, stop: CancellationToken) {
        let mut all: JoinSet<()> = self
            .0
            .iter()
            .map(|one| {
                let (one, log, stop) = (Arc::clone(one), log.clone(), stop.clone());
                async move { one.hand_on(log, stop).await }
            })
            .collect();
        while all.join_next().await.is_some() {}
    }

    /// How each of them is.
    pub fn reports(&self, log: &AuditLog, now: Timestamp) -> Vec<Report> {
        self.0.iter().map(|one| one.report(log, now)).collect()
    }

    /// How many entries every one of them has, or need not have; all that there will ever be, where nobody collects.
    pub fn taken(&self) -> u64 {
        self.0.iter().map(|one| one.cursor.taken()).min().unwrap_or(u64::MAX)
    }

    /// Who does not take the log, a sentence each: those that somebody must look at now, or the others.
    fn sentences(&self, log: &AuditLog, now: Timestamp, alarming: bool) -> Vec<String> {
        let sentence = |one: &Arc<Export>| {
            let report = one.report(log, now);
            let trouble = report.trouble.as_ref()?;
            if (report.waits >= one.config.alarm_after) != alarming {
                return None;
            }
            let (name, waiting) = (&report.name, report.waiting);
            Some(format!(
                "The collector `{name}` does not take the audit log. {waiting} entries wait for it, and none is lost: {trouble}"
            ))
        };
        self.0.iter().filter_map(sentence).collect()
    }

    /// Who does not take the log, and has not for so long that somebody must look at it now.
    pub fn alarms(&self, log: &AuditLog, now: Timestamp) -> Vec<String> {
        let gaps = |one: &Arc<Export>| {
            one.gaps.lock().unwrap_or_else(PoisonError::into_inner).sentences(&one.config.name)
        };
        self.0.iter().flat_map(gaps).chain(self.sentences(log, now, true)).collect()
    }

    /// Who else does not take the log.
    pub fn warnings(&self, log: &AuditLog, now: Timestamp) -> Vec<String> {
        self.sentences(log, now, false)
    }
}

impl Export {
    fn open(config: &ExportConfig, folder: &Path, log: &AuditLog) -> Result<Self, ExportError> {
        let name = || config.name.clone();
        let end = log.size();
        let new = match config.from {
            ExportFrom::Now => end,
            ExportFrom::Start => 0,
        };
        let path = folder.join(&config.name);
        // Where it is damaged everything is handed on once more, rather than something not at all.
        let cursor = Cursor::open(&path, end, new, 0);
        let fault = |path: PathBuf| move |source| ExportError::Cursor { name: name(), path, source };
        let cursor = cursor.map_err(fault(path))?;
        let path = folder.join(format!("{}.gaps", config.name));
        let gaps = Gaps::open(&path).map_err(fault(path))?;
        let certificates = |source| ExportError::Certificates { name: name(), source };
        let way = match &config.to {
            ExportTo::File { path, rotate_mib, keep } => {
                Way::File(Followed { path: path.clone(), full: rotate_mib << 20, keep: *keep })
            }
            ExportTo::Syslog { host, confirm } => {
                host.check().map_err(certificates)?;
                Way::Syslog(Syslog { host: host.clone(), confirm: *confirm })
            }
            ExportTo::Otlp { host, token_file } => {
                host.check().map_err(certificates)?;
                Way::Otlp(Otlp::new(host, token_file.clone()))
            }
        };
        Ok(Self {
            config: config.clone(),
            way,
            cursor: SharedCursor::new(cursor),
            gaps: Mutex::new(gaps),
            state: Mutex::default(),
        })
    }

    async fn hand_on(&self, log: AuditLog, stop: CancellationToken) {
        let mut checkpoints = log.checkpoints();
        let mut backoff = Backoff::default();
        loop {
            checkpoints.mark_unchanged();
            let Some(handed_on) = stop.run_until_cancelled(self.hand_on_all(&log)).await else { return };
            let pause = match handed_on {
                Ok(()) => {
                    self.note(None);
                    backoff = Backoff::default();
                    None
                }
                Err(why) => {
                    tracing::warn!(
                        export = self.config.name,
                        why,
                        "a collector does not take the log; it is tried again"
                    );
                    self.note(Some(why));
                    Some(backoff.pause())
                }
            };
            let more = async {
                match pause {
                    Some(pause) => {
                        time::sleep(pause).await;
                        true
                    }
                    None => checkpoints.changed().await.is_ok(),
                }
            };
            if stop.run_until_cancelled(more).await != Some(true) {
                return;
            }
        }
    }

    /// Hands on everything that is signed.
    async fn hand_on_all(&self, log: &AuditLog) -> Result<(), String> {
        loop {
            let from = self.cursor.taken();
            let items = read(log, from).await?;
            let ends = items.first().zip(items.last());
            let Some((first, last)) = ends.map(|(first, last)| (&first.entry, &last.entry)) else {
                self.state().waits_since = None;
                return Ok(());
            };
            self.state().waits_since = Some(first.time.timestamp());
            if first.seq > from {
                self.note_gap(from..first.seq)?;
            }
            self.give(&items).await?;
            self.cursor.take(last.seq + 1)?;
        }
    }

    async fn give(&self, items: &[Item]) -> Result<(), String> {
        let bodies = || items.iter().map(|item| item.body(self.config.format));
        match &self.way {
            Way::File(followed) => {
                let (followed, lines) = (followed.clone(), bodies().collect::<Vec<_>>());
                let append = move || followed.append(&lines);
                let appended =
                    tokio::task::spawn_blocking(append).await.map_err(|error| error.to_string())?;
                appended.map_err(|error| error.to_string())
            }
            Way::Syslog(syslog) => {
                in_time(syslog.send(items.iter().map(|item| &item.entry).zip(bodies()))).await
            }
            Way::Otlp(otlp) => in_time(otlp.export(items, self.config.format)).await,
        }
    }

    fn report(&self, log: &AuditLog, now: Timestamp) -> Report {
        let (taken, state) = (self.cursor.taken(), self.state().clone());
        let waits = state.waits_since.map(|since| now.duration_since(since));
        Report {
            name: self.config.name.clone(),
            kind: self.config.kind().as_str(),
            taken,
            waiting: log.size().saturating_sub(taken),
            // A clock that was set back has nobody wait.
            waits: waits.and_then(|waits| waits.try_into().ok()).unwrap_or_default(),
            trouble: state.trouble,
        }
    }

    /// Notes that entries were removed before they were taken; only then are later ones handed on.
    fn note_gap(&self, gap: Range<u64>) -> Result<(), String> {
        let name = &self.config.name;
        tracing::error!(
            export = name,
            from = gap.start,
            before = gap.end,
            "entries were removed before they were taken"
        );
        let mut gaps = self.gaps.lock().unwrap_or_else(PoisonError::into_inner);
        gaps.note(gap).map_err(|error| format!("that entries are gone cannot be noted: {error}"))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, trouble: Option<String>) {
        self.state().trouble = trouble;
    }
}

/// Some entries from number `from` on, of those that are signed; none when there are no more.
async fn read(log: &AuditLog, from: u64) -> Result<Vec<Item>, String> {
    let signed = log.signed();
    let limit = usize::try_from(signed.saturating_sub(from)).unwrap_or(usize::MAX).min(TOGETHER);
    if limit == 0 {
        return Ok(Vec::new());
    }
    let lines = log.tail(from, limit).await.map_err(|error| error.to_string())?;
    let mut bytes = 0;
    let fit = lines.into_iter().enumerate().take_while(|(place, line)| {
        bytes += line.len();
        *place == 0 || bytes <= TOGETHER_BYTES
    });
    let items = fit.map(|(_, line)| Item::read(line)).collect::<Result<Vec<_>, _>>()?;
    Ok(items.into_iter().take_while(|item| item.entry.seq < signed).collect())
}

async fn in_time(given: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let late = |_| format!("it has not taken them within {} seconds", PATIENCE.as_secs());
    time::timeout(PATIENCE, given).await.map_err(late)?
}
