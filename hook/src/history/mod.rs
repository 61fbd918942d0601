//! What there is to know of the new commits of a push, told to the daemon as it is found out.
//!
//! **For:** whatever a rule about commits or paths looks at ([`Asked`]): changed paths, new files, commits, signatures, and
//! what a tag is. New are the commits that are reachable from the new tip, and from none of the existing refs that the
//! rule covers.
//!
//! **How:** a thread of its own reads the objects and fills messages of bounded size, of which a few wait at most. Who
//! asks may stop listening at any time: then the work is dropped. Neither side ever holds a push in memory.
//!
//! **Paths** of an update are those that each new commit changes (a merge: those that differ from every parent), and the
//! difference of the old and the new tip. A tag is peeled. Where that leads to a tree, everything in it counts as changed
//! and as new, and there are no commits to look at; content that has no path cannot be judged by one. For a merge that is
//! only looked at, the new commits are those of what would be merged, and the net difference is what that has changed
//! since it went its own way.
//!
//! What cannot be read is told to be unreadable, never left out.

mod asked;
mod chunks;
mod facts;
mod find;
mod seen;
#[cfg(test)]
mod tests;
mod trees;

use std::sync::Arc;

use oam_proto::v1;
use tokio::sync::mpsc;

use crate::{
    environment::Variables,
    git::{Git, Objects, Unreadable},
    git_dir::Places,
};

pub use asked::{Asked, HistoryAsked};
use chunks::{Chunks, Halt};
use find::Finder;

/// How many messages wait to be sent.
const WAITING: usize = 2;

/// The histories of the repository and of what is pushed; nothing is opened before something is asked.
pub struct Histories {
    places: Arc<Places>,
    variables: Arc<Variables>,
    /// For `${user}` in the patterns, where the daemon does not say.
    pusher: String,
}

impl Histories {
    /// The histories in `places`, for a push of `pusher`.
    pub fn new(places: Arc<Places>, variables: Arc<Variables>, pusher: &str) -> Self {
        Self { places, variables, pusher: pusher.to_owned() }
    }

    /// Finds out what is asked for, and sends it as it is found; the last message is marked. Ends when nobody takes the
    /// messages any more. When this future is dropped, the thread stops, and a git child is killed.
    pub async fn tell(&self, asked: &Arc<Asked>, facts: &mpsc::Sender<v1::Facts>) {
        let (found, mut messages) = mpsc::channel(WAITING);
        let git_dir = self.places.git_dir.as_deref();
        let (git, _leash) = git_dir.map(|dir| Git::new(dir, Arc::clone(&self.variables))).unzip();
        let pusher = asked.pusher.as_ref().map_or(self.pusher.as_str(), |pusher| pusher.as_str()).to_owned();
        let (places, work) = (Arc::clone(&self.places), Arc::clone(asked));
        tokio::task::spawn_blocking(move || tell_all(&places, git.as_ref(), &pusher, &work, &found));
        let total = asked.histories.len();
        let mut told = 0_usize;
        while told < total {
            // Only a thread that broke off leaves histories untold.
            let message = messages.recv().await.unwrap_or_else(|| broken_off(told));
            told = told.saturating_add(usize::from(message.last));
            let message = v1::Facts { last: told == total, histories: vec![message], ..v1::Facts::default() };
            if facts.send(message).await.is_err() {
                return;
            }
        }
    }
}

fn broken_off(number: usize) -> v1::HistoryFacts {
    v1::HistoryFacts {
        history: u32::try_from(number).unwrap_or(u32::MAX),
        last: true,
        unreadable: Unreadable::BrokenOff.to_string(),
        ..v1::HistoryFacts::default()
    }
}

/// Tells one history after the other, each to its end.
fn tell_all(
    places: &Places,
    git: Option<&Git>,
    pusher: &str,
    asked: &Asked,
    out: &mpsc::Sender<v1::HistoryFacts>,
) {
    let objects = Objects::open(places);
    let mut finder =
        objects.as_ref().map(|objects| Finder::new(objects, places.shallow, git, pusher, &asked.covers));
    for (number, history) in (0..).zip(&asked.histories) {
        let mut chunks = Chunks::new(number, out);
        let found = match &mut finder {
            Ok(finder) => finder.find(history, &mut chunks),
            Err(why) => Err(Halt::Unreadable(why.to_string())),
        };
        let ended = match found {
            Ok(()) => chunks.end(String::new()),
            Err(Halt::Unreadable(why)) => chunks.end(why),
            Err(Halt::Over) => return,
        };
        if ended.is_err() {
            return;
        }
    }
}
