//! The set of what people have or ask for: a fold over the entries of the audit log.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use oam_audit::entry::{Event, PrivilegeEnd, PrivilegeReminder, PrivilegeRequested, Time};
use oam_policy::{
    PrivilegeId, Username,
    decide::{ElevationUse, LeaseUse, WaiverUse},
    name::UsernameKey,
    rule::{Asker, RefSet, RepositorySet},
};
use serde::{Deserialize, Serialize};

use super::{
    PrivilegeError,
    clock::SLACK,
    what::{self, What},
};

/// How long what is over is still listed.
const LISTED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How far beyond its end any token may be taken: the most that a configuration may say.
const MOST_LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// How much of it, of people and of jobs.
const MOST_LISTED: usize = 1_000;

/// Something that somebody has, had, or asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privilege {
    /// Its id.
    pub id: PrivilegeId,
    /// What.
    pub what: What,
    /// Who.
    pub by: Username,
    /// In which repositories.
    pub on: RepositorySet,
    /// On which refs.
    pub refs: RefSet,
    /// For how long.
    pub length: Duration,
    /// Why, in their words.
    pub reason: String,
    /// How many others must approve it.
    pub needed: u32,
    /// When it was asked for.
    pub asked: Timestamp,
    /// The number of the entry that says so: what was done with it stands behind that.
    pub entry: u64,
    /// Who approved it.
    pub approvals: Vec<Approval>,
    /// How far it is.
    pub stage: Stage,
    /// Who answers for what was done with it.
    pub signed_off: Option<SignOff>,
    /// The last that those who are told of it were reminded of.
    pub reminded: Option<Reminded>,
    /// Of a lease: the decisions that it was good for, as far as the set accounts for them.
    pub used: BTreeSet<Box<str>>,
}

/// That somebody approved what another asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    #[serde(with = "username")]
    pub by: Username,
    /// When.
    pub at: Timestamp,
}

/// That somebody answers for what was done with a waiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignOff {
    /// Who.
    #[serde(with = "username")]
    pub by: Username,
    /// When.
    pub at: Timestamp,
    /// What they say about it.
    pub reason: String,
}

/// That those who are told of something were reminded of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminded {
    /// Of what.
    pub about: PrivilegeReminder,
    /// When.
    pub at: Timestamp,
}

/// How far something is that somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It waits for approval.
    Waiting,
    /// It is theirs.
    Live {
        /// From when on.
        from: Timestamp,
        /// Until when, exclusive.
        to: Timestamp,
    },
    /// It is nobody's any more.
    Ended {
        /// Since when it was theirs, and until when it was to be; absent when it never was.
        was: Option<(Timestamp, Timestamp)>,
        /// When it ended.
        at: Timestamp,
        /// The number of the entry that says so.
        entry: u64,
        /// Why.
        cause: PrivilegeEnd,
    },
}

