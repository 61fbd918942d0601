//! Followers that are none, of a source that is.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::{After, Follower, task::again_and_again};
use crate::{
    config::SourceKind,
    source::{Request, Source, tests::opened},
};

/// It fails at first, having done what is wanted or not; then it follows on.
struct FailsOnce {
    source: Arc<Source>,
    does_it: bool,
    wanted: Arc<Mutex<Vec<Option<Request>>>>,
}

impl Follower for FailsOnce {
    type Error = io::Error;

    async fn session(&mut self, request: &mut Option<Request>) -> Result<(), io::Error> {
        let is_first = {
            let mut wanted = self.wanted.lock().unwrap();
            wanted.push(request.clone());
            wanted.len() == 1
        };
        if !is_first {
            std::future::pending::<()>().await;
        }
        if self.does_it {
            *request = None;
        } else {
            // Somebody else wants less meanwhile.
            self.source.feed().ask(of("signals idp", false));
        }
        // As little as a clock that was set back: nothing is heard by which it could be told that it was done.
        Err(io::Error::other("the connection was lost"))
    }

    fn failed(&mut self, _: &io::Error) -> After {
        After::Pause
    }
}

fn of(actor: &str, accept_loss: bool) -> Request {
    Request { actor: actor.into(), reason: None, accept_loss }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_wanted_is_done_once_and_until_it_is_done() {
    let state = tempfile::tempdir().unwrap();
    let sources = opened(state.path(), SourceKind::Ldap).await;
    let source = Arc::clone(sources.get("corp").unwrap());
    let wanted = of("uid 0", true);
    for (does_it, then) in [(true, None), (false, Some(wanted.clone()))] {
        let seen = Arc::<Mutex<Vec<_>>>::default();
        let follower = FailsOnce { source: Arc::clone(&source), does_it, wanted: Arc::clone(&seen) };
        source.feed().ask(wanted.clone());
        let stop = CancellationToken::new();
        let following = tokio::spawn(again_and_again(Arc::clone(&source), follower, stop.clone()));
        while seen.lock().unwrap().len() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.cancel();
        following.await.unwrap();
        assert_eq!(*seen.lock().unwrap(), [Some(wanted.clone()), then], "{does_it}");
    }
}
