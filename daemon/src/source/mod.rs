//! Where the directory comes from: sources by name, each with what it said last, merged into the one directory.
//!
//! In flow imported files, the changes that identity providers push, and what directory servers are seen to have; out flow, through the one writer of
//! [`crate::directory`], the people who are different by them.
//!
//! Of each source it is kept what it said of everybody (`roster`), durably (`disk`), before the change is answered.
//! A name that a source once knew and knows no more leaves a tombstone, so that losing somebody never gives them
//! anything: not the service role that the policy names them for, and not what another source would still let them do.
//! `merge` makes one person of what all sources say of a name: inactive in any of them is inactive.
//!
//! It must never give back by damage what was taken (what a source said and is lost is unknown, and decides nothing),
//! answer a change before it is durable and in force, let one source speak of another one's groups, or keep a token.

mod change;
mod disk;
mod feed;
mod find;
mod heard;
mod keeper;
mod listed;
mod mapping;
mod merge;
mod provisioned;
mod report;
mod roster;
mod stored;
#[cfg(test)]
pub(crate) mod tests;
mod token;
mod walk;

pub use change::{Change, Entry};
pub use feed::{Feed, FeedStatus, Owed, Poke, Request, Tried};
pub use find::Found;
pub use keeper::{CommitError, NotSo, OpenError, Planned, Sources};
pub use listed::Listed;
pub use provisioned::Provisioned;
pub use report::SourceReport;
pub use roster::{Roster, Tombstone};
pub use stored::{EXPIRES, StoredGroup, StoredUser};
pub(crate) use token::{Kind, LIFETIME, Tokens};
pub use token::{Token, TokenError, TokenInfo};

use std::{
    collections::BTreeSet,
    io,
    sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, atomic::AtomicU64},
};

use jiff::Timestamp;
use tokio::task::block_in_place;

use crate::config::{SourceConfig, SourceName};
use disk::Disk;
use heard::Heard;

/// One source, as it is configured, with what it said.
#[derive(Debug)]
pub struct Source {
    config: SourceConfig,
    /// It is in the state folder and not in the configuration: what it deactivated stays so, and it gives nothing.
    retired: bool,
    /// Every decision looks into it: nobody may hold it for long who writes, nor write while others read it as a whole.
    roster: RwLock<Roster>,
    /// When it last said anything.
    heard: Heard,
    /// Transmitters of shared signals that are to tell who of its people is disabled, and cannot be heard.
    unheard: RwLock<BTreeSet<Box<str>>>,
    disk: Mutex<Disk>,
    tokens: Mutex<Tokens>,
    /// How many changes it made since the start.
    changes: AtomicU64,
    /// How it is followed, where we follow it.
    feed: Feed,
}

impl Source {
    /// The name.
    pub fn name(&self) -> &SourceName {
        &self.config.name
    }

    /// How it is configured.
    pub fn config(&self) -> &SourceConfig {
        &self.config
    }

    /// How it is followed, where we follow it.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Whether it is configured no more.
    pub fn is_retired(&self) -> bool {
        self.retired
    }

    /// What it said.
    pub fn roster(&self) -> RwLockReadGuard<'_, Roster> {
        self.roster.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over another roster. The old one is dropped when no decision waits for it any more: with half a million people that
    /// takes a second.
    fn replace_roster(&self, roster: Roster) {
        let mut held = self.roster.write().unwrap_or_else(PoisonError::into_inner);
        let said_something = held.seen != roster.seen;
        let old = std::mem::replace(&mut *held, roster);
        drop(held);
        if said_something {
            self.heard.note();
        }
        block_in_place(|| drop(old));
    }

    /// When it last said anything, be it that things are still so; `None`: never, or nobody knows when.
    pub fn seen(&self) -> Option<Timestamp> {
        self.heard.at()
    }

    /// A time that is another one each time when it says anything.
    pub(crate) fn mark(&self) -> Option<Timestamp> {
        self.heard.mark()
    }

    /// Whether it ever said anything, whoever knows when.
    fn has_spoken(&self, roster: &Roster) -> bool {
        roster.seen.is_some() || self.heard.mark().is_some()
    }

    /// Whether nobody knows whom it has: it never said, or what it said is lost.
    pub fn is_unknown(&self) -> bool {
        let roster = self.roster();
        roster.lost || !self.has_spoken(&roster)
    }

    /// Notes that it said something just now, be it that nothing is different. Waits for nobody who reads the roster.
    pub fn heard(&self) {
        self.heard.note();
    }

    /// Notes whether a transmitter of shared signals can be heard that is to tell who of its people is disabled: while one cannot,
    /// nothing is decided by this source.
    pub(crate) fn note_signals(&self, transmitter: &str, are_heard: bool) {
        let mut unheard = self.unheard.write().unwrap_or_else(PoisonError::into_inner);
        if are_heard {
            unheard.remove(transmitter);
        } else {
            unheard.insert(transmitter.into());
        }
    }

    /// A transmitter of shared signals that is to be heard, and cannot be.
    fn unheard(&self) -> Option<Box<str>> {
        self.unheard.read().unwrap_or_else(PoisonError::into_inner).first().cloned()
    }

    /// What whoever follows it keeps beside it, to go on from there; `None`: nothing that is whole.
    ///
    /// # Errors
    /// When the system does not let it be read.
    pub(crate) fn kept_beside(&self) -> io::Result<Option<Vec<u8>>> {
        self.disk().read_beside()
    }

    /// Keeps this beside it, in the place of what was kept before.
    ///
    /// # Errors
    /// When it cannot be written; then what was kept before still is.
    pub(crate) fn keep_beside(&self, content: &[u8]) -> io::Result<()> {
        self.disk().write_beside(content)
    }

    /// Loses what it said, as damage does.
    #[cfg(test)]
    pub(crate) fn lose(&self) {
        self.roster.write().unwrap_or_else(PoisonError::into_inner).lost = true;
    }

    fn disk(&self) -> std::sync::MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
