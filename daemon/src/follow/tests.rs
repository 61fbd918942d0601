//! Followers that are none, of a source that is.

use std::{
    collections::BTreeSet,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use oam_scim::Document;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    After, CommitFault, Follower, Of, Picture, commit,
    task::{again_and_again, whatever_happens},
};
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

/// The first of them panics in its session; the others follow on.
struct Panics(usize);

impl Follower for Panics {
    type Error = io::Error;

    async fn session(&mut self, _: &mut Option<Request>) -> Result<(), io::Error> {
        assert!(self.0 > 0, "a fault of ours");
        std::future::pending().await
    }

    fn failed(&mut self, _: &io::Error) -> After {
        After::Pause
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_panics_begins_anew_and_that_is_told() {
    let state = tempfile::tempdir().unwrap();
    let sources = opened(state.path(), SourceKind::Ldap).await;
    let source = Arc::clone(sources.get("corp").unwrap());
    let (begun, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let begin = {
        let begun = Arc::clone(&begun);
        move || Panics(begun.fetch_add(1, Ordering::Relaxed))
    };
    let pause = Duration::from_millis(1);
    let following = tokio::spawn(whatever_happens(Arc::clone(&source), stop.clone(), begin, pause));
    while begun.load(Ordering::Relaxed) < 2 {
        assert!(!following.is_finished(), "nobody follows it any more");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let trouble = source.feed().status().trouble;
    assert!(trouble.as_deref().is_some_and(|why| why.contains("a fault of ours")), "{trouble:?}");
    stop.cancel();
    following.await.unwrap();
    assert_eq!(begun.load(Ordering::Relaxed), 2);
}

/// Whether each of these people is active, and until when.
struct People(Vec<(bool, Option<&'static str>)>);

impl Picture for People {
    fn user(&self, id: &str, _: Timestamp) -> Option<Document> {
        let (active, end) = self.0.get(id.parse::<usize>().ok()?)?;
        let mut document = json!({"externalId": id, "userName": format!("u{id}"), "active": active});
        if let Some(end) = end {
            document["expires"] = json!(end);
        }
        document.as_object().cloned()
    }

    fn group(&self, _: &str) -> Option<&str> {
        None
    }

    fn members(&self, _: &str) -> BTreeSet<Box<str>> {
        BTreeSet::new()
    }

    fn user_ids(&self) -> Vec<Box<str>> {
        (0..self.0.len()).map(|id| id.to_string().into()).collect()
    }

    fn group_ids(&self) -> Vec<Box<str>> {
        Vec::new()
    }
}

/// Where a right was taken away to read what limits people, it looks as if nobody were limited.
#[tokio::test(flavor = "multi_thread")]
async fn a_load_by_which_many_are_limited_no_more_waits_for_a_word() {
    let (in_2999, in_2998) = (Some("2999-01-01T00:00:00Z"), Some("2998-01-01T00:00:00Z"));
    let (active, inactive) = ((true, None), (false, None));
    for (before, after, is_held) in [
        ([inactive; 6], [active; 6], true),
        ([(true, in_2998); 6], [active; 6], true),
        ([(false, in_2998); 6], [active; 6], true),
        // Five may always.
        ([inactive; 6], [active, active, active, active, active, inactive], false),
        // They have another end, or it is one for the first time.
        ([(true, in_2998); 6], [(true, in_2999); 6], false),
        ([inactive; 6], [(true, in_2999); 6], false),
        ([active; 6], [active; 6], false),
    ] {
        let state = tempfile::tempdir().unwrap();
        let sources = opened(state.path(), SourceKind::Ldap).await;
        let source = sources.get("corp").unwrap();
        let take = async |people: &[(bool, Option<&'static str>)], of: Of<'_>| {
            commit(&sources, source, 20, &People(people.to_vec()), of).await
        };
        let are_limited = || {
            let roster = source.roster();
            roster.provisioned().unwrap().users().filter(|user| user.is_limited()).count()
        };
        take(&before, Of::All(None)).await.unwrap();
        let limited = are_limited();
        let taken = take(&after, Of::All(None)).await;
        assert_eq!(matches!(taken, Err(CommitFault::Held(_))), is_held, "{before:?} {after:?}: {taken:?}");
        if is_held {
            assert_eq!(are_limited(), limited, "nobody is let in");
            let accepted = of("uid 0", true);
            take(&after, Of::All(Some(&accepted))).await.unwrap();
            assert_eq!(are_limited(), 0);
        }
    }
}
