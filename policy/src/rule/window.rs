use jiff::Timestamp;
use serde::Serialize;
use thiserror::Error;

use super::Weekly;

/// When a rule is live: from `from`, inclusive, to `to`, exclusive; an end that is absent is open. Where it also comes
/// back weekly, both must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Window {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weekly: Option<Weekly>,
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
    pub const ALWAYS: Self = Self { from: None, to: None, weekly: None };

    /// A window with either end, both or none.
    ///
    /// # Errors
    /// When `to` is not after `from`.
    pub fn new(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Self, WindowError> {
        match (from, to) {
            (Some(from), Some(to)) if to <= from => Err(WindowError { from, to }),
            _ => Ok(Self { from, to, weekly: None }),
        }
    }

    /// The same window, live only at these times of the week.
    #[must_use]
    pub fn with_weekly(self, weekly: Option<Weekly>) -> Self {
        Self { weekly, ..self }
    }

    /// Whether `now` lies within.
    pub fn contains(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now)
            && self.to.is_none_or(|to| now < to)
            && self.weekly.is_none_or(|weekly| weekly.contains(now))
    }

    /// When the window in which `now` lies is over, for this week or for ever; `None` when it never is.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let this_week = self.weekly.and_then(|weekly| weekly.end(now));
        [this_week, self.to].into_iter().flatten().min()
    }

    /// At which times of the week it is live, if not at all.
    pub fn weekly(&self) -> Option<Weekly> {
        self.weekly
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

    use crate::rule::{TimeOfWeek, Weekly, Window, Zone};

    #[test]
    fn the_ends_are_exact() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let window = Window::new(Some(at(10)), Some(at(20))).unwrap();
        assert_eq!([9, 10, 19, 20].map(|second| window.contains(at(second))), [false, true, true, false]);
        assert!(Window::ALWAYS.contains(Timestamp::MIN) && Window::ALWAYS.contains(Timestamp::MAX));
        assert!(Window::new(Some(at(20)), Some(at(20))).is_err());
    }

    #[test]
    fn both_must_hold_and_the_first_end_is_the_end() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let time = |text| TimeOfWeek::parse(text).unwrap();
        let weekend = Weekly::new(time("Fri 18:00"), time("Mon 06:00"), Zone::parse("UTC").unwrap()).unwrap();
        let (from, to) = (at("2026-01-10T00:00:00Z"), at("2026-01-18T00:00:00Z"));
        let window = Window::new(Some(from), Some(to)).unwrap().with_weekly(Some(weekend));
        for (now, until) in [
            ("2026-01-09T20:00:00Z", None),
            ("2026-01-10T00:00:00Z", Some("2026-01-12T06:00:00Z")),
            ("2026-01-13T00:00:00Z", None),
            ("2026-01-16T18:00:00Z", Some("2026-01-18T00:00:00Z")),
            ("2026-01-18T00:00:00Z", None),
        ] {
            assert_eq!(window.contains(at(now)), until.is_some(), "{now}");
            assert!(until.is_none_or(|until| window.until(at(now)) == Some(at(until))), "{now}");
        }
    }
}
