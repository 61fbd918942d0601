//! A few of many, for messages: nobody reads a thousand paths, and everybody wants to know that there are a thousand.

/// How many examples are kept.
pub const SHOWN: usize = 3;

/// The first few of some things, and how many there are; never none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examples<T> {
    shown: Vec<T>,
    total: usize,
    /// There may be more than are counted.
    at_least: bool,
}

impl<T> Examples<T> {
    /// The first of `all`, or `None` when there are none.
    pub fn of(all: impl IntoIterator<Item = T>) -> Option<Self> {
        let mut all = all.into_iter();
        let shown: Vec<T> = all.by_ref().take(SHOWN).collect();
        let total = shown.len() + all.count();
        Self::of_some(shown, total, false)
    }

    /// These few of so many, or of at least so many; `None` when there are none.
    pub(crate) fn of_some(shown: Vec<T>, total: usize, at_least: bool) -> Option<Self> {
        (total > 0).then_some(Self { shown, total, at_least })
    }

    /// The first few.
    pub fn shown(&self) -> &[T] {
        &self.shown
    }

    /// How many there are, as far as is known.
    pub fn total(&self) -> usize {
        self.total
    }

    /// In words: `a, b, c and 7 more`; `a and perhaps more`, where the rest is not known.
    pub fn told(&self, each: impl Fn(&T) -> String) -> String {
        let shown = self.shown.iter().map(each).collect::<Vec<_>>().join(", ");
        match (self.total - self.shown.len(), self.at_least) {
            (0, false) => shown,
            (0, true) => format!("{shown} and perhaps more"),
            (more, false) => format!("{shown} and {more} more"),
            (more, true) => format!("{shown} and at least {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Examples;

    #[test]
    fn a_few_and_a_count() {
        assert_eq!(Examples::<u8>::of([]), None);
        let told = |count: u8| Examples::of(0..count).unwrap().told(ToString::to_string);
        assert_eq!(told(1), "0");
        assert_eq!(told(3), "0, 1, 2");
        assert_eq!(told(10), "0, 1, 2 and 7 more");
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        let told = |shown: &[u8], total| {
            Examples::of_some(shown.to_vec(), total, true).unwrap().told(ToString::to_string)
        };
        assert_eq!(told(&[1], 1), "1 and perhaps more");
        assert_eq!(told(&[1, 2, 3], 64), "1, 2, 3 and at least 61 more");
    }
}
