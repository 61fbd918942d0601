use std::collections::BTreeSet;

use serde::Serialize;

use super::{Mode, PathSet, RefSet, RepositorySet, VerbSet, Window};
use crate::name::{RoleId, RuleId};

/// Forbids, for everyone including Bitbucket's administrators. It never says who: it says who is excepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Block {
    /// The block's id.
    pub id: RuleId,
    /// Whether it decides.
    pub mode: Mode,
    /// The repositories.
    pub on: RepositorySet,
    /// The refs.
    pub refs: RefSet,
    /// The verbs that are forbidden.
    pub verbs: VerbSet,
    /// Changes to these paths only; `None`: whatever changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<PathSet>,
    /// When it is live.
    pub window: Window,
    /// Roles that it does not bind.
    pub except: BTreeSet<RoleId>,
    /// No waiver lifts it.
    pub absolute: bool,
    /// What the author wants a refused person to read.
    pub help: Option<String>,
}

impl Block {
    /// Whether the block binds somebody who holds `roles`.
    pub fn binds(&self, roles: &[RoleId]) -> bool {
        !roles.iter().any(|role| self.except.contains(role))
    }
}
