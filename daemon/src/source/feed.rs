use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use oam_policy::{Digest, printable::Printable};
use tokio::sync::Notify;

/// How many are remembered one by one of those that are to be read again; beyond that, everything is.
const MOST_POKES: usize = 1_000;
/// How often it is tried to read again one that cannot be read; after that, everything is read.
const MOST_TRIES: u32 = 5;

/// How often everything is read at most for those who may want it again and again.
const ASKED_EVERY: Duration = Duration::from_secs(60);

/// What the one who follows a source tells of it, and is told.
#[derive(Debug, Default)]
pub struct Feed {
    status: Mutex<FeedStatus>,
    request: Mutex<Option<Request>>,
    asked: Notify,
    /// When somebody who may want it again and again last wanted it, or will.
    turn: Mutex<Option<Instant>>,
    pokes: Mutex<BTreeSet<Poke>>,
    poked: Notify,
    owed: Mutex<Owed>,
    /// Of what was agreed upon with whoever calls us: the digest.
    caller: Mutex<Option<Digest>>,
    /// Whether somebody is asked right now to call us, and looks whether we are there.
    is_tried: AtomicBool,
}

/// While this is there, somebody may look whether we are where they are to call.
#[derive(Debug)]
pub struct Tried<'a>(&'a Feed);

impl Drop for Tried<'_> {
    fn drop(&mut self) {
        self.0.is_tried.store(false, Ordering::Relaxed);
    }
}

/// What somebody says has changed. They are not believed: it is read again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Poke {
    /// Something, nobody says what.
    Changes,
    /// A user.
    User(Box<str>),
    /// A group.
    Group(Box<str>),
}

/// What was to be read again, and is not yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owed {
    /// Those that could not be read, with how often that was tried and why not.
    pub aside: BTreeMap<Poke, (u32, String)>,
    /// Whether everything is to be read, because nobody can tell any more what of it.
    pub everything: bool,
}

/// How a source is followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedStatus {
    /// The server in use; `None`: none is.
    pub server: Option<String>,
    /// When it last told of a change.
    pub last_event: Option<Timestamp>,
    /// When everything was last read.
    pub last_load: Option<Timestamp>,
    /// Up to when changes were taken, where the server can go on from there.
    pub cookie: Option<Timestamp>,
    /// Why it is not followed now.
    pub trouble: Option<String>,
    /// Why what was read was not taken: somebody must say that it is so.
    pub held: Option<String>,
    /// Why what changed cannot be asked for, and everything is read after each time when it was not heard.
    pub reads_all: Option<String>,
    /// Why it does not call us when something changes, where it was asked to.
    pub not_called: Option<String>,
    /// What of it cannot be read, and why.
    pub unread: Option<String>,
    /// Names that more than one group has, of which none is taken.
    pub shared_names: Vec<String>,
    /// How often the connection had to be made anew.
    pub reconnects: u64,
}

/// What an administrator wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who.
    pub actor: String,
    /// Why, if it was said.
    pub reason: Option<String>,
    /// Whether it is so that many lose everything by what is read.
    pub accept_loss: bool,
}

impl Request {
    /// Of two, the one that wants more: what is wanted is read once for both.
    pub(crate) fn strongest(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) if one.accept_loss && !other.accept_loss => Some(one),
            (one, other) => other.or(one),
        }
    }
}

impl Feed {
    /// How the source is followed.
    pub fn status(&self) -> FeedStatus {
        self.locked().clone()
    }

    /// Tells how it is followed from now on.
    pub fn tell(&self, change: impl FnOnce(&mut FeedStatus)) {
        change(&mut self.locked());
    }

    /// Wants that everything is read again. What somebody else wants and is not begun yet is not forgotten.
    pub fn ask(&self, request: Request) {
        {
            let mut waiting = self.request.lock().unwrap_or_else(PoisonError::into_inner);
            *waiting = Request::strongest(waiting.take(), Some(request));
        }
        self.asked.notify_one();
    }

