use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use jiff::{SignedDuration, Timestamp};

use crate::privilege::{Clock, TimeOfDay};

/// How far in the future a time may lie that was kept before the start, and count.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// When a source last said anything. How long ago that is goes by a clock that never goes back: a source that is silent
/// grows old whatever becomes of the clock of the machine.
#[derive(Debug)]
pub(super) struct Heard {
    clock: Clock,
    /// `None`: it said nothing yet, or nobody knows when.
    last: Mutex<Option<Last>>,
}

/// When it last said anything.
#[derive(Debug, Clone, Copy)]
struct Last {
    /// By the clock that never goes back.
    at: Timestamp,
    /// How old it was, at which moment: also where the clock of the machine leaped ahead since, and was put right.
    age: SignedDuration,
    since: Instant,
}

impl Heard {
    /// As it was kept before the start. What is kept for a time that has not come yet was kept by a clock that was ahead: nobody
    /// knows when it was.
    pub(super) fn since(kept: Option<Timestamp>, time_of_day: TimeOfDay) -> Self {
        let now = time_of_day();
        let kept = kept.filter(|kept| kept.duration_since(now) <= LEEWAY);
        let last = kept.map(|kept| {
            let at = kept.min(now);
            Last { at, age: now.duration_since(at), since: Instant::now() }
        });
        Self { clock: Clock::since(now, time_of_day), last: Mutex::new(last) }
    }

    /// Notes that it said something just now.
    pub(super) fn note(&self) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(Last { at: self.clock.now(), age: SignedDuration::ZERO, since: Instant::now() });
    }

    /// When it last did, by a clock that never goes back: that is another time each time when it does.
    pub(super) fn mark(&self) -> Option<Timestamp> {
        self.last().map(|last| last.at)
    }

    fn last(&self) -> Option<Last> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When it last did, by the clock of the machine, by which everything is judged.
    pub(super) fn at(&self) -> Option<Timestamp> {
        let last = self.last()?;
        if self.clock.behind().is_none() {
            return Some(last.at);
        }
        // Nobody knows whether it was said before the clock was wrong, or meanwhile: how long ago it was is known.
        let passed = SignedDuration::try_from(last.since.elapsed()).unwrap_or(SignedDuration::MAX);
        self.clock.of_the_machine().checked_sub(last.age.saturating_add(passed)).ok()
    }

    /// What the clock of the machine said when it was found to have been set back; `None` while it is not behind.
    pub(super) fn set_back(&self) -> Option<Timestamp> {
        self.clock.now();
        self.clock.set_back()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::Timestamp;

    use super::Heard;

    static SECOND: AtomicI64 = AtomicI64::new(0);

    fn set(second: i64) -> Timestamp {
        SECOND.store(second, Ordering::SeqCst);
        time_of_day()
    }

    fn time_of_day() -> Timestamp {
        Timestamp::from_second(SECOND.load(Ordering::SeqCst)).unwrap()
    }

    fn at(second: i64) -> Option<Timestamp> {
        Some(Timestamp::from_second(second).unwrap())
    }

    /// One test: there is one clock.
    #[test]
    fn a_silent_source_grows_old_whatever_becomes_of_the_clock() {
        let day = 86_400;
        let heard = Heard::since(Some(set(1_000_000)), time_of_day);
        assert_eq!(heard.at(), at(1_000_000));
        // It is heard while the clock is a day ahead, and the clock is put right: that was just now.
        set(1_000_000 + day);
        heard.note();
        assert_eq!(heard.at(), at(1_000_000 + day));
        let right = set(1_000_000);
        let told = heard.at().unwrap();
        assert!(told <= right && right.duration_since(told).as_secs() < 60, "{told}");
        assert_eq!(heard.set_back(), Some(right));
        // The clock is set on by an hour in which it says nothing; it is still behind what it was.
        heard.note();
        set(1_000_000 + day + 3_600);
        assert_eq!(heard.set_back(), None);
        let silent = time_of_day().duration_since(heard.at().unwrap());
        assert!((3_540..=3_600).contains(&silent.as_secs()), "{silent:?}");
        // It is heard before the clock leaps ahead for a moment and is put right: it is as old as it is.
        for (kept, said, age) in [(None, 1_000_060, 0), (at(999_000), 999_000, 1_000)] {
            set(1_000_000);
            let heard = Heard::since(kept, time_of_day);
            set(1_000_060);
            if kept.is_none() {
                heard.note();
            }
            set(1_000_000 + 30 * day);
            assert_eq!((heard.at(), heard.set_back()), (at(said), None));
            let right = set(1_000_060);
            assert_eq!(heard.set_back(), Some(right));
            let told = right.duration_since(heard.at().unwrap()).as_secs();
            assert!((age..age + 60).contains(&told), "{told}");
        }
        // What is kept for a time that has not come yet, nobody knows; but for a little.
        set(1_000_000);
        for (second, seen) in [(1_000_030, at(1_000_000)), (1_000_061, None), (999_000, at(999_000))] {
            assert_eq!(Heard::since(at(second), time_of_day).at(), seen, "{second}");
        }
        assert_eq!(Heard::since(None, time_of_day).at(), None);
    }
}
