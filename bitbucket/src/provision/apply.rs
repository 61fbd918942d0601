use super::{Seen, Step};
use crate::{Account, Bitbucket, Error, error::Problem};

/// What came of a step.
#[derive(Debug)]
pub enum Outcome {
    /// It is done.
    Done,
    /// Bitbucket does not do this one; others may be tried.
    Failed(Error),
    /// It is not done, and nothing else would be now: the token does not reach so far, or there is too much asking.
    Stopped(Error),
    /// Bitbucket gave no answer that is understood: nobody knows whether it was done.
    Unknown(Error),
}

/// Takes one step, and notes in `seen` what is there then.
pub async fn apply(bitbucket: &Bitbucket, step: &Step, seen: &mut Seen) -> Outcome {
    let done = match step {
        Step::Permit { place, holder, after, .. } => bitbucket.permit(place, holder, *after).await,
        Step::Revoke { place, holder, .. } => bitbucket.revoke(place, holder).await,
        Step::Forget { .. } => Ok(()),
        Step::RevokeGlobal { holder, .. } => bitbucket.revoke_global(holder.name()).await,
        Step::Delete { account, credential } => bitbucket.delete_credential(account, credential).await,
        Step::LeaveGroup { holder, group } => bitbucket.leave_group(holder.name(), group.name()).await,
        Step::Restrict { place, restriction, .. } => {
            let accounts = &seen.accounts.is;
            let named = |account: &&Account| restriction.users.iter().any(|name| *name == account.name);
            let slugs: Vec<_> = accounts.iter().filter(named).map(|account| account.slug.as_str()).collect();
            bitbucket.restrict(place, restriction, &slugs).await
        }
        Step::Lift { id: None, .. } => Ok(()),
        Step::Lift { place, id: Some(id), .. } => bitbucket.lift(place, *id).await,
    };
    match done {
        Ok(()) => {}
        // It is gone already, which is what was wanted.
        Err(error) if error.is_not_found() && matches!(step, Step::Delete { .. }) => {}
        Err(error) => return Outcome::of(error),
    }
    note(step, seen);
    Outcome::Done
}

fn note(step: &Step, seen: &mut Seen) {
    match step {
        Step::Permit { place, holder, after, .. } => seen.changed(place, holder, Some(*after)),
        Step::Revoke { place, holder, .. } => seen.changed(place, holder, None),
        Step::RevokeGlobal { holder, .. } => seen.everywhere.is.retain(|global| global.holder != *holder),
        Step::Delete { account, credential } => {
            if let Some(doors) = account.holder().and_then(|user| seen.doors.get_mut(&user)) {
                doors.is.credentials.retain(|known| known != credential);
            }
        }
        Step::LeaveGroup { holder, group } => {
            if let Some(doors) = seen.doors.get_mut(holder) {
                doors.is.groups.retain(|known| known != group.name());
            }
        }
        // Restrictions are read anew each time.
        Step::Forget { .. } | Step::Restrict { .. } | Step::Lift { .. } => {}
    }
}

impl Outcome {
    fn of(error: Error) -> Self {
        match &error.problem {
            Problem::NotFound(_) => Self::Failed(error),
            Problem::Said { status, .. } if status.is_client_error() => Self::Failed(error),
            // The token may have lost its right, or this one thing may be forbidden: nobody can tell, so nothing else is tried.
            Problem::NotAllowed(_) | Problem::Busy => Self::Stopped(error),
            Problem::NoAnswer(_) | Problem::Said { .. } | Problem::Strange(_) => Self::Unknown(error),
        }
    }
}
