//! Sources that are followed: we ask somebody else who has what, and go on hearing what changes.
//!
//! **For:** [`crate::ldap`] and [`crate::pull`], which know how to ask. In flow what a server has now, as a [`Picture`];
//! out flow, through [`crate::source`], what is different by it ([`commit`]).
//!
//! It must never read on before a change is durable, in the audit log and in force, or take it for so that very many lose
//! everything at once because a load says so.

mod commit;
mod task;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::Timestamp;
use oam_policy::{GroupName, snapshot::Person};
use oam_scim::Document;

pub(crate) use commit::{CommitFault, Of, commit, given, held_cut};
pub(crate) use task::{After, Follower, follow};

/// What a server has now, by the ids that stay the same.
pub(crate) trait Picture: Sync {
    /// A user as they are to be kept; `None`: there is none.
    fn user(&self, id: &str, now: Timestamp) -> Option<Document>;

    /// The name of a group that rules may name; `None`: there is none.
    fn group(&self, id: &str) -> Option<&str>;

    /// Everybody who is in a group.
    fn members(&self, group: &str) -> BTreeSet<Box<str>>;

    /// All users.
    fn user_ids(&self) -> Vec<Box<str>>;

    /// All groups.
    fn group_ids(&self) -> Vec<Box<str>>;
}

/// Whom and which groups a change may concern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) users: BTreeSet<Box<str>>,
    pub(crate) groups: BTreeSet<Box<str>>,
}

/// Some of what a server has, as it would be here.
#[derive(Debug, Default)]
pub struct Previewed {
    /// Users as they would be.
    pub users: Vec<Person>,
    /// Groups as rules would write them, with how many they name.
    pub groups: Vec<(GroupName, usize)>,
    /// Why some would be nothing, in words.
    pub problems: Vec<String>,
}
