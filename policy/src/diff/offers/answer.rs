//! What is told of what may be asked for.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use super::super::{Class, Holders, lifting::length};
use crate::{
    name::{ClaimPath, RefName, Repository, RoleId, RuleId, Username, UsernameKey},
    printable::Printable,
    rule::{Elevation, VerbSet},
};

/// Something that may be asked for otherwise than before: a role, for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferChange {
    /// How.
    pub effect: OfferEffect,
    /// Which role.
    pub role: RoleId,
    /// What a lease may be for; no verb where it is no lease.
    pub verbs: VerbSet,
    /// Who may ask otherwise, or approve.
    pub who: Whom,
    /// On which terms before; none: not at all.
    pub before: Vec<OfferTerms>,
    /// On which terms now; none: not at all. Of those who approve, what is new.
    pub after: Vec<OfferTerms>,
    /// Where; at least one.
    pub places: Vec<OfferPlace>,
}

/// Who asks, or approves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// People, by those of their roles that matter to it; at least one entry.
    People(Vec<Holders>),
    /// A job, by what its token says.
    Job(Job),
}

/// A job whose token says just this of what workloads ask for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Job {
    /// Who issued it.
    pub issuer: String,
    /// What it says.
    pub claims: BTreeMap<ClaimPath, String>,
}

/// How it is otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OfferEffect {
    /// People may ask for a role who might not.
    MayAsk,
    /// …and those who might may no longer.
    MayNoLongerAsk,
    /// …and may on other terms.
    AsksOtherwise,
    /// People may approve what others ask for who might not.
    MayApprove,
    /// …and those who might may no longer.
    MayNoLongerApprove,
    /// A job may exchange its token for a lease that it could not have.
    MayLease,
    /// …and may no longer.
    MayNoLongerLease,
    /// …and may on other terms.
    LeasesOtherwise,
}

impl OfferEffect {
    /// Each of them.
    pub const ALL: [Self; 8] = [
        Self::MayAsk,
        Self::MayNoLongerAsk,
        Self::AsksOtherwise,
        Self::MayApprove,
        Self::MayNoLongerApprove,
        Self::MayLease,
        Self::MayNoLongerLease,
        Self::LeasesOtherwise,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MayAsk => "may-ask",
            Self::MayNoLongerAsk => "may-no-longer-ask",
            Self::AsksOtherwise => "asks-otherwise",
            Self::MayApprove => "may-approve",
            Self::MayNoLongerApprove => "may-no-longer-approve",
            Self::MayLease => "may-lease",
            Self::MayNoLongerLease => "may-no-longer-lease",
            Self::LeasesOtherwise => "leases-otherwise",
        }
    }

    /// What the word means.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effect| effect.as_str() == word)
    }
}

/// Terms on which something may be had, or whose requests somebody may approve.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OfferTerms {
    /// Of an elevation.
    Ask(AskTerms),
    /// What the holders of these roles ask for.
    Approve(BTreeSet<RoleId>),
    /// Of a workload.
    Lease(LeaseTerms),
}

/// What it takes to be given a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskTerms {
    /// The elevation.
    pub elevation: RuleId,
    /// How long it lasts at most.
    pub max_time: Duration,
    /// Whether a reason must be given.
    pub reason: bool,
    /// How many others must approve; 0: nobody need.
    pub approvals: u8,
    /// Who they are: holders of one of these roles.
    pub approved_by: BTreeSet<RoleId>,
    /// Whether it ends with them.
    pub ends_with_approver: bool,
}

/// What a lease is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseTerms {
    /// The workload.
    pub workload: RuleId,
    /// Who pushes with it, in lower case.
    pub principal: UsernameKey,
    /// How long it lasts at most, by the workload and the role.
    pub max_lease: Duration,
    /// For how many pushes it is at most.
    pub uses: u32,
    /// For changes to these paths only; `None`: whatever changes.
    pub paths: Option<Vec<String>>,
}

/// Refs within repositories, and one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferPlace {
    /// The repositories. Their patterns are in lower case.
    pub repositories: Class,
    /// The refs. `${user}` stands for each of those who ask.
    pub refs: Class,
    /// A repository among these…
    pub repository: Repository,
    /// …and a ref: one that git accepts.
    pub name: RefName,
    /// Whose `${user}` it is: one of the people; `None` of jobs, and where they are nobody in the directory.
    pub user: Option<Username>,
}

impl OfferChange {
    /// How many people and services it happens to.
    pub fn users(&self) -> usize {
        match &self.who {
            Whom::People(who) => who.iter().map(|holders| holders.users).sum(),
            Whom::Job(_) => 0,
        }
    }
}

impl OfferTerms {
    /// How much is told, in words.
    pub(super) fn words(&self) -> usize {
        match self {
            Self::Ask(terms) => 1 + terms.approved_by.len(),
            Self::Approve(roles) => roles.len(),
            Self::Lease(terms) => 1 + terms.paths.as_ref().map_or(0, Vec::len),
        }
    }
}

impl AskTerms {
    pub(super) fn of(rule: &Elevation) -> Self {
        let approval = rule.approval.as_ref();
        Self {
            elevation: rule.id.clone(),
            max_time: rule.max_time,
            reason: rule.reason,
            approvals: approval.map_or(0, |approval| approval.count.get()),
            approved_by: approval.map(|approval| approval.by.clone()).unwrap_or_default(),
            ends_with_approver: approval.is_some_and(|approval| approval.ends_with_approver),
        }
    }

    /// All but what the elevation is called.
    pub(super) fn plain(&self) -> (Duration, bool, u8, &BTreeSet<RoleId>, bool) {
        (self.max_time, self.reason, self.approvals, &self.approved_by, self.ends_with_approver)
    }
}

impl fmt::Display for OfferTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask(terms) => terms.fmt(f),
            Self::Approve(roles) => write!(f, "what is asked for by {}", any_of(roles)),
            Self::Lease(terms) => terms.fmt(f),
        }
    }
}

impl fmt::Display for AskTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = if self.reason { ", with a reason" } else { ", without a reason" };
        write!(f, "`{}` (for up to {}{reason}", self.elevation, length(self.max_time))?;
        match self.approvals {
            0 => f.write_str(", without an approval")?,
            1 => write!(f, ", with 1 approval by {}", any_of(&self.approved_by))?,
            count => write!(f, ", with {count} approvals by {}", any_of(&self.approved_by))?,
        }
        if self.approvals > 0 && !self.ends_with_approver {
            f.write_str(", which stays when they go")?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for LeaseTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (principal, time) = (Printable::new(self.principal.as_str()), length(self.max_lease));
        let pushes = if self.uses == 1 { "1 push".to_owned() } else { format!("{} pushes", self.uses) };
        write!(f, "`{}` (as `{principal}`, for up to {time} and {pushes}", self.workload)?;
        if let Some(paths) = &self.paths {
            write!(f, ", changing only {}", Printable::new(paths.join(", ").as_str()))?;
        }
        f.write_str(")")
    }
}

/// As the policy says it: the issuer, and each claim.
impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Printable::new(self.issuer.as_str()))?;
        for (path, value) in &self.claims {
            write!(
                f,
                ", {} = {}",
                Printable::new(path.to_string().as_str()),
                Printable::new(value.as_str())
            )?;
        }
        Ok(())
    }
}

fn any_of(roles: &BTreeSet<RoleId>) -> String {
    roles.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(" or ")
}
