//! Forgetting who somebody was in the audit log.

use std::sync::Arc;

use oam_audit::{
    entry::{Event, PersonErased},
    people::Alias,
};
use oam_policy::Username;
use oam_proto::v1;
use tonic::Status;

use super::{unavailable, user};
use crate::{
    audit_log::people::{ForgetError, People},
    privilege::Stage,
    service::Live,
};

/// How many names may be given at once.
const MOST_NAMES: usize = 100;

/// Durably forgotten first, and then recorded, by the alias: a crash in between leaves an erasure that nobody recorded,
/// and never a record of one that was none.
pub(super) async fn erase(
    live: &Arc<Live>,
    actor: String,
    request: v1::ErasePeopleRequest,
) -> Result<v1::ErasePeopleResponse, Status> {
    let v1::ErasePeopleRequest { names, force } = request;
    if names.is_empty() || names.len() > MOST_NAMES {
        return Err(Status::invalid_argument(format!("give 1 to {MOST_NAMES} names")));
    }
    let people = live.audit.people().cloned().ok_or_else(no_table)?;
    for name in &names {
        // Somebody may be given by their alias.
        may_be_erased(live, &people.name_of(name).map_err(|error| refused(&error))?, force)?;
    }
    let aliases = forget(people, names).await?;
    let aliases: Vec<_> = aliases.iter().map(ToString::to_string).collect();
    let erased = Event::PersonErased(PersonErased { aliases: aliases.clone(), actor, forced: force });
    let batch = live.audit.batch(&erased).map_err(|error| unrecorded(&error))?;
    let recorded = live.audit.append(batch).await;
    live.audit_took_it(recorded.is_ok());
    let seq = recorded.map_err(|error| unrecorded(&error))?.first;
    tracing::warn!(seq, aliases = aliases.join(","), "the audit log can tell no more who somebody was");
    Ok(v1::ErasePeopleResponse { aliases, seq })
}

async fn forget(people: Arc<People>, names: Vec<String>) -> Result<Vec<Alias>, Status> {
    let forgotten = tokio::task::spawn_blocking(move || people.forget(&names)).await;
    let stopping = |_| Status::unavailable("the daemon is stopping; nothing is known of the erasure");
    forgotten.map_err(stopping)?.map_err(|error| refused(&error))
}

/// Whoever can still act gets another alias with the next thing they do, which nobody wants to find out afterwards.
fn may_be_erased(live: &Live, name: &str, force: bool) -> Result<(), Status> {
    // What is no username has no rights.
    let Ok(username) = Username::parse(name) else { return Ok(()) };
    let set = live.privileges.set();
    let open = set.open_of(&username.key()).find(|one| !matches!(one.stage, Stage::Ended { .. }));
    if let Some(one) = open {
        return Err(Status::failed_precondition(format!(
            "`{username}` has or asks for something for a while: `oam grant revoke {}` first",
            one.id
        )));
    }
    if force {
        return Ok(());
    }
    let known = user::describe(live, &username).map_err(|status| {
        let why = status.message();
        Status::failed_precondition(format!(
            "nobody can tell whether `{username}` may still act ({why}); `--force` erases them anyhow"
        ))
    })?;
    if known.active {
        return Err(Status::failed_precondition(format!(
            "`{username}` may still act, and would stand in the log again: cut them off first, or `--force`"
        )));
    }
    Ok(())
}

fn no_table() -> Status {
    Status::failed_precondition(
        "the audit log names people by their names, and entries cannot be changed: with `audit.people = \"aliases\"` in the \
         daemon's configuration it keeps no names from then on",
    )
}

fn refused(error: &ForgetError) -> Status {
    match error {
        ForgetError::Unknown { .. } => Status::not_found(error.to_string()),
        ForgetError::Table(error) => unavailable(error),
    }
}

fn unrecorded(error: &dyn std::error::Error) -> Status {
    Status::unavailable(format!("they are erased, but the audit log could not take that up: {error}"))
}
