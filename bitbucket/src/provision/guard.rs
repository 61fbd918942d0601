//! What a plan must not do, however right it is.

use std::collections::BTreeSet;

use super::{Basis, Change, HeldBack, Seen, Step};
use crate::{
    GlobalLevel,
    permission::{Holder, Level, Place},
};

/// So much may always be taken: in a small company one person is many of a hundred.
const ALWAYS: usize = 3;

/// That more people lose all that they have than may at once.
pub(super) fn too_many_people(seen: &Seen, basis: &Basis, leavers: &[Change]) -> Option<String> {
    let gone: BTreeSet<_> = leavers.iter().filter_map(|change| change.step.user()).collect();
    let (gone, all, most) = (gone.len(), seen.accounts.is.len(), basis.settings.most_removed);
    is_much(gone, all, most)
        .then(|| format!("{gone} of {all} people would lose all that they have, which is more than {most} %"))
}

/// That more permissions are taken than may at once.
pub(super) fn too_many_permissions(seen: &Seen, basis: &Basis, takes: &[Change]) -> Option<String> {
    let taken = takes.iter().filter(|change| change.step.takes()).count();
    let permissions: usize = seen.permissions.values().map(|known| known.is.len()).sum();
    let there = permissions + basis.mirror.owned.len();
    let most = basis.settings.most_removed;
    is_much(taken, there, most)
        .then(|| format!("{taken} of {there} permissions would be taken, which is more than {most} %"))
}

fn is_much(part: usize, of: usize, most: u8) -> bool {
    part > ALWAYS && part * 100 > of * usize::from(most)
}

/// Puts aside what would leave a project, or Bitbucket as a whole, without anybody who administers it.
pub(super) fn keep_administrators(
    seen: &Seen,
    basis: &Basis,
    all: Vec<Change>,
) -> (Vec<Change>, Vec<HeldBack>) {
    let mut held_back = Vec::new();
    let mut changes = all;
    for place in seen.places.is.iter().filter(|place| matches!(place, Place::Project(_))) {
        if !left_at(seen, basis, &changes, place) {
            let why = format!("nobody else would administer {place}: give that to somebody first");
            hold(&mut changes, &mut held_back, &why, |step| takes_admin_at(step, place));
        }
    }
    if !left_everywhere(seen, basis, &changes) {
        let why = "nobody else would administer Bitbucket: give that to somebody first";
        hold(&mut changes, &mut held_back, why, |step| {
            matches!(step, Step::RevokeGlobal { before: GlobalLevel::SysAdmin, .. })
        });
    }
    (changes, held_back)
}

fn hold(
    changes: &mut Vec<Change>,
    held_back: &mut Vec<HeldBack>,
    why: &str,
    is_held: impl Fn(&Step) -> bool,
) {
    let held = changes.extract_if(.., |change| is_held(&change.step));
    held_back.extend(held.map(|change| HeldBack { change, why: why.to_owned() }));
}

/// Whether somebody besides the account that is used administers a project after these changes, or nobody does before them.
fn left_at(seen: &Seen, basis: &Basis, changes: &[Change], place: &Place) -> bool {
    let counts = |holder: &Holder| *holder != basis.settings.account;
    let mut admins: BTreeSet<Holder> = seen
        .at(place)
        .into_iter()
        .filter(|(holder, level)| *level == Level::Admin && counts(holder))
        .map(|(holder, _)| holder)
        .collect();
    if admins.is_empty() {
        return true;
    }
    for change in changes {
        match &change.step {
            Step::Permit { place: at, holder, after: Level::Admin, .. } if at == place => {
                admins.insert(holder.clone());
            }
            Step::Permit { place: at, holder, .. } | Step::Revoke { place: at, holder, .. }
                if at == place =>
            {
                admins.remove(holder);
            }
            _ => {}
        }
    }
    !admins.is_empty()
}

fn takes_admin_at(step: &Step, place: &Place) -> bool {
    match step {
        Step::Permit { place: at, before: Some(Level::Admin), after, .. } => {
            at == place && *after < Level::Admin
        }
        Step::Revoke { place: at, before: Level::Admin, .. } => at == place,
        _ => false,
    }
}

/// Whether a user who is not gone, or a group, still administers the system.
fn left_everywhere(seen: &Seen, basis: &Basis, changes: &[Change]) -> bool {
    let active = seen.active();
    let gone: BTreeSet<_> = changes
        .iter()
        .filter_map(|change| match &change.step {
            Step::RevokeGlobal { holder, before: GlobalLevel::SysAdmin } => Some(holder),
            _ => None,
        })
        .collect();
    let stays = |holder: &Holder| match holder.as_user() {
        Some(_) => active.contains(holder) && !basis.is_gone(holder) && *holder != basis.settings.account,
        None => true,
    };
    let all = seen.everywhere.is.iter().filter(|global| global.level == GlobalLevel::SysAdmin);
    gone.is_empty() || all.map(|global| &global.holder).any(stays)
}

impl Step {
    /// The user from whom it takes something.
    fn user(&self) -> Option<String> {
        match self {
            Self::Delete { account, .. } => Some(account.name.to_lowercase()),
            Self::Revoke { holder, .. }
            | Self::RevokeGlobal { holder, .. }
            | Self::LeaveGroup { holder, .. } => holder.as_user().map(str::to_lowercase),
            Self::Permit { .. } | Self::Forget { .. } | Self::Restrict { .. } | Self::Lift { .. } => None,
        }
    }
}
