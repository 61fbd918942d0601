//! What is appended together.

use std::sync::Arc;

use oam_audit::entry::{Decision, EncodeError, EncodedEvent, Event, Update, split};

use super::people::People;

/// One or more events that stand side by side in the log, already encoded: the costly part is done by whoever asks,
/// not by the one writer. Here is the one place where people become aliases, where a log keeps them so.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Set where people are written by aliases.
    people: Option<Arc<People>>,
    events: Vec<EncodedEvent>,
    bytes: usize,
}

impl Batch {
    pub(super) fn empty(people: Option<Arc<People>>) -> Self {
        let people = people.filter(|people| people.writes_aliases());
        Self { people, events: Vec::new(), bytes: 0 }
    }

    /// The same with one event more.
    ///
    /// # Errors
    /// When it does not fit an entry, or somebody whom it names cannot be given an alias.
    pub fn and(mut self, event: &Event) -> Result<Self, EncodeError> {
        let event = match &self.people {
            None => EncodedEvent::new(event)?,
            Some(people) => {
                let mut event = event.clone();
                people.aliased(|aliases| aliases.event(&mut event))?;
                EncodedEvent::new(&event)?
            }
        };
        self.push(event);
        Ok(self)
    }

    pub(super) fn and_decision(
        mut self,
        mut head: Decision,
        updates: impl IntoIterator<Item = Update>,
    ) -> Result<Self, EncodeError> {
        let Some(people) = self.people.clone() else {
            for event in split(head, updates)? {
                self.push(event?);
            }
            return Ok(self);
        };
        people.aliased(|aliases| {
            aliases.decision(&mut head)?;
            let mut failed = Ok(());
            let updates = updates.into_iter().map_while(|update| match aliases.update(update) {
                Ok(update) => Some(update),
                Err(error) => {
                    failed = Err(error);
                    None
                }
            });
            for event in split(head, updates)? {
                self.push(event?);
            }
            failed
        })?;
        Ok(self)
    }

    fn push(&mut self, event: EncodedEvent) {
        self.bytes += event.size();
        self.events.push(event);
    }

    pub(super) fn events(&self) -> &[EncodedEvent] {
        &self.events
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
impl Batch {
    /// A batch of one event, by name.
    pub(crate) fn new(event: &Event) -> Result<Self, EncodeError> {
        Self::empty(None).and(event)
    }

    /// A decision, by name.
    pub(crate) fn decision(
        head: Decision,
        updates: impl IntoIterator<Item = Update>,
    ) -> Result<Self, EncodeError> {
        Self::empty(None).and_decision(head, updates)
    }
}
