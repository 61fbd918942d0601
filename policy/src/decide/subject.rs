use crate::{
    name::{RoleId, Username, UsernameKey},
    reason::RefusalReason,
    rule::{Policy, RoleBits},
    snapshot::{Snapshot, UserView},
};

/// Who asks, as far as the directory and the policy know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The name: as the directory spells it where it knows them, else as the git server gave it.
    pub username: Username,
    /// What kind of principal it is.
    pub kind: PrincipalKind,
    /// The roles held, ascending.
    pub roles: Vec<RoleId>,
    /// The same roles, as the policy numbers them.
    held: RoleBits,
}

/// How a principal is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind {
    /// In the directory.
    User,
    /// Not in the directory, and named as a service principal by a role.
    Service,
    /// Neither: an access key, a token's own account, somebody who is gone. Never guessed at.
    Unknown,
}

impl PrincipalKind {
    /// The kind's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::Unknown => "unknown",
        }
    }
}

impl Subject {
    /// Somebody of whom nothing is known, because there is nothing to know it from.
    pub(super) fn unresolved(pusher: &Username) -> Self {
        let held = RoleBits::default();
        Self { username: pusher.clone(), kind: PrincipalKind::Unknown, roles: Vec::new(), held }
    }

    /// Somebody of whom nothing is known but their roles.
    pub(crate) fn holder<'r>(policy: &Policy, roles: impl IntoIterator<Item = &'r RoleId>) -> Self {
        let mut held = RoleBits::default();
        for id in roles {
            if let Ok(place) = policy.roles().binary_search_by(|role| role.id.cmp(id)) {
                held.insert(place);
            }
        }
        Self { username: Username::anybody(), kind: PrincipalKind::User, roles: policy.named(&held), held }
    }

    /// The roles held, as the policy numbers them.
    pub(super) fn held(&self) -> &RoleBits {
        &self.held
    }

    /// Finds out who `pusher` is, and why they may not act at all, if so.
    pub fn resolve(policy: &Policy, snapshot: &Snapshot, pusher: &Username) -> (Self, Option<RefusalReason>) {
        let key = pusher.key();
        let user = snapshot.user(&key);
        let subject = Self::known_as(policy, snapshot, user.as_ref(), pusher, &key);
        let username = || subject.username.clone();
        let bar = match (snapshot.revocations().get(&key), subject.kind, user) {
            (Some(revocation), _, _) => {
                Some(RefusalReason::Revoked { username: username(), since: revocation.at })
            }
            (None, PrincipalKind::User, Some(user)) if !user.is_active() => {
                Some(RefusalReason::AccountDisabled { username: username() })
            }
            (None, PrincipalKind::Unknown, _) => {
                Some(RefusalReason::UnknownPrincipal { username: username() })
            }
            _ => None,
        };
        (subject, bar)
    }

    fn known_as(
        policy: &Policy,
        snapshot: &Snapshot,
        user: Option<&UserView<'_>>,
        pusher: &Username,
        key: &UsernameKey,
    ) -> Self {
        let holders = || policy.holders(snapshot.groups_table());
        let mut held = user.map(|user| holders().roles(user.group_positions())).unwrap_or_default();
        for place in policy.compiled().services.get(key).into_iter().flatten() {
            held.insert(*place);
        }
        let roles = policy.named(&held);
        let kind = match user {
            Some(_) => PrincipalKind::User,
            None if !roles.is_empty() => PrincipalKind::Service,
            None => PrincipalKind::Unknown,
        };
        let username = user.map_or(pusher, UserView::username).clone();
        Self { username, kind, roles, held }
    }
}
