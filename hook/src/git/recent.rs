use std::{collections::HashMap, hash::Hash};

use foldhash::fast::RandomState;

/// What one entry takes besides its content, about.
const FRAME: usize = 96;

/// What was used last, in so many bytes at most: two generations, of which the older one goes as a whole when the younger
/// one has grown to half of that.
pub(crate) struct Recent<K, V> {
    young: HashMap<K, V, RandomState>,
    old: HashMap<K, V, RandomState>,
    /// How much the young ones take, and may take.
    bytes: usize,
    most: usize,
}

impl<K: Hash + Eq + Copy, V: AsRef<[u8]>> Recent<K, V> {
    /// Room for so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self { young: HashMap::default(), old: HashMap::default(), bytes: 0, most: bytes / 2 }
    }

    /// Whether it is kept.
    pub(crate) fn contains(&self, key: K) -> bool {
        self.young.contains_key(&key) || self.old.contains_key(&key)
    }

    /// What is kept under a key; it is used again.
    pub(crate) fn get(&mut self, key: K) -> Option<&V> {
        if !self.young.contains_key(&key) {
            let value = self.old.remove(&key)?;
            self.put(key, value);
        }
        self.young.get(&key)
    }

    /// Keeps something, unless it would take the place of all else.
    pub(crate) fn put(&mut self, key: K, value: V) {
        let bytes = value.as_ref().len().saturating_add(FRAME);
        if bytes > self.most / 4 {
            return;
        }
        if self.bytes.saturating_add(bytes) > self.most {
            self.old = std::mem::take(&mut self.young);
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::{FRAME, Recent};

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let most = 64 * (1_000 + FRAME);
        let mut recent = Recent::new(most);
        for key in 0..1_000_u32 {
            recent.put(key, vec![0; 1_000]);
            assert_eq!(recent.get(key).map(Vec::len), Some(1_000));
            // One that is asked for again and again.
            assert!(recent.get(0).is_some(), "{key}");
            assert!((recent.young.len() + recent.old.len()) * (1_000 + FRAME) <= most);
        }
        assert!(recent.contains(999) && !recent.contains(500) && recent.get(500).is_none());
        recent.put(1_000, vec![0; most / 4]);
        assert!(!recent.contains(1_000), "it would have driven out the others");
    }
}
