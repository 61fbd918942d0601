//! How many pushes are refused on a day, compared with other days.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::Offset};
use oam_audit::entry::Outcome;

use super::finding;
use crate::output::report::Row;

/// Fewer refusals on a day are nothing unusual.
const FEW: u64 = 20;
/// So many times the usual rate is unusual.
const TIMES: u64 = 3;
/// With fewer days nobody knows what is usual.
const FEWEST_DAYS: usize = 7;
/// As many people are counted apart.
const MOST_PEOPLE: usize = 100_000;

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    pushes: u64,
    refused: u64,
}

/// The counts of each day.
#[derive(Debug, Default)]
pub(super) struct Rates {
    days: BTreeMap<Date, Count>,
    refused: BTreeMap<(Date, String), u64>,
    /// Somebody found no room.
    left_out: bool,
}

impl Rates {
    pub(super) fn count(&mut self, at: Timestamp, who: &str, outcome: Outcome) {
        let day = Offset::UTC.to_datetime(at).date();
        let count = self.days.entry(day).or_default();
        count.pushes += 1;
        if outcome != Outcome::Refused {
            return;
        }
        count.refused += 1;
        let key = (day, who.to_lowercase());
        if self.refused.len() < MOST_PEOPLE || self.refused.contains_key(&key) {
            *self.refused.entry(key).or_default() += 1;
        } else {
            self.left_out = true;
        }
    }

    /// The days and people that stand out, and what could not be said.
    pub(super) fn into_rows(self) -> (Vec<Row>, Vec<String>) {
        let mut notes = Vec::new();
        let mut rows = Vec::new();
        match self.usual() {
            Some(usual) => {
                rows.extend(self.days.iter().filter_map(|(day, count)| day_row(*day, *count, usual)));
            }
            None => notes.push(format!(
                "fewer than {FEWEST_DAYS} days with pushes: what share of refusals is usual cannot be said"
            )),
        }
        if self.left_out {
            notes
                .push(format!("refusals are counted apart for the first {MOST_PEOPLE} people and days only"));
        }
        let many = self.refused.into_iter().filter(|(_, count)| *count >= FEW);
        rows.extend(many.map(|((day, who), count)| {
            let detail = "a script that does not give up, or somebody who tries";
            finding([&day.to_string(), "many refusals of one user", &who, &format!("{count} pushes"), detail])
        }));
        (rows, notes)
    }

    /// The median of the days' shares of refusals, in thousandths.
    fn usual(&self) -> Option<u64> {
        let mut shares: Vec<u64> = self.days.values().map(|count| share(*count)).collect();
        shares.sort_unstable();
        if shares.len() < FEWEST_DAYS { None } else { shares.get(shares.len() / 2).copied() }
    }
}

fn share(count: Count) -> u64 {
    count.refused * 1000 / count.pushes.max(1)
}

fn day_row(day: Date, count: Count, usual: u64) -> Option<Row> {
    let share = share(count);
    if count.refused < FEW || share <= usual.saturating_mul(TIMES) {
        return None;
    }
    let much = format!("{} of {} pushes", count.refused, count.pushes);
    let detail =
        format!("{}.{} % refused, usual are {}.{} %", share / 10, share % 10, usual / 10, usual % 10);
    Some(finding([&day.to_string(), "many refusals", "", &much, &detail]))
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use oam_audit::entry::Outcome;

    use super::Rates;

    fn days(refused_on_the_last: u64) -> Vec<String> {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut rates = Rates::default();
        for day in 0..10 {
            let refused = if day == 9 { refused_on_the_last } else { 5 };
            for push in 0..200 {
                let outcome = if push < refused { Outcome::Refused } else { Outcome::Permitted };
                rates.count(start + SignedDuration::from_hours(24 * day), &format!("u{push}"), outcome);
            }
        }
        rates.into_rows().0.into_iter().map(|row| row.cells.join("|")).collect()
    }

    #[test]
    fn a_day_stands_out_by_the_usual_share() {
        assert_eq!(days(15), [""; 0], "three times as many are no anomaly yet, and they are few");
        assert_eq!(days(40), ["2026-03-10|many refusals||40 of 200 pushes|20.0 % refused, usual are 2.5 %"]);
    }

    #[test]
    fn one_user_who_is_refused_again_and_again_stands_out() {
        let mut rates = Rates::default();
        let at = "2026-03-01T12:00:00Z".parse().unwrap();
        for _ in 0..20 {
            rates.count(at, "Ada", Outcome::Refused);
        }
        let (rows, notes) = rates.into_rows();
        assert_eq!((rows.len(), notes.len()), (1, 1), "{rows:?} {notes:?}");
        assert!(rows[0].cells.contains(&"ada".to_owned()));
    }
}
