//! What a pusher had for a while, as a decision's entry holds it: what decided it then decides it again.

use oam_audit::entry::{Lease, PrivilegeHeld, PrivilegeKind};
use oam_policy::{
    State, Username,
    decide::{ElevationUse, LeaseUse, WaiverUse},
    rule::{Asker, PathSet, RefSet, RepositorySet},
};

use super::{
    InForce,
    what::{self, What},
};

/// As an entry says it. `state` is of what concerns the pusher.
pub(crate) fn held(state: &State) -> Vec<PrivilegeHeld> {
    let grants = state.elevations.iter().map(|one| PrivilegeHeld {
        id: one.id.to_string(),
        privilege: PrivilegeKind::Grant { elevation: one.elevation.to_string(), role: one.role.to_string() },
        on: one.on.sources(),
        refs: one.refs.sources(),
        from: one.from.into(),
        to: one.to.into(),
        reason: one.reason.clone(),
        approved_by: named(&one.approved_by),
    });
    // What is only supposed has no id, and decides no push.
    let waivers = state.waivers.iter().filter_map(|one| {
        Some(PrivilegeHeld {
            id: one.id.as_ref()?.to_string(),
            privilege: PrivilegeKind::Waiver {
                waiver: one.waiver.to_string(),
                lifts: one.lifts.iter().map(ToString::to_string).collect(),
            },
            on: one.on.iter().flat_map(RepositorySet::sources).collect(),
            refs: one.refs.iter().flat_map(RefSet::sources).collect(),
            from: one.from.into(),
            to: one.to.into(),
            reason: one.reason.clone(),
            approved_by: named(one.approved_by.as_slice()),
        })
    });
    grants.chain(waivers).chain(state.leases.iter().map(of_lease)).collect()
}

/// Those who approved it. Whoever is only supposed has no name, and decides no push.
fn named(approved_by: &[Asker]) -> Vec<String> {
    let name = |asker: &Asker| match asker {
        Asker::User(user) => Some(user.as_str().to_owned()),
        Asker::Roles(_) => None,
    };
    approved_by.iter().filter_map(name).collect()
}

/// What `user` had, as an entry says it; `None` where it names something that this version does not know.
pub(crate) fn of_held(held: &[PrivilegeHeld], user: &Username) -> Option<InForce> {
    let InForce { mut elevations, mut waivers, mut leases } = InForce::default();
    for one in held {
        let id = one.id.parse().ok()?;
        let (on, refs) = (what::repositories(&one.on).ok()?, what::refs(&one.refs).ok()?);
        let (from, to) = (one.from.timestamp(), one.to.timestamp());
        let (by, reason) = (user.clone(), one.reason.clone());
        let approver = |name: &String| name.parse().ok().map(Asker::User);
        let approved_by: Vec<Asker> = one.approved_by.iter().map(approver).collect::<Option<_>>()?;
        match What::of(&one.privilege)? {
            What::Grant { elevation, role } => elevations.push(ElevationUse {
                id,
                elevation,
                role,
                by,
                on,
                refs,
                from,
                to,
                reason,
                approved_by,
            }),
            What::Waiver { waiver, lifts } => waivers.push(WaiverUse {
                id: Some(id),
                waiver,
                lifts,
                by,
                on: Some(on),
                refs: Some(refs),
                from,
                to,
                reason,
                approved_by: approved_by.into_iter().next(),
            }),
            What::Lease(lease) => leases.push(LeaseUse {
                id,
                workload: lease.workload,
                role: lease.role,
                issuer: lease.issuer,
                claims: lease.claims,
                by,
                on,
                refs,
                verbs: lease.verbs,
                commit: lease.commit,
                paths: lease.paths,
                by_token: lease.by_token,
                from,
                to,
            }),
        }
    }
    Some(InForce { elevations, waivers, leases })
}

/// A lease, as an entry says that somebody had it.
pub(super) fn of_lease(one: &LeaseUse) -> PrivilegeHeld {
    PrivilegeHeld {
        id: one.id.to_string(),
        privilege: PrivilegeKind::Lease(Box::new(lease(one))),
        on: one.on.sources(),
        refs: one.refs.sources(),
        from: one.from.into(),
        to: one.to.into(),
        reason: String::new(),
        approved_by: Vec::new(),
    }
}

/// A lease, without what tells its token: that is where the lease began.
fn lease(one: &LeaseUse) -> Lease {
    Lease {
        workload: one.workload.to_string(),
        role: one.role.to_string(),
        verbs: one.verbs.iter().map(|verb| verb.as_str().to_owned()).collect(),
        commit: one.commit.as_ref().map(ToString::to_string),
        paths: one.paths.iter().flat_map(PathSet::sources).collect(),
        by_token: one.by_token,
        issuer: one.issuer.clone(),
        claims: one.claims.iter().map(|(claim, text)| (claim.to_string(), text.clone())).collect(),
        given: None,
    }
}
