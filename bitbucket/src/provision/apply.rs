use std::slice;

use super::{Basis, Change, Seen, Step, door::Doors, guard, mend, renamed, seen::read_members, stuck};
use crate::{
    Account, Bitbucket, CredentialKind, Error, GlobalLevel, GlobalPermission,
    error::Problem,
    permission::{Holder, Level, Place},
};

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

/// Reads again what a change rests on, and tells why it must not be made although it was planned: somebody did something meanwhile.
/// What is read is noted in `seen`.
///
/// # Errors
/// When it cannot be read.
pub async fn look_again(
    bitbucket: &Bitbucket,
    change: &Change,
    seen: &mut Seen,
    basis: &Basis,
) -> Result<Option<String>, Error> {
    let other = match &change.step {
        Step::Permit { place, holder, before, .. } => {
            permission(bitbucket, &change.step, (place, holder, *before), seen).await?
        }
        Step::Revoke { place, holder, before } => {
            permission(bitbucket, &change.step, (place, holder, Some(*before)), seen).await?
        }
        Step::RevokeGlobal { holder, before, .. } => {
            seen.everywhere.is = bitbucket.global_permissions().await?;
            let has = seen.everywhere.is.iter().find(|one| one.holder == *holder).map(|one| one.level);
            (has != Some(*before)).then(|| changed(has.map(GlobalLevel::as_str)))
        }
        Step::LeaveGroup { group, .. } => {
            let (projects, system) = guard::administered_by(seen, group);
            for project in projects {
                let there = bitbucket.permissions(&project).await?;
                seen.found(&project, there);
            }
            if system {
                seen.everywhere.is = bitbucket.global_permissions().await?;
            }
            None
        }
        Step::RevokeDefault { place, before } => {
            let has = bitbucket.default_permission(&place.project()).await?;
            seen.defaults.entry(place.clone()).or_default().is = has;
            (has != Some(*before)).then(|| changed(has.map(Level::as_str)))
        }
        // What is there decides whether it is ours: where somebody gave it again meanwhile, or another run did, it is.
        Step::Forget { place, holder } => {
            let before = seen.at(place).get(holder).copied();
            permission(bitbucket, &change.step, (place, holder, before), seen).await?
        }
        Step::Restrict { .. } => None,
        Step::Delete { .. } | Step::DeleteAccessKey { .. } | Step::Lift { .. } => {
            mend::look_again(bitbucket, &change.step, seen, basis).await?
        }
    };
    if other.is_some() {
        return Ok(other);
    }
    for group in guard::groups_to_look_into(seen, slice::from_ref(change)) {
        let at = seen.members.get(&group).map_or(0, |known| known.at);
        read_members(bitbucket, seen, group, at).await?;
    }
    let (_, held) = guard::keep_administrators(seen, basis, &[], vec![change.clone()]);
    Ok(held.into_iter().next().map(|held| held.why))
}

/// What a permission is now, where that is not what it was.
async fn permission(
    bitbucket: &Bitbucket,
    step: &Step,
    (place, holder, before): (&Place, &Holder, Option<Level>),
    seen: &mut Seen,
) -> Result<Option<String>, Error> {
    let has = if guard::takes_admin(step) {
        let there = bitbucket.permissions(place).await?;
        let has = there.get(holder).copied();
        seen.found(place, there);
        has
    } else {
        bitbucket.permission_of(place, holder, before.is_some()).await?
    };
    if has == before {
        return Ok(None);
    }
    seen.changed(place, holder, has);
    Ok(Some(changed(has.map(Level::as_str))))
}

fn changed(has: Option<&str>) -> String {
    format!("somebody changed it meanwhile: it is {} now; plan again", has.unwrap_or("nothing"))
}

/// What closes the tokens that somebody who is gone has now, and had not when it was looked.
///
/// # Errors
/// When they cannot be read.
pub async fn tokens_since(
    bitbucket: &Bitbucket,
    seen: &Seen,
    basis: &Basis,
    user: &Holder,
) -> Result<Vec<Change>, Error> {
    let is_theirs = |account: &&Account| account.holder().as_ref() == Some(user);
    let Some((account, standing)) = seen.accounts.is.iter().find(is_theirs).zip(basis.standing(user)) else {
        return Ok(Vec::new());
    };
    let known = seen.doors.get(user).map(|doors| doors.is.credentials.as_slice()).unwrap_or_default();
    let mut tokens = bitbucket.credentials(account, CredentialKind::Token).await?;
    tokens.retain(|token| !known.iter().any(|one| one.is_same(token)));
    let because = format!("{}, and it was found afterwards", renamed::because(basis, account, standing));
    Ok(Doors { credentials: tokens, ..Doors::default() }.close(account, &because).collect())
}

