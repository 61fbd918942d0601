//! The entries of one tile, each after its length in two bytes.

use crate::entry::MAX_ENTRY_BYTES;

use super::WIDTH;

/// Up to 256 entries that stand side by side in a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bundle {
    bytes: Vec<u8>,
    /// Where each entry ends.
    ends: Vec<usize>,
}

/// How many bytes say how long an entry is.
const PREFIX: usize = 2;

impl Bundle {
    /// A bundle without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry, given without its line feed.
    ///
    /// # Errors
    /// When the bundle is full, or the entry too long for one.
    pub fn push(&mut self, entry: &[u8]) -> Result<(), BundleError> {
        if self.len() >= WIDTH {
            return Err(BundleError::TooMany);
        }
        let length = u16::try_from(entry.len()).map_err(|_| BundleError::TooLong { bytes: entry.len() })?;
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(entry);
        self.ends.push(self.bytes.len());
        Ok(())
    }

    /// Reads a file of entries.
    ///
    /// # Errors
    /// When it does not end with an entry, or holds more than a tile does.
    pub fn decode(bytes: Vec<u8>) -> Result<Self, BundleError> {
        let mut ends = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            if ends.len() as u64 >= WIDTH {
                return Err(BundleError::TooMany);
            }
            let cut = || BundleError::Cut { entries: ends.len() };
            let prefix = bytes.get(at..).and_then(|rest| rest.first_chunk::<PREFIX>()).ok_or_else(cut)?;
            let end = at + PREFIX + usize::from(u16::from_be_bytes(*prefix));
            if end > bytes.len() {
                return Err(cut());
            }
            ends.push(end);
            at = end;
        }
        Ok(Self { bytes, ends })
    }

    /// Its bytes, as they stand in a file.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many entries it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.ends.len() as u64
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The entries, in order.
    pub fn entries(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| self.bytes.get(start + PREFIX..end).unwrap_or_default())
    }
}

/// Why bytes are not a bundle of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The last entry is not all there.
    #[error("it is cut off after {entries} entries")]
    Cut {
        /// How many are whole.
        entries: usize,
    },
    /// More entries than a tile holds.
    #[error("it has more than {WIDTH} entries")]
    TooMany,
    /// Longer than two bytes can say.
    #[error("an entry of {bytes} bytes is longer than {MAX_ENTRY_BYTES}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
}
