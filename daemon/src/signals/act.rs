use std::{sync::Arc, time::Instant};

use jiff::Timestamp;
use oam_audit::entry::{Event, SignalEffect, SignalReceived};
use oam_policy::{Digest, Username};
use tokio::{task::block_in_place, time};

use super::{
    EventKind, Flow, NotUnderstood, PersonEvent, Receiver, SecurityEvent, SetError, locked, stream::NotAlive,
    told::Step,
};
use crate::{
    config::{Effect, Upstream},
    directory::By,
    oidc::{SignedEvent, TokenError, VerifiedEvent},
    service::Live,
    source::{Found, Poke, Request, Source},
};

/// Why an event was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    /// It never will be.
    Refused(SetCode, String),
    /// It is to be delivered again: nobody could tell, or it could not be done.
    Later(String),
}

/// Why an event never will be taken, as the transmitter is told (RFC 8935, 2.4; the framework's own is the last one).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the standards explain them")]
pub enum SetCode {
    Request,
    Key,
    Issuer,
    Audience,
    State,
}

impl SetCode {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "invalid_request",
            Self::Key => "invalid_key",
            Self::Issuer => "invalid_issuer",
            Self::Audience => "invalid_audience",
            Self::State => "invalid_state",
        }
    }
}

impl From<TokenError> for NotTaken {
    fn from(error: TokenError) -> Self {
        let code = match &error {
            // What is told for a time that has not come yet is as true then: it is our clock or theirs that is wrong.
            TokenError::Unavailable { .. } | TokenError::Early => return Self::Later(error.to_string()),
            TokenError::Issuer => SetCode::Issuer,
            TokenError::Audience => SetCode::Audience,
            TokenError::Key { .. } | TokenError::Signature(_) => SetCode::Key,
            TokenError::Malformed(_)
            | TokenError::Header(_)
            | TokenError::Expired
            | TokenError::Claim { .. } => SetCode::Request,
        };
        Self::Refused(code, error.to_string())
    }
}

impl From<SetError> for NotTaken {
    fn from(error: SetError) -> Self {
        Self::Refused(SetCode::Request, error.to_string())
    }
}

/// Every word for what may come of a signal, for counting.
pub const OUTCOMES: [&str; 13] = [
    SignalEffect::Deactivated.as_str(),
    SignalEffect::Already.as_str(),
    SignalEffect::Reread.as_str(),
    SignalEffect::Noted.as_str(),
    SignalEffect::Unknown.as_str(),
    SignalEffect::Ambiguous.as_str(),
    SignalEffect::Blind.as_str(),
    SignalEffect::Flowing.as_str(),
    "alive",
    "again",
    "refused",
    "later",
    NOT_UNDERSTOOD,
];

/// It is signed as it should be, and not taken for what it says: counted beside `refused` and `later`.
const NOT_UNDERSTOOD: &str = "not-understood";

/// What came of an event.
struct Done {
    effect: SignalEffect,
    person: Option<Username>,
}

impl Receiver {
    /// Takes an event. What follows from it is durable, in force and in the audit log when this returns, and so is that it was
    /// taken. Tells what the transmitter calls it.
    ///
    /// # Errors
    /// When it is not to be taken, or not now.
    pub(super) async fn receive(&self, live: &Live, token: &str) -> Result<String, NotTaken> {
        let mut step = Step::Arriving;
        let taken = self.take(live, token, &mut step).await;
        // Not by what it says of itself: that need not be checked yet.
        let event = Digest::of(token.as_bytes());
        match &taken {
            Ok(id) => {
                locked(&self.told).taken(id, step);
            }
            Err(NotTaken::Refused(code, why)) => {
                tracing::warn!(transmitter = self.name(), code = code.as_str(), why, "a signal is refused");
                live.metrics.signal(self.name(), "refused");
                locked(&self.told).refuse(event);
            }
            Err(NotTaken::Later(why)) => {
                tracing::warn!(transmitter = self.name(), why, "a signal is not taken yet");
                live.metrics.signal(self.name(), "later");
                let alarm_after = self.config.alarm_after;
                locked(&self.told).later(event, why, step, alarm_after, Instant::now());
            }
        }
        taken
    }

