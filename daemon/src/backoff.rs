use std::time::{Duration, Instant};

/// How long after the first failure it is tried again: twice as long after each that follows.
const FIRST: Duration = Duration::from_secs(1);
/// And no longer than this.
const LONGEST: Duration = Duration::from_secs(300);

/// How long to leave somebody alone who does not answer.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Backoff {
    /// The pause after a failure.
    pub(crate) fn pause(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(LONGEST);
        jittered(whole)
    }
}

/// When what failed is tried again.
#[derive(Debug)]
pub(crate) struct Again {
    at: Instant,
    backoff: Backoff,
}

impl Again {
    pub(crate) fn after(before: Option<Self>) -> Self {
        let mut backoff = before.map(|before| before.backoff).unwrap_or_default();
        Self { at: Instant::now() + backoff.pause(), backoff }
    }

    pub(crate) fn is_due(&self) -> bool {
        self.at <= Instant::now()
    }
}

/// Between half of it and all of it, so that many do not come back at one moment.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let chance = getrandom::u32().map_or(1.0, |number| f64::from(number) / f64::from(u32::MAX));
    pause.mul_f64(0.5 + chance / 2.0)
}

#[cfg(test)]
mod tests {
    use super::{Backoff, FIRST, LONGEST};

    #[test]
    fn pauses_grow_to_a_bound() {
        let mut backoff = Backoff::default();
        let mut whole = FIRST;
        for _ in 0..40 {
            let pause = backoff.pause();
            assert!(whole / 2 <= pause && pause <= whole, "{pause:?} of {whole:?}");
            whole = (whole * 2).min(LONGEST);
        }
        assert_eq!(whole, LONGEST);
    }
}
