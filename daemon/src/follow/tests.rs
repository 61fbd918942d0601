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
    After, CommitFault, Follower, Of, Picture, Touched, commit,
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

/// Whether somebody is active, and until when.
type Standing = (bool, Option<&'static str>);

/// These people, of whom as many of the first are in a group.
struct People(Vec<Standing>, usize);

impl Picture for People {
    fn user(&self, id: &str, _: Timestamp) -> Option<Document> {
        let (active, end) = self.0.get(id.parse::<usize>().ok()?)?;
        let mut document = json!({"externalId": id, "userName": format!("u{id}"), "active": active});
        if let Some(end) = end {
            document["expires"] = json!(end);
        }
        document.as_object().cloned()
    }

    fn group(&self, id: &str) -> Option<&str> {
        (id == "eng").then_some("eng")
    }

    fn members(&self, _: &str) -> BTreeSet<Box<str>> {
        (0..self.1).map(|id| id.to_string().into()).collect()
    }

    fn user_ids(&self) -> Vec<Box<str>> {
        (0..self.0.len()).map(|id| id.to_string().into()).collect()
    }

    fn group_ids(&self) -> Vec<Box<str>> {
        vec!["eng".into()]
    }
}

/// What a source has of its people.
fn documents(source: &Source) -> Vec<Document> {
    let roster = source.roster();
    roster.provisioned().unwrap().users().map(|user| user.document()).collect()
}

/// Where a right was taken away to read what limits people, it looks as if nobody were limited.
#[tokio::test(flavor = "multi_thread")]
async fn a_load_by_which_many_are_limited_no_more_waits_for_a_word() {
    let (in_2999, in_2998) = (Some("2999-01-01T00:00:00Z"), Some("2998-01-01T00:00:00Z"));
    let (active, inactive): (Standing, Standing) = ((true, None), (false, None));
    let ended: Standing = (false, Some("1999-01-01T00:00:00Z"));
    let six_and = |one: Standing, other: Standing, others: usize| -> Vec<Standing> {
        [vec![one; 6], vec![other; others]].concat()
    };
    for (before, after, is_held) in [
        (vec![inactive; 6], vec![active; 6], true),
        (vec![(true, in_2998); 6], vec![active; 6], true),
        (vec![(false, in_2998); 6], vec![active; 6], true),
        (vec![ended; 6], vec![active; 6], true),
        // Also for a while only.
        (vec![inactive; 6], vec![(true, in_2999); 6], true),
        // Each are counted against their own.
        (six_and(inactive, (true, in_2998), 100), six_and(active, (true, in_2998), 100), true),
        (six_and((true, in_2998), inactive, 100), six_and(active, inactive, 100), true),
        // Six of a hundred may, and five always.
        (vec![inactive; 100], six_and(active, inactive, 94), false),
        (vec![inactive; 6], vec![active, active, active, active, active, inactive], false),
        // They have another end: be it that it was over.
        (vec![(true, in_2998); 6], vec![(true, in_2999); 6], false),
        (vec![ended; 6], vec![(true, in_2999); 6], false),
        (vec![active; 6], vec![active; 6], false),
    ] {
        for is_refresh in [false, true] {
            let state = tempfile::tempdir().unwrap();
            let sources = opened(state.path(), SourceKind::Ldap).await;
            let source = sources.get("corp").unwrap();
            let take = async |people: &[Standing], of: Of<'_>| {
                commit(&sources, source, 20, &People(people.to_vec(), 0), of).await
            };
            take(&before, Of::All(None)).await.unwrap();
            let known = documents(source);
            let users = (0..after.len()).map(|id| id.to_string().into()).collect();
            let all = Touched { users, ..Touched::default() };
            let taken = take(&after, if is_refresh { Of::Refreshed(&all) } else { Of::All(None) }).await;
            let what = format!("{before:?} {after:?} {is_refresh}: {taken:?}");
            assert_eq!(matches!(taken, Err(CommitFault::Held(_))), is_held, "{what}");
            if is_held {
                assert_eq!(documents(source), known, "nobody is let in: {what}");
                let accepted = of("uid 0", true);
                take(&after, Of::All(Some(&accepted))).await.unwrap();
                assert_ne!(documents(source), known, "{what}");
            }
        }
    }
}

/// Whoever gives their word for one danger must have seen the other.
#[tokio::test(flavor = "multi_thread")]
async fn everything_that_a_load_waits_for_a_word_for_is_told() {
    let state = tempfile::tempdir().unwrap();
    let sources = opened(state.path(), SourceKind::Ldap).await;
    let source = sources.get("corp").unwrap();
    let in_2999 = Some("2999-01-01T00:00:00Z");
    let others = |inactive: Standing, ending: Standing| -> Vec<Standing> {
        [vec![(true, None); 6], vec![inactive; 6], vec![ending; 6]].concat()
    };
    let before = People(others((false, None), (true, in_2999)), 6);
    commit(&sources, source, 20, &before, Of::All(None)).await.unwrap();
    let after = People(others((true, None), (true, None)), 0);
    let taken = commit(&sources, source, 20, &after, Of::All(None)).await;
    let Err(CommitFault::Held(why)) = &taken else { panic!("{taken:?}") };
    assert_eq!(
        why,
        "6 of 6 people who have groups would lose everything, and `max_loss` is 20%; 6 of 6 people who may not act would be let \
         in, and `max_loss` is 20%; 6 of 6 people who may act only until a time would be let in without an end, and `max_loss` is \
         20%"
    );
}

/// Nobody can hide from us there who may act, so that they seem to: those who begin wait for nobody.
#[tokio::test(flavor = "multi_thread")]
async fn many_who_begin_are_let_in_where_a_status_cannot_be_hidden() {
    let (before, after): ([Standing; 30], [Standing; 30]) = ([(false, None); 30], [(true, None); 30]);
    for (kind, is_held) in [(SourceKind::Ldap, true), (SourceKind::Okta, false), (SourceKind::Entra, false)] {
        let state = tempfile::tempdir().unwrap();
        let sources = opened(state.path(), kind).await;
        let source = sources.get("corp").unwrap();
        commit(&sources, source, 20, &People(before.to_vec(), 0), Of::All(None)).await.unwrap();
        let taken = commit(&sources, source, 20, &People(after.to_vec(), 0), Of::All(None)).await;
        assert_eq!(matches!(taken, Err(CommitFault::Held(_))), is_held, "{kind:?}: {taken:?}");
    }
}
