use std::time::Duration;

use jiff::Timestamp;

use super::{FeedStatus, TokenInfo};
use crate::config::{SourceKind, SourceName};

/// What is known of a source.
#[derive(Debug, Clone)]
pub struct SourceReport {
    /// The name.
    pub name: SourceName,
    /// How it reaches us.
    pub kind: SourceKind,
    /// It is not configured any more.
    pub retired: bool,
    /// When it last said anything.
    pub seen: Option<Timestamp>,
    /// How old that may be.
    pub max_age: Option<Duration>,
    /// Whether it is older than that, or lost, or nothing is decided by it since signals about its people do not reach us.
    pub is_stale: bool,
    /// What it said is lost.
    pub lost: bool,
    /// How many users it has.
    pub users: usize,
    /// How many groups it has.
    pub groups: usize,
    /// How many names it knew once.
    pub gone: usize,
    /// How many users have no Bitbucket username, or share one.
    pub unusable: usize,
    /// How it is followed, where we follow it.
    pub feed: Option<FeedStatus>,
    /// Its tokens.
    pub tokens: Vec<TokenInfo>,
    /// How many changes it made since the start.
    pub changes: u64,
    /// Whether something that it took away could not be stored yet.
    pub owes: bool,
}
