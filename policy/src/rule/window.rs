use jiff::Timestamp;
use serde::Serialize;
use thiserror::Error;

/// When a rule is live: from `from`, inclusive, to `to`, exclusive; an end that is absent is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Window {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

/// A window that ends before it begins is never live.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the window ends ({to}) before it begins ({from})")]
pub struct WindowError {
    from: Timestamp,
    to: Timestamp,
}

impl Window {
    /// Always.
    pub const ALWAYS: Self = Self { from: None, to: None };

    /// A window with either end, both or none.
    ///
    /// # Errors
    /// When `to` is not after `from`.
    pub fn new(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Self, WindowError> {
        match (from, to) {
            (Some(from), Some(to)) if to <= from => Err(WindowError { from, to }),
            _ => Ok(Self { from, to }),
        }
    }

    /// Whether `now` lies within.
    pub fn contains(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.to.is_none_or(|to| now < to)
    }

    /// When it begins, if it does.
    pub fn from(&self) -> Option<Timestamp> {
        self.from
    }

    /// The first moment at which it is over, if it ends.
    pub fn to(&self) -> Option<Timestamp> {
        self.to
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::Window;

    #[test]
    fn the_ends_are_exact() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let window = Window::new(Some(at(10)), Some(at(20))).unwrap();
        assert_eq!([9, 10, 19, 20].map(|second| window.contains(at(second))), [false, true, true, false]);
        assert!(Window::ALWAYS.contains(Timestamp::MIN) && Window::ALWAYS.contains(Timestamp::MAX));
        assert!(Window::new(Some(at(20)), Some(at(20))).is_err());
    }
}