    async fn take(&self, live: &Live, token: &str, step: &mut Step) -> Result<String, NotTaken> {
        let signed = self.issuer.verify(token).await?;
        let id = signed.id().map(str::to_owned);
        let (verified, event) =
            read(signed).inspect_err(|(NotTaken::Refused(_, why) | NotTaken::Later(why))| {
                // Nobody but the transmitter can have made it: somebody there may be disabled, and is not cut off here by it.
                live.metrics.signal(self.name(), NOT_UNDERSTOOD);
                let one = NotUnderstood { id, why: why.clone(), at: Instant::now() };
                locked(&self.told).not_understood = Some(one);
            })?;
        let _one_after_the_other = self.turn.lock().await;
        let id = verified.id().to_owned();
        if locked(&self.seen).has(&id) {
            live.metrics.signal(self.name(), "again");
            return Ok(id);
        }
        if event.kind == EventKind::Verification {
            self.take_sign_of_life(live, &event)?;
        } else {
            *step = Step::Acting;
            let done = self.act(live, &verified, &event).await?;
            live.metrics.signal(self.name(), done.effect.as_str());
            self.record(live, &verified, &event, done).await?;
            *step = Step::Acted;
        }
        block_in_place(|| locked(&self.seen).note(&id, Timestamp::now()))
            .map_err(|error| NotTaken::Later(format!("that it was taken cannot be stored: {error}")))?;
        Ok(id)
    }

    fn take_sign_of_life(&self, live: &Live, event: &SecurityEvent) -> Result<(), NotTaken> {
        let now = Timestamp::now();
        let is_managed = self.is_managed();
        let said =
            block_in_place(|| locked(&self.stream).change(|stream| stream.verified(event, is_managed, now)));
        let said = said.map_err(|error| NotTaken::Later(format!("it cannot be stored: {error}")))?;
        said.map_err(not_alive)?;
        live.metrics.signal(self.name(), "alive");
        self.alive.notify_waiters();
        Ok(())
    }

    async fn act(
        &self,
        live: &Live,
        verified: &VerifiedEvent,
        event: &SecurityEvent,
    ) -> Result<Done, NotTaken> {
        let done = |effect| Ok(Done { effect, person: None });
        let about = match &event.kind {
            EventKind::Person(about) => *about,
            EventKind::StreamUpdated => return self.stream_updated(live, event),
            EventKind::Verification | EventKind::Other(_) => return done(SignalEffect::Noted),
        };
        let source = live.sources.get(self.config.source.as_str());
        let source = source.map_err(|error| NotTaken::Later(error.to_string()))?;
        let found = event.subject.as_ref().map(|subject| block_in_place(|| self.find(source, subject)));
        let person = match found {
            Some(Found::One(person)) => person,
            Some(Found::Several) => return done(SignalEffect::Ambiguous),
            // Of whom it told or will tell, nobody knows: that they are not found says nothing.
            Some(Found::Nobody) if source.is_unknown() => {
                let name = source.name();
                return Err(NotTaken::Later(format!(
                    "nobody knows whom the source `{name}` has: it is not loaded"
                )));
            }
            Some(Found::Nobody) | None => return done(SignalEffect::Unknown),
        };
        let effect = match self.config.events.get(&about) {
            Some(Effect::Deactivate) => self.deactivate(live, verified, about, &person, event).await?,
            Some(Effect::Reread) => self.reread(source),
            None => SignalEffect::Noted,
        };
        Ok(Done { effect, person: Some(person) })
    }

