//! What a case says that somebody has for a while, or has leased, as `decide` is told of it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use oam_policy::{
    ObjectId, Policy, PrivilegeId, RoleId, RuleId, Verb,
    decide::{ElevationUse, LeaseUse, WaiverUse},
    facts::ShownLease,
    rule::{Asker, PathSet, RefSet, RepositorySet, Workload},
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

/// A lease of a job.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lease {
    /// The workload that gives it.
    pub(crate) id: String,
    /// Nothing: the one that the workload gives.
    role: Option<String>,
    /// On which refs; nothing: those of the push.
    refs: Option<Vec<String>>,
    /// Nothing: whatever the workload allows.
    verbs: Option<Vec<String>>,
    paths: Option<Vec<String>>,
    /// Whether it is bound to the commit that is pushed, or to another one.
    commit: Option<Bound>,
    /// Whether a push before this one has used it up.
    #[serde(default)]
    pub(crate) used: bool,
    /// Whether it must be shown, and is.
    token: Option<Token>,
    /// Since when.
    #[serde(default)]
    minutes_ago: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Bound {
    Pushed,
    Another,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Token {
    Shown,
    Kept,
}

impl Case {
    /// The leases that are not used up.
    pub(crate) fn leases(&self, policy: &Policy, now: Timestamp) -> Vec<LeaseUse> {
        let left = self.leases.iter().enumerate().filter(|(_, lease)| !lease.used);
        left.map(|(number, lease)| lease.told(self, policy, number, now)).collect()
    }

    /// The lease whose token is shown.
    pub(crate) fn shown_lease(&self) -> Option<ShownLease> {
        let shown = self.leases.iter().position(|lease| lease.token == Some(Token::Shown))?;
        Some(ShownLease::Of(lease_id(shown)))
    }

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

    /// Whether some job has leased something.
    pub(crate) fn leases_something(&self) -> bool {
        !self.leases.is_empty()
    }

    /// Whether somebody has had it for long.
    pub(crate) fn began_long_ago(&self) -> bool {
        self.waivers.iter().any(|waiver| waiver.minutes_ago > 0)
            || self.elevations.iter().any(|elevation| elevation.minutes_ago > 0)
            || self.leases.iter().any(|lease| lease.minutes_ago > 0)
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

impl Lease {
    fn told(&self, case: &Case, policy: &Policy, number: usize, now: Timestamp) -> LeaseUse {
        let workload = self.workload(policy);
        let (from, to) = since(self.minutes_ago, now);
        let on = RepositorySet::parse_one(case.repository().as_str());
        let refs = self.refs(case).into_iter().map(|name| RefSet::parse_one(&name).expect("a ref"));
        let verbs = self.verbs.iter().flatten().map(|verb| Verb::parse(verb).expect("a verb"));
        let paths = self.paths.as_ref().map(|paths| {
            PathSet::new(paths.iter().map(|path| PathSet::parse_one(path).expect("a path"))).expect("paths")
        });
        LeaseUse {
            id: lease_id(number),
            workload: workload.id.clone(),
            role: self.role.as_ref().map_or_else(
                || workload.roles.first().expect("a role").clone(),
                |role| RoleId::parse(role).expect("a role"),
            ),
            issuer: workload.issuer.clone(),
            claims: workload.claims.clone(),
            by: workload.principal.clone(),
            on: on.and_then(|on| RepositorySet::new([on])).expect("a repository"),
            refs: RefSet::new(refs).expect("refs"),
            verbs: if self.verbs.is_some() { verbs.collect() } else { workload.verbs },
            commit: self.commit.map(|bound| ObjectId::Sha1([if bound == Bound::Pushed { 2 } else { 3 }; 20])),
            paths,
            by_token: self.token.is_some(),
            from,
            to,
        }
    }

    /// The workload that gives it.
    pub(crate) fn workload<'p>(&self, policy: &'p Policy) -> &'p Workload {
        let found = policy.workloads().iter().find(|workload| workload.id.as_str() == self.id);
        found.unwrap_or_else(|| panic!("`{}` is no workload", self.id))
    }

    fn refs(&self, case: &Case) -> Vec<String> {
        let of_push = || case.lines().iter().map(|line| line.name.to_string()).collect();
        self.refs.clone().unwrap_or_else(of_push)
    }

    /// Whether the push shows it.
    pub(crate) fn is_shown(&self) -> bool {
        self.token == Some(Token::Shown)
    }

    /// What `oam ci lease` is told, where the push is of this commit.
    pub(crate) fn arguments(&self, case: &Case, pushed: &str) -> Vec<String> {
        let mut all = vec!["--repo".to_owned(), case.repository().to_string()];
        let mut say = |name: &str, value: &str| all.extend([name.to_owned(), value.to_owned()]);
        self.refs(case).iter().for_each(|name| say("--ref", name));
        self.role.iter().for_each(|role| say("--role", role));
        self.verbs.iter().flatten().for_each(|verb| say("--verb", verb));
        self.paths.iter().flatten().for_each(|path| say("--path", path));
        match self.commit {
            None => {}
            Some(Bound::Pushed) => say("--commit", pushed),
            Some(Bound::Another) => say("--commit", &"3".repeat(40)),
        }
        if self.token.is_some() {
            all.push("--push-option".to_owned());
        }
        all
    }
}

fn lease_id(number: usize) -> PrivilegeId {
    PrivilegeId::parse(&format!("case{number}")).expect("an id")
}

fn id(text: &str) -> RuleId {
    RuleId::parse(text).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

/// Its own rule ends it long before.
fn since(minutes_ago: i64, now: Timestamp) -> (Timestamp, Timestamp) {
    let from = now - SignedDuration::from_mins(minutes_ago);
    (from, from + SignedDuration::from_hours(24))
}
