use oam_policy::{Username, decide::Subject};
use oam_proto::v1;
use tonic::Status;

use super::convert;
use crate::{directory::By, service::Live};

pub(super) fn get(live: &Live, name: &str) -> Result<v1::User, Status> {
    let username = username(name)?;
    let user = describe(live, &username)?;
    if user.in_directory || user.revocation.is_some() || !user.roles.is_empty() {
        return Ok(user);
    }
    Err(Status::not_found(format!("`{username}` is neither in the directory nor named by the policy")))
}

pub(super) async fn deactivate(
    live: &Live,
    actor: String,
    request: v1::DeactivateUserRequest,
) -> Result<v1::UserChanged, Status> {
    let reason = convert::required_reason(&request.reason)?;
    let username = username(&request.username)?;
    let by = By { actor, reason };
    let cut_off = live.changes.deactivate(username.clone(), request.even_if_unknown, by).await;
    // What they have, or approved, for a while ends for good: it is not there when they are let in again.
    live.privileges.review(|user| live.rules_for(user)).await;
    answer(live, &username, cut_off.map_err(|error| convert::status(&error))?.changed)
}

pub(super) async fn reactivate(
    live: &Live,
    actor: String,
    request: v1::ReactivateUserRequest,
) -> Result<v1::UserChanged, Status> {
    let reason = convert::required_reason(&request.reason)?;
    let username = username(&request.username)?;
    let let_in = live.changes.reactivate(username.clone(), By { actor, reason }).await;
    answer(live, &username, let_in.map_err(|error| convert::status(&error))?.changed)
}

fn answer(live: &Live, username: &Username, changed: bool) -> Result<v1::UserChanged, Status> {
    Ok(v1::UserChanged {
        user: Some(describe(live, username)?),
        snapshot: live.directory.current().map(|loaded| convert::snapshot_info(&loaded.info)),
        changed,
    })
}

pub(super) fn describe(live: &Live, username: &Username) -> Result<v1::User, Status> {
    let snapshot = live
        .snapshot()
        .ok_or_else(|| Status::failed_precondition("no directory is loaded: `oam snapshot import` one"))?;
    let key = username.key();
    let mut user = match snapshot.user(&key) {
        Some(user) => convert::user(&user),
        None => v1::User {
            username: username.as_str().to_owned(),
            revocation: snapshot.revocations().get(&key).map(convert::revocation),
            ..Default::default()
        },
    };
    if let Some(policy) = live.policies.live() {
        let (subject, bar) = Subject::resolve(&policy.policy, &snapshot, username);
        user.roles = subject.roles().map(ToString::to_string).collect();
        user.active = bar.is_none();
    }
    Ok(user)
}

fn username(name: &str) -> Result<Username, Status> {
    Username::parse(name).map_err(|error| Status::invalid_argument(error.to_string()))
}
