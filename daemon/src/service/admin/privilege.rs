//! What people have for a while: asked for, answered, taken back, signed off. Who may what is said by the policy, and
//! everybody speaks for themselves.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use oam_policy::{Policy, PrivilegeId, RoleId, RuleId, State, Username};
use oam_proto::v1;
use tonic::Status;

use super::gate::Admitted;
use crate::{
    privilege::{Ask, Person, Privilege, PrivilegeError, Report, Stage, Wanted, concerns},
    service::Live,
};

/// How many rules one use may lift.
const MOST_RULES: usize = 64;

pub(super) async fn request(
    live: &Live,
    person: &Person,
    request: v1::RequestPrivilegeRequest,
) -> Result<v1::Privilege, Status> {
    let ask = ask(request)?;
    let asked = live.privileges.request(&live.state_for(&person.username), person, &ask).await;
    Ok(told(live, &*asked.map_err(|error| status(&error))?))
}

/// What somebody may see.
enum Sight<'a> {
    Everything,
    /// What is theirs, or theirs to answer or to sign off, by this.
    Own(Box<State>, &'a Username),
    Nothing,
}

impl<'a> Sight<'a> {
    fn of(admitted: &'a Admitted) -> Self {
        match &admitted.username {
            _ if admitted.looks => Self::Everything,
            Some(username) => Self::Own(Box::new(admitted.live.rules_for(username)), username),
            None => Self::Nothing,
        }
    }

    fn shows(&self, one: &Privilege) -> bool {
        match self {
            Self::Everything => true,
            Self::Own(state, username) => concerns(state, username, one),
            Self::Nothing => false,
        }
    }
}

pub(super) fn list(admitted: &Admitted, request: &v1::ListPrivilegesRequest) -> v1::ListPrivilegesResponse {
    let (live, sight) = (&admitted.live, Sight::of(admitted));
    let set = live.privileges.set();
    let mut all: Vec<_> = set
        .iter()
        .filter(|one| request.all || one.wants_sign_off() || !matches!(one.stage, Stage::Ended { .. }))
        .filter(|one| sight.shows(one))
        .collect();
    all.sort_by_key(|one| one.asked);
    let policy = live.policies.live().map(|live| Arc::clone(&live.policy));
    let told = |one| told_by(policy.as_deref(), live, one);
    v1::ListPrivilegesResponse { privileges: all.into_iter().map(told).collect() }
}

pub(super) async fn approve(
    live: &Live,
    person: &Person,
    request: v1::ApprovePrivilegeRequest,
) -> Result<v1::Privilege, Status> {
    let id = id(&request.id)?;
    let approved =
        live.privileges.approve(&live.state_for(&person.username), person, &id, &request.reason).await;
    Ok(told(live, &*approved.map_err(|error| status(&error))?))
}

pub(super) async fn end(
    live: &Live,
    (username, actor): (Option<&Username>, &str),
    may_cut_off: bool,
    request: v1::EndPrivilegeRequest,
) -> Result<v1::Privilege, Status> {
    let id = id(&request.id)?;
    let who = (username, actor);
    let state = username.map_or_else(|| live.state(), |username| live.state_for(username));
    let ended = live.privileges.end(&state, who, may_cut_off, &id, &request.reason).await;
    Ok(told(live, &*ended.map_err(|error| status(&error))?))
}

pub(super) async fn report(
    admitted: &Admitted,
    request: &v1::GetPrivilegeReportRequest,
) -> Result<v1::PrivilegeReport, Status> {
    let (live, id) = (&admitted.live, id(&request.id)?);
    let one = live.privileges.find(&id).map_err(|error| status(&error))?;
    if !Sight::of(admitted).shows(&one) {
        return Err(status(&PrivilegeError::Unknown(id)));
    }
    let report = read_report(live, &one).await?;
    let pushes = report.pushes.into_iter().map(|push| v1::PrivilegedPush {
        decision: push.decision,
        at_micros: push.at.as_microsecond(),
        repository: push.repository,
        refs: push
            .refs
            .into_iter()
            .map(|one| v1::PrivilegedRef { name: one.name, verb: one.verb, lifted: one.lifted })
            .collect(),
    });
    Ok(v1::PrivilegeReport {
        privilege: Some(told(live, &one)),
        pushes: pushes.collect(),
        pushes_total: report.total,
    })
}

