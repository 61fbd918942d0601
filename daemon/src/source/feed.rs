use std::{
    collections::BTreeSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;
use oam_policy::{Digest, printable::Printable};
use tokio::sync::Notify;

/// How many are remembered one by one of those that are to be read again; beyond that, whatever changed is.
const MOST_POKES: usize = 1_000;

/// What the one who follows a source tells of it, and is told.
#[derive(Debug, Default)]
pub struct Feed {
    status: Mutex<FeedStatus>,
    request: Mutex<Option<Request>>,
    asked: Notify,
    pokes: Mutex<BTreeSet<Poke>>,
    poked: Notify,
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

impl Feed {
    /// How the source is followed.
    pub fn status(&self) -> FeedStatus {
        self.locked().clone()
    }

    /// Tells how it is followed from now on.
    pub fn tell(&self, change: impl FnOnce(&mut FeedStatus)) {
        change(&mut self.locked());
    }

    /// Wants that everything is read again.
    pub fn ask(&self, request: Request) {
        *self.request.lock().unwrap_or_else(PoisonError::into_inner) = Some(request);
        self.asked.notify_one();
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
            *waiting = BTreeSet::from([Poke::Changes]);
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

    fn locked(&self) -> MutexGuard<'_, FeedStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Feed, MOST_POKES, Poke};

    #[test]
    fn what_is_to_be_read_again_is_bounded_and_never_forgotten() {
        let feed = Feed::default();
        let user = |number: usize| Poke::User(number.to_string().into());
        feed.poke([user(1), user(1), Poke::Group("g".into())]);
        assert_eq!(feed.take_pokes().len(), 2);
        assert!(feed.take_pokes().is_empty());
        feed.poke((0..=MOST_POKES).map(user));
        assert_eq!(feed.take_pokes().into_iter().collect::<Vec<_>>(), [Poke::Changes]);
    }
}
