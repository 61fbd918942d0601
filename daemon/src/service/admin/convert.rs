use std::collections::BTreeSet;

use jiff::Timestamp;
use oam_policy::{
    RoleId,
    fault::{Fault, Faults},
    rule::PathSet,
    snapshot::{Revocation, UserView},
};
use oam_proto::v1;
use tonic::Status;

use super::unavailable;
use crate::{
    directory::ChangeError,
    privilege::{Privilege, Stage, What},
    store::{ArchiveError, SnapshotInfo},
};

/// Microseconds since 1970.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub(super) fn snapshot_info(info: &SnapshotInfo) -> v1::SnapshotInfo {
    v1::SnapshotInfo {
        generation: info.version.generation,
        digest: info.version.digest.to_string(),
        as_of_micros: micros(info.as_of),
        users: info.counts.users,
        active_users: info.counts.active_users,
        groups: info.counts.groups,
        memberships: info.counts.memberships,
        revocations: info.counts.revocations,
        cause: info.cause.code().to_owned(),
        actor: info.actor.clone(),
        reason: info.reason.clone(),
        changed_micros: micros(info.changed_at),
    }
}

pub(super) fn faults(faults: &Faults) -> v1::Faults {
    v1::Faults { faults: faults.iter().map(fault).collect(), total: faults.total() }
}

fn fault(fault: &Fault) -> v1::Fault {
    v1::Fault {
        file: fault.file.clone(),
        line: fault.line,
        column: fault.column,
        message: fault.message.clone(),
        help: fault.help.clone().unwrap_or_default(),
        excerpt: fault.excerpt.clone(),
        length: fault.length,
    }
}

/// What somebody has for a while; `answering`: the roles whose holders may answer; `used`: how often, of a lease.
pub(super) fn privilege(one: &Privilege, answering: &BTreeSet<RoleId>, used: u32) -> v1::Privilege {
    let (role, lifts) = match &one.what {
        What::Grant { role, .. } => (role.to_string(), Vec::new()),
        What::Waiver { lifts, .. } => (String::new(), lifts.iter().map(ToString::to_string).collect()),
        What::Lease(lease) => (lease.role.to_string(), Vec::new()),
    };
    let (stage, ended) = match one.stage {
        Stage::Waiting => ("waiting", ""),
        Stage::Live { .. } => ("live", ""),
        Stage::Ended { cause, .. } => ("ended", cause.as_str()),
    };
    let time = one.time();
    v1::Privilege {
        id: one.id.to_string(),
        kind: one.what.word().to_owned(),
        rule: one.what.rule().to_string(),
        role,
        lifts,
        username: one.by.as_str().to_owned(),
        on: one.on.sources(),
        refs: one.refs.sources(),
        seconds: one.length.as_secs(),
        reason: one.reason.clone(),
        needed: one.needed,
        approvals: one
            .approvals
            .iter()
            .map(|approval| v1::PrivilegeApproval {
                by: approval.by.as_str().to_owned(),
                at_micros: micros(approval.at),
            })
            .collect(),
        asked_micros: micros(one.asked),
        stage: stage.to_owned(),
        from_micros: time.map(|(from, _)| micros(from)).unwrap_or_default(),
        to_micros: time.map(|(_, to)| micros(to)).unwrap_or_default(),
        ended: ended.to_owned(),
        signed_off: one.signed_off.as_ref().map(|signed| v1::PrivilegeSignOff {
            by: signed.by.as_str().to_owned(),
            at_micros: micros(signed.at),
            reason: signed.reason.clone(),
        }),
        wants_sign_off: one.wants_sign_off(),
        answering: answering.iter().map(ToString::to_string).collect(),
        lease: one.what.lease().map(|lease| v1::LeaseDetails {
            verbs: lease.verbs.iter().map(|verb| verb.as_str().to_owned()).collect(),
            commit: lease.commit.as_ref().map(ToString::to_string).unwrap_or_default(),
            uses: lease.uses(),
            used,
            issuer: lease.issuer.clone(),
            claims: lease.claims.iter().map(|(claim, text)| (claim.to_string(), text.clone())).collect(),
            paths: lease.paths.iter().flat_map(PathSet::sources).collect(),
            by_token: lease.by_token,
        }),
    }
}

/// A user without roles, which take a policy to know.
pub(super) fn user(user: &UserView<'_>) -> v1::User {
    v1::User {
        username: user.username().as_str().to_owned(),
        id: user.id().unwrap_or_default().to_owned(),
        display_name: user.display_name().unwrap_or_default().to_owned(),
        emails: user.emails().map(str::to_owned).collect(),
        active: user.is_active(),
        active_at_source: user.active_at_source(),
        groups: user.groups().map(|group| format!("{}:{}", group.source(), group.name())).collect(),
        roles: Vec::new(),
        revocation: user.revocation().map(revocation),
        in_directory: true,
    }
}

pub(super) fn revocation(revocation: &Revocation) -> v1::Revocation {
    v1::Revocation {
        at_micros: micros(revocation.at),
        by: revocation.by.clone(),
        reason: revocation.reason.clone(),
    }
}

/// A reason in the caller's words, as it goes into the audit log.
pub(super) fn reason(text: &str) -> Result<String, Status> {
    const MOST: usize = 1_000;
    if text.chars().count() > MOST {
        return Err(Status::invalid_argument(format!("the reason is longer than {MOST} characters")));
    }
    Ok(text.trim().to_owned())
}

/// A reason that must be given.
pub(super) fn required_reason(text: &str) -> Result<String, Status> {
    let text = reason(text)?;
    if text.is_empty() {
        return Err(Status::invalid_argument("a reason is needed: it is kept in the audit log"));
    }
    Ok(text)
}

/// Why the directory was not changed, or not all of the way: what the caller can mend is told apart from what they
/// cannot.
pub(super) fn status(error: &ChangeError) -> Status {
    match error {
        ChangeError::NoDirectory => Status::failed_precondition(error.to_string()),
        ChangeError::UnknownUser(_) | ChangeError::Generation(ArchiveError::NotKept(_)) => {
            Status::not_found(error.to_string())
        }
        ChangeError::Directory(_) => Status::invalid_argument(error.to_string()),
        ChangeError::Generation(_)
        | ChangeError::NotRecorded(_)
        | ChangeError::NotStored(_)
        | ChangeError::Behind(_)
        | ChangeError::InForceBut(_)
        | ChangeError::Ending => unavailable(error),
    }
}
