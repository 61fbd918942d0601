use std::collections::{HashSet, VecDeque};

/// How many are remembered.
const MOST: usize = 10_000;
/// How long a name of one may be.
const LONGEST: usize = 128;

/// What came of late, by the names that whoever sent it gave it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    names: HashSet<Box<str>>,
    order: VecDeque<Box<str>>,
}

impl Seen {
    /// Whether this did not come before, as far as it is remembered; it is remembered from now on.
    pub(super) fn is_new(&mut self, name: &str) -> bool {
        if name.len() > LONGEST {
            // Nobody is let to fill the memory; coming twice costs a look.
            return true;
        }
        if !self.names.insert(name.into()) {
            return false;
        }
        self.order.push_back(name.into());
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.names.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Seen};

    #[test]
    fn what_came_twice_is_noticed_and_memory_is_bounded() {
        let mut seen = Seen::default();
        assert!(seen.is_new("a") && !seen.is_new("a"));
        for number in 0..3 * MOST {
            assert!(seen.is_new(&number.to_string()));
        }
        assert!(seen.names.len() <= MOST && seen.order.len() <= MOST);
        assert!(!seen.is_new(&(3 * MOST - 1).to_string()) && seen.is_new("a"));
        let long = "x".repeat(1_000);
        assert!(seen.is_new(&long) && seen.is_new(&long));
    }
}
