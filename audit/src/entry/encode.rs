//! From an event to the bytes of an entry, and strictly back.

use std::io::Write;

use serde::Deserialize;

use super::{Event, Time};
use crate::Name;

/// The longest entry, in bytes without its line feed: what an entry bundle can hold (C2SP tlog-tiles, "Log
/// Entries").
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// The longest event, in bytes: what is left of an entry beside the longest `v`, `seq`, `time` and `node`.
pub const MAX_EVENT_BYTES: usize = MAX_ENTRY_BYTES - ENVELOPE_BYTES;

const ENVELOPE_BYTES: usize = 352;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The version of this format.
    pub v: Format,
    /// The entry's index in the log, from 0.
    pub seq: u64,
    /// When it was written, by the node's clock. Clocks are set back at times; `seq` is the order.
    pub time: Time,
    /// The node that wrote it.
    pub node: Name,
    /// What happened.
    pub event: Event,
}

/// The version of the entry format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub enum Format {
    /// Written as `1`.
    V1,
}

impl TryFrom<u64> for Format {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, String> {
        match number {
            1 => Ok(Self::V1),
            other => {
                Err(format!("entry format {other} is unknown; this program reads format 1, use a newer one"))
            }
        }
    }
}

impl Entry {
    /// An entry of the current format.
    #[must_use]
    pub fn new(seq: u64, time: Time, node: Name, event: Event) -> Self {
        Self { v: Format::V1, seq, time, node, event }
    }

    /// The canonical bytes, without a line feed.
    ///
    /// # Errors
    /// When the event is larger than [`MAX_EVENT_BYTES`].
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let mut line = Vec::new();
        EncodedEvent::new(&self.event)?.stamp(self.seq, self.time, &self.node, &mut line);
        Ok(line)
    }

    /// Reads an entry, given without its line feed.
    ///
    /// # Errors
    /// When it is too long, is not JSON of this shape, or is not written as [`Entry::encode`] writes it.
    pub fn decode(line: &[u8]) -> Result<Self, DecodeError> {
        if line.len() > MAX_ENTRY_BYTES {
            return Err(DecodeError::TooLong { bytes: line.len() });
        }
        let entry: Self = serde_json::from_slice(line).map_err(DecodeError::Json)?;
        let canonical = entry.encode().map_err(DecodeError::Encode)?;
        if canonical == line {
            Ok(entry)
        } else {
            Err(DecodeError::NotCanonical { at: common_prefix(&canonical, line) })
        }
    }
}

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// An event in its final bytes, known to fit an entry. Only its place in the log is still missing.
///
/// The costly half of the work is done here, by whoever asks for an entry; what is left to the single writer of a
/// log is [`EncodedEvent::stamp`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedEvent(Vec<u8>);

impl EncodedEvent {
    /// Encodes an event.
    ///
    /// # Errors
    /// When it is larger than [`MAX_EVENT_BYTES`]. A [`Decision`](super::Decision) of any size can be
    /// [split](super::split).
    pub fn new(event: &Event) -> Result<Self, EncodeError> {
        let json = serde_json::to_vec(event).map_err(EncodeError::Json)?;
        if json.len() > MAX_EVENT_BYTES {
            Err(EncodeError::TooLong { bytes: json.len() })
        } else {
            Ok(Self(json))
        }
    }

    /// Appends the whole entry to `out`, without a line feed.
    pub fn stamp(&self, seq: u64, time: Time, node: &Name, out: &mut Vec<u8>) {
        out.reserve(self.0.len() + ENVELOPE_BYTES);
        // Nothing here needs escaping (see `Name` and `Time`), and writing to a `Vec` cannot fail.
        let _ = write!(out, r#"{{"v":1,"seq":{seq},"time":"{time}","node":"{node}","event":"#);
        out.extend_from_slice(&self.0);
        out.push(b'}');
    }

    /// How many bytes it has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

/// Why an event cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It is larger than an entry may be.
    #[error(
        "audit event has {bytes} bytes, and an entry holds {MAX_EVENT_BYTES}; shorten its texts or split the decision"
    )]
    TooLong {
        /// How large it is.
        bytes: usize,
    },
    /// It cannot be JSON. No event of this crate is known to get here.
    #[error("audit event cannot be written as JSON ({0}); this is a defect, please report it")]
    Json(#[source] serde_json::Error),
    /// Somebody whom it names cannot be given an alias.
    #[error("audit event cannot be written, because somebody whom it names cannot be given an alias: {0}")]
    Alias(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a line is not an entry.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It is longer than an entry may be.
    #[error(
        "line has {bytes} bytes, and an entry has at most {MAX_ENTRY_BYTES}; it was not written by this program"
    )]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It is not JSON, or not of this shape.
    #[error("line is not an audit entry: {0}")]
    Json(#[source] serde_json::Error),
    /// It says what an entry says, but in other bytes.
    #[error(
        "line is an audit entry in other than canonical bytes, from byte {at} on; it was rewritten after it was logged"
    )]
    NotCanonical {
        /// The first byte that differs, from 0.
        at: usize,
    },
    /// What was read cannot be written again.
    #[error("line is an audit entry that cannot be written again: {0}")]
    Encode(#[source] EncodeError),
}
