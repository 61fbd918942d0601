use std::{hash::BuildHasher, sync::Arc};

use foldhash::fast::RandomState;

use super::{Place, Shard, User};

/// Where everybody lies, by a hash of their folded name: mostly one look into memory, where finding a shard and then
/// somebody in it would take many.
#[derive(Debug, Clone)]
pub(super) struct Roll {
    /// Drawn anew for each roll, so that no names can be chosen to meet in one slot.
    hasher: RandomState,
    /// At least twice as many as there are people, and a power of two. Whoever finds their slot taken has the next free
    /// one.
    slots: Box<[Slot]>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// More of the hash, so that hardly anybody else's name need be looked at.
    mark: u16,
    shard: u8,
    position: u32,
}

impl Slot {
    const FREE: Self = Self { mark: 0, shard: 0, position: u32::MAX };

    const fn is_free(self) -> bool {
        self.position == u32::MAX
    }
}

impl Roll {
    pub(super) fn of(shards: &[Arc<Shard>]) -> Self {
        let people: usize = shards.iter().map(|shard| shard.users().len()).sum();
        let slots = vec![Slot::FREE; (2 * people).next_power_of_two()].into();
        let mut roll = Self { hasher: RandomState::default(), slots };
        for (shard, users) in (0..=u8::MAX).zip(shards.iter().map(|shard| shard.users())) {
            for (position, user) in (0..).zip(users) {
                let (places, mark) = roll.places(user.key_text());
                let is_free = |place: &usize| roll.slots.get(*place).is_some_and(|slot| slot.is_free());
                let free = places.into_iter().find(is_free);
                if let Some(slot) = free.and_then(|place| roll.slots.get_mut(place)) {
                    *slot = Slot { mark, shard, position };
                }
            }
        }
        roll
    }

    /// The roll of `next`, which came after `before`, of which this one is. Making one of everybody takes long: where nobody
    /// is new this one goes on, and otherwise only those are looked for who lie with somebody new.
    pub(super) fn after(self: &Arc<Self>, before: &[Arc<Shard>], next: &[Arc<Shard>]) -> Arc<Self> {
        let is_as_before =
            |(was, is): (&Arc<Shard>, &Arc<Shard>)| Arc::ptr_eq(was, is) || names(was).eq(names(is));
        let pairs = || before.iter().zip(next);
        let moved: Vec<_> = (0..=u8::MAX).zip(pairs()).filter(|(_, pair)| !is_as_before(*pair)).collect();
        if moved.is_empty() {
            return Arc::clone(self);
        }
        let people: usize = next.iter().map(|shard| shard.users().len()).sum();
        let mut roll = Self::clone(self);
        let fits = 2 * people <= self.slots.len();
        let follows =
            fits && moved.into_iter().all(|(shard, (was, is))| roll.follow(self, before, shard, was, is));
        Arc::new(if follows { roll } else { Self::of(next) })
    }

    /// Notes where those of one shard lie now, who lay elsewhere by `old` or nowhere; false when somebody is gone.
    fn follow(&mut self, old: &Self, before: &[Arc<Shard>], shard: u8, was: &Shard, is: &Shard) -> bool {
        let mut known = 0;
        for (position, user) in (0..).zip(is.users()) {
            let (mut places, mark) = self.places(user.key_text());
            let place = match old.slot_of(user.key_text(), before) {
                Some((place, ..)) => {
                    known += 1;
                    Some(place)
                }
                None => places.find(|place| self.slots.get(*place).is_some_and(|slot| slot.is_free())),
            };
            if let Some(slot) = place.and_then(|place| self.slots.get_mut(place)) {
                *slot = Slot { mark, shard, position };
            }
        }
        known == was.users().len()
    }

    /// The user of this folded name among `shards`, of which this is the roll.
    #[inline]
    pub(super) fn find<'a>(&self, folded: &str, shards: &'a [Arc<Shard>]) -> Option<(Place, &'a User)> {
        self.slot_of(folded, shards).map(|(_, place, user)| (place, user))
    }

    #[inline]
    fn slot_of<'a>(&self, folded: &str, shards: &'a [Arc<Shard>]) -> Option<(usize, Place, &'a User)> {
        let (places, mark) = self.places(folded);
        for number in places {
            let slot = self.slots.get(number).filter(|slot| !slot.is_free())?;
            if slot.mark != mark {
                continue;
            }
            let place = Place { shard: usize::from(slot.shard), position: slot.position as usize };
            let user = shards.get(place.shard)?.users().get(place.position)?;
            if user.key_text() == folded {
                return Some((number, place, user));
            }
        }
        None
    }

    /// The slots in which somebody could be, in the order in which to look, and their mark.
    #[inline]
    fn places(&self, folded: &str) -> (impl Iterator<Item = usize> + use<>, u16) {
        let hash = self.hasher.hash_one(folded);
        let [a, b, ..] = hash.to_be_bytes();
        let count = self.slots.len();
        let first = usize::try_from(hash & (count as u64 - 1)).unwrap_or_default();
        ((0..count).map(move |step| (first + step) & (count - 1)), u16::from_be_bytes([a, b]))
    }
}

fn names(shard: &Shard) -> impl Iterator<Item = &str> {
    shard.users().iter().map(User::key_text)
}

#[cfg(test)]
mod tests {
    use crate::{
        name::Username,
        snapshot::{Amendment, Directory, Person, Snapshot},
    };

    fn name(number: u32) -> Username {
        format!("Person-{number}").parse().unwrap()
    }

    #[test]
    fn everybody_is_found_and_nobody_else() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        for count in [0, 1, 2, 3, 5_000] {
            let directory = Directory {
                people: (0..count).map(|number| Person::named(name(number))).collect(),
                groups: Default::default(),
            };
            let snapshot = Snapshot::of_directory(1, now, &directory, Default::default()).unwrap();
            for number in 0..count {
                assert_eq!(snapshot.user(&name(number).key()).unwrap().username(), &name(number));
            }
            for number in count..count + 1_000 {
                assert!(snapshot.user(&name(number).key()).is_none(), "{number} of {count}");
            }
        }
    }

    #[test]
    fn whoever_is_new_is_found_beside_all_others() {
        let as_of = "2026-01-01T00:00:00Z".parse().unwrap();
        let directory = Directory {
            people: (0..300).map(|n| Person::named(name(n))).collect(),
            groups: Default::default(),
        };
        let mut snapshot = Snapshot::of_directory(1, as_of, &directory, Default::default()).unwrap();
        // Nobody, somebody, some, and so many that the roll must grow.
        for count in [300_u32, 301, 310, 500, 3_000] {
            let first = Person { active: false, ..Person::named(name(0)) };
            let new = (u32::try_from(snapshot.user_count()).unwrap()..count)
                .map(|number| Person::named(name(number)));
            let people = new.chain([first]).collect();
            snapshot = snapshot.amend(&Amendment { as_of, people, groups: None });
            assert_eq!(snapshot.user_count(), count as usize);
            for number in 0..count {
                let found = snapshot.user(&name(number).key()).unwrap();
                assert_eq!((found.username(), found.is_active()), (&name(number), number != 0));
            }
            assert!((count..count + 500).all(|number| snapshot.user(&name(number).key()).is_none()));
        }
    }
}
