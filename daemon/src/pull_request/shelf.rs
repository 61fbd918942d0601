use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use oam_policy::{ObjectId, Repository};
use tokio::{
    sync::{Mutex as Turn, OwnedMutexGuard},
    time::Instant,
};

use super::told::Told;

/// How many pull requests are remembered.
const SLOTS: usize = 2_048;

/// What Bitbucket said last of each pull request. Whoever holds the lock of one may ask anew, and the others wait for that.
#[derive(Debug, Default)]
pub(super) struct Shelf(Mutex<HashMap<(Box<str>, u64), Slot>>);

/// The place of one pull request.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot(Arc<Turn<Option<Answer>>>);

/// What Bitbucket said.
#[derive(Debug)]
pub(super) struct Answer {
    /// When it was asked.
    pub(super) asked: Instant,
    /// What it said, or why there is no answer.
    pub(super) told: Result<Arc<Told>, String>,
}

impl Answer {
    /// Whether it does for somebody who came at `now`. Whoever came before Bitbucket was asked has the same answer as whoever
    /// asked. What was said before they came does from `since` on, where it is about the same head.
    pub(super) fn serves(&self, now: Instant, since: Option<Instant>, head: &ObjectId) -> bool {
        let before = |told: &Arc<Told>| {
            since.is_some_and(|since| self.asked >= since) && told.pull_request.head == *head
        };
        self.asked >= now || self.told.as_ref().is_ok_and(before)
    }
}

impl Shelf {
    /// The place of a pull request. Where there are too many, those make room that nobody uses now: first all that were not asked
    /// about since `recent`, and where that is not enough, any.
    pub(super) fn slot(&self, repository: &Repository, number: u64, recent: Option<Instant>) -> Slot {
        let key = (repository.key().into(), number);
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= SLOTS && !slots.contains_key(&key) {
            slots.retain(|_, slot| slot.is_in_use() || slot.is_of(recent));
            if slots.len() >= SLOTS {
                slots.retain(|_, slot| slot.is_in_use());
            }
        }
        slots.entry(key).or_default().clone()
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Slot {
    /// Waits for one's turn.
    pub(super) async fn lock(&self) -> OwnedMutexGuard<Option<Answer>> {
        Arc::clone(&self.0).lock_owned().await
    }

    fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Whether Bitbucket was asked since then.
    fn is_of(&self, recent: Option<Instant>) -> bool {
        let asked = self.0.try_lock().ok().and_then(|answer| answer.as_ref().map(|answer| answer.asked));
        asked.is_some_and(|asked| recent.is_none_or(|recent| asked >= recent))
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use oam_policy::ObjectId;
    use tokio::time::Instant;

    use super::{Answer, SLOTS, Shelf};
    use crate::pull_request::told::tests::told;

    const HEAD: ObjectId = ObjectId::Sha1([1; 20]);
    const OTHER: ObjectId = ObjectId::Sha1([2; 20]);

    #[test]
    fn a_merge_is_served_by_nothing_older_than_itself_and_a_page_by_little() {
        let now = Instant::now() + Duration::from_secs(60);
        let ago = |seconds| now - Duration::from_secs(seconds);
        let good = |asked| Answer { asked, told: Ok(Arc::new(told(HEAD))) };
        let bad = |asked| Answer { asked, told: Err("down".to_owned()) };
        // A merge.
        assert!(good(now).serves(now, None, &HEAD));
        assert!(!good(ago(1)).serves(now, None, &HEAD));
        // A page.
        let since = Some(ago(10));
        assert!(good(ago(10)).serves(now, since, &HEAD));
        assert!(!good(ago(11)).serves(now, since, &HEAD));
        assert!(!good(ago(1)).serves(now, since, &OTHER));
        // Of what was asked after it came it may see that there is another head by now.
        assert!(good(now).serves(now, since, &OTHER));
        // A failure is shared by those who waited for it, and not remembered.
        assert!(bad(now).serves(now, since, &HEAD));
        assert!(!bad(ago(1)).serves(now, since, &HEAD));
    }

    #[tokio::test]
    async fn no_more_are_remembered_than_there_is_room_for() {
        let shelf = Shelf::default();
        let repository = "PAY/api".parse().unwrap();
        let (long_ago, recent) = (Instant::now(), Some(Instant::now()));
        let held = shelf.slot(&repository, 1, recent);
        *held.lock().await = Some(Answer { asked: long_ago, told: Err("x".to_owned()) });
        for number in 2..=SLOTS as u64 * 2 {
            let slot = shelf.slot(&repository, number, recent);
            *slot.lock().await = Some(Answer { asked: Instant::now(), told: Ok(Arc::new(told(HEAD))) });
            assert!(shelf.len() <= SLOTS, "{number}");
        }
        // One that somebody waits at stays.
        assert!(shelf.slot(&repository, 1, recent).lock().await.is_some());
        let same = shelf.slot(&"pay/API".parse().unwrap(), 1, recent);
        assert!(same.lock().await.is_some());
    }
}
