use std::{collections::BTreeSet, time::Duration};

use serde::Serialize;

use super::{Mode, RefSet, RepositorySet};
use crate::name::{RoleId, RuleId};

/// Break-glass: lifts rules for a short time, for somebody who may, on the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiver {
    /// The waiver's id.
    pub id: RuleId,
    /// Whether it lifts anything.
    pub mode: Mode,
    /// The blocks and requires that it may lift; none that is absolute.
    pub lifts: BTreeSet<RuleId>,
    /// Who may use it.
    pub to: BTreeSet<RoleId>,
    /// In which repositories.
    pub on: RepositorySet,
    /// On which refs.
    pub refs: RefSet,
    /// How long one use of it may last.
    pub max_time: Duration,
    /// Whether a use of it must say why.
    pub reason: bool,
    /// Somebody else, who holds one of these roles, must approve a use of it; none: nobody need.
    pub second_person: BTreeSet<RoleId>,
}
