use std::{collections::BTreeSet, time::Duration};

use serde::Serialize;

use crate::{
    name::{GroupName, RoleId, UsernameKey},
    snapshot::UserView,
};

/// Maps groups of the identity provider, or named service principals, to a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Role {
    /// The role's id.
    pub id: RoleId,
    /// A member is in at least one of these, when there are any…
    pub any: BTreeSet<GroupName>,
    /// …and in every one of these.
    pub all: BTreeSet<GroupName>,
    /// Service principals that hold the role by name.
    pub service: BTreeSet<UsernameKey>,
    /// How long the role may be assumed at once.
    pub max_lease: Option<Duration>,
    /// Roles that nobody should hold together with this one. It decides nothing: `oam policy check` warns.
    #[serde(skip)]
    pub exclusive: BTreeSet<RoleId>,
}

impl Role {
    /// Whether anybody can hold it through their groups.
    pub fn names_groups(&self) -> bool {
        !self.any.is_empty() || !self.all.is_empty()
    }

    /// Whether somebody of the directory holds the role through their groups.
    pub fn holds_by_group(&self, user: &UserView<'_>) -> bool {
        self.is_of_member(|group| user.is_member_of(group))
    }

    /// Whether whoever is a member of these groups holds the role through them.
    pub fn is_of_member(&self, is_member_of: impl Fn(&GroupName) -> bool) -> bool {
        let any = self.any.is_empty() || self.any.iter().any(&is_member_of);
        self.names_groups() && any && self.all.iter().all(is_member_of)
    }
}
