use std::{borrow::Cow, sync::Arc};

use crate::{
    name::{RoleId, Username},
    reason::RefusalReason,
    rule::{HoldersIn, Policy, RolePlaces},
    snapshot::{Place, Snapshot},
};

/// Who asks, as far as the directory and the policy know them. It borrows from those, and is found with each decision.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// The name: as the directory spells it where it knows them, else as the git server gave it.
    pub username: Cow<'a, Username>,
    /// What kind of principal it is.
    pub kind: PrincipalKind,
    /// The roles held, by their places among those of the policy.
    held: Cow<'a, RolePlaces>,
    /// All roles of the policy.
    roles: Cow<'a, Arc<[RoleId]>>,
}

/// Somebody who may not act at all, and why.
pub(super) struct Barred<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) reason: RefusalReason,
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
        let (held, roles) = (Cow::default(), Cow::default());
        Self { username: Cow::Borrowed(pusher), kind: PrincipalKind::Unknown, held, roles }
    }

    /// Somebody of whom nothing is known but their roles.
    pub(crate) fn holder<'r>(policy: &'a Policy, roles: impl IntoIterator<Item = &'r RoleId>) -> Self {
        let all = &policy.compiled().roles;
        let place = |id: &RoleId| u32::try_from(all.binary_search(id).ok()?).ok();
        let held = Cow::Owned(roles.into_iter().filter_map(place).collect());
        let username = Cow::Owned(Username::anybody());
        Self { username, kind: PrincipalKind::User, held, roles: Cow::Borrowed(all) }
    }

    /// The same, on its own.
    pub fn into_owned(self) -> Subject<'static> {
        let (username, roles) = (Cow::Owned(self.username.into_owned()), Cow::Owned(self.roles.into_owned()));
        Subject { username, kind: self.kind, held: Cow::Owned(self.held.into_owned()), roles }
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
        let holders = policy.holders(snapshot);
        let held = |place| Cow::Owned(holders.roles_at(place).into_owned());
        match Self::of(policy, snapshot, pusher, held) {
            Ok(subject) => (subject, None),
            Err(barred) => (barred.subject, Some(barred.reason)),
        }
    }

    /// The same, by what the roles of the policy mean in the directory; nothing is copied.
    #[inline]
    pub(super) fn known(
        policy: &'a Policy,
        snapshot: &'a Snapshot,
        holders: &'a HoldersIn<'_>,
        pusher: &'a Username,
    ) -> Result<Self, Box<Barred<'a>>> {
        Self::of(policy, snapshot, pusher, |place| holders.roles_at(place))
    }

    #[inline]
    fn of(
        policy: &'a Policy,
        snapshot: &'a Snapshot,
        pusher: &'a Username,
        held: impl FnOnce(Place) -> Cow<'a, RolePlaces>,
    ) -> Result<Self, Box<Barred<'a>>> {
        let (folded, compiled) = (pusher.folded(), policy.compiled());
        let (found, service) = (snapshot.find(&folded), compiled.services.get(&*folded));
        let kind = match (found, service) {
            (Some(_), _) => PrincipalKind::User,
            (None, Some(_)) => PrincipalKind::Service,
            (None, None) => PrincipalKind::Unknown,
        };
        let username = Cow::Borrowed(found.map_or(pusher, |(_, user)| user.username()));
        let held = found.map_or_else(Cow::default, |(place, _)| held(place));
        let mut subject = Self { username, kind, held, roles: Cow::Borrowed(&compiled.roles) };
        for place in service.into_iter().flatten() {
            subject.held.to_mut().insert(*place);
        }
        let revocation = match found {
            Some((_, user)) => user.revocation(),
            None => snapshot.revocations().get(&*folded),
        };
        let is_disabled = found.is_some_and(|(_, user)| !user.is_active());
        if revocation.is_none() && !is_disabled && kind != PrincipalKind::Unknown {
            return Ok(subject);
        }
        let username = subject.username.clone().into_owned();
        let reason = match revocation {
            Some(revocation) => RefusalReason::Revoked { username, since: revocation.at },
            None if is_disabled => RefusalReason::AccountDisabled { username },
            None => RefusalReason::UnknownPrincipal { username },
        };
        Err(Box::new(Barred { subject, reason }))
    }
}

/// Whoever is called the same and holds the same is the same, whatever other roles there are.
impl PartialEq for Subject<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.username == other.username && self.kind == other.kind && self.roles().eq(other.roles())
    }
}

impl Eq for Subject<'_> {}
