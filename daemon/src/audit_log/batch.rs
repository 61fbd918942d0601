//! What is appended together.

use oam_audit::entry::{Decision, EncodeError, EncodedEvent, Event, Update, split};

/// One or more events that stand side by side in the log, already encoded: the costly part is done by whoever asks,
/// not by the one writer.
#[derive(Debug, Clone)]
pub struct Batch {
    events: Vec<EncodedEvent>,
    bytes: usize,
}

impl Batch {
    /// A batch of one event.
    ///
    /// # Errors
    /// When it does not fit an entry.
    pub fn new(event: &Event) -> Result<Self, EncodeError> {
        let event = EncodedEvent::new(event)?;
        Ok(Self { bytes: event.size(), events: vec![event] })
    }

    /// A decision of any size, see [`split`].
    ///
    /// # Errors
    /// When its head, or one of its updates, does not fit an entry.
    pub fn decision(head: Decision, updates: impl IntoIterator<Item = Update>) -> Result<Self, EncodeError> {
        let events = split(head, updates)?.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { bytes: events.iter().map(EncodedEvent::size).sum(), events })
    }

    /// The same with one event more.
    ///
    /// # Errors
    /// When it does not fit an entry.
    pub fn and(mut self, event: &Event) -> Result<Self, EncodeError> {
        let event = EncodedEvent::new(event)?;
        self.bytes += event.size();
        self.events.push(event);
        Ok(self)
    }

    pub(super) fn events(&self) -> &[EncodedEvent] {
        &self.events
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
