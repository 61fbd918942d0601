//! How a page is laid out: with colour or without, and as of when.

use std::{env, io::IsTerminal};

use jiff::{Timestamp, Unit};

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set or TERM is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether to colour what is written to `stream`.
    pub fn on(self, stream: &impl IsTerminal) -> bool {
        let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
                stream.is_terminal() && !set("NO_COLOR") && !dumb
            }
        }
    }
}

/// What a layout needs to know besides the message.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Whether to use colour.
    pub color: bool,
    /// What "two hours ago" is counted from.
    pub now: Timestamp,
}

impl Page {
    /// For what is well.
    pub fn good(&self, text: &str) -> String {
        self.paint("32", text)
    }

    /// For what is not.
    pub fn bad(&self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// For what somebody should look at.
    pub fn warn(&self, text: &str) -> String {
        self.paint("33", text)
    }

    /// For a heading.
    pub fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    /// For what is there to be found rather than read.
    pub fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A moment and how long ago that is: `2026-11-23T17:21:14Z (2 hours ago)`. `-` for none.
    pub fn time(&self, micros: i64) -> String {
        moment(micros).map_or_else(|| "-".into(), |at| format!("{} ({})", utc(at), self.age(at)))
    }

    /// How long ago `at` is, in its largest whole unit.
    pub fn age(&self, at: Timestamp) -> String {
        let seconds = self.now.as_second().saturating_sub(at.as_second());
        let (count, unit) = match seconds.unsigned_abs() {
            0 => return "just now".into(),
            seconds @ ..=119 => (seconds, "second"),
            seconds @ ..=7_199 => (seconds / 60, "minute"),
            seconds @ ..=172_799 => (seconds / 3_600, "hour"),
            seconds => (seconds / 86_400, "day"),
        };
        let length = counted(count, unit, &format!("{unit}s"));
        if seconds > 0 { format!("{length} ago") } else { format!("in {length}") }
    }
}

/// The moment of a message; `None` for the zero that means "none", and for what is no moment.
pub(super) fn moment(micros: i64) -> Option<Timestamp> {
    if micros == 0 { None } else { Timestamp::from_microsecond(micros).ok() }
}

/// A moment in UTC, to the second, as RFC 3339 writes it.
pub(super) fn utc(at: Timestamp) -> String {
    let whole = jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Floor);
    at.round(whole).unwrap_or(at).to_string()
}

/// `1 user`, `1,200 users`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// A number with its thousands apart: `50,000`.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The beginning of a digest, which is enough for people and for a command.
pub(super) fn short(digest: &str) -> String {
    super::shown(&digest.chars().take(12).collect::<String>())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Page, number, utc};

    #[test]
    fn ages_are_in_the_largest_whole_unit() {
        let now: Timestamp = "2026-11-23T17:21:14Z".parse().unwrap();
        let page = Page { color: false, now };
        for (at, age) in [
            ("2026-11-23T17:21:14Z", "just now"),
            ("2026-11-23T17:21:13Z", "1 second ago"),
            ("2026-11-23T17:19:14Z", "2 minutes ago"),
            ("2026-11-23T15:21:14Z", "2 hours ago"),
            ("2026-11-20T17:21:14Z", "3 days ago"),
            ("2026-11-23T17:31:14Z", "in 10 minutes"),
        ] {
            assert_eq!(page.age(at.parse().unwrap()), age);
        }
        assert_eq!(page.time(0), "-");
        assert_eq!(page.time(i64::MAX), "-", "no moment at all");
    }

    #[test]
    fn moments_lose_their_fractions_and_numbers_gain_commas() {
        assert_eq!(utc("2026-11-23T17:21:14.999999Z".parse().unwrap()), "2026-11-23T17:21:14Z");
        assert_eq!(["0", "999", "1,000", "1,234,567"], [0, 999, 1000, 1_234_567].map(number));
    }
}
