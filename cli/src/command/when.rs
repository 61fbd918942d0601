//! Moments on a command line: so long ago, a day, or a moment.

use jiff::{SignedDuration, Timestamp, civil::Date};

/// A moment as it was given.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    At(Timestamp),
    Ago(SignedDuration),
}

impl When {
    /// The moment, counted from `now`.
    pub(super) fn moment(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.saturating_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }

    /// The same for a message, where 0 stands for "none".
    pub(super) fn before(self, now: Timestamp) -> i64 {
        self.moment(now).as_microsecond().max(1)
    }
}

/// Reads one. A day begins at midnight, UTC.
pub(super) fn when(text: &str) -> Result<When, String> {
    let wrong = || "write it like `30d`, `12h` or `45m`, or as a moment: `2026-12-24T08:00:00Z`".to_owned();
    if let Ok(at) = text.parse() {
        return Ok(When::At(at));
    }
    if let Some(midnight) = text.parse::<Date>().ok().and_then(|day| format!("{day}T00:00:00Z").parse().ok())
    {
        return Ok(When::At(midnight));
    }
    let unit = match text.chars().last() {
        Some('d') => 24 * 60,
        Some('h') => 60,
        Some('m') => 1,
        _ => return Err(wrong()),
    };
    let count: u32 = text.trim_end_matches(['d', 'h', 'm']).parse().map_err(|_| wrong())?;
    Ok(When::Ago(SignedDuration::from_mins(i64::from(count).saturating_mul(unit))))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::when;

    #[test]
    fn moments_days_and_lengths_are_told_apart() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        for (text, moment) in [
            ("30m", "2026-11-23T11:30:00Z"),
            ("12h", "2026-11-23T00:00:00Z"),
            ("30d", "2026-10-24T12:00:00Z"),
            ("2026-01-02", "2026-01-02T00:00:00Z"),
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ] {
            assert_eq!(when(text).unwrap().moment(now).to_string(), moment, "{text}");
        }
        for wrong in ["", "d", "30", "30 d", "-1d", "3w", "30dd d", "yesterday", "99999999999d", "2026-13-01"]
        {
            assert!(when(wrong).is_err(), "{wrong}");
        }
    }
}
