use std::sync::Arc;

use jiff::Timestamp;
use oam_policy::{
    Policy, RoleId,
    diff::{
        self, Because, Bounded, Class, Crowd, Holders, Limits, OfferChange, OfferPlace, Paths, Place,
        PolicyChange, PolicyDiff, RightChange, RoleChange, Whom,
    },
    fault::Faults,
    file,
};
use oam_proto::v1::{self, diff_policies_response::Step, path_change};
use tonic::Status;

use super::{
    convert,
    drafts::{DRAFTS, fits, in_turn},
    policy::{not_found, sources},
};
use crate::{config::AdminConfig, service::Live};

/// How many of one kind are told of one change.
const MOST: usize = 100;

/// Who could do what otherwise, and at last how much of the answer that is.
pub(super) async fn diff(
    live: Arc<Live>,
    asked: v1::DiffPoliciesRequest,
) -> Result<Vec<v1::DiffPoliciesResponse>, Status> {
    fits(&asked.files)?;
    in_turn(&DRAFTS, move || compared(&live, asked)).await?
}

/// It takes seconds.
fn compared(live: &Live, asked: v1::DiffPoliciesRequest) -> Result<Vec<v1::DiffPoliciesResponse>, Status> {
    let old = known(live, &asked.old)?;
    let new = match drafted(live, asked)? {
        Ok(new) => new,
        Err(faults) => return Ok(vec![step(Step::Faults(convert::faults(&faults)))]),
    };
    let loaded = live.directory.current();
    let info = loaded.as_ref().map(|loaded| convert::snapshot_info(&loaded.info));
    let snapshot = loaded.map(|loaded| loaded.snapshot.clone());
    let now = Timestamp::now();
    let digests = (old.digest().to_string(), new.digest().to_string());
    let approvals = (old.change().approvals, new.change().approvals);
    let found = diff::diff(&old, &new, snapshot.as_ref(), now, &Limits::default());
    let total = found.total() as u64;
    // The numbers are told also where they are the same.
    let PolicyDiff { changes, rights, roles, offers, approvals: _, exact, bounded } = found;
    let done = v1::PolicyDiffDone {
        old: digests.0,
        new: digests.1,
        changes: total,
        exact,
        bounded: bounded.into_iter().map(bound).collect(),
        snapshot: info,
        at_micros: convert::micros(now),
        approvals_before: approvals.0.into(),
        approvals_after: approvals.1.into(),
    };
    let changes = changes.iter().map(|change| step(Step::Change(to_wire(change))));
    let rights = rights.iter().map(|change| step(Step::Right(right(change))));
    let roles = roles.iter().map(|change| step(Step::Role(role(change, &live.config.admin))));
    let offers = offers.iter().map(|change| step(Step::Offer(offer(change))));
    Ok(changes.chain(rights).chain(roles).chain(offers).chain([step(Step::Done(done))]).collect())
}

fn step(step: Step) -> v1::DiffPoliciesResponse {
    v1::DiffPoliciesResponse { step: Some(step) }
}

/// The policy in force, one of the history, or a proposed one.
pub(super) fn known(live: &Live, digits: &str) -> Result<Arc<Policy>, Status> {
    if digits.is_empty() {
        let in_force = live.policies.live();
        return in_force
            .map(|live| Arc::clone(&live.policy))
            .ok_or_else(|| Status::failed_precondition("no policy is in force: `oam status` says why"));
    }
    let (_, files) = live.policies.find(digits).map_err(|error| not_found(&error))?;
    let policy = file::parse(&files).map_err(|faults| {
        Status::failed_precondition(format!(
            "policy `{digits}` is no policy for this version of oamd: {faults}"
        ))
    })?;
    Ok(Arc::new(policy))
}

fn drafted(live: &Live, asked: v1::DiffPoliciesRequest) -> Result<Result<Arc<Policy>, Faults>, Status> {
    if asked.files.is_empty() {
        return known(live, &asked.new).map(Ok);
    }
    Ok(file::parse(&sources(asked.files)?).map(Arc::new))
}

fn to_wire(change: &PolicyChange) -> v1::PolicyChange {
    v1::PolicyChange {
        effect: change.effect.as_str().to_owned(),
        verbs: change.verbs.iter().map(|verb| verb.to_string()).collect(),
        who: change.who.iter().take(MOST).map(holders).collect(),
        who_total: change.who.len() as u64,
        users: change.users() as u64,
        from_micros: change.from.map(convert::micros).unwrap_or_default(),
        to_micros: change.to.map(convert::micros).unwrap_or_default(),
        before: Some(because(&change.before)),
        after: Some(because(&change.after)),
        places: change.places.iter().take(MOST).map(place).collect(),
        places_total: change.places.len() as u64,
        weekly: change.is_weekly,
    }
}

