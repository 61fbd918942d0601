//! Time cut into parts in which no rule begins or ends.
//!
//! A weekly window comes again and again, so one week is looked at from now on, and one from each later moment at which a
//! rule begins or ends for good: what is so in it is so in every week until the next such moment. Windows by the
//! clock of one place keep together but for the hours in which it is set: see [`super::clocks`]. Those of several places
//! shift against each other when only some clocks change, and then the answer is not exact. See [`Times::are_apart`]. Nor is it
//! where the clock skips the hours of a window in the week that is looked at: see [`Times::skipped`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan as _};

use super::clocks;
use crate::rule::{Weekly, Window};

/// How many different weekly windows are looked at.
pub(super) const MOST_WEEKLY: usize = 32;

/// How many beginnings and ends of one window are looked for within a week: far more than there are.
const MOST_EDGES: usize = 16;

/// The parts of time, from now on.
#[derive(Debug)]
pub(super) struct Times {
    parts: Vec<Part>,
    /// Weekly windows beyond those that are looked at.
    pub(super) left_out: BTreeSet<Weekly>,
    /// Those of which nothing is asked in some week that is looked at, since the clock skips their hours there.
    pub(super) skipped: BTreeSet<Weekly>,
    /// Those that meet others otherwise in some other week, since the clock is set.
    pub(super) otherwise: BTreeSet<Weekly>,
}

/// From its start to that of the next one.
#[derive(Debug, Clone, Copy)]
struct Part {
    start: Timestamp,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It begins now, or where a rule begins or ends for good.
    First,
    /// It begins where a weekly window does, or ends.
    OfWeek,
    /// The weeks that are like the one before it; nothing is asked of them.
    LikeBefore,
}

impl Times {
    /// Those of rules with these windows.
    pub(super) fn of(windows: impl Iterator<Item = Window> + Clone, now: Timestamp) -> Self {
        let ends = windows.clone().flat_map(|window| [window.from(), window.to()]).flatten();
        let later: BTreeSet<_> = ends.filter(|at| *at > now).collect();
        let weekly: BTreeSet<_> = windows.filter_map(|window| window.weekly()).collect();
        let left_out = weekly.iter().copied().skip(MOST_WEEKLY).collect();
        let weekly: Vec<Weekly> = weekly.into_iter().take(MOST_WEEKLY).collect();
        let firsts: Vec<_> = std::iter::once(now).chain(later).collect();
        let (mut parts, mut skipped) = (Vec::new(), BTreeSet::new());
        for (number, first) in firsts.iter().enumerate() {
            let next = firsts.get(number + 1).copied();
            parts.push(Part { start: *first, kind: Kind::First });
            parts.extend(week(&weekly, *first, next));
            skipped.extend(weekly.iter().copied().filter(|one| is_skipped(one, *first, next)));
        }
        #[cfg(test)]
        super::budget::done(parts.len());
        let until = firsts.iter().skip(1).copied().map(Some).chain([None]);
        let stretches: Vec<_> = firsts.iter().copied().zip(until).collect();
        let otherwise = clocks::meeting_otherwise(&weekly, &stretches);
        Self { parts, left_out, skipped, otherwise }
    }

    /// What it takes to cut time by rules with these windows, in steps.
    pub(super) fn work(windows: impl Iterator<Item = Window> + Clone) -> usize {
        let ends = windows.clone().flat_map(|window| [window.from(), window.to()]).flatten();
        let weekly: BTreeSet<_> = windows.filter_map(|window| window.weekly()).collect();
        let (weekly, firsts) = (weekly.len().min(MOST_WEEKLY), 1 + ends.collect::<BTreeSet<_>>().len());
        firsts * (1 + MOST_EDGES * weekly) + clocks::work(weekly, firsts)
    }

    /// The parts of which something is asked, by number.
    pub(super) fn asked(&self) -> impl Iterator<Item = (usize, Timestamp)> {
        let asked = self.parts.iter().enumerate().filter(|(_, part)| part.kind != Kind::LikeBefore);
        asked.map(|(number, part)| (number, part.start))
    }

    pub(super) fn start(&self, part: usize) -> Option<Timestamp> {
        self.parts.get(part).map(|part| part.start)
    }

    /// When a stretch of parts begins, if not now.
    pub(super) fn from(&self, first: usize) -> Option<Timestamp> {
        if first == 0 { None } else { self.start(first) }
    }

    /// When it ends, if it does.
    pub(super) fn to(&self, last: usize) -> Option<Timestamp> {
        self.start(last + 1)
    }

    /// Whether a stretch begins or ends with the hours of the week, and comes again every week until a rule begins or ends
    /// for good.
    pub(super) fn is_weekly(&self, first: usize, last: usize) -> bool {
        let by_week = |part: usize| {
            self.parts.get(part).is_some_and(|part| part.kind != Kind::First) && self.comes_again(part)
        };
        by_week(first) || by_week(last + 1)
    }