    async fn deactivate(
        &self,
        live: &Live,
        verified: &VerifiedEvent,
        about: PersonEvent,
        person: &Username,
        event: &SecurityEvent,
    ) -> Result<SignalEffect, NotTaken> {
        let why = event.reason().map(|why| format!(": {why}")).unwrap_or_default();
        let reason = format!("signal {} ({}){why}", about.as_str(), shown(verified.id()));
        let by = By { actor: self.actor(), reason };
        // Of the source it is known by now, be it that the directory does not have them.
        let cut_off = live.changes.deactivate(person.clone(), true, by).await;
        // What they have for a while ends with it, whatever else is missing yet.
        live.privileges.review(|user| live.rules_for(user)).await;
        let changed = cut_off.map_err(|error| NotTaken::Later(error.to_string()))?.changed;
        Ok(if changed { SignalEffect::Deactivated } else { SignalEffect::Already })
    }

    /// Wants that the source is read again, where we read it. One that pushes tells by itself.
    fn reread(&self, source: &Arc<Source>) -> SignalEffect {
        match &source.config().upstream {
            None => return SignalEffect::Noted,
            Some(Upstream::Ldap(_)) => {
                // All of it is read for each, by a connection that is made anew.
                if let Some(wait) = source.feed().turn(Instant::now()) {
                    let request = Request { actor: self.actor(), reason: None, accept_loss: false };
                    let source = Arc::clone(source);
                    tokio::spawn(async move {
                        time::sleep(wait).await;
                        source.feed().ask(request);
                    });
                }
            }
            Some(Upstream::Okta(_) | Upstream::Entra(_)) => source.feed().poke([Poke::Changes]),
        }
        SignalEffect::Reread
    }

    fn stream_updated(&self, live: &Live, event: &SecurityEvent) -> Result<Done, NotTaken> {
        let said = event.text("status").and_then(Flow::parse);
        let flow = said.ok_or_else(|| {
            let what = "the status of the stream is none of `enabled`, `paused`, `disabled`".to_owned();
            NotTaken::Refused(SetCode::Request, what)
        })?;
        let changed = block_in_place(|| {
            locked(&self.stream).change(|stream| {
                stream.check_subject(event)?;
                (stream.flow, stream.why) = (flow, event.reason());
                Ok(())
            })
        });
        changed
            .map_err(|error| NotTaken::Later(format!("it cannot be stored: {error}")))?
            .map_err(not_alive)?;
        // At once: what is decided from now on may be about somebody of whom we are told nothing.
        self.tell(&live.sources);
        if flow == Flow::Enabled {
            // What was asked for before may be lost, with the answer: it is asked for again now.
            locked(&self.told).asked = None;
            self.renewed.notify_waiters();
        }
        let effect = if flow.is_blind() { SignalEffect::Blind } else { SignalEffect::Flowing };
        Ok(Done { effect, person: None })
    }

    async fn record(
        &self,
        live: &Live,
        verified: &VerifiedEvent,
        event: &SecurityEvent,
        done: Done,
    ) -> Result<(), NotTaken> {
        let entry = Event::SignalReceived(SignalReceived {
            transmitter: self.name().to_owned(),
            id: shown(verified.id()),
            event: shown(&event.kind.to_string()),
            subject: event.subject.as_ref().map(|subject| shown(&subject.to_string())),
            person: done.person.map(|person| person.as_str().to_owned()),
            effect: done.effect,
            reason: event.reason(),
        });
        let fault =
            |error: &dyn std::error::Error| NotTaken::Later(format!("it cannot be recorded: {error}"));
        let batch = live.audit.batch(&entry).map_err(|error| fault(&error))?;
        let recorded = live.audit.append(batch).await;
        live.audit_took_it(recorded.is_ok());
        recorded.map(|_| ()).map_err(|error| fault(&error))
    }
}

fn read(signed: SignedEvent) -> Result<(VerifiedEvent, SecurityEvent), NotTaken> {
    let verified = signed.read()?;
    let event = SecurityEvent::read(verified.claims())?;
    Ok((verified, event))
}

fn not_alive(why: NotAlive) -> NotTaken {
    match why {
        NotAlive::State => {
            NotTaken::Refused(SetCode::State, "this is not the `state` that was asked for".into())
        }
        NotAlive::Stream => NotTaken::Refused(SetCode::Request, "it is about another stream".into()),
    }
}

/// A text from outside, for the log.
fn shown(text: &str) -> String {
    oam_policy::printable::Printable::new(text).to_string()
}
