use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use oam_fetch::WebUrl;
use serde::{Deserialize, Serialize};

use super::{SecurityEvent, Subject};
use crate::store::durable;

/// Whether signals flow, as the transmitter says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// It did not say yet.
    #[default]
    Unknown,
    /// They flow.
    Enabled,
    /// They are kept for later.
    Paused,
    /// They are lost.
    Disabled,
}

impl Flow {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Enabled => "enabled",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    /// What a transmitter says.
    pub(super) fn parse(word: &str) -> Option<Self> {
        [Self::Enabled, Self::Paused, Self::Disabled].into_iter().find(|flow| flow.as_str() == word)
    }

    /// Whether we are blind.
    pub(super) fn is_blind(self) -> bool {
        matches!(self, Self::Paused | Self::Disabled)
    }
}

/// A sign of life that was asked for and did not come yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    /// What it must repeat.
    pub(super) state: String,
    /// Since when.
    pub(super) since: Timestamp,
}

/// What is known of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stream {
    /// The transmitter's name for it; `None`: it was not set up by us.
    pub(super) id: Option<String>,
    /// Where signals are asked for.
    pub(super) poll: Option<String>,
    pub(super) flow: Flow,
    /// Why, in the transmitter's words.
    pub(super) why: Option<String>,
    pub(super) asked: Option<Asked>,
    /// When the last sign of life came that was asked for.
    pub(super) verified: Option<Timestamp>,
    /// Since when the transmitter does not answer, where it does not.
    #[serde(default)]
    pub(super) silent: Option<Timestamp>,
}

/// A stream, as it is kept.
#[derive(Debug)]
pub(super) struct StreamFile {
    path: PathBuf,
    stream: Stream,
}

/// Why a sign of life is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotAlive {
    /// It is of another stream.
    Stream,
    /// It repeats another state than was asked for.
    State,
}

impl Stream {
    /// Takes a sign of life.
    ///
    /// # Errors
    /// When it is not one of this stream, or repeats what we did not ask for where only we ask (`is_managed`). Of a stream that is
    /// set up by hand its administrator asks, with a state of their own. One that we did not ask for proves nothing.
    pub(super) fn verified(
        &mut self,
        event: &SecurityEvent,
        is_managed: bool,
        now: Timestamp,
    ) -> Result<bool, NotAlive> {
        self.check_subject(event)?;
        match (event.text("state"), &self.asked) {
            (None, _) => Ok(false),
            (Some(state), Some(asked)) if asked.state == state => {
                self.asked = None;
                self.verified = Some(now);
                Ok(true)
            }
            (Some(_), _) if !is_managed => Ok(false),
            (Some(_), _) => Err(NotAlive::State),
        }
    }

    /// Whether a sign of life is to be asked for. `asked`: how long ago that was done last, as far as is known; `waits`: whether
    /// something could not be taken that a sign of life meets, too.
    pub(super) fn is_due(
        &self,
        asked: Option<Duration>,
        waits: bool,
        verify_every: Duration,
        alarm_after: Duration,
        now: Timestamp,
    ) -> bool {
        // Not sooner, whatever the reason: who is asked too often answers no more.
        let is_again = asked.is_none_or(|asked| asked >= verify_every.min(alarm_after / 3));
        match (&self.asked, self.verified) {
            // It is waited for; the question or the answer may be lost. One alone that is lost makes nobody blind, nor for long.
            (Some(_), _) => is_again,
            (None, None) => true,
            // Whether something can be taken by now is not left to the next event, and one that came by a clock that was ahead
            // says nothing of now.
            (None, Some(last)) => waits && is_again || last > now || super::is_over(last, verify_every, now),
        }
    }

    /// An event about a stream names it, but in drafts; ours, where we know what ours is called.
    pub(super) fn check_subject(&self, event: &SecurityEvent) -> Result<(), NotAlive> {
        match (&event.subject, &self.id) {
            (Some(Subject::Opaque(id)), Some(ours)) if id == ours => Ok(()),
            (Some(Subject::Opaque(_)), None) | (None, _) => Ok(()),
            _ => Err(NotAlive::Stream),
        }
    }

    /// Where signals are asked for.
    pub(super) fn poll_url(&self) -> Option<WebUrl> {
        self.poll.as_deref().and_then(|url| url.parse().ok())
    }
}

