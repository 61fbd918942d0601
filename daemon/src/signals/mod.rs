//! Shared signals: transmitters tell what happens to people, and whoever they say is disabled is cut off (OpenID Shared Signals
//! Framework 1.0, CAEP 1.0, RISC 1.0).
//!
//! **In:** security event tokens (RFC 8417), pushed to `/signals/<name>` beside SCIM (RFC 8935) or asked for (RFC 8936), checked
//! by [`crate::oidc::EventIssuer`]. **Out:** revocations through the one writer of [`crate::directory`], the wish that a source is read
//! again, entries of the audit log.
//!
//! - `set`, `event`, `subject`: what an event says, read strictly; pure;
//! - `find`, `act`: who that is, and what follows from it;
//! - `seen`, `stream`: what must outlive a restart: which events were taken, and how the stream is;
//! - `push`, `poll`: the two ways in; `api`, `keep`: how a stream is set up, and how it is known that it flows;
//! - `told`: what came of late; `task`: what follows a panic.
//!
//! **Must never:** guess whom an event is about; give anybody anything; say that an event was taken before what follows from it is
//! durable, in force and in the audit log; take silence for a sign of life.

mod act;
mod api;
mod event;
mod find;
mod keep;
mod poll;
mod push;
mod seen;
mod set;
mod stream;
mod subject;
mod task;
#[cfg(test)]
mod tests;
mod told;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use oam_fetch::{Client, RootsError};
use thiserror::Error;
use tokio::sync::Notify;

use crate::{
    config::{Delivery, OnBlind, SignalsConfig},
    oidc::EventIssuer,
    source::{Kind, Sources, TokenInfo, Tokens},
    store::durable,
};
use seen::Seen;
use stream::StreamFile;
use told::{NotUnderstood, Told};

pub use act::{NotTaken, OUTCOMES, SetCode};
pub use event::{EventKind, PersonEvent};
pub use keep::{SetUp, SetUpError};
pub use push::router;
pub use set::{SecurityEvent, SetError};
pub use stream::Flow;
pub use subject::Subject;

/// How long an answer to a poll may be waited for.
const LONG_POLL: Duration = Duration::from_secs(60);
/// How large the answer may be then: as many events as are asked for at once, with room.
const MOST_POLLED: usize = 512 << 10;