impl Privilege {
    /// Whether it is in force at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        matches!(self.stage, Stage::Live { from, to } if from <= now && now < to)
    }

    /// Since when it is or was theirs, and until when.
    pub fn time(&self) -> Option<(Timestamp, Timestamp)> {
        match self.stage {
            Stage::Waiting => None,
            Stage::Live { from, to } => Some((from, to)),
            Stage::Ended { was, at, .. } => was.map(|(from, to)| (from, to.min(at))),
        }
    }

    /// Whether it can be signed off now.
    ///
    /// # Errors
    /// Why it cannot.
    pub(super) fn must_be_signed_off(&self) -> Result<(), PrivilegeError> {
        match (&self.signed_off, &self.stage) {
            _ if self.wants_sign_off() => Ok(()),
            (Some(signed), _) => {
                Err(PrivilegeError::SignedOff(self.id.clone(), signed.by.as_str().to_owned()))
            }
            (None, Stage::Live { .. } | Stage::Waiting) if self.what.is_waiver() => {
                Err(PrivilegeError::NotOver(self.id.clone()))
            }
            _ => Err(PrivilegeError::NothingToSign(self.id.clone())),
        }
    }

    /// Whether somebody must still answer for what was done with it.
    pub fn wants_sign_off(&self) -> bool {
        self.what.is_waiver()
            && self.signed_off.is_none()
            && matches!(self.stage, Stage::Ended { was: Some(_), .. })
    }

    /// Whether it is a lease that was good for as many pushes as the set accounts for.
    pub(super) fn is_used_up(&self) -> bool {
        let used = u32::try_from(self.used.len()).unwrap_or(u32::MAX);
        self.what.lease().is_some_and(|lease| used >= lease.uses())
    }

    /// Since when nobody must look at it any more; `None`: somebody must.
    fn over(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Ended { at, .. } if !self.wants_sign_off() => Some(at),
            Stage::Ended { .. } | Stage::Waiting | Stage::Live { .. } => None,
        }
    }

    /// For a decision: what it gives between `from` and `to`.
    pub fn elevation(&self, (from, to): (Timestamp, Timestamp)) -> Option<ElevationUse> {
        let What::Grant { elevation, role } = &self.what else { return None };
        Some(ElevationUse {
            id: self.id.clone(),
            elevation: elevation.clone(),
            role: role.clone(),
            by: self.by.clone(),
            on: self.on.clone(),
            refs: self.refs.clone(),
            from,
            to,
            reason: self.reason.clone(),
            approved_by: self.approvals.iter().map(|approval| Asker::User(approval.by.clone())).collect(),
        })
    }

    /// For a decision: what it leases between `from` and `to`.
    pub fn leased(&self, (from, to): (Timestamp, Timestamp)) -> Option<LeaseUse> {
        let lease = self.what.lease()?;
        Some(LeaseUse {
            id: self.id.clone(),
            workload: lease.workload.clone(),
            role: lease.role.clone(),
            issuer: lease.issuer.clone(),
            claims: lease.claims.clone(),
            by: self.by.clone(),
            on: self.on.clone(),
            refs: self.refs.clone(),
            verbs: lease.verbs,
            commit: lease.commit,
            paths: lease.paths.clone(),
            by_token: lease.by_token,
            from,
            to,
        })
    }

    /// For a decision: what it lifts between `from` and `to`.
    pub fn waiver(&self, (from, to): (Timestamp, Timestamp)) -> Option<WaiverUse> {
        let What::Waiver { waiver, lifts } = &self.what else { return None };
        Some(WaiverUse {
            id: Some(self.id.clone()),
            waiver: waiver.clone(),
            lifts: lifts.clone(),
            by: self.by.clone(),
            on: Some(self.on.clone()),
            refs: Some(self.refs.clone()),
            from,
            to,
            reason: self.reason.clone(),
            approved_by: self.approvals.first().map(|approval| Asker::User(approval.by.clone())),
        })
    }
}

/// All of them, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Set {
    all: BTreeMap<PrivilegeId, Privilege>,
    /// The tokens that were shown for leases, each until it is good for nothing.
    tokens: BTreeMap<String, Timestamp>,
}

