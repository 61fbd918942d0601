//! A decision of any size as a run of entries.

use std::io;

use serde::Serialize;

use super::{Decision, DecisionPart, EncodeError, EncodedEvent, Event, MAX_EVENT_BYTES, Update};

/// Encodes a decision as as many events as its updates need: the parts first, the decision itself last, so that
/// whoever finds the decision knows that all of it is there.
///
/// `head` is the decision without its updates: `updates`, `update_count` and `parts` are filled in here. Memory is
/// bounded by one part, and the events must be appended to the log side by side.
///
/// # Errors
/// When the head alone does not fit an entry. The iterator yields an error when a single update does not.
pub fn split<I>(head: Decision, updates: I) -> Result<Split<I::IntoIter>, EncodeError>
where
    I: IntoIterator<Item = Update>,
{
    // Sized with the widest numbers, because the real ones are known only at the end.
    let head = Decision { updates: Vec::new(), update_count: u64::MAX, parts: u32::MAX, ..head };
    let part = DecisionPart { decision: head.decision.clone(), part: u32::MAX, updates: Vec::new() };
    Ok(Split {
        room_in_part: room_beside(&Event::DecisionPart(part))?,
        room_in_head: room_beside(&Event::Decision(Box::new(head.clone())))?,
        head: Some(Box::new(Decision { update_count: 0, parts: 0, ..head })),
        updates: updates.into_iter(),
        pending: Vec::new(),
        pending_bytes: 0,
        next: None,
    })
}

/// The events of one decision, from [`split`].
#[derive(Debug)]
pub struct Split<I> {
    /// Gone once it was yielded.
    head: Option<Box<Decision>>,
    updates: I,
    /// The updates of the event in the making, and their size as JSON with a comma each.
    pending: Vec<Update>,
    pending_bytes: usize,
    /// The update that did not fit the event before.
    next: Option<(Update, usize)>,
    room_in_part: usize,
    room_in_head: usize,
}

impl<I: Iterator<Item = Update>> Iterator for Split<I> {
    type Item = Result<EncodedEvent, EncodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let head = self.head.take()?;
        Some(self.advance(head))
    }
}

impl<I: Iterator<Item = Update>> Split<I> {
    /// One event. An error ends the iteration, since the head is then not put back.
    fn advance(&mut self, mut head: Box<Decision>) -> Result<EncodedEvent, EncodeError> {
        self.fill()?;
        head.update_count += self.pending.len() as u64;
        let updates = std::mem::take(&mut self.pending);
        if self.next.is_none() && self.pending_bytes <= self.room_in_head {
            head.updates = updates;
            return EncodedEvent::new(&Event::Decision(head));
        }
        head.parts += 1;
        let part = DecisionPart { decision: head.decision.clone(), part: head.parts, updates };
        let event = EncodedEvent::new(&Event::DecisionPart(part))?;
        self.head = Some(head);
        Ok(event)
    }

    /// Takes updates until a part is full or none is left. It takes at least one, if there is one.
    fn fill(&mut self) -> Result<(), EncodeError> {
        self.pending_bytes = 0;
        while let Some((update, bytes)) = self.take_update()? {
            if !self.pending.is_empty() && self.pending_bytes + bytes > self.room_in_part {
                self.next = Some((update, bytes));
                break;
            }
            self.pending.push(update);
            self.pending_bytes += bytes;
        }
        Ok(())
    }

    fn take_update(&mut self) -> Result<Option<(Update, usize)>, EncodeError> {
        if let Some(waiting) = self.next.take() {
            return Ok(Some(waiting));
        }
        let Some(update) = self.updates.next() else { return Ok(None) };
        let bytes = json_bytes(&update)? + ",".len();
        Ok(Some((update, bytes)))
    }
}

fn room_beside(event: &Event) -> Result<usize, EncodeError> {
    let bytes = json_bytes(event)?;
    MAX_EVENT_BYTES.checked_sub(bytes).ok_or(EncodeError::TooLong { bytes })
}

/// The size of a value as JSON, without holding it.
pub(crate) fn json_bytes(value: &impl Serialize) -> Result<usize, EncodeError> {
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).map_err(EncodeError::Json)?;
    Ok(count.0)
}

struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
