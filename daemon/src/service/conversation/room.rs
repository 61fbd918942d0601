//! What all conversations together may hold of what hooks tell: each is bounded by itself, and there may be many.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// So much a push may hold whatever the others hold, in bytes: what an ordinary one tells. A few that are large turn away nobody but
/// one another.
const ORDINARY: usize = 64 << 10;

/// See the module.
#[derive(Debug)]
pub(crate) struct Room {
    /// In bytes.
    held: AtomicUsize,
    most: usize,
}

/// What one conversation holds of it. Given back when the conversation is over, however it ends.
#[derive(Debug)]
pub(super) struct Share {
    room: Arc<Room>,
    held: usize,
}

impl Room {
    /// Room for so many bytes.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { held: AtomicUsize::new(0), most })
    }

    /// What is held now, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

impl Share {
    pub(super) fn of(room: &Arc<Room>) -> Self {
        Self { room: Arc::clone(room), held: 0 }
    }

    /// Notes that the conversation holds so many bytes. Whether there is room for that.
    pub(super) fn hold(&mut self, bytes: usize) -> bool {
        match bytes.checked_sub(self.held) {
            Some(more) => self.room.held.fetch_add(more, Ordering::Relaxed),
            None => self.room.held.fetch_sub(self.held - bytes, Ordering::Relaxed),
        };
        self.held = bytes;
        bytes <= ORDINARY || self.room.held() <= self.room.most
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.hold(0);
    }
}

#[cfg(test)]
mod tests {
    use super::{ORDINARY, Room, Share};

    #[test]
    fn what_others_hold_is_no_room_until_they_give_it_back() {
        let room = Room::new(10 * ORDINARY);
        let (mut one, mut other) = (Share::of(&room), Share::of(&room));
        assert!(one.hold(7 * ORDINARY));
        assert!(other.hold(3 * ORDINARY));
        assert!(!other.hold(3 * ORDINARY + 1));
        assert!(one.hold(6 * ORDINARY) && other.hold(4 * ORDINARY));
        drop(one);
        assert_eq!(room.held(), 4 * ORDINARY);
        assert!(other.hold(10 * ORDINARY));
        drop(other);
        assert_eq!(room.held(), 0);
    }

    #[test]
    fn an_ordinary_push_always_has_room() {
        let room = Room::new(ORDINARY);
        let (mut large, mut ordinary) = (Share::of(&room), Share::of(&room));
        assert!(!large.hold(9 * ORDINARY));
        assert!(ordinary.hold(ORDINARY));
        assert!(!ordinary.hold(ORDINARY + 1));
    }
}