/// Takes one step, and notes in `seen` what is there then.
pub async fn apply(bitbucket: &Bitbucket, step: &Step, seen: &mut Seen) -> Outcome {
    let done = match step {
        Step::Permit { place, holder, after, .. } => bitbucket.permit(place, holder, *after).await,
        Step::Revoke { place, holder, .. } => bitbucket.revoke(place, holder).await,
        Step::Forget { .. } => Ok(()),
        Step::RevokeGlobal { holder, after, .. } => bitbucket.revoke_global(holder, *after).await,
        Step::Delete { account, credential } => bitbucket.delete_credential(account, credential).await,
        Step::LeaveGroup { holder, group } => bitbucket.leave_group(holder.name(), group.name()).await,
        Step::RevokeDefault { place, before } => bitbucket.revoke_default(&place.project(), *before).await,
        Step::DeleteAccessKey { place, key } => match key.kind {
            CredentialKind::Token => bitbucket.delete_token_of(place, key).await,
            CredentialKind::SshKey | CredentialKind::GpgKey => bitbucket.delete_access_key(place, key).await,
        },
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
        Err(error)
            if error.is_not_found() && matches!(step, Step::Delete { .. } | Step::DeleteAccessKey { .. }) => {
        }
        Err(error) => return failed(bitbucket, step, error, seen).await,
    }
    note(step, seen);
    Outcome::Done
}

/// What it comes to that a step fails so. Groups may be of a directory that Bitbucket only reads: that one may not be left says nothing
/// of the token. But Bitbucket answers the same where the token is not good any more, and then nothing is noted of the group: so it is
/// asked for what takes the same right.
async fn failed(bitbucket: &Bitbucket, step: &Step, error: Error, seen: &mut Seen) -> Outcome {
    let is_refused = matches!(step, Step::LeaveGroup { .. }) && error.is_not_allowed();
    let is_of_group = is_refused && bitbucket.global_permissions().await.is_ok();
    let outcome = if is_of_group { Outcome::Failed(error) } else { Outcome::of(error) };
    if let Outcome::Failed(error) = &outcome {
        stuck::note(step, error, seen);
    }
    outcome
}

fn note(step: &Step, seen: &mut Seen) {
    match step {
        Step::Permit { place, holder, after, .. } => seen.changed(place, holder, Some(*after)),
        Step::Revoke { place, holder, .. } => seen.changed(place, holder, None),
        Step::RevokeGlobal { holder, after, .. } => {
            let left = after.map(|level| GlobalPermission { holder: holder.clone(), level });
            seen.everywhere.is.retain(|global| global.holder != *holder);
            seen.everywhere.is.extend(left);
        }
        Step::Delete { account, credential } => {
            if let Some(doors) = account.holder().and_then(|user| seen.doors.get_mut(&user)) {
                doors.is.credentials.retain(|known| known != credential);
            }
        }
        Step::LeaveGroup { holder, group } => {
            if let Some(doors) = seen.doors.get_mut(holder) {
                doors.is.groups.retain(|known| known != group.name());
            }
            if let Some(stuck) = seen.stuck.get_mut(holder) {
                stuck.remove(group.name());
            }
            if let Some(members) = seen.members.get_mut(group) {
                members.is.remove(holder);
            }
        }
        Step::RevokeDefault { place, .. } => seen.defaults.entry(place.clone()).or_default().is = None,
        // Restrictions and access keys are read anew each time.
        Step::Forget { .. } | Step::DeleteAccessKey { .. } | Step::Restrict { .. } | Step::Lift { .. } => {}
    }
}

impl Outcome {
    /// What it comes to that something fails so.
    pub fn of(error: Error) -> Self {
        match &error.problem {
            Problem::NotFound(_) => Self::Failed(error),
            Problem::Said { status, .. } if status.is_client_error() => Self::Failed(error),
            // The token may have lost its right, or this one thing may be forbidden: nobody can tell, so nothing else is tried.
            Problem::NotAllowed(_) | Problem::Busy => Self::Stopped(error),
            Problem::NoAnswer(_) | Problem::Said { .. } | Problem::Strange(_) => Self::Unknown(error),
        }
    }
}