fn right(change: &RightChange) -> v1::PolicyRightChange {
    let place = |place: &diff::RightPlace| v1::PolicyRightPlace {
        repositories: Some(class(&place.repositories)),
        repository: place.repository.to_string(),
    };
    let rules = |all: &[oam_policy::RuleId]| words(all.get(..MOST).unwrap_or(all));
    v1::PolicyRightChange {
        effect: change.effect.as_str().to_owned(),
        right: change.right.as_str().to_owned(),
        who: change.who.iter().take(MOST).map(holders).collect(),
        who_total: change.who.len() as u64,
        users: change.users() as u64,
        from_micros: change.from.map(convert::micros).unwrap_or_default(),
        to_micros: change.to.map(convert::micros).unwrap_or_default(),
        before: rules(&change.before),
        after: rules(&change.after),
        places: change.places.iter().take(MOST).map(place).collect(),
        places_total: change.places.len() as u64,
    }
}

/// The policy does not know who administers the daemon: the configuration does.
fn role(change: &RoleChange, admin: &AdminConfig) -> v1::PolicyRoleChange {
    let crowd = |crowd: &Crowd| v1::PolicyCrowd {
        users: crowd.users as u64,
        sample: crowd.sample.iter().map(|user| user.as_str().to_owned()).collect(),
    };
    v1::PolicyRoleChange {
        role: change.role.to_string(),
        before: change.before as u64,
        after: change.after as u64,
        gained: Some(crowd(&change.gained)),
        lost: Some(crowd(&change.lost)),
        uses: admin.uses_of(&change.role).chain(words(&change.uses)).collect(),
    }
}

fn because(because: &Because) -> v1::PolicyBecause {
    let lifting = because.lifting.as_ref().map(|lifting| v1::PolicyLifting {
        rules: words(&lifting.rules),
        conditions: words(&lifting.conditions),
    });
    v1::PolicyBecause {
        permitted: because.permitted,
        rules: words(&because.rules),
        conditions: words(&because.conditions),
        requires: words(&because.requires),
        lifting,
    }
}

fn words<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(T::to_string).collect()
}

fn holders(holders: &Holders) -> v1::PolicyChangeHolders {
    let names =
        |roles: &Option<Vec<RoleId>>| roles.iter().flatten().map(RoleId::to_string).collect::<Vec<_>>();
    v1::PolicyChangeHolders {
        known_before: holders.before.is_some(),
        roles_before: names(&holders.before),
        known_after: holders.after.is_some(),
        roles_after: names(&holders.after),
        users: holders.users as u64,
        sample: holders.sample.iter().map(|user| user.as_str().to_owned()).collect(),
    }
}

fn offer(change: &OfferChange) -> v1::PolicyOfferChange {
    let (people, job) = match &change.who {
        Whom::People(people) => (people.as_slice(), None),
        Whom::Job(job) => {
            let claims = job.claims.iter().map(|(path, value)| (path.to_string(), value.clone()));
            (&[][..], Some(v1::PolicyJob { issuer: job.issuer.clone(), claims: claims.collect() }))
        }
    };
    v1::PolicyOfferChange {
        effect: change.effect.as_str().to_owned(),
        role: change.role.to_string(),
        verbs: change.verbs.iter().map(|verb| verb.to_string()).collect(),
        who: people.iter().take(MOST).map(holders).collect(),
        who_total: people.len() as u64,
        users: change.users() as u64,
        job,
        before: words(&change.before),
        after: words(&change.after),
        places: change.places.iter().take(MOST).map(offer_place).collect(),
        places_total: change.places.len() as u64,
    }
}

fn offer_place(place: &OfferPlace) -> v1::PolicyOfferPlace {
    v1::PolicyOfferPlace {
        repositories: Some(class(&place.repositories)),
        refs: Some(class(&place.refs)),
        repository: place.repository.to_string(),
        r#ref: place.name.as_bytes().to_vec(),
        username: place.user.as_ref().map(|user| user.as_str().to_owned()).unwrap_or_default(),
    }
}

fn class(class: &Class) -> v1::PatternClass {
    v1::PatternClass { within: class.within.clone(), without: class.without.clone() }
}

fn place(place: &Place) -> v1::PolicyChangePlace {
    let witness = &place.witness;
    let paths = match &place.paths {
        Paths::Whatever => path_change::Paths::Whatever(true),
        Paths::Nothing => path_change::Paths::Nothing(true),
        Paths::NoneOf(patterns) => {
            path_change::Paths::NoneOf(v1::PatternClass { within: Vec::new(), without: patterns.clone() })
        }
        Paths::Of(paths) => path_change::Paths::Of(class(paths)),
    };
    v1::PolicyChangePlace {
        repositories: Some(class(&place.repositories)),
        refs: Some(class(&place.refs)),
        witness: Some(v1::PolicyWitness {
            username: witness.user.as_str().to_owned(),
            is_person: witness.is_person,
            verb: witness.verb.to_string(),
            repository: witness.repository.to_string(),
            r#ref: witness.name.as_bytes().to_vec(),
            at_micros: convert::micros(witness.at),
            path: witness.path.as_ref().map(|path| path.as_bytes().to_vec()).unwrap_or_default(),
        }),
        paths: Some(v1::PathChange { paths: Some(paths) }),
    }
}

fn bound(bounded: Bounded) -> v1::PolicyDiffBound {
    let Bounded { why, patterns, patterns_total } = bounded;
    v1::PolicyDiffBound { why: why.to_owned(), patterns, patterns_total: patterns_total as u64 }
}
