//! One source, read and read again.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    task::block_in_place,
    time::{self, Instant},
};

use super::{
    PullError,
    mirror::{Image, Mirror, View},
    taking::Taking,
};
use crate::{
    config::PullConfig,
    follow::{After, CommitFault, Follower, Of, commit},
    source::{Poke, Request, Source, Sources},
};

/// How often what is in memory is kept, at most: all of it is written.
const KEPT_EVERY: Duration = Duration::from_secs(5 * 60);
/// How soon everything is read again, where what was read was not taken.
const HELD: Duration = Duration::from_secs(10 * 60);

/// A provider that can be asked.
pub(super) trait Api: Send + 'static {
    /// From where it goes on telling what changed.
    type Place: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;

    /// How it is asked.
    fn pull(&self) -> &PullConfig;

    /// Whether members of groups in groups count.
    fn nested(&self) -> bool;

    /// Whom we ask, as people know them.
    fn server(&self) -> String;

    /// Whose mirror it is, and of what: one that was kept for another is worth nothing.
    fn identity(&self) -> String;

    /// Gets ready for a session: by files as they are now.
    fn begin(&mut self) -> Result<(), PullError>;

    /// Tells everything.
    fn load(
        &mut self,
        taking: &mut Taking<'_>,
    ) -> impl Future<Output = Result<Self::Place, PullError>> + Send;

    /// Tells what changed.
    fn changes(
        &mut self,
        from: &Self::Place,
        taking: &mut Taking<'_>,
    ) -> impl Future<Output = Result<Self::Place, PullError>> + Send;

    /// Tells how a user or a group is now.
    fn again(
        &mut self,
        poke: &Poke,
        taking: &mut Taking<'_>,
    ) -> impl Future<Output = Result<(), PullError>> + Send;

    /// Whether it cannot go on from the place where it was, by this failure.
    fn is_lost(error: &PullError) -> bool {
        let _ = error;
        false
    }
}

/// A source that is asked, and what is known of it.
pub(super) struct Pulled<A: Api> {
    sources: Arc<Sources>,
    source: Arc<Source>,
    api: A,
    memory: Option<Memory<A::Place>>,
    /// Whether what was kept was looked at.
    is_resumed: bool,
}

struct Memory<P> {
    mirror: Mirror,
    place: P,
    /// When everything was last read.
    loaded: Timestamp,
    kept: Instant,
    /// Whether it is another than what was kept.
    is_other: bool,
}

/// What is kept.
#[derive(Serialize, Deserialize)]
struct Kept<P> {
    identity: String,
    loaded: Timestamp,
    place: P,
    image: Image,
}

/// Reads again what somebody said has changed. What cannot be read stays to be read.
pub(super) async fn attend<A: Api>(api: &mut A, taking: &mut Taking<'_>) -> Result<(), PullError> {
    let mut pokes = taking.source().feed().take_pokes();
    while let Some(poke) = pokes.pop_first() {
        // Whatever has changed is told after a load, and after this.
        if poke == Poke::Changes {
            continue;
        }
        if let Err(error) = api.again(&poke, taking).await {
            pokes.insert(poke);
            taking.source().feed().put_back(pokes);
            return Err(error);
        }
    }
    Ok(())
}

impl<A: Api> Pulled<A> {
    pub(super) fn new(sources: Arc<Sources>, source: Arc<Source>, api: A) -> Self {
        Self { sources, source, api, memory: None, is_resumed: false }
    }

    fn view(&self) -> View {
        View::new(self.source.config(), self.api.pull(), self.api.nested())
    }

    /// Whether everything is to be read again.
    fn is_due(&self) -> bool {
        let resync = self.api.pull().resync;
        self.memory.as_ref().is_none_or(|memory| {
            let age = Timestamp::now().duration_since(memory.loaded);
            // A clock that was set back is no reason to wait.
            Duration::try_from(age).map_or(true, |age| age >= resync)
        })
    }

    async fn run(&mut self, request: Option<&Request>) -> Result<(), PullError> {
        self.api.begin()?;
        if request.is_none() && self.memory.is_none() && !self.is_resumed {
            self.resume().await?;
        }
        if request.is_some() || self.is_due() {
            self.load(request).await?;
        }
        let source = Arc::clone(&self.source);
        loop {
            // After a load, too: what changed meanwhile is told now.
            self.poll().await?;
            if self.is_due() {
                return Ok(());
            }
            tokio::select! {
                () = time::sleep(self.api.pull().poll) => {}
                () = source.feed().poked() => {}
                () = source.feed().asked() => return Ok(()),
            }
        }
    }

