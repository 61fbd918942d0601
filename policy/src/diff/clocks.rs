//! Where weekly windows by the clock of one place meet otherwise than in the weeks that are compared, since that clock is
//! set.
//!
//! Of an hour that the clock shows twice a window begins in the first and ends in the second: two of which one follows upon the
//! other are live together then. And in a week in which the clock skips an hour nobody sees what meets in it in all others.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan as _};

use super::times::{edges, week_end};
use crate::rule::Weekly;

/// How many weeks are looked at for each clock. Where there are more, it is not known of any window.
const MOST_WEEKS: usize = 16;

/// How many moments of one window are looked at for each of those weeks: where it begins and ends in the week itself, in a
/// usual one, and around the two moments of a year at which a clock is set.
const MOST_MOMENTS: usize = 16;

/// What it takes to find them out for so many windows and stretches, in steps: at each moment each window is looked at.
pub(super) fn work(windows: usize, stretches: usize) -> usize {
    stretches.min(MOST_WEEKS) * MOST_MOMENTS * windows * (windows + 1)
}

/// From where a week is compared until where another one is; `None`: all weeks are like it.
pub(super) type Stretch = (Timestamp, Option<Timestamp>);

/// Those of some windows that meet others otherwise than in the first week of one of these stretches, or may.
pub(super) fn meeting_otherwise(weekly: &[Weekly], stretches: &[Stretch]) -> BTreeSet<Weekly> {
    let mut by_clock: BTreeMap<_, Vec<Weekly>> = BTreeMap::new();
    for one in weekly {
        by_clock.entry(one.zone()).or_default().push(*one);
    }
    let mut found = BTreeSet::new();
    for windows in by_clock.values().filter(|windows| windows.len() > 1) {
        for (number, stretch) in stretches.iter().filter(|stretch| is_long(stretch)).enumerate() {
            let changes = windows.first().map(|one| one.clock_changes(stretch.0)).unwrap_or_default();
            if changes.is_empty() {
                continue;
            }
            if number >= MOST_WEEKS {
                found.extend(windows);
                break;
            }
            found.extend(otherwise(windows, stretch, &changes));
        }
    }
    found
}

/// Whether there is more of it than the week that is looked at.
fn is_long((first, next): &Stretch) -> bool {
    next.is_none_or(|next| week_end(*first).is_some_and(|end| end < next))
}

/// Those that are live where just these are not in the first week.
fn otherwise(windows: &[Weekly], (first, next): &Stretch, changes: &[Timestamp]) -> Vec<Weekly> {
    let Some(end) = week_end(*first) else { return Vec::new() };
    let looked_at: BTreeSet<Vec<Weekly>> =
        moments(windows, *first, end).into_iter().map(|at| live(windows, at)).collect();
    // Two weeks later, so that no clock is set in both.
    let usual = first.checked_add((14 * 24).hours()).ok();
    let usual = usual.and_then(|from| Some((from, week_end(from)?)));
    let around = changes.iter().filter_map(|at| {
        let from = at.checked_sub(24.hours()).ok().filter(|from| next.is_none_or(|next| *from < next))?;
        Some((from.max(*first), at.checked_add(24.hours()).ok()?))
    });
    let later = usual.into_iter().chain(around).flat_map(|(from, end)| moments(windows, from, end));
    let unseen = later.map(|at| live(windows, at)).filter(|live| !looked_at.contains(live));
    // That none is live may matter to any.
    unseen.flat_map(|live| if live.is_empty() { windows.to_vec() } else { live }).collect()
}

/// A moment of each part into which the windows cut the time between these.
fn moments(windows: &[Weekly], from: Timestamp, end: Timestamp) -> Vec<Timestamp> {
    let edges = windows.iter().flat_map(|one| edges(one, from, end)).filter(|at| *at < end);
    std::iter::once(from).chain(edges).collect()
}

fn live(windows: &[Weekly], at: Timestamp) -> Vec<Weekly> {
    #[cfg(test)]
    super::budget::done(windows.len());
    windows.iter().copied().filter(|one| one.contains(at)).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::meeting_otherwise;
    use crate::rule::{TimeOfWeek, Weekly, Zone};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn weekly(from: &str, to: &str, zone: &str) -> Weekly {
        let time = |text| TimeOfWeek::parse(text).unwrap();
        Weekly::new(time(from), time(to), Zone::parse(zone).unwrap()).unwrap()
    }

    /// How many of two windows meet otherwise later.
    fn found(one: (&str, &str), other: (&str, &str), zone: &str, from: &str, next: Option<&str>) -> usize {
        let windows = [weekly(one.0, one.1, zone), weekly(other.0, other.1, zone)];
        meeting_otherwise(&windows, &[(at(from), next.map(at))]).len()
    }

    #[test]
    fn what_follows_upon_each_other_overlaps_where_the_clock_is_set_back() {
        // On 2026-10-25 it is 02:30 in Berlin at 00:30 UTC and again at 01:30 UTC.
        let (one, other) = (("Sun 01:00", "Sun 02:30"), ("Sun 02:30", "Sun 04:00"));
        let june = "2026-06-03T00:00:00Z";
        assert_eq!(found(one, other, "Europe/Berlin", june, None), 2);
        assert_eq!(found(one, other, "Europe/Berlin", june, Some("2026-07-01T00:00:00Z")), 0);
        assert_eq!(found(one, other, "UTC", june, None), 0);
        let (one, other) = (("Mon 08:00", "Mon 12:00"), ("Mon 12:00", "Mon 18:00"));
        assert_eq!(found(one, other, "Europe/Berlin", june, None), 0);
    }

    #[test]
    fn what_lies_in_an_hour_that_the_clock_skips_is_seen_in_other_weeks_only() {
        // On 2026-03-29 it is 03:00 in Berlin after 01:59:59.
        let (one, other) = (("Sun 02:10", "Sun 03:30"), ("Sun 02:40", "Sun 04:00"));
        assert_eq!(found(one, other, "Europe/Berlin", "2026-03-25T00:00:00Z", None), 1);
        assert_eq!(found(one, other, "Europe/Berlin", "2026-04-01T00:00:00Z", None), 0);
    }

    #[test]
    fn of_more_weeks_than_are_looked_at_nothing_is_claimed() {
        let windows = [("Mon 08:00", "Mon 12:00"), ("Mon 12:00", "Mon 18:00")]
            .map(|(from, to)| weekly(from, to, "Europe/Berlin"));
        let month =
            |number: usize| at(&format!("{}-{:02}-01T00:00:00Z", 2026 + number / 12, number % 12 + 1));
        let months = |count: usize| -> Vec<_> {
            (0..count).map(|number| (month(number), Some(month(number + 1)))).collect()
        };
        assert_eq!(meeting_otherwise(&windows, &months(16)).len(), 0);
        assert_eq!(meeting_otherwise(&windows, &months(17)).len(), 2);
    }
}
