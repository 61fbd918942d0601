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
}

impl Freshness {
    /// Why nothing can be decided by this source now, if that is so. What is lost is too old however old it may be.
    pub fn staleness(&self, now: Timestamp) -> Option<UndecidedReason> {
        let source = self.source.clone();
        let Some(as_of) = self.as_of else {
            return Some(UndecidedReason::SourceStale { source, age: None, bound: self.max_age });
        };
        // What comes from the future is as fresh as can be.
        let age = Duration::try_from(now.duration_since(as_of)).unwrap_or_default();
        let bound = self.max_age?;
        (age > bound).then_some(UndecidedReason::SourceStale { source, age: Some(age), bound: Some(bound) })
    }
}