pub(super) async fn sign_off(
    live: &Arc<Live>,
    person: &Person,
    operates: bool,
    request: v1::SignOffPrivilegeRequest,
) -> Result<v1::Privilege, Status> {
    let one = live.privileges.find(&id(&request.id)?).map_err(|error| status(&error))?;
    let pushes = read_report(live, &one).await?.total;
    let signed = live
        .privileges
        .sign_off(&live.state_for(&person.username), (person, operates), &one.id, &request.reason, pushes)
        .await;
    Ok(told(live, &*signed.map_err(|error| status(&error))?))
}

async fn read_report(live: &Arc<Live>, one: &Arc<Privilege>) -> Result<Report, Status> {
    let (audit, one) = (live.audit.clone(), Arc::clone(one));
    let read = tokio::task::spawn_blocking(move || Report::read(&audit, &one));
    let read = read.await.map_err(|_| Status::unavailable("the daemon is stopping"))?;
    read.map_err(|error| super::unavailable(&error))
}

fn ask(request: v1::RequestPrivilegeRequest) -> Result<Ask, Status> {
    let wrong = |error: &dyn std::error::Error| Status::invalid_argument(error.to_string());
    let wanted = match request.wanted {
        Some(v1::request_privilege_request::Wanted::Role(role)) => {
            Wanted::Role(RoleId::parse(&role).map_err(|error| wrong(&error))?)
        }
        Some(v1::request_privilege_request::Wanted::Lift(rules)) => {
            let count = rules.rules.len();
            if count == 0 || count > MOST_RULES {
                return Err(Status::invalid_argument(format!("name 1 to {MOST_RULES} rules to lift")));
            }
            let parsed = rules.rules.iter().map(|rule| RuleId::parse(rule).map_err(|error| wrong(&error)));
            Wanted::Lift(parsed.collect::<Result<BTreeSet<_>, _>>()?)
        }
        None => return Err(Status::invalid_argument("say what is asked for: a role, or rules to lift")),
    };
    if request.on.is_empty() || request.refs.is_empty() {
        return Err(Status::invalid_argument("say where: at least one repository and one ref"));
    }
    let length = Duration::from_secs(request.seconds);
    Ask::new(wanted, &request.on, &request.refs, length, request.reason).map_err(|error| status(&error))
}

fn id(text: &str) -> Result<PrivilegeId, Status> {
    PrivilegeId::parse(text).map_err(|error| Status::invalid_argument(error.to_string()))
}

fn told(live: &Live, one: &Privilege) -> v1::Privilege {
    let policy = live.policies.live().map(|live| Arc::clone(&live.policy));
    told_by(policy.as_deref(), live, one)
}

fn told_by(policy: Option<&Policy>, live: &Live, one: &Privilege) -> v1::Privilege {
    let answering = policy.map(|policy| crate::privilege::answering(policy, one)).unwrap_or_default();
    super::convert::privilege(one, &answering, live.privileges.uses_of(&one.id))
}

fn status(error: &PrivilegeError) -> Status {
    let text = error.to_string();
    match error {
        PrivilegeError::Undecided(_) | PrivilegeError::Append(_) | PrivilegeError::Encode(_) => {
            Status::unavailable(text)
        }
        PrivilegeError::Unknown(_) => Status::not_found(text),
        PrivilegeError::Barred(_) | PrivilegeError::MayNotAnswer { .. } | PrivilegeError::Own(_) => {
            Status::permission_denied(text)
        }
        PrivilegeError::NoTime
        | PrivilegeError::NoReason(_)
        | PrivilegeError::LongReason(_)
        | PrivilegeError::LongPatterns
        | PrivilegeError::Regex(_)
        | PrivilegeError::Pattern(_) => Status::invalid_argument(text),
        PrivilegeError::NotAllowed(_)
        | PrivilegeError::TooLong { .. }
        | PrivilegeError::TooManyOfOne(..)
        | PrivilegeError::TooMany(_)
        | PrivilegeError::NotWaiting(_)
        | PrivilegeError::IsOver(_)
        | PrivilegeError::Twice(_)
        | PrivilegeError::NotOver(_)
        | PrivilegeError::SignedOff(..)
        | PrivilegeError::NothingToSign(_) => Status::failed_precondition(text),
    }
}
