use smallvec::SmallVec;

/// Some roles of a policy, by their places among its roles: ascending, since few of many are held. So few, mostly, that
/// they lie where their holder lies.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct RolePlaces(SmallVec<[u32; 5]>);

impl Clone for RolePlaces {
    fn clone(&self) -> Self {
        // As a whole, where a derived clone goes place by place.
        Self(SmallVec::from_slice(&self.0))
    }
}

impl RolePlaces {
    pub(crate) fn insert(&mut self, place: u32) {
        if let Err(at) = self.0.binary_search(&place) {
            self.0.insert(at, place);
        }
    }

    /// The first that is also among `others`, which are ascending.
    #[inline]
    pub(crate) fn first_of(&self, others: &[u32]) -> Option<u32> {
        let held = self.0.as_slice();
        let (few, many) = if held.len() < others.len() { (held, others) } else { (others, held) };
        few.iter().copied().find(|place| many.binary_search(place).is_ok())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().copied()
    }
}

impl FromIterator<u32> for RolePlaces {
    fn from_iter<I: IntoIterator<Item = u32>>(places: I) -> Self {
        let mut places: SmallVec<_> = places.into_iter().collect();
        places.sort_unstable();
        places.dedup();
        Self(places)
    }
}

#[cfg(test)]
mod tests {
    use super::RolePlaces;

    #[test]
    fn places_are_ascending_and_there_once() {
        let mut places: RolePlaces = [200, 0, 64, 0].into_iter().collect();
        for place in [63, 200, 300] {
            places.insert(place);
        }
        assert_eq!(places.iter().collect::<Vec<_>>(), [0, 63, 64, 200, 300]);
    }

    #[test]
    fn the_first_of_either_is_the_first_of_both() {
        let places: RolePlaces = [0, 64, 200].into_iter().collect();
        assert_eq!(places.first_of(&[1, 64, 200]), Some(64));
        assert_eq!(places.first_of(&[200]), Some(200));
        assert_eq!(places.first_of(&[1, 2, 3, 4, 5, 6, 7, 200]), Some(200));
        assert_eq!(places.first_of(&[1, 65]), None);
        assert_eq!(places.first_of(&[]), None);
    }
}