/// Why signals cannot be received.
#[derive(Debug, Error)]
pub enum OpenError {
    /// No authorities of certificates.
    #[error("`signals.{name}`: {source}")]
    Roots {
        /// Which.
        name: String,
        /// What went wrong.
        source: RootsError,
    },
    /// What is kept of it cannot be read.
    #[error("`signals.{name}`: what is kept of it in `{path}`: {source}")]
    State {
        /// Which.
        name: String,
        /// Where.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

/// For how long it is an alarm that an event was not taken for what it says.
const NOT_UNDERSTOOD_FOR: Duration = Duration::from_secs(60 * 60);

/// Everybody whose signals are received.
#[derive(Debug, Default)]
pub struct Signals(Vec<Arc<Receiver>>);

/// What receives the signals of one transmitter.
#[derive(Debug)]
pub struct Receiver {
    config: SignalsConfig,
    issuer: EventIssuer,
    client: Client,
    /// For requests that are answered when there is something to say.
    patient: Client,
    stream: Mutex<StreamFile>,
    /// Since when it did not answer when the daemon was started.
    was_silent: Option<Timestamp>,
    seen: Mutex<Seen>,
    tokens: Mutex<Tokens>,
    told: Mutex<Told>,
    /// One event after the other, so that none is taken twice.
    turn: tokio::sync::Mutex<()>,
    /// The stream is another one.
    renewed: Notify,
    /// A sign of life came.
    alive: Notify,
}

/// What is known of a transmitter.
#[derive(Debug, Clone)]
pub struct Report {
    /// Its name in the configuration.
    pub name: String,
    /// What it calls itself.
    pub issuer: String,
    /// The source whose people it speaks of.
    pub source: String,
    /// `push` or `poll`.
    pub delivery: &'static str,
    /// Its name for the stream, where we set it up.
    pub stream: Option<String>,
    /// Whether signals flow, as it says.
    pub flow: Flow,
    /// Why not, in its words.
    pub why: Option<String>,
    /// When it last told anything, since the daemon started.
    pub heard: Option<Timestamp>,
    /// When it last gave a sign of life that was asked for.
    pub verified: Option<Timestamp>,
    /// Since when one is waited for.
    pub asked: Option<Timestamp>,
    /// What is wrong with how we ask.
    pub trouble: Option<String>,
    /// Why we must be taken for blind, in a sentence.
    pub blind: Option<String>,
    /// How many events were taken since the daemon started.
    pub received: u64,
    /// How many were refused.
    pub refused: u64,
    /// The tokens with which it pushes.
    pub tokens: Vec<TokenInfo>,
}

impl Signals {
    /// Those that are configured. Nobody is asked for anything yet.
    ///
    /// # Errors
    /// When what is kept of one cannot be read.
    pub fn open(configured: &[SignalsConfig], state: &Path) -> Result<Self, OpenError> {
        let open = |config: &SignalsConfig| Receiver::open(config, &state.join("signals")).map(Arc::new);
        configured.iter().map(open).collect::<Result<_, _>>().map(Self)
    }

    /// Each of them, by name.
    pub fn all(&self) -> &[Arc<Receiver>] {
        &self.0
    }

    /// The one of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<Receiver>> {
        self.0.iter().find(|one| one.name() == name)
    }

    /// Tells the sources of whose people nothing can be decided while we are blind.
    pub fn tell(&self, sources: &Sources) {
        self.0.iter().for_each(|one| one.tell(sources));
    }

    /// What somebody must look at now, a sentence each.
    pub fn alarms(&self, now: Timestamp) -> Vec<String> {
        self.0.iter().flat_map(|one| one.report(now).blind.into_iter().chain(one.not_understood())).collect()
    }

    /// What somebody should look at, a sentence each.
    pub fn warnings(&self, now: Timestamp) -> Vec<String> {
        self.0.iter().flat_map(|one| one.warnings(now)).collect()
    }
}

impl Receiver {
    fn open(config: &SignalsConfig, folder: &Path) -> Result<Self, OpenError> {
        let name = config.name.to_string();
        let folder = folder.join(&name);
        let roots = |source| OpenError::Roots { name: name.clone(), source };
        let state = |source| OpenError::State { name: name.clone(), path: folder.clone(), source };
        durable::make_folder(&folder).map_err(state)?;
        let ca = config.ca.as_deref();
        let rules = (config.algorithms.clone(), config.leeway);
        let stream = StreamFile::open(&folder).map_err(state)?;
        let issuer = EventIssuer::new(&name, &config.issuer, &config.audience, rules, (config.network, ca));
        let client = Client::new(config.network, ca).map_err(roots)?;
        Ok(Self {
            config: config.clone(),
            issuer: issuer.map_err(roots)?,
            patient: client.clone().bounded(LONG_POLL, MOST_POLLED),
            client,
            was_silent: stream.get().silent,
            stream: Mutex::new(stream),
            seen: Mutex::new(Seen::open(&folder).map_err(state)?),
            tokens: Mutex::new(Tokens::open(&folder, Kind::Signals).map_err(state)?),
            told: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            renewed: Notify::new(),
            alive: Notify::new(),
        })
    }

    /// The name in the configuration.
    pub fn name(&self) -> &str {
        self.config.name.as_str()
    }

    /// As the audit log writes who did it.
    fn actor(&self) -> String {
        format!("signals {}", self.name())
    }

    /// Whether its stream is set up by us.
    fn is_managed(&self) -> bool {
        self.config.token_file.is_some()
    }

    /// Whether a token that was shown is one with which it pushes.
    fn accepts(&self, token: &str) -> bool {
        locked(&self.tokens).accept(token, Timestamp::now()).is_some()
    }

    /// What is known of it.
    pub fn report(&self, now: Timestamp) -> Report {
        let stream = locked(&self.stream).get().clone();
        let told = locked(&self.told).clone();
        let tokens = locked(&self.tokens).list();
        Report {
            name: self.name().to_owned(),
            issuer: self.config.issuer.to_string(),
            source: self.config.source.to_string(),
            delivery: self.config.delivery.as_str(),
            blind: self.blind(&stream, &told, now),
            stream: stream.id,
            flow: stream.flow,
            why: stream.why,
            heard: told.heard,
            verified: stream.verified,
            asked: stream.asked.map(|asked| asked.since),
            trouble: told.trouble.map(|(why, _)| why).or_else(|| self.issuer.trouble()),
            received: told.received,
            refused: told.refused,
            tokens,
        }
    }

