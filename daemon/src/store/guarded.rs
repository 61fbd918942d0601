//! Calls into sled, which panics and may hang on damaged files.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread,
    time::Duration,
};

/// How long a call may take. Far above what the largest directory needs, so that only a hang reaches it.
const LIMIT: Duration = Duration::from_secs(30);

/// How a call ended that gave no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// It panicked, with this message.
    Panicked(String),
    /// It took longer than the limit, and is left to itself.
    Hung(Duration),
    /// No thread could be had for it.
    NoThread(std::io::Error),
}

/// Runs `job` in a thread of its own, so that neither a panic nor a hang reaches the caller.
pub(super) fn guarded<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    guarded_within(LIMIT, job)
}

/// [`guarded`] with another limit.
pub(super) fn guarded_within<T: Send + 'static>(
    limit: Duration,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    let (answer, answered) = mpsc::sync_channel(1);
    let run = move || {
        // What the job leaves behind is dropped or set aside, never used again after a panic.
        let outcome = catch_unwind(AssertUnwindSafe(job));
        // Nobody waits any more when the limit has passed.
        let _ = answer.send(outcome);
    };
    thread::Builder::new().name("store".into()).spawn(run).map_err(Fault::NoThread)?;
    match answered.recv_timeout(limit) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(payload)) => Err(Fault::Panicked(message(payload.as_ref()))),
        Err(_) => Err(Fault::Hung(limit)),
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").lines().next().unwrap_or_default().chars().take(200).collect()
}