impl Set {
    /// Each of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Privilege> {
        self.all.values()
    }

    /// The one with this id.
    pub fn get(&self, id: &PrivilegeId) -> Option<&Privilege> {
        self.all.get(id)
    }

    /// Whether this token was shown before.
    pub fn has_seen(&self, token: &str) -> bool {
        self.tokens.contains_key(token)
    }

    /// The tokens that were shown, each with when it expires.
    pub fn tokens(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        self.tokens.iter().map(|(token, expires)| (token.as_str(), *expires))
    }

    /// How many are there.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What is asked for, is in force, or must still be signed off.
    pub fn open(&self) -> impl Iterator<Item = &Privilege> {
        self.iter().filter(|one| one.wants_sign_off() || !matches!(one.stage, Stage::Ended { .. }))
    }

    /// The same of one person.
    pub fn open_of(&self, user: &UsernameKey) -> impl Iterator<Item = &Privilege> {
        self.open().filter(move |one| one.by.key() == *user)
    }

    /// What is in force at `now`.
    pub fn live(&self, now: Timestamp) -> impl Iterator<Item = &Privilege> {
        self.iter().filter(move |one| one.is_live(now))
    }

    /// Takes the entry of the log with this number into account. What it says of something that is not there, or that is over, says
    /// nothing: nothing comes back.
    pub fn apply(&mut self, entry: u64, event: &Event, at: Timestamp) {
        match event {
            Event::PrivilegeRequested(request) => {
                if let Some(asked) = asked(entry, request, at) {
                    if let Some(given) = asked.what.lease().and_then(|lease| lease.given.as_ref()) {
                        self.see(&given.token, given.token_expires);
                    }
                    // What somebody asks for now is not kept away by what is over, should it have had the same id once.
                    if self.all.get(&asked.id).is_none_or(|known| known.over().is_some()) {
                        self.insert(asked);
                    }
                }
            }
            Event::PrivilegeApproved(approved) => {
                let Some((one, by)) = self.find_open(&approved.id).zip(approved.by.parse().ok()) else {
                    return;
                };
                one.approvals.push(Approval { by, at });
            }
            Event::PrivilegeBegan(began) => {
                let Some(one) = self.find_open(&began.id) else { return };
                if one.stage == Stage::Waiting {
                    one.stage = Stage::Live { from: began.from.timestamp(), to: began.to.timestamp() };
                }
            }
            Event::PrivilegeEnded(ended) => {
                let Some(one) = self.find_open(&ended.id) else { return };
                let was = match one.stage {
                    Stage::Live { from, to } => Some((from, to)),
                    Stage::Waiting | Stage::Ended { .. } => None,
                };
                one.stage = Stage::Ended { was, at, entry, cause: ended.cause };
            }
            Event::PrivilegeReminded(reminded) => {
                let Some(id) = PrivilegeId::parse(&reminded.id).ok() else { return };
                if let Some(one) = self.all.get_mut(&id) {
                    one.reminded = Some(Reminded { about: reminded.about, at: reminded.at.timestamp() });
                }
            }
            Event::PrivilegeSignedOff(signed) => {
                let Some(id) = PrivilegeId::parse(&signed.id).ok() else { return };
                let Some((one, by)) = self.all.get_mut(&id).zip(signed.by.parse().ok()) else { return };
                if one.signed_off.is_none() {
                    one.signed_off = Some(SignOff { by, at, reason: signed.reason.clone() });
                }
            }
            Event::PrivilegeUsed(used) => {
                let Some(id) = PrivilegeId::parse(&used.id).ok() else { return };
                if let Some(one) = self.all.get_mut(&id) {
                    one.used.insert(used.decision.as_str().into());
                }
            }
            _ => {}
        }
    }

    /// Notes that a token was shown.
    pub(super) fn see(&mut self, token: &str, expires: Timestamp) {
        self.tokens.insert(token.to_owned(), expires);
    }

    /// Forgets what has been over for long by the clock of the machine, as entries are dated by it, and that nobody must
    /// look at any more; of very much of it, the oldest.
    pub fn forget(&mut self, now: Timestamp) {
        self.tokens.retain(|_, expires| !is_good_for_nothing(*expires, now));
        // What jobs had is counted by itself: a busy day of them must not push out what people had.
        let (of_people, of_jobs) = (self.oldest_listed(false), self.oldest_listed(true));
        self.all.retain(|_, one| {
            let oldest = if one.what.lease().is_some() { of_jobs } else { of_people };
            one.over().is_none_or(|at| now.duration_since(at) < LISTED && oldest.is_none_or(|old| old <= at))
        });
    }

    /// When the oldest ended that is listed yet, of people or of jobs; `None` where all may be.
    fn oldest_listed(&self, of_jobs: bool) -> Option<Timestamp> {
        let of_those = self.iter().filter(|one| one.what.lease().is_some() == of_jobs);
        let mut ends: Vec<_> = of_those.filter_map(Privilege::over).collect();
        ends.sort_unstable();
        ends.len().checked_sub(MOST_LISTED).and_then(|excess| ends.get(excess).copied())
    }

    fn find_open(&mut self, id: &str) -> Option<&mut Privilege> {
        let one = self.all.get_mut(&PrivilegeId::parse(id).ok()?)?;
        (!matches!(one.stage, Stage::Ended { .. })).then_some(one)
    }

    /// Accounts for uses that were taken.
    pub(super) fn account(&mut self, used: &BTreeMap<PrivilegeId, BTreeSet<Box<str>>>) {
        for (id, decisions) in used {
            if let Some(one) = self.all.get_mut(id) {
                one.used.extend(decisions.iter().cloned());
            }
        }
    }

    pub(super) fn insert(&mut self, privilege: Privilege) {
        self.all.insert(privilege.id.clone(), privilege);
    }
}

/// Whether a token that expires then is taken by nobody any more, whatever leeway its issuer has, and however little the
/// clock goes back.
pub(super) fn is_good_for_nothing(expires: Timestamp, now: Timestamp) -> bool {
    now.duration_since(expires) > MOST_LEEWAY + SLACK
}

fn asked(entry: u64, request: &PrivilegeRequested, at: Timestamp) -> Option<Privilege> {
    Some(Privilege {
        id: PrivilegeId::parse(&request.id).ok()?,
        what: What::of(&request.privilege)?,
        by: request.by.parse().ok()?,
        on: what::repositories(&request.on).ok()?,
        refs: what::refs(&request.refs).ok()?,
        length: Duration::from_secs(request.seconds),
        reason: request.reason.clone(),
        needed: request.needed,
        asked: Time::from(at).timestamp(),
        entry,
        approvals: Vec::new(),
        stage: Stage::Waiting,
        signed_off: None,
        reminded: None,
        used: BTreeSet::new(),
    })
}

/// A username as text.
mod username {
    use oam_policy::Username;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(name: &Username, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(name.as_str())
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Username, D::Error> {
        let text = String::deserialize(deserializer)?;
        Username::parse(&text).map_err(D::Error::custom)
    }
}