    /// Tells its source whether we are blind, where nothing is to be decided then. Nobody may change the stream meanwhile: what was
    /// looked at before that would be told after it.
    fn tell(&self, sources: &Sources) {
        if self.config.on_blind == OnBlind::Alarm {
            return;
        }
        let Ok(source) = sources.get(self.config.source.as_str()) else { return };
        let stream = locked(&self.stream);
        let told = locked(&self.told).clone();
        let blind = self.blind(stream.get(), &told, Timestamp::now());
        source.note_signals(self.name(), blind.is_none());
    }

    /// Why we must be taken for blind: nothing would reach us.
    fn blind(&self, stream: &stream::Stream, told: &Told, now: Timestamp) -> Option<String> {
        let name = self.name();
        if stream.flow.is_blind() {
            let why = stream.why.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
            return Some(format!(
                "The transmitter `{name}` has {} its stream{why}: whoever is disabled there is not cut off here by it. Let it \
                 flow again there",
                stream.flow.as_str()
            ));
        }
        if self.is_missing(stream) && self.config.on_blind == OnBlind::Undecided {
            return Some(self.not_set_up());
        }
        if let Some(why) = self.not_answered(stream, told, now) {
            return Some(format!("Nothing is known of the signals of `{name}` any more: {why}"));
        }
        if let Some(why) = told.not_taken(self.config.alarm_after, Instant::now()) {
            return Some(format!(
                "Signals of `{name}` came and could not be taken, and none like them was since: {why}. Whoever is \
                 disabled there may not be cut off here by it"
            ));
        }
        let asked =
            stream.asked.as_ref().filter(|asked| is_over(asked.since, self.config.alarm_after, now))?;
        Some(format!(
            "The transmitter `{name}` was asked for a sign of life at {}, and none came: its signals may not reach us. Look at \
             the way to us, and at `oam signals status {name}`",
            asked.since.strftime("%Y-%m-%dT%H:%M:%SZ")
        ))
    }

    /// Why the transmitter did not answer for too long. Since when it does not is kept: a start is no answer. What began since the
    /// start goes by a clock that nobody sets.
    fn not_answered(&self, stream: &stream::Stream, told: &Told, now: Timestamp) -> Option<String> {
        let alarm_after = self.config.alarm_after;
        let kept = stream.silent.filter(|since| self.is_managed() && self.was_silent == Some(*since));
        let is_long = told.trouble.as_ref().is_some_and(|(_, since)| since.elapsed() >= alarm_after)
            || kept.is_some_and(|since| is_over(since, alarm_after, now));
        let why = || told.trouble.as_ref().map(|(why, _)| why.clone());
        is_long.then(|| why().unwrap_or_else(|| "it did not answer before the daemon was started".to_owned()))
    }

    /// Whether its stream is one for us to set up, and is not set up.
    fn is_missing(&self, stream: &stream::Stream) -> bool {
        self.is_managed() && stream.id.is_none()
    }

    fn not_set_up(&self) -> String {
        let name = self.name();
        format!("No signals of `{name}` are received: its stream is not set up. `oam signals setup {name}`")
    }

    /// That of late an event was not taken for what it says, be it that nobody but the transmitter can have made it.
    fn not_understood(&self) -> Option<String> {
        let NotUnderstood { why, .. } =
            locked(&self.told).not_understood.clone().filter(|one| one.at.elapsed() < NOT_UNDERSTOOD_FOR)?;
        let name = self.name();
        Some(format!(
            "A signal that `{name}` has signed was not taken: {why}. Whoever is disabled there may not be cut off here by it: look at \
             the daemon's log, and at the clocks of both"
        ))
    }

    fn warnings(&self, now: Timestamp) -> Vec<String> {
        let (name, report) = (self.name(), self.report(now));
        let mut warnings = Vec::new();
        if report.blind.is_none()
            && let Some(trouble) = &report.trouble
        {
            warnings.push(format!("The transmitter `{name}` is not asked: {trouble}"));
        }
        let is_missing = match self.config.delivery {
            _ if self.is_managed() => report.stream.is_none(),
            Delivery::Push => report.tokens.is_empty(),
            Delivery::Poll => false,
        };
        let not_set_up = is_missing.then(|| self.not_set_up());
        // Where nothing is decided for that, it was said already.
        warnings.extend(not_set_up.filter(|what| report.blind.as_ref() != Some(what)));
        warnings.extend(report.tokens.iter().filter_map(|token| token.ends_soon(now)).map(|ends| {
            format!("The token with which `{name}` pushes signals {ends}: `oam signals setup {name}` makes another")
        }));
        warnings
    }
}

/// Whether as long has passed since then.
fn is_over(since: Timestamp, time: Duration, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(since)).is_ok_and(|passed| passed >= time)
}

/// What is in there, whoever panicked with it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
