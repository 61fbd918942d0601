//! One source, read and read again.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

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
    follow::{After, CommitFault, Follower, Of, Touched, commit, given},
    source::{Owed, Poke, Request, Source, Sources},
};

/// How often what is in memory is kept, at most: all of it is written.
const KEPT_EVERY: Duration = Duration::from_secs(5 * 60);
/// How soon everything is read again, where what was read was not taken.
const HELD: Duration = Duration::from_secs(10 * 60);
/// How soon what could not be read by itself is tried again, at the latest.
const ASIDE: Duration = Duration::from_secs(5);
/// How many are looked at one by one after a restart; where there are more, everything is read.
const MOST_GIVEN: usize = 1_000;

/// A provider that can be asked.
pub(super) trait Api: Send + 'static {
    /// From where it goes on telling what changed.
    type Place: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;

    /// Whether it tells among the changes that somebody or a group was deleted.
    const TELLS_OF_DELETIONS: bool;

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
    /// Until when everything is not read again, where what was read was not taken.
    held_until: Option<Instant>,
}

struct Memory<P> {
    mirror: Mirror,
    place: P,
    /// Whether it is what the source says; else it was read and not taken, and only who is cut off there is so here.
    counts: bool,
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

/// Reads again what somebody said has changed, and tells what that was. Where nothing can be read, it stays to be read.
pub(super) async fn attend<A: Api>(
    api: &mut A,
    taking: &mut Taking<'_>,
) -> Result<BTreeSet<Poke>, PullError> {
    let mut pokes = taking.source().feed().take_pokes();
    let mut attended = BTreeSet::new();
    while let Some(poke) = pokes.pop_first() {
        if let Err(error) = look_at(api, &poke, taking).await {
            pokes.insert(poke);
            taking.source().feed().put_back(pokes);
            return Err(error);
        }
        attended.insert(poke);
    }
    Ok(attended)
}

/// Reads one again. One that cannot be read by itself is put aside, and holds up nobody else.
async fn look_at<A: Api>(api: &mut A, poke: &Poke, taking: &mut Taking<'_>) -> Result<(), PullError> {
    // Whatever has changed is told after a load, and after this.
    if *poke == Poke::Changes {
        return Ok(());
    }
    let feed = taking.source().feed();
    match api.again(poke, taking).await {
        Ok(()) => feed.was_read(poke),
        Err(error) if error.is_of_one() => {
            tracing::warn!(%error, source = %taking.source().name(), "what somebody told of cannot be read, and is tried again");
            feed.put_aside(poke.clone(), error.to_string());
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

impl<A: Api> Pulled<A> {
    pub(super) fn new(sources: Arc<Sources>, source: Arc<Source>, api: A) -> Self {
        Self { sources, source, api, memory: None, is_resumed: false, held_until: None }
    }

    fn view(&self) -> View {
        View::new(self.source.config(), self.api.pull(), self.api.nested())
    }

    /// Whether everything is to be read again.
    fn is_due(&self) -> bool {
        if let Some(until) = self.held_until {
            return Instant::now() >= until;
        }
        let resync = self.api.pull().resync;
        self.source.feed().owes_everything()
            || self.memory.as_ref().is_none_or(|memory| {
                let age = Timestamp::now().duration_since(memory.loaded);
                // A clock that was set back is no reason to wait.
                Duration::try_from(age).map_or(true, |age| age >= resync)
            })
    }

    /// How long it is until something is to be asked, whatever happens meanwhile.
    fn pause(&self) -> Duration {
        let held = self.held_until.map(|until| until.saturating_duration_since(Instant::now()));
        let aside = (!self.source.feed().aside().is_empty()).then_some(ASIDE);
        [held, aside].into_iter().flatten().fold(self.api.pull().poll, Duration::min)
    }

    async fn run(&mut self, request: &mut Option<Request>) -> Result<(), PullError> {
        self.api.begin()?;
        if request.is_none() && self.memory.is_none() && !self.is_resumed {
            self.resume().await?;
        }
        if request.is_some() || self.is_due() {
            self.load(request.as_ref()).await?;
            *request = None;
        }
        let source = Arc::clone(&self.source);
        loop {
            // After a load, too: what changed meanwhile is told now.
            self.poll().await?;
            if self.is_due() {
                return Ok(());
            }
            tokio::select! {
                () = time::sleep(self.pause()) => {}
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
        let mut mirror = Mirror::of_image(self.view(), image);
        match self.since(&place, &mut mirror).await {
            Ok(Some(place)) => {
                let kept = Instant::now();
                self.memory = Some(Memory { mirror, place, counts: true, loaded, kept, is_other: true });
            }
            // Whatever is wrong with it: everything is read, and that will tell.
            Ok(None) | Err(PullError::Refused { .. } | PullError::Commit(CommitFault::Held(_))) => {}
            Err(error) => return Err(error),
        }
        self.is_resumed = true;
        if !A::TELLS_OF_DELETIONS {
            // Whoever called meanwhile to tell of one was not heard, or had told us before and we forgot.
            self.source.feed().owe(Owed { everything: true, ..Owed::default() });
        }
        Ok(())
    }

    /// Makes what was kept what the source says, with all that changed since; `None`: everything is to be read.
    async fn since(&mut self, place: &A::Place, mirror: &mut Mirror) -> Result<Option<A::Place>, PullError> {
        let pull = self.api.pull().clone();
        // What the source said since may be newer than what was kept: nothing is given before all that changed is told.
        let mut taking = Taking::load(&self.sources, &self.source, &pull, mirror, None);
        let place = self.api.changes(place, &mut taking).await?;
        if !A::TELLS_OF_DELETIONS {
            // Nor by what was kept alone: somebody may have been deleted since.
            let Touched { users, groups } = block_in_place(|| given(&self.source, taking.told()));
            if users.len() + groups.len() > MOST_GIVEN {
                return Ok(None);
            }
            let (users, groups) = (users.into_iter().map(Poke::User), groups.into_iter().map(Poke::Group));
            for poke in users.chain(groups) {
                self.api.again(&poke, &mut taking).await?;
            }
        }
        commit(&self.sources, &self.source, pull.max_loss, mirror, Of::All(None)).await?;
        Ok(Some(place))
    }

    /// Reads everything, and with it all that is owed.
    async fn load(&mut self, request: Option<&Request>) -> Result<(), PullError> {
        let owed = self.source.feed().take_owed();
        let loaded = self.read_all(request).await;
        if loaded.is_err() {
            self.source.feed().owe(owed);
        }
        loaded
    }

    /// Reads everything. What was known before counts until all of it is there.
    async fn read_all(&mut self, request: Option<&Request>) -> Result<(), PullError> {
        let (mut mirror, pull) = (Mirror::new(self.view()), self.api.pull().clone());
        let meanwhile = self.memory.as_mut().filter(|memory| memory.counts);
        let meanwhile = meanwhile.map(|memory| &mut memory.mirror);
        let mut taking = Taking::load(&self.sources, &self.source, &pull, &mut mirror, meanwhile);
        let loaded = Timestamp::now();
        let place = self.api.load(&mut taking).await?;
        let committed = commit(&self.sources, &self.source, pull.max_loss, &mirror, Of::All(request)).await;
        let counts = !matches!(committed, Err(CommitFault::Held(_)));
        self.held_until = (!counts).then(|| Instant::now() + HELD.min(pull.resync));
        // What counted before goes on to count, and is told what changes.
        if counts || self.memory.as_ref().is_none_or(|memory| !memory.counts) {
            let kept = Instant::now();
            self.memory = Some(Memory { mirror, place, counts, loaded, kept, is_other: false });
        }
        committed?;
        self.source.heard();
        self.keep();
        self.source.feed().tell(|status| status.last_load = Some(Timestamp::now()));
        Ok(())
    }

    /// Reads what changed, first of all what somebody said has.
    async fn poll(&mut self) -> Result<(), PullError> {
        let Some(memory) = &mut self.memory else { return Ok(()) };
        let (pull, feed) = (self.api.pull().clone(), self.source.feed());
        let mirror = &mut memory.mirror;
        let mut taking = match memory.counts {
            true => Taking::changes(&self.sources, &self.source, &pull, mirror),
            false => Taking::load(&self.sources, &self.source, &pull, mirror, None),
        };
        let aside = feed.aside();
        attend(&mut self.api, &mut taking).await?;
        memory.place = self.api.changes(&memory.place, &mut taking).await?;
        for poke in aside {
            look_at(&mut self.api, &poke, &mut taking).await?;
        }
        feed.tell_aside();
        let is_other = taking.is_other();
        memory.is_other |= is_other;
        let is_held = self.held_until.is_some();
        if !is_held {
            self.source.heard();
        }
        let (server, names) = (self.api.server(), memory.mirror.shared_names());
        feed.tell(|status| {
            let now = Some(Timestamp::now());
            (status.server, status.shared_names, status.cookie) = (Some(server), names, now);
            status.trouble = None;
            if !is_held {
                status.held = None;
            }
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
        let Some(memory) = self.memory.as_mut().filter(|memory| memory.counts) else { return };
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

    async fn session(&mut self, request: &mut Option<Request>) -> Result<(), PullError> {
        self.run(request).await
    }

    fn failed(&mut self, error: &PullError) -> After {
        if A::is_lost(error) {
            (self.memory, self.held_until) = (None, None);
            return After::Pause;
        }
        match error {
            // Whoever leaves meanwhile is cut off all the same.
            PullError::Commit(CommitFault::Held(why)) => After::Held(why.clone(), Duration::ZERO),
            PullError::Commit(CommitFault::Commit(_)) => {
                // What is in memory is ahead of what was kept.
                (self.memory, self.is_resumed, self.held_until) = (None, true, None);
                After::Pause
            }
            PullError::Busy { wait, .. } => After::Later(*wait),
            _ => After::Pause,
        }
    }
}

#[cfg(test)]
mod tests;
