//! Waiting for something to become so, never without a bound.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

/// How long anything on one machine may take before it counts as broken. Generous: a slow machine is no failure.
pub const PATIENCE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(10);

/// Asks `found` again and again until it answers.
///
/// # Panics
/// With `what`, when it has not answered within [`PATIENCE`].
#[track_caller]
pub fn until<T>(what: &str, found: impl FnMut() -> Option<T>) -> T {
    answer_within(PATIENCE, found).unwrap_or_else(|| panic!("waited {PATIENCE:?} in vain: {what}"))
}

/// Whether it `became` so within this time.
pub fn at_most(time: Duration, mut became: impl FnMut() -> bool) -> bool {
    answer_within(time, || became().then_some(())).is_some()
}

fn answer_within<T>(time: Duration, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + time;
    loop {
        if let Some(answer) = found() {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return None;
        }
        sleep(PAUSE);
    }
}
