use std::{sync::Arc, time::Duration};

use tokio::time;
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::jittered,
    source::{Request, Source},
};

/// How long after a failure it is tried again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// One who follows a source.
pub(crate) trait Follower: Send + 'static {
    /// Why a source cannot be followed for now.
    type Error: std::error::Error + Send;

    /// Follows until something ends it that nothing is wrong with: what is asked for by then, a newer password. With a
    /// request, everything is read again, and the request is taken away as soon as that is done.
    fn session(
        &mut self,
        request: &mut Option<Request>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// What to do about a failure. Whatever is in memory and cannot be gone on from is forgotten here.
    fn failed(&mut self, error: &Self::Error) -> After;
}

/// What follows a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum After {
    /// It is tried again, after a pause that grows.
    Pause,
    /// It is tried again, and no sooner than that: the other side says so.
    Later(Duration),
    /// What was read is not taken without somebody's word; it goes on after that time.
    Held(String, Duration),
}

/// Follows a source until `stop`, in a task of its own, anew after a panic: whatever is wrong with it is its own.
pub(crate) async fn follow<F: Follower>(
    source: Arc<Source>,
    stop: CancellationToken,
    begin: impl Fn() -> F + Send,
) {
    whatever_happens(source, stop, begin, LONGEST_PAUSE).await;
}

/// The same, with that pause after a panic.
pub(super) async fn whatever_happens<F: Follower>(
    source: Arc<Source>,
    stop: CancellationToken,
    begin: impl Fn() -> F + Send,
    pause: Duration,
) {
    loop {
        let following = tokio::spawn(again_and_again(Arc::clone(&source), begin(), stop.clone()));
        match following.await {
            Ok(()) => return,
            Err(error) => {
                tracing::error!(%error, source = %source.name(), "following a source failed: it begins anew");
                source.feed().tell(|status| {
                    (status.server, status.trouble) =
                        (None, Some("a fault of ours: see the daemon's log".into()));
                });
            }
        }
        if stop.run_until_cancelled(time::sleep(pause)).await.is_none() {
            return;
        }
    }
}

pub(super) async fn again_and_again<F: Follower>(
    source: Arc<Source>,
    mut follower: F,
    stop: CancellationToken,
) {
    let feed = source.feed();
    let mut pause = FIRST_PAUSE;
    let mut request: Option<Request> = None;
    loop {
        request = Request::strongest(request, feed.take_request());
        let heard = source.mark();
        let session = follower.session(&mut request);
        let Some(outcome) = stop.run_until_cancelled(session).await else { return };
        if source.mark() > heard {
            // It worked until now.
            pause = FIRST_PAUSE;
        }
        let Err(error) = outcome else { continue };
        let after = follower.failed(&error);
        let wait = match after {
            After::Held(why, wait) => {
                tracing::warn!(source = %source.name(), "what the server has was not taken: {why}");
                request = None;
                feed.tell(|status| (status.server, status.trouble, status.held) = (None, None, Some(why)));
                wait
            }
            After::Pause | After::Later(_) => {
                tracing::warn!(%error, source = %source.name(), "the source is not followed, and is tried again");
                feed.tell(|status| {
                    (status.server, status.trouble) = (None, Some(error.to_string()));
                    status.reconnects += 1;
                });
                let wait = jittered(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
                if let After::Later(least) = after { wait.max(least) } else { wait }
            }
        };
        tokio::select! {
            () = time::sleep(wait) => {}
            () = feed.asked() => {}
            () = stop.cancelled() => return,
        }
    }
}
