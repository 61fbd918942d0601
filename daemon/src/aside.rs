//! Work on files that may never answer, as those of a mount that hangs.

use std::{thread, time::Duration};

use tokio::{sync::oneshot, time};

/// How long files may be silent before somebody is told.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Does `work` in a thread of its own. Nobody waits for it but whoever has the receiver: a runtime would wait for its own
/// blocking threads when the daemon ends, and so for ever. Where nothing comes of it, the receiver hears that.
pub(crate) fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
    let (tell, told) = oneshot::channel();
    let work = move || {
        // Who asked may have gone.
        let _ = tell.send(work());
    };
    if let Err(error) = thread::Builder::new().name("files".into()).spawn(work) {
        tracing::error!(%error, "no thread can be had to read files");
    }
    told
}

/// What came of looking at files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen<T> {
    /// `None` where nothing came of it.
    pub(crate) what: Option<T>,
    /// Whether it took so long that it was told.
    pub(crate) was_late: bool,
}

/// Waits for `work` as long as it takes: who looks again meanwhile would hang as well. `late` is called once when it takes long.
pub(crate) async fn patiently<T>(
    mut work: oneshot::Receiver<T>,
    patience: Duration,
    late: impl FnOnce(),
) -> Seen<T> {
    if let Ok(answer) = time::timeout(patience, &mut work).await {
        return Seen { what: answer.ok(), was_late: false };
    }
    late();
    Seen { what: work.await.ok(), was_late: true }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        sync::mpsc,
        thread,
        time::{Duration, Instant},
    };

    use tokio::{runtime, time};

    use super::{PATIENCE, Seen, aside, patiently};

    #[test]
    fn what_hangs_holds_up_no_end() {
        let begin = Instant::now();
        let runtime = runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let work = || thread::sleep(Duration::from_secs(60));
        let is_late =
            runtime.block_on(async { time::timeout(Duration::from_millis(20), aside(work)).await.is_err() });
        drop(runtime);
        assert!(is_late && begin.elapsed() < Duration::from_secs(30));
    }

    #[tokio::test]
    async fn what_takes_long_is_told_once_and_waited_for() {
        let (release, held) = mpsc::channel();
        let told = Cell::new(0);
        let late = || {
            told.set(told.get() + 1);
            release.send(7).unwrap();
        };
        let work = aside(move || held.recv().unwrap());
        assert_eq!(
            patiently(work, Duration::from_millis(20), late).await,
            Seen { what: Some(7), was_late: true }
        );
        assert_eq!(told.get(), 1);
        let quick = patiently(aside(|| 8), PATIENCE, || panic!("it is not late")).await;
        assert_eq!(quick, Seen { what: Some(8), was_late: false });
        let nothing = patiently(aside(|| -> u8 { panic!("on purpose") }), PATIENCE, || {}).await;
        assert_eq!(nothing, Seen { what: None, was_late: false });
    }
}
