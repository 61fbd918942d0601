use std::{borrow::Cow, sync::Arc};

use crate::{
    name::{RoleId, Username},
    reason::RefusalReason,
    rule::{Policy, RolePlaces},
    snapshot::{Place, Snapshot, UserView},
};

/// Who asks, as far as the directory and the policy know them. It borrows from those, and is found with each decision.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// The name: as the directory spells it where it knows them, else as the git server gave it.
    pub username: Cow<'a, Username>,
    /// What kind of principal it is.
    pub kind: PrincipalKind,
    /// The roles held, by their places among those of the policy.
    held: RolePlaces,
    /// All roles of the policy.
    roles: Cow<'a, Arc<[RoleId]>>,
}

/// How a principal is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind {
    /// In the directory.
    User,
    /// Not in the directory, and named as a service principal by a role or a workload.
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

impl<'a> Subject<'a> {
    /// Somebody of whom nothing is known, because there is nothing to know it from.
    pub(super) fn unresolved(pusher: &'a Username) -> Self {
        let (held, roles) = (RolePlaces::default(), Cow::default());
        Self { username: Cow::Borrowed(pusher), kind: PrincipalKind::Unknown, held, roles }
    }

    /// Somebody of whom nothing is known but their roles.
    pub(crate) fn holder<'r>(policy: &'a Policy, roles: impl IntoIterator<Item = &'r RoleId>) -> Self {
        let all = &policy.compiled().roles;
        let place = |id: &RoleId| u32::try_from(all.binary_search(id).ok()?).ok();
        let held = roles.into_iter().filter_map(place).collect();
        let username = Cow::Owned(Username::anybody());
        Self { username, kind: PrincipalKind::User, held, roles: Cow::Borrowed(all) }
    }

    /// The same, on its own.
    pub fn into_owned(self) -> Subject<'static> {
        let (username, roles) = (Cow::Owned(self.username.into_owned()), Cow::Owned(self.roles.into_owned()));
        Subject { username, kind: self.kind, held: self.held, roles }
    }

    /// The roles held, ascending.
    pub fn roles(&self) -> impl Iterator<Item = &RoleId> {
        self.held.iter().filter_map(|place| self.roles.get(place as usize))
    }

    /// The roles held, as the policy numbers them.
    pub(super) fn held(&self) -> &RolePlaces {
        &self.held
    }

    /// Finds out who `pusher` is, and why they may not act at all, if so.
    pub fn resolve(
        policy: &'a Policy,
        snapshot: &'a Snapshot,
        pusher: &'a Username,
    ) -> (Self, Option<RefusalReason>) {
        let folded = pusher.folded();
        let found = snapshot.find(&folded);
        let subject = Self::known_as(policy, snapshot, found, pusher, &folded);
        let username = || subject.username.clone().into_owned();
        let revocation = match found {
            Some((_, user)) => user.revocation(),
            None => snapshot.revocations().get(&*folded),
        };
        let bar = match (revocation, subject.kind, found) {
            (Some(revocation), _, _) => {
                Some(RefusalReason::Revoked { username: username(), since: revocation.at })
            }
            (None, PrincipalKind::User, Some((_, user))) if !user.is_active() => {
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
        policy: &'a Policy,
        snapshot: &Snapshot,
        found: Option<(Place, UserView<'a>)>,
        pusher: &'a Username,
        folded: &str,
    ) -> Self {
        let compiled = policy.compiled();
        let mut held = found.map(|(place, _)| policy.roles_at(place, snapshot)).unwrap_or_default();
        let service = compiled.services.get(folded);
        for place in service.into_iter().flatten() {
            held.insert(*place);
        }
        let kind = match found {
            Some(_) => PrincipalKind::User,
            None if service.is_some() => PrincipalKind::Service,
            None => PrincipalKind::Unknown,
        };
        let username = Cow::Borrowed(found.map_or(pusher, |(_, user)| user.username()));
        Self { username, kind, held, roles: Cow::Borrowed(&compiled.roles) }
    }
}

/// Whoever is called the same and holds the same is the same, whatever other roles there are.
impl PartialEq for Subject<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.username == other.username && self.kind == other.kind && self.roles().eq(other.roles())
    }
}

impl Eq for Subject<'_> {}
