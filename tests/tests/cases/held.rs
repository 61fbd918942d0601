//! What a case says that somebody has for a while, as `decide` is told of it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use oam_policy::{
    PrivilegeId, RoleId, RuleId,
    decide::{ElevationUse, WaiverUse},
    rule::{Asker, RefSet, RepositorySet},
};
use serde::Deserialize;

use crate::{case::Case, value::Pusher};

/// A use of a waiver.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Waiver {
    pub(crate) id: String,
    pub(crate) by: Pusher,
    pub(crate) reason: String,
    /// The second person.
    pub(crate) approved_by: Option<Pusher>,
    /// Since when.
    #[serde(default)]
    minutes_ago: i64,
}

/// A use of an elevation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Elevation {
    pub(crate) id: String,
    pub(crate) role: String,
    pub(crate) by: Pusher,
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) approved_by: Vec<Pusher>,
    /// Since when.
    #[serde(default)]
    minutes_ago: i64,
}

impl Case {
    /// The waivers in use.
    pub(crate) fn waivers(&self, now: Timestamp) -> Vec<WaiverUse> {
        self.waivers.iter().map(|waiver| waiver.told(now)).collect()
    }

    /// The elevations in use.
    pub(crate) fn elevations(&self, now: Timestamp) -> Vec<ElevationUse> {
        self.elevations.iter().map(|elevation| elevation.told(now)).collect()
    }

    /// Whether somebody has something for a while.
    pub(crate) fn holds_something(&self) -> bool {
        !self.waivers.is_empty() || !self.elevations.is_empty()
    }

    /// Whether somebody has had it for long.
    pub(crate) fn began_long_ago(&self) -> bool {
        self.waivers.iter().any(|waiver| waiver.minutes_ago > 0)
            || self.elevations.iter().any(|elevation| elevation.minutes_ago > 0)
    }
}

impl Waiver {
    fn told(&self, now: Timestamp) -> WaiverUse {
        let (from, to) = since(self.minutes_ago, now);
        WaiverUse {
            id: None,
            waiver: id(&self.id),
            lifts: BTreeSet::new(),
            by: self.by.0.clone(),
            on: None,
            refs: None,
            from,
            to,
            reason: self.reason.clone(),
            approved_by: self.approved_by.as_ref().map(|by| Asker::User(by.0.clone())),
        }
    }
}

impl Elevation {
    fn told(&self, now: Timestamp) -> ElevationUse {
        let (from, to) = since(self.minutes_ago, now);
        ElevationUse {
            id: PrivilegeId::parse("case").expect("an id"),
            elevation: id(&self.id),
            role: RoleId::parse(&self.role).unwrap_or_else(|error| panic!("`{}`: {error}", self.role)),
            by: self.by.0.clone(),
            on: RepositorySet::parse_one("**").and_then(|all| RepositorySet::new([all])).expect("everywhere"),
            refs: RefSet::parse_one("refs/**").and_then(|all| RefSet::new([all])).expect("on all refs"),
            from,
            to,
            reason: self.reason.clone(),
            approved_by: self.approved_by.iter().map(|by| Asker::User(by.0.clone())).collect(),
        }
    }
}

fn id(text: &str) -> RuleId {
    RuleId::parse(text).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

/// Its own rule ends it long before.
fn since(minutes_ago: i64, now: Timestamp) -> (Timestamp, Timestamp) {
    let from = now - SignedDuration::from_mins(minutes_ago);
    (from, from + SignedDuration::from_hours(24))
}
