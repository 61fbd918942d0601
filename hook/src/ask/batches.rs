use std::sync::Arc;

use oam_policy::RefUpdate;
use oam_proto::{limits, update_to_wire, v1};

/// The messages that carry the updates of a push, made one by one as they are sent.
pub struct Batches {
    updates: Arc<Vec<RefUpdate>>,
    at: usize,
}

impl Batches {
    /// Those of `updates`.
    pub fn new(updates: Arc<Vec<RefUpdate>>) -> Self {
        Self { updates, at: 0 }
    }
}

impl Iterator for Batches {
    type Item = v1::RefUpdates;

    fn next(&mut self) -> Option<v1::RefUpdates> {
        let left = self.updates.get(self.at..).filter(|left| !left.is_empty())?;
        let mut bytes = 0_usize;
        let fits = left.iter().take(limits::UPDATES_PER_MESSAGE).take_while(|update| {
            bytes = bytes.saturating_add(size(update));
            bytes <= limits::UPDATE_BYTES_PER_MESSAGE
        });
        let updates: Vec<_> = fits.map(update_to_wire).collect();
        self.at = self.at.saturating_add(updates.len());
        Some(v1::RefUpdates { last: self.at >= self.updates.len(), updates })
    }
}

/// Whether one message carries all updates of a push.
pub fn fits_one(updates: &[RefUpdate]) -> bool {
    let bytes = updates.iter().map(size).fold(0_usize, usize::saturating_add);
    updates.len() <= limits::UPDATES_PER_MESSAGE && bytes <= limits::UPDATE_BYTES_PER_MESSAGE
}

/// No less than what an update takes in a message: its name, two ids and their tags and lengths.
fn size(update: &RefUpdate) -> usize {
    update.name.as_bytes().len().saturating_add(100)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use oam_policy::{ObjectId, RefChange, RefName, RefUpdate};
    use oam_proto::limits;
    use prost::Message as _;

    use super::{Batches, fits_one};

    fn updates(count: usize, length: usize) -> Vec<RefUpdate> {
        let id = ObjectId::Sha256([0xff; 32]);
        let update = |index| RefUpdate {
            name: RefName::parse(format!("refs/{index:0length$}").as_bytes()).unwrap(),
            change: RefChange::Move { old: id, new: id },
        };
        (0..count).map(update).collect()
    }

    fn batches(count: usize, length: usize) -> Vec<oam_proto::v1::RefUpdates> {
        Batches::new(Arc::new(updates(count, length))).collect()
    }

    #[test]
    fn all_are_sent_within_the_limits_and_only_the_last_is_marked() {
        for (count, length) in [(1, 5), (2_000, 5), (2_001, 5), (5_000, 300), (100, 16_000)] {
            let sent = batches(count, length);
            assert_eq!(sent.len() == 1, fits_one(&updates(count, length)));
            assert_eq!(sent.iter().map(|batch| batch.updates.len()).sum::<usize>(), count);
            for (position, batch) in sent.iter().enumerate() {
                assert!((1..=limits::UPDATES_PER_MESSAGE).contains(&batch.updates.len()));
                assert!(batch.encoded_len() <= limits::UPDATE_BYTES_PER_MESSAGE);
                assert_eq!(batch.last, position + 1 == sent.len());
            }
        }
    }
}
