use std::time::Duration;

use jiff::Timestamp;

use crate::reason::UndecidedReason;

/// How fresh a source of the directory is, of one that a decision rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    /// The source's name.
    pub source: Box<str>,
    /// When it last said that things are as they are in the directory; `None`: never, or what it said is lost.
    pub as_of: Option<Timestamp>,
    /// How long ago that may be; `None`: any time.
    pub max_age: Option<Duration>,
    /// The transmitter of shared signals that is to tell who of its people is disabled, and cannot be heard.
    pub unheard: Option<Box<str>>,
}

impl Freshness {
    /// Why nothing can be decided by this source now, if that is so.
    pub fn staleness(&self, now: Timestamp) -> Option<UndecidedReason> {
        let source = self.source.clone();
        if self.is_old(now) {
            return Some(UndecidedReason::SourceStale { source, age: self.age(now), bound: self.max_age });
        }
        self.unheard.clone().map(|transmitter| UndecidedReason::SignalsBlind { source, transmitter })
    }

    /// Whether nothing can be decided by this source now.
    pub(super) fn is_stale(&self, now: Timestamp) -> bool {
        self.is_old(now) || self.unheard.is_some()
    }

    /// What is lost is too old however old it may be.
    fn is_old(&self, now: Timestamp) -> bool {
        self.age(now).is_none_or(|age| self.max_age.is_some_and(|bound| age > bound))
    }

    fn age(&self, now: Timestamp) -> Option<Duration> {
        // What comes from the future is as fresh as can be.
        self.as_of.map(|as_of| Duration::try_from(now.duration_since(as_of)).unwrap_or_default())
    }
}
