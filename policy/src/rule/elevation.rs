use std::{collections::BTreeSet, num::NonZeroU8, time::Duration};

use serde::Serialize;

use super::{Mode, RefSet, RepositorySet};
use crate::name::{RoleId, RuleId};

/// Lets people ask for what is granted to a role, for a short time, on the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Elevation {
    /// The elevation's id.
    pub id: RuleId,
    /// Whether it gives anything.
    pub mode: Mode,
    /// The roles that may be asked for.
    pub roles: BTreeSet<RoleId>,
    /// Who may ask.
    pub to: BTreeSet<RoleId>,
    /// In which repositories.
    pub on: RepositorySet,
    /// On which refs.
    pub refs: RefSet,
    /// How long it may last at most.
    pub max_time: Duration,
    /// Whether whoever asks must say why.
    pub reason: bool,
    /// Who must approve; `None`: nobody need.
    pub approval: Option<ElevationApproval>,
}

/// Who must approve what somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ElevationApproval {
    /// Others, who hold one of these roles.
    pub by: BTreeSet<RoleId>,
    /// How many of them.
    pub count: NonZeroU8,
    /// Whether it ends when one of them is cut off or loses these roles.
    pub ends_with_approver: bool,
}

impl ElevationApproval {
    /// The most approvals that an elevation may ask for.
    pub const MOST: u8 = 16;
}
