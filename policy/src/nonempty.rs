//! A list that cannot be empty, for the places where an empty one would be a lie: a refusal without a reason.

use std::{iter, slice};

/// One or more values. Small to move about, since what holds one is handed on many times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NonEmpty<T>(Box<Values<T>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Values<T> {
    first: T,
    rest: Vec<T>,
}

impl<T> NonEmpty<T> {
    /// A list of one.
    pub fn one(first: T) -> Self {
        Self(Box::new(Values { first, rest: Vec::new() }))
    }

    /// The values of `all`, or `None` when there are none.
    pub fn from_vec(all: Vec<T>) -> Option<Self> {
        let mut values = all.into_iter();
        let first = values.next()?;
        Some(Self(Box::new(Values { first, rest: values.collect() })))
    }

    /// The list with one more value at its end.
    #[must_use]
    pub fn and(mut self, last: T) -> Self {
        self.0.rest.push(last);
        self
    }

    /// The first value.
    pub fn first(&self) -> &T {
        &self.0.first
    }

    /// The values behind the first.
    pub fn others(&self) -> &[T] {
        &self.0.rest
    }

    /// How many values there are: at least one.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.0.rest.len().saturating_add(1)
    }

    /// The values in order.
    pub fn iter(&self) -> iter::Chain<iter::Once<&T>, slice::Iter<'_, T>> {
        iter::once(&self.0.first).chain(self.0.rest.iter())
    }
}

impl<'a, T> IntoIterator for &'a NonEmpty<T> {
    type Item = &'a T;
    type IntoIter = iter::Chain<iter::Once<&'a T>, slice::Iter<'a, T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::NonEmpty;

    #[test]
    fn nothing_makes_none() {
        assert_eq!(NonEmpty::<u8>::from_vec(vec![]), None);
    }

    #[test]
    fn order_and_length_are_kept() {
        let list = NonEmpty::from_vec(vec![3, 1, 2]).unwrap();
        assert_eq!(list.len(), 3);
        assert_eq!(list.iter().copied().collect::<Vec<_>>(), [3, 1, 2]);
        let pushed =
            list.others().iter().fold(NonEmpty::one(*list.first()), |pushed, value| pushed.and(*value));
        assert_eq!(pushed, list);
    }
}