    /// Parts, ascending, as stretches of those that follow upon each other. One that comes again every week is cut where a
    /// rule begins or ends for good: what comes again is so on one side of it only.
    pub(super) fn stretches<T>(&self, found: &BTreeMap<usize, T>) -> Vec<(usize, usize)> {
        let mut stretches: Vec<(usize, usize)> = Vec::new();
        for part in found.keys().copied() {
            match stretches.last_mut() {
                Some((_, last)) if *last + 1 == part && self.goes_on(part, found) => *last = part,
                _ => stretches.push((part, part)),
            }
        }
        stretches
    }

    fn goes_on<T>(&self, part: usize, found: &BTreeMap<usize, T>) -> bool {
        let kind = |part: usize| self.parts.get(part).map(|part| part.kind);
        if kind(part) != Some(Kind::First) {
            return true;
        }
        let whole_before = part
            .checked_sub(1)
            .is_none_or(|last| kind(last) == Some(Kind::LikeBefore) || !self.comes_again(last));
        let whole_here = self.like_before(part).is_none_or(|like| found.contains_key(&like));
        whole_before && whole_here
    }

    /// Whether a whole week from the last beginning or end of a rule is looked at, after which all weeks are like it.
    fn comes_again(&self, part: usize) -> bool {
        self.like_before(part).is_some()
    }

    /// The weeks that are like the one in which a part is.
    fn like_before(&self, part: usize) -> Option<usize> {
        let mut here = self.parts.iter().enumerate().skip(part);
        let of_week = |(number, one): &(usize, &Part)| *number == part || one.kind != Kind::First;
        here.by_ref()
            .take_while(of_week)
            .find(|(_, one)| one.kind == Kind::LikeBefore)
            .map(|(number, _)| number)
    }

    /// What is so in the whole of a week is so in those that are like it.
    pub(super) fn with_like_weeks<T: Clone>(&self, found: &mut BTreeMap<usize, T>) {
        let mut whole: Option<T> = None;
        for (number, part) in self.parts.iter().enumerate() {
            let here = found.get(&number).cloned();
            match part.kind {
                Kind::First => whole = here,
                Kind::OfWeek => whole = whole.and(here),
                Kind::LikeBefore => {
                    if let Some(like) = whole.take() {
                        found.insert(number, like);
                    }
                }
            }
        }
    }

    /// Whether weekly windows go by the clocks of several places.
    pub(super) fn are_apart(weekly: impl Iterator<Item = Weekly>) -> bool {
        weekly.map(|one| one.zone()).collect::<BTreeSet<_>>().len() > 1
    }
}

/// The parts of the week from `first` on but for the first one, and the weeks like it; up to `next`, where all is different.
fn week(weekly: &[Weekly], first: Timestamp, next: Option<Timestamp>) -> Vec<Part> {
    let Some(end) = week_end(first) else { return Vec::new() };
    let edges: BTreeSet<_> = weekly.iter().flat_map(|one| edges(one, first, end)).collect();
    // One more behind the week, so that what begins in it has its end.
    let last = edges.range(end..).next().copied();
    let kept = edges.into_iter().filter(|at| last.is_none_or(|last| *at <= last));
    let kept = kept.filter(|at| next.is_none_or(|next| *at < next));
    kept.map(|start| Part { start, kind: if start < end { Kind::OfWeek } else { Kind::LikeBefore } })
        .collect()
}

/// The end of the week that is looked at from `first` on.
pub(super) fn week_end(first: Timestamp) -> Option<Timestamp> {
    // Days are those of a clock; of the week they are as long as any. A clock that changes makes one an hour longer.
    first.checked_add((7 * 24 + 1).hours()).ok()
}

/// Whether a window neither begins nor ends in the week from `first` on, as it does in any in which the clock skips
/// nothing, but does later, before `next`.
fn is_skipped(weekly: &Weekly, first: Timestamp, next: Option<Timestamp>) -> bool {
    week_end(first).is_some_and(|end| {
        let edge = edges(weekly, first, end).first().copied();
        edge.is_none_or(|edge| edge >= end && next.is_none_or(|next| edge < next))
    })
}

