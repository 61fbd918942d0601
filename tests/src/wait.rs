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
pub fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = found() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain: {what}");
        sleep(PAUSE);
    }
}
