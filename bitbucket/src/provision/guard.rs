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
            hold(&mut changes, &mut held_back, &why, |step| takes_admin_at(step, place).is_some());
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

/// Whether somebody who can administers a project whichever of these changes are made, or nobody is taken from it. Whom a change
/// would give that does not count: it may fail, or not be among what is done without being asked.
fn left_at(seen: &Seen, basis: &Basis, changes: &[Change], place: &Place) -> bool {
    let taken: BTreeSet<_> =
        changes.iter().filter_map(|change| takes_admin_at(&change.step, place)).collect();
    let mut administer = seen.at(place).into_iter().filter(|(_, level)| *level == Level::Admin);
    taken.is_empty()
        || administer.any(|(holder, _)| is_there(seen, basis, &holder) && !taken.contains(&holder))
}

/// Whether it is a group, or a user who can act and is not the account that is used.
fn is_there(seen: &Seen, basis: &Basis, holder: &Holder) -> bool {
    holder.as_user().is_none()
        || (seen.active().contains(holder) && !basis.is_gone(holder) && *holder != basis.settings.account)
}

/// From whom a step takes the administration of a project, if it does.
fn takes_admin_at<'s>(step: &'s Step, place: &Place) -> Option<&'s Holder> {
    match step {
        Step::Permit { place: at, before: Some(Level::Admin), after, holder }
            if at == place && *after < Level::Admin =>
        {
            Some(holder)
        }
        Step::Revoke { place: at, before: Level::Admin, holder } if at == place => Some(holder),
        _ => None,
    }
}

/// Whether a user who is not gone, or a group, still administers the system.
fn left_everywhere(seen: &Seen, basis: &Basis, changes: &[Change]) -> bool {
    let gone: BTreeSet<_> = changes
        .iter()
        .filter_map(|change| match &change.step {
            Step::RevokeGlobal { holder, before: GlobalLevel::SysAdmin } => Some(holder),
            _ => None,
        })
        .collect();
    let mut all = seen.everywhere.is.iter().filter(|global| global.level == GlobalLevel::SysAdmin);
    gone.is_empty() || all.any(|global| is_there(seen, basis, &global.holder))
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
