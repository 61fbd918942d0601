use std::{collections::BTreeSet, time::Duration};

use oam_audit::entry::PrivilegeKind;
use oam_policy::{
    RoleId, RuleId,
    rule::{PatternError, RefSet, RepositorySet},
};

/// What somebody has, or asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// What is granted to a role.
    Grant {
        /// The elevation that allows it.
        elevation: RuleId,
        /// The role.
        role: RoleId,
    },
    /// To lift rules.
    Waiver {
        /// The waiver that allows it.
        waiver: RuleId,
        /// The rules.
        lifts: BTreeSet<RuleId>,
    },
}

impl What {
    /// The rule of the policy that allows it.
    pub fn rule(&self) -> &RuleId {
        match self {
            Self::Grant { elevation, .. } => elevation,
            Self::Waiver { waiver, .. } => waiver,
        }
    }

    /// Whether it lifts rules.
    pub fn is_waiver(&self) -> bool {
        matches!(self, Self::Waiver { .. })
    }

    /// What the log says, when it is understood.
    pub fn of(kind: &PrivilegeKind) -> Option<Self> {
        Some(match kind {
            PrivilegeKind::Grant { elevation, role } => {
                Self::Grant { elevation: elevation.parse().ok()?, role: role.parse().ok()? }
            }
            PrivilegeKind::Waiver { waiver, lifts } => Self::Waiver {
                waiver: waiver.parse().ok()?,
                lifts: lifts.iter().map(|rule| rule.parse().ok()).collect::<Option<_>>()?,
            },
        })
    }

    /// As the log says it.
    pub fn kind(&self) -> PrivilegeKind {
        match self {
            Self::Grant { elevation, role } => {
                PrivilegeKind::Grant { elevation: elevation.to_string(), role: role.to_string() }
            }
            Self::Waiver { waiver, lifts } => PrivilegeKind::Waiver {
                waiver: waiver.to_string(),
                lifts: lifts.iter().map(ToString::to_string).collect(),
            },
        }
    }

    /// In words: "the role `r`", "to lift `a` and `b`".
    pub fn told(&self) -> String {
        match self {
            Self::Grant { role, .. } => format!("what the role `{role}` is granted"),
            Self::Waiver { lifts, .. } => {
                let lifts: Vec<_> = lifts.iter().map(|rule| format!("`{rule}`")).collect();
                format!("to lift {}", lifts.join(" and "))
            }
        }
    }
}

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// A role, or rules to lift.
    pub wanted: Wanted,
    /// In which repositories.
    pub on: RepositorySet,
    /// On which refs.
    pub refs: RefSet,
    /// For how long.
    pub length: Duration,
    /// Why.
    pub reason: String,
}

/// What is wanted, before it is known which rule allows it.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// What is granted to this role.
    Role(RoleId),
    /// To lift these rules.
    Lift(BTreeSet<RuleId>),
}

/// The repositories that these patterns match.
pub(super) fn repositories(patterns: &[String]) -> Result<RepositorySet, PatternError> {
    let parsed = patterns.iter().map(|one| RepositorySet::parse_one(one)).collect::<Result<Vec<_>, _>>()?;
    RepositorySet::new(parsed)
}

/// The refs that these patterns match.
pub(super) fn refs(patterns: &[String]) -> Result<RefSet, PatternError> {
    let parsed = patterns.iter().map(|one| RefSet::parse_one(one)).collect::<Result<Vec<_>, _>>()?;
    RefSet::new(parsed)
}

impl Ask {
    /// Reads what somebody asks for.
    ///
    /// # Errors
    /// When a pattern is none.
    pub fn new(
        wanted: Wanted,
        on: &[String],
        refs: &[String],
        length: Duration,
        reason: String,
    ) -> Result<Self, PatternError> {
        Ok(Self { wanted, on: repositories(on)?, refs: self::refs(refs)?, length, reason })
    }
}
