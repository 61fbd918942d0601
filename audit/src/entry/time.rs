//! The instant an entry was made.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize, Serializer};

/// An instant in UTC, written as RFC 3339 with exactly six decimals: `2026-11-23T17:21:14.000000Z`.
///
/// Microseconds, because that is what every reader of such logs can hold; what is finer is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Time(Timestamp);

impl Time {
    /// The instant, always a whole number of microseconds.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        self.0
    }
}

impl From<Timestamp> for Time {
    fn from(exact: Timestamp) -> Self {
        let whole = jiff::TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Floor);
        // Rounding down only fails within a microsecond of the year -9999; such an instant prints the same.
        Self(exact.round(whole).unwrap_or(exact))
    }
}

impl FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let exact: Timestamp = text.parse().map_err(|_| TimeError { text: text.to_owned() })?;
        let time = Self::from(exact);
        if time.to_string() == text { Ok(time) } else { Err(TimeError { text: text.to_owned() }) }
    }
}

impl TryFrom<String> for Time {
    type Error = TimeError;

    fn try_from(text: String) -> Result<Self, TimeError> {
        text.parse()
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.0)
    }
}

/// A text is not an instant as this log writes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "time {text:?} is not RFC 3339 in UTC with six decimals; write it like `2026-11-23T17:21:14.000000Z`"
)]
pub struct TimeError {
    text: String,
}