/// Where a window begins and ends after `from`, up to the first such moment not before `end`.
pub(super) fn edges(weekly: &Weekly, from: Timestamp, end: Timestamp) -> Vec<Timestamp> {
    let mut edges = Vec::new();
    let mut at = from;
    while edges.len() < MOST_EDGES
        && at < end
        && let Some(next) = weekly.end(at).or_else(|| weekly.next_begin(at))
        && next > at
    {
        edges.push(next);
        at = next;
    }
    edges
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::{super::budget::DONE, Times};
    use crate::rule::{TimeOfWeek, Weekly, Window, Zone};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn weekly(from: &str, to: &str, zone: &str) -> Weekly {
        let time = |text| TimeOfWeek::parse(text).unwrap();
        Weekly::new(time(from), time(to), Zone::parse(zone).unwrap()).unwrap()
    }

    #[test]
    fn a_week_is_asked_about_and_one_more_end_is_known() {
        let window = Window::ALWAYS.with_weekly(Some(weekly("Mon 08:00", "Fri 18:00", "UTC")));
        // A Wednesday.
        let times = Times::of([window].into_iter(), at("2026-06-03T00:00:00Z"));
        let asked: Vec<_> = times.asked().map(|(_, start)| start.to_string()).collect();
        assert_eq!(asked, ["2026-06-03T00:00:00Z", "2026-06-05T18:00:00Z", "2026-06-08T08:00:00Z"]);
        assert_eq!(times.to(2), Some(at("2026-06-12T18:00:00Z")));
        assert!(times.is_weekly(0, 0) && times.is_weekly(1, 1) && !times.is_weekly(0, 3));
    }

    #[test]
    fn hours_that_the_clock_skips_are_known_to_be_left_out() {
        // On 2026-03-29 it is 03:00 in Berlin after 01:59:59.
        let window = weekly("Sun 02:10", "Sun 02:50", "Europe/Berlin");
        let always = Window::ALWAYS.with_weekly(Some(window));
        let skipped = |now: &str, more: &[Window]| {
            Times::of([always].into_iter().chain(more.iter().copied()), at(now)).skipped.contains(&window)
        };
        let [before, after] = ["2026-03-25T00:00:00Z", "2026-04-01T00:00:00Z"];
        assert!(skipped(before, &[]) && !skipped(after, &[]));
        // Until a rule begins nothing of it is left out, and then a week begins anew.
        assert!(!skipped(before, &[Window::new(Some(at(after)), None).unwrap()]));
    }

    #[test]
    fn what_is_so_all_week_is_so_for_good() {
        let window = Window::ALWAYS.with_weekly(Some(weekly("Mon 08:00", "Fri 18:00", "UTC")));
        let times = Times::of([window].into_iter(), at("2026-06-03T00:00:00Z"));
        let with = |parts: &[usize]| {
            let mut found: BTreeMap<_, _> = parts.iter().map(|part| (*part, ())).collect();
            times.with_like_weeks(&mut found);
            found.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(with(&[0, 1, 2]), [0, 1, 2, 3]);
        assert_eq!(with(&[0, 2]), [0, 2]);
        assert_eq!(times.to(3), None);
    }

    #[test]
    fn there_are_no_more_parts_than_are_paid_for() {
        let ends = (1..=40).map(|minute| {
            let end = at(&format!("2026-06-04T00:{minute:02}:00Z"));
            Window::new(None, Some(end)).unwrap()
        });
        let hours = (10..20).map(|hour| {
            Window::ALWAYS.with_weekly(Some(weekly(
                &format!("Mon {hour}:00"),
                &format!("Tue {hour}:30"),
                "UTC",
            )))
        });
        let windows = ends.chain(hours);
        let times = Times::of(windows.clone(), at("2026-06-03T00:00:00Z"));
        assert!(times.parts.len() > 40 && times.parts.len() <= Times::work(windows));
    }

    #[test]
    fn no_more_is_looked_at_for_when_clocks_are_set_than_is_paid_for() {
        let ends =
            (7..=12).map(|month| Window::new(None, Some(at(&format!("2026-{month:02}-01T00:00:00Z")))));
        let hours = (0..20).map(|hour| {
            let (from, to) = (format!("Mon {hour:02}:00"), format!("Tue {hour:02}:30"));
            Window::ALWAYS.with_weekly(Some(weekly(&from, &to, "Europe/Berlin")))
        });
        let windows = ends.map(Result::unwrap).chain(hours);
        DONE.set(0);
        Times::of(windows.clone(), at("2026-06-03T00:00:00Z"));
        let done = DONE.get();
        assert!(done > 5_000 && done <= Times::work(windows), "{done}");
    }

    #[test]
    fn a_week_begins_anew_where_a_rule_does() {
        let hours = Window::ALWAYS.with_weekly(Some(weekly("Mon 08:00", "Mon 09:00", "UTC")));
        let freeze = Window::new(Some(at("2026-12-20T00:00:00Z")), Some(at("2026-12-22T00:00:00Z"))).unwrap();
        let times = Times::of([hours, freeze].into_iter(), at("2026-06-03T00:00:00Z"));
        let asked: Vec<_> = times.asked().map(|(_, start)| start.to_string()).collect();
        // 21 December is a Monday, and within the freeze.
        assert!(asked.contains(&"2026-12-21T08:00:00Z".to_owned()), "{asked:?}");
        assert!(asked.contains(&"2026-12-28T08:00:00Z".to_owned()), "{asked:?}");
    }
}