    /// How long whoever may want everything read again and again is to wait before they [`Feed::ask`]; `None`: somebody who
    /// waits already does it for them.
    pub(crate) fn turn(&self, now: Instant) -> Option<Duration> {
        let mut last = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last > now) {
            return None;
        }
        let at = last.map_or(now, |last| now.max(last + ASKED_EVERY));
        *last = Some(at);
        Some(at.saturating_duration_since(now))
    }

    /// Waits until somebody wants that.
    pub async fn asked(&self) {
        self.asked.notified().await;
    }

    /// What somebody wants, for whoever does it.
    pub fn take_request(&self) -> Option<Request> {
        self.request.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Wants that these are read again, before anything else.
    pub fn poke(&self, pokes: impl IntoIterator<Item = Poke>) {
        let mut waiting = self.pokes.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.extend(pokes);
        if waiting.len() > MOST_POKES {
            // What is deleted is not told as a change by everybody.
            *waiting = BTreeSet::from([Poke::Changes]);
            self.owed().everything = true;
        }
        if !waiting.is_empty() {
            self.poked.notify_one();
        }
    }

    /// Waits until something is to be read again.
    pub async fn poked(&self) {
        self.poked.notified().await;
    }

    /// Puts back what could not be read again. Nobody is woken by it: it comes first when it is next tried.
    pub fn put_back(&self, pokes: impl IntoIterator<Item = Poke>) {
        self.pokes.lock().unwrap_or_else(PoisonError::into_inner).extend(pokes);
    }

    /// What is to be read again, for whoever does it.
    pub fn take_pokes(&self) -> BTreeSet<Poke> {
        std::mem::take(&mut self.pokes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts aside what cannot be read by itself, for `why`, so that the rest is. It is tried again some times, and then
    /// everything is to be read.
    pub fn put_aside(&self, poke: Poke, why: String) {
        let mut owed = self.owed();
        let tries = owed.aside.remove(&poke).map_or(1, |(tries, _)| tries + 1);
        if tries >= MOST_TRIES || owed.aside.len() >= MOST_POKES {
            owed.everything = true;
        } else {
            owed.aside.insert(poke, (tries, why));
        }
    }

    /// Notes that what was put aside could be read.
    pub fn was_read(&self, poke: &Poke) {
        self.owed().aside.remove(poke);
    }

    /// What was put aside.
    pub fn aside(&self) -> BTreeSet<Poke> {
        self.owed().aside.keys().cloned().collect()
    }

    /// Whether everything is to be read, because nobody can tell any more what of it.
    pub fn owes_everything(&self) -> bool {
        self.owed().everything
    }

    /// All that is owed, for whoever reads everything.
    pub fn take_owed(&self) -> Owed {
        std::mem::take(&mut self.owed())
    }

    /// Puts back what is owed on: everything was not read.
    pub fn owe(&self, more: Owed) {
        let mut owed = self.owed();
        owed.everything |= more.everything;
        owed.aside.extend(more.aside);
    }

    /// Tells what was put aside, with why the first of it cannot be read.
    pub fn tell_aside(&self) {
        let unread = {
            let owed = self.owed();
            let first = owed.aside.first_key_value();
            first.map(|(_, (_, why))| match owed.aside.len() - 1 {
                0 => why.clone(),
                more => format!("{why} (and {more} more)"),
            })
        };
        self.tell(|status| status.unread = unread);
    }

    /// Hears from now on whoever shows what has this digest; `None`: nobody.
    pub fn expect_caller(&self, digest: Option<Digest>) {
        *self.caller.lock().unwrap_or_else(PoisonError::into_inner) = digest;
    }

    /// Whether anybody is heard.
    pub fn has_caller(&self) -> bool {
        self.caller.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Whether this was agreed upon with whoever calls us.
    pub fn is_caller(&self, shown: &[u8]) -> bool {
        let caller = *self.caller.lock().unwrap_or_else(PoisonError::into_inner);
        caller == Some(Digest::of(shown))
    }

    /// Lets somebody look whether we are there, while what is returned lives.
    pub fn expect_validation(&self) -> Tried<'_> {
        self.is_tried.store(true, Ordering::Relaxed);
        Tried(self)
    }

    /// Whether somebody may look whether we are there.
    pub fn is_tried(&self) -> bool {
        self.is_tried.load(Ordering::Relaxed)
    }

    /// What somebody should look at, a sentence each.
    pub(super) fn warnings(&self, name: &str) -> Vec<String> {
        let status = self.status();
        let mut warnings = Vec::new();
        if let Some(held) = status.held {
            warnings.push(format!(
                "What the server of the source `{name}` has now was not taken: {held}. If it is so: `oam source sync {name} \
                 --accept-loss --reason …`"
            ));
        } else if let Some(trouble) = status.trouble {
            warnings.push(format!("The source `{name}` is not followed: {trouble}"));
        }
        if let Some(why) = status.reads_all {
            warnings.push(format!("What changes in the source `{name}` cannot be asked for: {why}"));
        }
        if let Some(why) = status.unread {
            warnings.push(format!("Some of the source `{name}` cannot be read: {why}"));
        }
        if let Some(why) = status.not_called {
            warnings.push(format!(
                "The source `{name}` does not call when something changes, and is asked now and then only: {why}"
            ));
        }
        if let Some(first) = status.shared_names.first() {
            let shown = Printable::new(first).to_string();
            warnings.push(format!(
                "Several groups of the source `{name}` share a name, and count for nobody: `{shown}` and {} more",
                status.shared_names.len() - 1
            ));
        }
        warnings
    }

    fn owed(&self) -> MutexGuard<'_, Owed> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locked(&self) -> MutexGuard<'_, FeedStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{ASKED_EVERY, Feed, MOST_POKES, MOST_TRIES, Owed, Poke, Request};

    #[test]
    fn what_somebody_wants_is_not_forgotten_for_what_another_wants() {
        let request = |actor: &str, accept_loss| Request { actor: actor.into(), reason: None, accept_loss };
        let (weak, strong) = (request("signals idp", false), request("uid 0", true));
        for (first, second, left) in
            [(&strong, &weak, &strong), (&weak, &strong, &strong), (&weak, &weak, &weak)]
        {
            let feed = Feed::default();
            feed.ask(first.clone());
            feed.ask(second.clone());
            assert_eq!(feed.take_request().as_ref(), Some(left));
            assert_eq!(feed.take_request(), None);
        }
    }

    #[test]
    fn who_wants_it_again_and_again_has_it_once_a_minute_and_is_not_forgotten() {
        let (feed, now) = (Feed::default(), Instant::now());
        let second = Duration::from_secs(1);
        assert_eq!(feed.turn(now), Some(Duration::ZERO));
        assert_eq!(feed.turn(now + second), Some(ASKED_EVERY - second), "what happened since");
        for _ in 0..100 {
            assert_eq!(feed.turn(now + second), None, "one for all");
        }
        assert_eq!(feed.turn(now + ASKED_EVERY + second), Some(ASKED_EVERY - second));
        assert_eq!(feed.turn(now + 10 * ASKED_EVERY), Some(Duration::ZERO));
    }

    #[test]
    fn what_is_to_be_read_again_is_bounded_and_never_forgotten() {
        let feed = Feed::default();
        let user = |number: usize| Poke::User(number.to_string().into());
        feed.poke([user(1), user(1), Poke::Group("g".into())]);
        assert_eq!(feed.take_pokes().len(), 2);
        assert!(feed.take_pokes().is_empty());
        feed.poke((0..=MOST_POKES).map(user));
        assert_eq!(feed.take_pokes().into_iter().collect::<Vec<_>>(), [Poke::Changes]);
        assert!(feed.owes_everything(), "nobody knows any more who was meant");
    }

    #[test]
    fn what_cannot_be_read_is_tried_some_times_and_then_everything_is_read() {
        let feed = Feed::default();
        let (one, other) = (Poke::User("one".into()), Poke::User("other".into()));
        for number in 1..MOST_TRIES {
            feed.put_aside(one.clone(), format!("why {number}"));
            assert!(!feed.owes_everything());
        }
        feed.put_aside(other.clone(), "why not".into());
        feed.tell_aside();
        let unread = feed.status().unread.unwrap();
        assert_eq!(unread, format!("why {} (and 1 more)", MOST_TRIES - 1));
        feed.was_read(&other);
        assert_eq!(feed.aside().into_iter().collect::<Vec<_>>(), std::slice::from_ref(&one));
        feed.put_aside(one, "still".into());
        assert!(feed.owes_everything() && feed.aside().is_empty());
        // Whoever reads everything takes it all, and gives it back where that fails.
        let owed = feed.take_owed();
        assert!(owed.everything && feed.take_owed() == Owed::default());
        feed.put_aside(other.clone(), "meanwhile".into());
        feed.owe(owed);
        assert!(feed.owes_everything() && feed.aside().contains(&other));
        feed.tell_aside();
        assert_eq!(feed.status().unread.as_deref(), Some("meanwhile"));
    }

    #[test]
    fn what_cannot_be_read_is_bounded() {
        let feed = Feed::default();
        for number in 0..=2 * MOST_POKES {
            feed.put_aside(Poke::User(number.to_string().into()), String::new());
        }
        assert!(feed.aside().len() <= MOST_POKES && feed.owes_everything());
    }
}
