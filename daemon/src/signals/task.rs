use std::time::Duration;

use tokio::time;
use tokio_util::sync::CancellationToken;

use super::Receiver;

/// How long after a panic it begins anew.
pub(super) const AFTER_A_PANIC: Duration = Duration::from_secs(30);

impl Receiver {
    /// Does what `begin` begins until that ends, in a task of its own, and anew after a panic: whatever is wrong with one
    /// transmitter is its own, and nobody is heard meanwhile.
    pub(super) async fn whatever_happens<F>(
        &self,
        stop: &CancellationToken,
        pause: Duration,
        begin: impl Fn() -> F + Send,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        loop {
            let Err(error) = tokio::spawn(begin()).await else { return };
            tracing::error!(%error, transmitter = self.name(), "receiving signals failed: it begins anew");
            self.in_trouble("a fault of ours: see the daemon's log".into());
            if stop.run_until_cancelled(time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use jiff::Timestamp;
    use tokio_util::sync::CancellationToken;

    use crate::signals::tests::{by_hand, receiver};

    /// The first one panics, the second one ends.
    #[tokio::test]
    async fn a_panic_is_told_makes_us_blind_and_it_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let receiver = receiver(&by_hand(), folder.path());
        assert_eq!(receiver.report(Timestamp::now()).blind, None);
        let begun = Arc::new(AtomicUsize::new(0));
        let begin = || {
            let begun = Arc::clone(&begun);
            async move { assert!(begun.fetch_add(1, Ordering::Relaxed) > 0, "a fault of ours") }
        };
        receiver.whatever_happens(&CancellationToken::new(), Duration::from_millis(10), begin).await;
        assert_eq!(begun.load(Ordering::Relaxed), 2);
        let report = receiver.report(Timestamp::now());
        assert_eq!(report.trouble.as_deref(), Some("a fault of ours: see the daemon's log"));
        assert!(report.blind.is_some());
    }
}
