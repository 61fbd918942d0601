//! How a stream is set up, and how it is known that it flows.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use oam_audit::entry::{Event, SignalStream, StreamChange};
use oam_fetch::Secret;
use thiserror::Error;
use tokio::{task::JoinSet, time};
use tokio_util::sync::CancellationToken;

use super::{
    Receiver, Signals,
    api::{Api, Made, NotSetUp},
    locked,
    stream::{Asked, Stream},
    task::AFTER_A_PANIC,
};
use crate::{
    backoff::Backoff,
    config::Delivery,
    service::Live,
    source::{TokenError, TokenInfo},
};

/// How often the transmitter is asked whether signals flow.
const CHECK: Duration = Duration::from_secs(60);
/// How often it is looked whether we are blind.
const LOOK: Duration = Duration::from_secs(1);
/// How long a sign of life is waited for when somebody wants to see one.
const SEEN_WITHIN: Duration = Duration::from_secs(10);

/// What came of setting a stream up.
#[derive(Debug)]
pub struct SetUp {
    /// The token with which the transmitter is to push, where somebody has to give it to it: shown this once.
    pub token: Option<Secret>,
    /// What there is to do or to know, a sentence each.
    pub advice: Vec<String>,
}

/// Why a stream is not set up, asked or removed.
#[derive(Debug, Error)]
pub enum SetUpError {
    /// There is no way to us.
    #[error("say in `scim.url` how `{0}` reaches us: its stream names that address")]
    NoAddress(String),
    /// It is not ours to do.
    #[error("the stream of `{0}` is not set up by us: there is no `token_file` for its API")]
    ByHand(String),
    /// There is none.
    #[error("no stream of `{0}` is set up: `oam signals setup {0}`")]
    NoStream(String),
    /// The transmitter says no, or nothing.
    #[error("the transmitter `{name}`: {why}")]
    Transmitter {
        /// Its name.
        name: String,
        /// What went wrong.
        why: String,
    },
    /// A token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The disk, or the audit log.
    #[error("it cannot be stored: {0}")]
    Store(String),
}

impl Signals {
    /// Keeps every stream, until `stop`.
    pub async fn keep(live: Arc<Live>, stop: CancellationToken) {
        let mut keeping = JoinSet::new();
        for receiver in live.signals.all() {
            let (receiver, live, stop) = (Arc::clone(receiver), Arc::clone(&live), stop.clone());
            keeping.spawn(async move {
                let begin = || {
                    let (receiver, live, stop) = (Arc::clone(&receiver), Arc::clone(&live), stop.clone());
                    async move { receiver.hear(&live, &stop).await }
                };
                receiver.whatever_happens(&stop, AFTER_A_PANIC, begin).await;
            });
        }
        // That nothing comes is nobody's word, and goes by the time.
        let looking = async {
            loop {
                live.signals.tell(&live.sources);
                time::sleep(LOOK).await;
            }
        };
        let ended = async { while keeping.join_next().await.is_some() {} };
        tokio::join!(stop.run_until_cancelled(looking), ended);
    }
}

impl Receiver {
    /// Looks after the stream, and asks for signals where they do not come by themselves, until `stop`.
    async fn hear(&self, live: &Live, stop: &CancellationToken) {
        tokio::join!(self.keep(stop), async {
            if self.config.delivery == Delivery::Poll {
                self.poll(live, stop).await;
            }
        });
    }

    /// Looks after the stream, until `stop`.
    async fn keep(&self, stop: &CancellationToken) {
        if !self.is_managed() {
            return;
        }
        let mut backoff = Backoff::default();
        loop {
            let renewed = self.renewed.notified();
            let Some(checked) = stop.run_until_cancelled(self.check()).await else { return };
            let pause = match checked {
                Ok(()) => {
                    backoff = Backoff::default();
                    // Where signals are asked for, their answers tell whether it is well; where there is no stream, nobody asks.
                    if self.config.delivery == Delivery::Push || locked(&self.stream).get().id.is_none() {
                        self.well();
                    }
                    CHECK.min(self.config.verify_every)
                }
                Err(why) => {
                    self.in_trouble(why);
                    backoff.pause()
                }
            };
            let waited = async {
                tokio::select! {
                    () = time::sleep(pause) => {}
                    () = renewed => {}
                }
            };
            if stop.run_until_cancelled(waited).await.is_none() {
                return;
            }
        }
    }

