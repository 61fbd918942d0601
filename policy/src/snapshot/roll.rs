use std::{hash::BuildHasher, sync::Arc};

use foldhash::fast::RandomState;

use super::{Place, Shard, User};

/// Where everybody lies, by a hash of their folded name: mostly one look into memory, where finding a shard and then
/// somebody in it would take many.
#[derive(Debug)]
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

    /// The user of this folded name among `shards`, of which this is the roll.
    pub(super) fn find<'a>(&self, folded: &str, shards: &'a [Arc<Shard>]) -> Option<(Place, &'a User)> {
        let (places, mark) = self.places(folded);
        let slots = places.filter_map(|place| self.slots.get(place)).take_while(|slot| !slot.is_free());
        let mut alike = slots.filter(|slot| slot.mark == mark).filter_map(|slot| {
            let place = Place { shard: usize::from(slot.shard), position: slot.position as usize };
            Some((place, shards.get(place.shard)?.users().get(place.position)?))
        });
        alike.find(|(_, user)| user.key_text() == folded)
    }

    /// The slots in which somebody could be, in the order in which to look, and their mark.
    fn places(&self, folded: &str) -> (impl Iterator<Item = usize> + use<>, u16) {
        let [a, b, first @ ..] = self.hasher.hash_one(folded).to_be_bytes();
        let first = first.into_iter().fold(0, |first, byte| first << 8 | usize::from(byte));
        let count = self.slots.len();
        ((0..count).map(move |step| (first + step) & (count - 1)), u16::from_be_bytes([a, b]))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        name::Username,
        snapshot::{Directory, Person, Snapshot},
    };

    #[test]
    fn everybody_is_found_and_nobody_else() {
        let name = |number: u32| format!("Person-{number}").parse::<Username>().unwrap();
        let person = |number| Person {
            username: name(number),
            id: None,
            display_name: None,
            emails: vec![],
            active: true,
            groups: Default::default(),
            keys: Default::default(),
        };
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        for count in [0, 1, 2, 3, 5_000] {
            let directory =
                Directory { people: (0..count).map(person).collect(), groups: Default::default() };
            let snapshot = Snapshot::of_directory(1, now, &directory, Default::default()).unwrap();
            for number in 0..count {
                assert_eq!(snapshot.user(&name(number).key()).unwrap().username(), &name(number));
            }
            for number in count..count + 1_000 {
                assert!(snapshot.user(&name(number).key()).is_none(), "{number} of {count}");
            }
        }
    }
}
