use std::collections::BTreeSet;

use serde::Serialize;

use super::{Mode, PathSet, RefSet, RepositorySet, VerbSet, Window};
use crate::name::{RoleId, RuleId, Username, UsernameKey};

/// Adds a right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// The grant's id.
    pub id: RuleId,
    /// Whether it decides.
    pub mode: Mode,
    /// The roles that receive the right.
    pub to: BTreeSet<RoleId>,
    /// A single person who receives it, as an exception in time.
    pub user: Option<UserException>,
    /// The repositories.
    pub on: RepositorySet,
    /// The refs.
    pub refs: RefSet,
    /// The verbs.
    pub verbs: VerbSet,
    /// Changes to these paths only; `None`: whatever changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<PathSet>,
    /// When it is live. `expires` in the language is the end.
    pub window: Window,
}

/// A grant to one person: always with an end, and with somebody who answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserException {
    /// Who receives the right.
    pub user: Username,
    /// Who approved it.
    pub approved_by: Username,
}

impl Grant {
    /// The role through which the grant reaches a holder of `roles` called `user`; `None` inside when it names the
    /// person directly, `None` outside when it does not reach them.
    pub fn reaches<'r>(
        &self,
        user: &UsernameKey,
        roles: impl IntoIterator<Item = &'r RoleId>,
    ) -> Option<Option<RoleId>> {
        if self.user.as_ref().is_some_and(|exception| exception.user.key() == *user) {
            return Some(None);
        }
        roles.into_iter().find(|role| self.to.contains(role)).cloned().map(Some)
    }
}
