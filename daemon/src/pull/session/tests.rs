//! A provider that is none, as it is read, held, and gone on with after a restart.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use oam_fetch::Network;
use tokio::{task::JoinHandle, time};
use tokio_util::sync::CancellationToken;

use super::{Api, Pulled};
use crate::{
    config::{PullConfig, SourceKind},
    follow,
    pull::{
        PullError,
        mirror::{Group, User},
        taking::Taking,
    },
    source::{Poke, Request, Source, Sources, tests::opened},
};

/// How often it was asked for everything and for what changed, and how many engineers it has.
#[derive(Debug, Default)]
struct Counts {
    loads: AtomicUsize,
    changes: AtomicUsize,
    people: AtomicUsize,
}

#[derive(Clone)]
struct Fake {
    pull: PullConfig,
    identity: &'static str,
    counts: Arc<Counts>,
}

impl Api for Fake {
    type Place = u8;

    const TELLS_OF_DELETIONS: bool = true;

    fn pull(&self) -> &PullConfig {
        &self.pull
    }

    fn nested(&self) -> bool {
        false
    }

    fn server(&self) -> String {
        "fake".into()
    }

    fn identity(&self) -> String {
        self.identity.into()
    }

    fn begin(&mut self) -> Result<(), PullError> {
        Ok(())
    }

    async fn load(&mut self, taking: &mut Taking<'_>) -> Result<u8, PullError> {
        self.counts.loads.fetch_add(1, Ordering::SeqCst);
        let names = (0..self.counts.people.load(Ordering::SeqCst)).map(|number| format!("u{number}"));
        let names: Vec<Box<str>> = names.map(Into::into).collect();
        taking
            .page(|mirror, touched| {
                for name in &names {
                    let user = User { username: Some(name.clone()), active: true, ..User::default() };
                    mirror.put_user(name.clone(), user, touched);
                }
                let members = names.iter().cloned().collect();
                mirror.put_group("g".into(), Group { name: "eng".into(), members }, touched);
            })
            .await?;
        Ok(1)
    }

    async fn changes(&mut self, from: &u8, _: &mut Taking<'_>) -> Result<u8, PullError> {
        self.counts.changes.fetch_add(1, Ordering::SeqCst);
        Ok(*from)
    }

    async fn again(&mut self, _: &Poke, _: &mut Taking<'_>) -> Result<(), PullError> {
        Ok(())
    }
}

struct World {
    sources: Arc<Sources>,
    counts: Arc<Counts>,
}

impl World {
    async fn of(people: usize, state: &Path) -> Self {
        let counts = Arc::new(Counts { people: people.into(), ..Counts::default() });
        Self { sources: opened(state, SourceKind::Okta).await, counts }
    }

    fn source(&self) -> &Arc<Source> {
        self.sources.get("corp").unwrap()
    }

    fn loads(&self) -> usize {
        self.counts.loads.load(Ordering::SeqCst)
    }

    /// Follows it as a start does.
    fn follow(&self, identity: &'static str) -> (CancellationToken, JoinHandle<()>) {
        let pull = PullConfig {
            poll: Duration::from_millis(20),
            resync: Duration::from_secs(3_600),
            max_loss: 20,
            groups: None,
            network: Network::Loopback,
            ca: None,
        };
        let api = Fake { pull, identity, counts: Arc::clone(&self.counts) };
        let (sources, source) = (Arc::clone(&self.sources), Arc::clone(self.source()));
        let (stop, one) = (CancellationToken::new(), Arc::clone(&source));
        let begin = move || Pulled::new(Arc::clone(&sources), Arc::clone(&one), api.clone());
        let following = tokio::spawn(follow::follow(source, stop.clone(), begin));
        (stop, following)
    }

    /// Waits until it was asked some times more for what changed.
    async fn polled(&self) {
        let before = self.counts.changes.load(Ordering::SeqCst);
        until(|| self.counts.changes.load(Ordering::SeqCst) > before + 3).await;
    }

    /// Follows it for a while, and stops.
    async fn follow_for_a_while(&self, identity: &'static str) {
        let (stop, following) = self.follow(identity);
        self.polled().await;
        stop.cancel();
        following.await.unwrap();
    }
}

async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_is_gone_on_with_if_it_is_of_this_provider_and_the_source_is_not_lost() {
    let state = tempfile::tempdir().unwrap();
    let world = World::of(3, state.path()).await;
    world.follow_for_a_while("one").await;
    assert_eq!(world.loads(), 1);
    world.follow_for_a_while("one").await;
    assert_eq!(world.loads(), 1, "it is gone on with");
    world.follow_for_a_while("another").await;
    assert_eq!(world.loads(), 2, "it was kept of another");
    world.source().lose();
    world.follow_for_a_while("another").await;
    assert_eq!(world.loads(), 3, "everything is told again");
    assert!(!world.source().roster().lost);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_grows_old_whoever_answers() {
    let state = tempfile::tempdir().unwrap();
    let world = World::of(12, state.path()).await;
    let (stop, following) = world.follow("one");
    world.polled().await;
    let heard = world.source().mark();
    world.polled().await;
    assert!(world.source().mark() > heard, "it is followed");
    world.counts.people.store(0, Ordering::SeqCst);
    world.source().feed().ask(Request { actor: "uid 0".into(), reason: None, accept_loss: false });
    until(|| world.source().feed().status().held.is_some()).await;
    let heard = world.source().mark();
    world.polled().await;
    assert_eq!(world.source().mark(), heard, "nothing of what it says is taken");
    stop.cancel();
    following.await.unwrap();
}