    /// Asks whether signals flow, and for a sign of life where that is due.
    async fn check(&self) -> Result<(), String> {
        let stream = locked(&self.stream).get().clone();
        let Some(id) = stream.id.as_deref() else { return Ok(()) };
        let api = Api::new(&self.config, &self.client);
        let transmitter = api.discover().await?;
        if let Some((flow, why)) = api.status(&transmitter, id).await? {
            self.change(|now| {
                // A signal may have told of it meanwhile, and is newer than this answer.
                if now.flow == stream.flow {
                    (now.flow, now.why) = (flow, why);
                }
            })?;
        }
        let now = Timestamp::now();
        if stream.asked.as_ref().is_some_and(|asked| asked.since > now) {
            // It was asked for by a clock that was ahead: it is waited for from now on.
            self.change(|stream| stream.asked.as_mut().map(|asked| asked.since = asked.since.min(now)))?;
        }
        let (asked, waits) = {
            let told = locked(&self.told);
            (told.asked.map(|asked| asked.elapsed()), told.waits())
        };
        let is_due = stream.is_due(asked, waits, self.config.verify_every, self.config.alarm_after, now);
        let is_blind = locked(&self.stream).get().flow.is_blind();
        if is_due && !is_blind && transmitter.verification_endpoint.is_some() {
            self.ask_for_life(&api, &transmitter, id).await?;
        }
        Ok(())
    }

