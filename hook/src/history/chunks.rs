use std::time::{Duration, Instant};

use oam_proto::{limits, v1};
use tokio::sync::mpsc;

use crate::git::{Unreadable, changes::BadTree};

/// How long what was found may wait for more to be sent with it.
const PATIENCE: Duration = Duration::from_millis(50);

/// What a field takes in a message besides its content, no less.
const FRAME: usize = 16;

/// Why a history is not told to its end.
#[derive(Debug)]
pub(super) enum Halt {
    /// Nobody listens any more.
    Over,
    /// It cannot be read; why, for people.
    Unreadable(String),
}

impl From<Unreadable> for Halt {
    fn from(why: Unreadable) -> Self {
        Self::Unreadable(why.to_string())
    }
}

impl From<BadTree> for Halt {
    fn from(why: BadTree) -> Self {
        Self::Unreadable(why.to_string())
    }
}

/// Sends one history, in messages of bounded size. Waits where they are not taken.
pub(super) struct Chunks<'a> {
    out: &'a mpsc::Sender<v1::HistoryFacts>,
    filled: v1::HistoryFacts,
    items: usize,
    bytes: usize,
    begun: Instant,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(history: u32, out: &'a mpsc::Sender<v1::HistoryFacts>) -> Self {
        let filled = v1::HistoryFacts { history, ..v1::HistoryFacts::default() };
        Self { out, filled, items: 0, bytes: 0, begun: Instant::now() }
    }

    pub(super) fn path(&mut self, path: &[u8]) -> Result<(), Halt> {
        self.make_room(path.len())?;
        self.filled.paths.push(path.to_vec());
        Ok(())
    }

    pub(super) fn file(&mut self, path: &[u8], size: u64) -> Result<(), Halt> {
        self.make_room(path.len())?;
        self.filled.files.push(v1::NewFile { path: path.to_vec(), size });
        Ok(())
    }

    pub(super) fn commit(&mut self, commit: v1::Commit) -> Result<(), Halt> {
        let texts = [&commit.subject, &commit.author, &commit.committer].map(Vec::len);
        self.make_room(texts.iter().sum::<usize>().saturating_add(signed_size(commit.signed.as_ref())))?;
        self.filled.commits.push(commit);
        Ok(())
    }

    pub(super) fn tip(&mut self, tip: v1::Tip) -> Result<(), Halt> {
        self.make_room(tip.tagger.len().saturating_add(signed_size(tip.signed.as_ref())))?;
        self.filled.tip = Some(tip);
        Ok(())
    }

    /// Closed when nobody listens any more.
    pub(super) fn listener(&self) -> &'a mpsc::Sender<v1::HistoryFacts> {
        self.out
    }

    /// Called now and then: sends what has waited for long, and notices that nobody listens.
    pub(super) fn breathe(&mut self) -> Result<(), Halt> {
        if self.out.is_closed() {
            return Err(Halt::Over);
        }
        if self.items > 0 && self.begun.elapsed() >= PATIENCE { self.send() } else { Ok(()) }
    }

    /// Sends the last message.
    pub(super) fn end(mut self, unreadable: String) -> Result<(), Halt> {
        self.filled.last = true;
        self.filled.unreadable = unreadable;
        self.send()
    }

    fn make_room(&mut self, bytes: usize) -> Result<(), Halt> {
        // Twice: an id, and the frame of what it is in.
        let bytes = bytes.saturating_add(32 + 4 * FRAME);
        let full = self.items >= limits::ITEMS_PER_MESSAGE
            || self.bytes.saturating_add(bytes) > limits::FACT_BYTES_PER_MESSAGE.saturating_sub(4_096);
        if full && self.items > 0 {
            self.send()?;
        }
        if self.items == 0 {
            self.begun = Instant::now();
        }
        self.items = self.items.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        Ok(())
    }

    fn send(&mut self) -> Result<(), Halt> {
        let next = v1::HistoryFacts { history: self.filled.history, ..v1::HistoryFacts::default() };
        (self.items, self.bytes) = (0, 0);
        self.out.blocking_send(std::mem::replace(&mut self.filled, next)).map_err(|_| Halt::Over)
    }
}

fn signed_size(signed: Option<&v1::Signed>) -> usize {
    signed.map_or(0, |signed| signed.signature.len().saturating_add(signed.payload.len()))
}

#[cfg(test)]
mod tests {
    use oam_proto::{limits, v1};
    use prost::Message as _;
    use tokio::sync::mpsc;

    use super::Chunks;

    #[test]
    fn every_message_is_within_the_limits_and_only_the_last_is_marked() {
        for (count, length) in [(0, 1), (1, 1), (5_000, 1), (100, 16_384), (5_000, 300)] {
            let (out, mut messages) = mpsc::channel(1_000);
            let mut chunks = Chunks::new(7, &out);
            for index in 0..count {
                let path = vec![b'x'; length];
                match index % 3 {
                    0 => chunks.path(&path).unwrap(),
                    1 => chunks.file(&path, u64::MAX).unwrap(),
                    _ => {
                        let signed = v1::Signed { signature: path.clone(), payload: path, too_large: true };
                        let signed = Some(signed);
                        let id = vec![1; 32];
                        let commit = v1::Commit {
                            id,
                            parents: u32::MAX,
                            signed_off: true,
                            foreign: true,
                            signed,
                            ..v1::Commit::default()
                        };
                        chunks.commit(commit).unwrap();
                    }
                }
            }
            chunks.end(String::new()).unwrap();
            drop(out);
            let mut sent = Vec::new();
            while let Ok(message) = messages.try_recv() {
                sent.push(message);
            }
            let items = |message: &v1::HistoryFacts| {
                message.paths.len() + message.files.len() + message.commits.len()
            };
            assert_eq!(sent.iter().map(items).sum::<usize>(), count);
            for (place, message) in sent.iter().enumerate() {
                let whole =
                    v1::Facts { histories: vec![message.clone()], last: true, ..v1::Facts::default() };
                assert!(whole.encoded_len() <= limits::FACT_BYTES_PER_MESSAGE, "{}", whole.encoded_len());
                assert!(items(message) <= limits::ITEMS_PER_MESSAGE);
                assert_eq!((message.history, message.last), (7, place + 1 == sent.len()));
            }
        }
    }
}