    /// Goes on from what was kept, if that is whole.
    async fn resume(&mut self) -> Result<(), PullError> {
        let kept = block_in_place(|| self.source.kept_beside());
        let kept = kept.unwrap_or_else(|error| {
            tracing::warn!(%error, source = %self.source.name(), "what was kept of a source cannot be read");
            None
        });
        let kept = kept.and_then(|bytes| postcard::from_bytes::<Kept<A::Place>>(&bytes).ok());
        let kept = kept.filter(|kept| kept.identity == self.api.identity());
        let Some(Kept { loaded, place, image, .. }) = kept.filter(|_| !self.source.roster().lost) else {
            self.is_resumed = true;
            return Ok(());
        };
        let (mut mirror, pull) = (Mirror::of_image(self.view(), image), self.api.pull().clone());
        // What the source said since may be newer than what was kept: nothing is given before all that changed is told.
        let mut taking = Taking::load(&self.sources, &self.source, &pull, &mut mirror, None);
        let place = self.api.changes(&place, &mut taking).await;
        let place = match place {
            // Whatever is wrong with it: everything is read, and that will tell.
            Err(PullError::Refused { .. }) => {
                self.is_resumed = true;
                return Ok(());
            }
            place => place?,
        };
        let max_loss = self.api.pull().max_loss;
        commit(&self.sources, &self.source, max_loss, &mirror, Of::All(None)).await?;
        self.is_resumed = true;
        self.memory = Some(Memory { mirror, place, loaded, kept: Instant::now(), is_other: true });
        Ok(())
    }

    /// Reads everything. What was known before counts until all of it is there.
    async fn load(&mut self, request: Option<&Request>) -> Result<(), PullError> {
        let (mut mirror, pull) = (Mirror::new(self.view()), self.api.pull().clone());
        let meanwhile = self.memory.as_mut().map(|memory| &mut memory.mirror);
        let mut taking = Taking::load(&self.sources, &self.source, &pull, &mut mirror, meanwhile);
        let loaded = Timestamp::now();
        let place = self.api.load(&mut taking).await?;
        let max_loss = self.api.pull().max_loss;
        commit(&self.sources, &self.source, max_loss, &mirror, Of::All(request)).await?;
        self.source.heard();
        self.memory = Some(Memory { mirror, place, loaded, kept: Instant::now(), is_other: false });
        self.keep();
        self.source.feed().tell(|status| status.last_load = Some(Timestamp::now()));
        Ok(())
    }

    /// Reads what changed, first of all what somebody said has.
    async fn poll(&mut self) -> Result<(), PullError> {
        let Some(memory) = &mut self.memory else { return Ok(()) };
        let pull = self.api.pull().clone();
        let mut taking = Taking::changes(&self.sources, &self.source, &pull, &mut memory.mirror);
        attend(&mut self.api, &mut taking).await?;
        let place = self.api.changes(&memory.place, &mut taking).await?;
        let is_other = taking.is_other();
        (memory.place, memory.is_other) = (place, memory.is_other || is_other);
        self.source.heard();
        let (server, names) = (self.api.server(), memory.mirror.shared_names());
        self.source.feed().tell(|status| {
            let now = Some(Timestamp::now());
            (status.server, status.shared_names, status.cookie) = (Some(server), names, now);
            (status.trouble, status.held) = (None, None);
            if is_other {
                status.last_event = now;
            }
        });
        if memory.is_other && memory.kept.elapsed() >= KEPT_EVERY {
            self.keep();
        }
        Ok(())
    }

    /// Keeps what is known, to go on from there after a restart.
    fn keep(&mut self) {
        let identity = self.api.identity();
        let Some(memory) = &mut self.memory else { return };
        let kept = Kept {
            identity,
            loaded: memory.loaded,
            place: memory.place.clone(),
            image: memory.mirror.image(),
        };
        let stored = block_in_place(|| {
            let bytes = postcard::to_stdvec(&kept).map_err(std::io::Error::other)?;
            self.source.keep_beside(&bytes)
        });
        (memory.kept, memory.is_other) = (Instant::now(), false);
        if let Err(error) = stored {
            // It only means that the next start reads everything.
            tracing::warn!(%error, source = %self.source.name(), "what is known of a source could not be kept");
        }
    }
}

impl<A: Api> Follower for Pulled<A> {
    type Error = PullError;

    async fn session(&mut self, request: Option<&Request>) -> Result<(), PullError> {
        self.run(request).await
    }

    fn failed(&mut self, error: &PullError) -> After {
        if A::is_lost(error) {
            self.memory = None;
            return After::Pause;
        }
        match error {
            PullError::Commit(fault) => {
                // What is in memory is ahead of what was kept.
                (self.memory, self.is_resumed) = (None, true);
                match fault {
                    CommitFault::Held(why) => After::Held(why.clone(), HELD.min(self.api.pull().resync)),
                    CommitFault::Commit(_) => After::Pause,
                }
            }
            PullError::Busy { wait, .. } => After::Later(*wait),
            _ => After::Pause,
        }
    }
}