impl StreamFile {
    /// Reads what is kept. What cannot be read is an error: with it the stream's name would be lost.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join("stream");
        let stream = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let what =
                    format!("`{}`: {error}; move it away, and `oam signals setup` again", path.display());
                io::Error::new(io::ErrorKind::InvalidData, what)
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Stream::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { path, stream })
    }

    pub(super) fn get(&self) -> &Stream {
        &self.stream
    }

    /// Changes what is known, durably.
    ///
    /// # Errors
    /// When it cannot be stored; then it is as it was.
    pub(super) fn change<T>(&mut self, change: impl FnOnce(&mut Stream) -> T) -> io::Result<T> {
        let mut next = self.stream.clone();
        let changed = change(&mut next);
        if next != self.stream {
            let draft = self.path.with_extension("draft");
            let mut file = durable::create(&draft)?;
            file.write_all(&serde_json::to_vec_pretty(&next).map_err(io::Error::other)?)?;
            file.sync_all()?;
            fs::rename(&draft, &self.path)?;
            durable::sync_parent(&self.path)?;
            self.stream = next;
        }
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::{Asked, NotAlive, SecurityEvent, Stream, StreamFile};

    fn alive(subject: &Value, state: &Value) -> SecurityEvent {
        let address = "https://schemas.openid.net/secevent/ssf/event-type/verification";
        let mut claims = json!({"events": {address: {"state": state}}});
        if !subject.is_null() {
            claims["sub_id"] = subject.clone();
        }
        SecurityEvent::read(claims.as_object().unwrap()).unwrap()
    }

    #[test]
    fn a_sign_of_life_is_of_this_stream_and_repeats_what_was_asked() {
        let now = Timestamp::UNIX_EPOCH;
        let asked = Some(Asked { state: "s".into(), since: now });
        let stream = Stream { id: Some("one".into()), asked, ..Stream::default() };
        let of = |id: &str| json!({"format": "opaque", "id": id});
        for (subject, state, said) in [
            (of("one"), json!("s"), Ok(true)),
            // Drafts name no subject.
            (json!(null), json!("s"), Ok(true)),
            (of("one"), json!(null), Ok(false)),
            (of("one"), json!("t"), Err(NotAlive::State)),
            (of("two"), json!("s"), Err(NotAlive::Stream)),
            (json!({"format": "email", "email": "one"}), json!("s"), Err(NotAlive::Stream)),
        ] {
            let mut after = stream.clone();
            assert_eq!(after.verified(&alive(&subject, &state), true, now), said, "{subject} {state}");
            assert_eq!(after.verified.is_some(), said == Ok(true));
            assert_eq!(after.asked.is_none(), said == Ok(true));
        }
        let mut nobody_asked = Stream { asked: None, ..stream };
        let said = nobody_asked.verified(&alive(&of("one"), &json!("s")), true, now);
        assert_eq!(said, Err(NotAlive::State));
    }

    /// Its administrator asks for one at the transmitter, and is not told that it is refused.
    #[test]
    fn a_sign_of_life_of_a_stream_that_is_set_up_by_hand_is_noted_and_proves_nothing() {
        let now = Timestamp::UNIX_EPOCH;
        let mut by_hand = Stream::default();
        let opaque = json!({"format": "opaque", "id": "theirs"});
        for (subject, state) in
            [(opaque.clone(), json!("s")), (json!(null), json!("s")), (opaque, json!(null))]
        {
            assert_eq!(
                by_hand.verified(&alive(&subject, &state), false, now),
                Ok(false),
                "{subject} {state}"
            );
        }
        assert_eq!(by_hand, Stream::default());
    }

    #[test]
    fn a_sign_of_life_that_does_not_come_is_asked_for_again_before_it_is_an_alarm() {
        let now = Timestamp::UNIX_EPOCH;
        let waits = Stream {
            asked: Some(Asked { state: "s".into(), since: now }),
            verified: Some(now),
            ..Stream::default()
        };
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        for (asked, verify_every, alarm_after, is_due) in [
            // Not since the start, or that failed.
            (None, 60, 15, true),
            (Some(4), 60, 15, false),
            (Some(5), 60, 15, true),
            (Some(2), 3, 15, false),
            (Some(3), 3, 15, true),
        ] {
            let said =
                waits.is_due(asked.map(minutes), false, minutes(verify_every), minutes(alarm_after), now);
            assert_eq!(said, is_due, "{asked:?} {verify_every} {alarm_after}");
        }
        // One that came is good for as long as is configured, whatever is an alarm.
        let came = Stream { asked: None, ..waits };
        let after = |passed: u64| now.checked_add(minutes(passed)).unwrap();
        assert!(!came.is_due(Some(minutes(59)), false, minutes(60), minutes(15), after(59)));
        assert!(came.is_due(Some(minutes(60)), false, minutes(60), minutes(15), after(60)));
    }

    /// As long as one event is delivered again that never can be taken, while each sign of life is.
    #[test]
    fn a_sign_of_life_is_not_asked_for_each_minute_while_something_cannot_be_taken() {
        let now = Timestamp::UNIX_EPOCH;
        let came = Stream { verified: Some(now), ..Stream::default() };
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        for (asked, waits, verify_every, is_due) in [
            (None, true, 60, true),
            (None, false, 60, false),
            (Some(1), true, 60, false),
            (Some(4), true, 60, false),
            (Some(5), true, 60, true),
            (Some(5), false, 60, false),
            (Some(2), true, 3, false),
            (Some(3), true, 3, true),
        ] {
            let said = came.is_due(asked.map(minutes), waits, minutes(verify_every), minutes(15), now);
            assert_eq!(said, is_due, "{asked:?} {waits} {verify_every}");
        }
    }

    #[test]
    fn what_is_known_is_there_after_a_start_and_damage_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = StreamFile::open(folder.path()).unwrap();
        file.change(|stream| stream.id = Some("one".into())).unwrap();
        let again = StreamFile::open(folder.path()).unwrap();
        assert_eq!(again.get().id.as_deref(), Some("one"));
        // As a daemon wrote it that did not keep since when the transmitter does not answer.
        let old =
            r#"{"id": "two", "poll": null, "flow": "enabled", "why": null, "asked": null, "verified": null}"#;
        std::fs::write(folder.path().join("stream"), old).unwrap();
        let of_old = StreamFile::open(folder.path()).unwrap();
        assert_eq!((of_old.get().id.as_deref(), of_old.get().silent), (Some("two"), None));
        std::fs::write(folder.path().join("stream"), "{").unwrap();
        assert!(StreamFile::open(folder.path()).is_err());
    }
}
