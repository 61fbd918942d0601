use std::collections::BTreeMap;

use super::UpdateIndex;

/// What is known of single updates. Most pushes have one, and what is known of it lies here itself.
#[derive(Debug, Clone)]
pub(super) struct ByUpdate<T> {
    one: Option<(UpdateIndex, T)>,
    others: BTreeMap<UpdateIndex, T>,
}

impl<T> Default for ByUpdate<T> {
    fn default() -> Self {
        Self { one: None, others: BTreeMap::new() }
    }
}

impl<T> ByUpdate<T> {
    #[inline]
    pub(super) fn get(&self, index: UpdateIndex) -> Option<&T> {
        match &self.one {
            Some((of, value)) if *of == index => Some(value),
            _ => self.others.get(&index),
        }
    }

    /// Notes what is known of an update, in the place of what was known of it before.
    pub(super) fn insert(&mut self, index: UpdateIndex, value: T) {
        match &mut self.one {
            Some((of, _)) if *of != index => {
                self.others.insert(index, value);
            }
            one => *one = Some((index, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ByUpdate;

    #[test]
    fn what_is_known_last_of_each_update_counts() {
        let mut known = ByUpdate::default();
        assert_eq!(known.get(0), None);
        for (index, value) in [(7, 'a'), (0, 'b'), (7, 'c'), (0, 'd'), (9, 'e')] {
            known.insert(index, value);
        }
        assert_eq!(
            [0, 7, 9, 1].map(|index| known.get(index).copied()),
            [Some('d'), Some('c'), Some('e'), None]
        );
    }
}
