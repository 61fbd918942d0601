use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use jiff::{SignedDuration, Timestamp};
use oam_audit::entry::Time;

/// How far the clock may be behind before it is worth telling.
pub(super) const SLACK: SignedDuration = SignedDuration::from_secs(5);

/// Where the time of day comes from.
pub type TimeOfDay = fn() -> Timestamp;

/// A clock that never goes back: by it, what is over stays over. While the clock of the machine is behind, it goes on as
/// fast as time does. Its times are whole microseconds, as the audit log writes them.
#[derive(Debug)]
pub struct Clock {
    time_of_day: TimeOfDay,
    latest: Mutex<Latest>,
}

#[derive(Debug)]
struct Latest {
    /// The latest time that is known to have been.
    seen: Timestamp,
    /// When it was.
    at: Instant,
    /// What the clock of the machine said when it was first found to be behind.
    set_back: Option<Timestamp>,
}

impl Clock {
    /// A clock that begins no earlier than `seen`, the latest time that is known to have been.
    pub fn since(seen: Timestamp, time_of_day: TimeOfDay) -> Self {
        Self { time_of_day, latest: Mutex::new(Latest { seen, at: Instant::now(), set_back: None }) }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.look().0
    }

    /// What the clock of the machine says: for how long somebody has waited, and for what others date by their clocks.
    pub fn of_the_machine(&self) -> Timestamp {
        (self.time_of_day)()
    }

    /// What the clock of the machine said when it was found to be behind; `None` while it is not.
    pub fn set_back(&self) -> Option<Timestamp> {
        self.look().1
    }

    fn look(&self) -> (Timestamp, Option<Timestamp>) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = SignedDuration::try_from(latest.at.elapsed()).unwrap_or_default();
        let (seen, machine) = (latest.seen, self.of_the_machine());
        let now = machine.max(seen.checked_add(passed).unwrap_or(seen));
        let now = Time::from(now).timestamp().max(seen);
        let is_behind = now.duration_since(machine) > SLACK;
        let set_back = is_behind.then(|| latest.set_back.unwrap_or(machine));
        *latest = Latest { seen: now, at: Instant::now(), set_back };
        (now, set_back)
    }

    /// When something began, as the clock of the machine tells it, by which pushes are decided: what is in force has begun,
    /// also where that clock was set back.
    pub(super) fn begun(&self, from: Timestamp) -> Timestamp {
        from.min(self.of_the_machine())
    }

    /// The time, where the clock of the machine is behind it.
    pub fn ahead(&self) -> Option<Timestamp> {
        let now = self.now();
        (now.duration_since(self.of_the_machine()) > SLACK).then_some(now)
    }

    /// How far the clock of the machine is behind, where it was set back.
    pub fn behind(&self) -> Option<SignedDuration> {
        Some(self.ahead()?.duration_since(self.of_the_machine()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::Timestamp;

    use super::Clock;

    static SECOND: AtomicI64 = AtomicI64::new(1_000);

    fn time_of_day() -> Timestamp {
        Timestamp::from_second(SECOND.load(Ordering::SeqCst)).unwrap()
    }

    #[test]
    fn it_never_goes_back() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let clock = Clock::since(at(500), time_of_day);
        assert_eq!(clock.now(), at(1_000));
        SECOND.store(2_000, Ordering::SeqCst);
        assert_eq!((clock.now(), clock.behind()), (at(2_000), None));
        // Set back by an hour: it goes on from where it was.
        SECOND.store(-1_600, Ordering::SeqCst);
        let (one, two) = (clock.now(), clock.now());
        assert!(at(2_000) <= one && one <= two, "{one} {two}");
        assert!(clock.behind().unwrap().as_secs() >= 3_600);
        assert_eq!(clock.set_back(), Some(at(-1_600)));
        SECOND.store(-1_500, Ordering::SeqCst);
        assert_eq!(clock.set_back(), Some(at(-1_600)), "when it was found first");
        // Also over a restart.
        let again = Clock::since(two, time_of_day);
        assert!(again.now() >= two);
        SECOND.store(9_000, Ordering::SeqCst);
        assert_eq!((again.now(), again.behind(), again.set_back()), (at(9_000), None, None));
    }
}