    async fn ask_for_life(
        &self,
        api: &Api<'_>,
        transmitter: &oam_fetch::signals::Transmitter,
        id: &str,
    ) -> Result<(), String> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(|error| error.to_string())?;
        let fresh = Asked { state: hex::encode(random), since: Timestamp::now() };
        // Known before it is asked for: the answer may come first. One that is waited for stays the one.
        let asked = self.change(|stream| {
            let is_it = stream.id.as_deref() == Some(id);
            is_it.then(|| stream.asked.get_or_insert(fresh).clone())
        })?;
        // Where it was removed meanwhile, a sign of life would be waited for that nobody ever asks for again.
        let asked = asked.ok_or_else(|| "the stream is another one by now".to_owned())?;
        locked(&self.told).asked = None;
        api.ask(transmitter, id, &asked.state).await?;
        locked(&self.told).asked = Some(Instant::now());
        Ok(())
    }

    /// Sets the stream up, or as it should be by now.
    ///
    /// # Errors
    /// When the transmitter does not want it, or it cannot be stored.
    pub async fn set_up(&self, live: &Live, actor: &str) -> Result<SetUp, SetUpError> {
        let name = self.name().to_owned();
        if !self.is_managed() {
            let (token, _) = self.new_token(actor)?;
            self.record_stream(live, StreamChange::Token, None, actor).await?;
            let advice = vec![format!(
                "Give the transmitter this token and the address `/signals/{name}` below that of `[scim]`"
            )];
            return Ok(SetUp { token: Some(token), advice });
        }
        let api = Api::new(&self.config, &self.client);
        let refused = |why| SetUpError::Transmitter { name: name.clone(), why };
        let transmitter = api.discover().await.map_err(refused)?;
        let known = locked(&self.stream).get().id.clone();
        let push = match self.config.delivery {
            Delivery::Poll => None,
            Delivery::Push => {
                let origin = live.config.scim.as_ref().and_then(|scim| scim.url.as_deref());
                let origin = origin.ok_or_else(|| SetUpError::NoAddress(name.clone()))?;
                let (token, info) = self.new_token(actor)?;
                Some((format!("{origin}/signals/{name}"), token, info))
            }
        };
        let named = push.as_ref().map(|(url, token, _)| (url.as_str(), token));
        let made = api.set_up(&transmitter, known.as_deref(), named).await;
        if let Some((_, _, new)) = &push {
            self.settle(new, &made)?;
        }
        let made = match made {
            Ok(made) => made,
            Err(NotSetUp::Refused(why) | NotSetUp::Unknown(why) | NotSetUp::Taken(why)) => {
                return Err(refused(why));
            }
        };
        let mut advice = made.check(&self.config).map_err(refused)?;
        let poll = made.poll(&self.config).map_err(refused)?;
        let id = made.stream_id;
        let change = if known.as_ref() == Some(&id) { StreamChange::Updated } else { StreamChange::Created };
        let kept = self.change(|stream| {
            if stream.id.as_ref() != Some(&id) {
                *stream = Stream { id: Some(id.clone()), ..Stream::default() };
            }
            stream.poll = poll;
        });
        kept.map_err(SetUpError::Store)?;
        // At once: where nothing is decided without it, it is from now on.
        self.tell(&live.sources);
        self.record_stream(live, change, Some(id), actor).await?;
        self.renewed.notify_waiters();
        if transmitter.default_subjects.as_deref() == Some("NONE") {
            advice.push(
                "The transmitter tells of nobody unless they are added there: its subjects are `NONE`".into(),
            );
        }
        Ok(SetUp { token: None, advice })
    }

    /// Leaves those tokens that the transmitter may have, now that it was told a new one.
    fn settle(&self, new: &TokenInfo, made: &Result<Made, NotSetUp>) -> Result<(), TokenError> {
        let mut tokens = locked(&self.tokens);
        let goes = |token: &TokenInfo| match made {
            Ok(_) | Err(NotSetUp::Taken(_)) => token.id != new.id,
            Err(NotSetUp::Refused(_)) => token.id == new.id,
            Err(NotSetUp::Unknown(_)) => false,
        };
        for token in tokens.list().iter().filter(|token| goes(token)) {
            tokens.revoke(&token.id)?;
        }
        Ok(())
    }

    /// A new token to push with. Of as many as may be live the one goes that is not in use. Where we set the stream up, more than
    /// one is live only after an answer was lost: the transmitter may have either, beside the new one.
    fn new_token(&self, actor: &str) -> Result<(Secret, TokenInfo), TokenError> {
        let most = if self.is_managed() { 2 } else { 1 };
        let mut tokens = locked(&self.tokens);
        let now = Timestamp::now();
        let live: Vec<_> = tokens.list().into_iter().filter(|token| token.expires > now).collect();
        if live.len() > most
            && let Some(unused) = live.iter().min_by_key(|token| token.last_used)
        {
            tokens.revoke(&unused.id)?;
        }
        let (token, info) = tokens.add(actor, crate::source::LIFETIME, now)?;
        Ok((Secret::new(token.reveal()), info))
    }

    /// Asks for a sign of life, and whether one came.
    ///
    /// # Errors
    /// When it cannot be asked for.
    pub async fn verify(&self) -> Result<bool, SetUpError> {
        let (name, id) = (self.name().to_owned(), self.stream_id()?);
        let api = Api::new(&self.config, &self.client);
        let refused = |why| SetUpError::Transmitter { name: name.clone(), why };
        // Before it is asked for: it may come at once.
        let alive = self.alive.notified();
        let transmitter = api.discover().await.map_err(refused)?;
        self.ask_for_life(&api, &transmitter, &id).await.map_err(refused)?;
        Ok(time::timeout(SEEN_WITHIN, alive).await.is_ok() || locked(&self.stream).get().asked.is_none())
    }

    /// Removes the stream, here and there.
    ///
    /// # Errors
    /// When the transmitter does not want it, or it cannot be stored.
    pub async fn remove(&self, live: &Live, actor: &str) -> Result<(), SetUpError> {
        let (name, id) = (self.name().to_owned(), self.stream_id()?);
        let api = Api::new(&self.config, &self.client);
        let refused = |why| SetUpError::Transmitter { name: name.clone(), why };
        let transmitter = api.discover().await.map_err(refused)?;
        api.remove(&transmitter, &id).await.map_err(refused)?;
        self.change(|stream| *stream = Stream::default()).map_err(SetUpError::Store)?;
        self.tell(&live.sources);
        self.renewed.notify_waiters();
        let tokens: Vec<_> = locked(&self.tokens).list();
        for token in tokens {
            locked(&self.tokens).revoke(&token.id)?;
        }
        self.record_stream(live, StreamChange::Removed, Some(id), actor).await
    }

    fn stream_id(&self) -> Result<String, SetUpError> {
        if !self.is_managed() {
            return Err(SetUpError::ByHand(self.name().to_owned()));
        }
        let id = locked(&self.stream).get().id.clone();
        id.ok_or_else(|| SetUpError::NoStream(self.name().to_owned()))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Stream) -> T) -> Result<T, String> {
        let changed = tokio::task::block_in_place(|| locked(&self.stream).change(change));
        changed.map_err(|error| format!("what is known of the stream cannot be stored: {error}"))
    }

    async fn record_stream(
        &self,
        live: &Live,
        change: StreamChange,
        stream: Option<String>,
        actor: &str,
    ) -> Result<(), SetUpError> {
        let transmitter = self.name().to_owned();
        let event =
            Event::SignalStream(SignalStream { transmitter, change, stream, actor: actor.to_owned() });
        let fault = |error: &dyn std::error::Error| SetUpError::Store(error.to_string());
        let batch = live.audit.batch(&event).map_err(|error| fault(&error))?;
        let recorded = live.audit.append(batch).await;
        live.audit_took_it(recorded.is_ok());
        recorded.map(|_| ()).map_err(|error| fault(&error))
    }

    /// It is asked, and answers.
    pub(super) fn well(&self) {
        locked(&self.told).trouble = None;
        self.keep_silent(|_| None);
    }

    /// It does not answer as it should.
    pub(super) fn in_trouble(&self, why: String) {
        tracing::warn!(
            transmitter = self.name(),
            why,
            "a transmitter of signals does not answer; it is asked again"
        );
        let mut told = locked(&self.told);
        let since = told.trouble.as_ref().map_or_else(Instant::now, |(_, since)| *since);
        told.trouble = Some((why, since));
        drop(told);
        let now = Timestamp::now();
        // One that was noted by a clock that was ahead counts from now on.
        self.keep_silent(|silent| Some(silent.map_or(now, |since| since.min(now))));
    }

    /// Keeps since when it does not answer, so that a start does not begin anew. Of a stream that is not set up by us nobody knows
    /// when that is over.
    fn keep_silent(&self, next: impl FnOnce(Option<Timestamp>) -> Option<Timestamp>) {
        if !self.is_managed() {
            return;
        }
        let silent = locked(&self.stream).get().silent;
        let next = next(silent);
        if next != silent
            && let Err(why) = self.change(|stream| stream.silent = next)
        {
            tracing::warn!(transmitter = self.name(), why, "since when it does not answer is not kept");
        }
    }
}
