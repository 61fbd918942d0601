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
    let keys: usize = seen.access_keys.values().map(Vec::len).sum();
    let there = permissions + basis.mirror.owned.len() + seen.defaults.len() + keys;
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
    for place in projects(seen) {
        let administer = administrators_at(seen, place);
        let takes = |step: &Step| {
            let of_everybody =
                matches!(step, Step::RevokeDefault { place: at, before: Level::Admin } if at == place);
            of_everybody || takes_admin_at(step, place).is_some()
        };
        if !are_left(seen, basis, &changes, &administer, takes) {
            let why = format!("nobody else would administer {place}: give that to somebody first");
            hold(&mut changes, &mut held_back, &why, |step| takes(step) || leaves_one_of(step, &administer));
        }
    }
    let administer = system_administrators(seen);
    let takes = |step: &Step| matches!(step, Step::RevokeGlobal { before: GlobalLevel::SysAdmin, .. });
    if !are_left(seen, basis, &changes, &administer, takes) {
        let why = "nobody else would administer Bitbucket: give that to somebody first";
        hold(&mut changes, &mut held_back, why, |step| takes(step) || leaves_one_of(step, &administer));
    }
    (changes, held_back)
}

/// The groups of which must be known who is in them: where somebody is to leave one that administers something, all that do.
pub(super) fn groups_to_look_into(seen: &Seen) -> BTreeSet<Holder> {
    let groups = seen.doors.values().flat_map(|doors| &doors.is.groups);
    let left: BTreeSet<_> = groups.filter_map(|group| Holder::group(group)).collect();
    let all = projects(seen).map(|place| administrators_at(seen, place));
    all.chain([system_administrators(seen)])
        .filter(|administer| administer.iter().any(|holder| left.contains(holder)))
        .flatten()
        .filter(|holder| holder.as_user().is_none())
        .collect()
}

/// Whether a step takes somebody's, or some group's, administration of a project.
pub(super) fn takes_admin(step: &Step) -> bool {
    step.at()
        .is_some_and(|(place, _)| matches!(place, Place::Project(_)) && takes_admin_at(step, place).is_some())
}

fn projects(seen: &Seen) -> impl Iterator<Item = &Place> {
    seen.places.is.iter().filter(|place| matches!(place, Place::Project(_)))
}

fn administrators_at(seen: &Seen, place: &Place) -> BTreeSet<Holder> {
    let there = seen.at(place).into_iter();
    there.filter(|(_, level)| *level == Level::Admin).map(|(holder, _)| holder).collect()
}

fn system_administrators(seen: &Seen) -> BTreeSet<Holder> {
    let all = seen.everywhere.is.iter().filter(|global| global.level == GlobalLevel::SysAdmin);
    all.map(|global| global.holder.clone()).collect()
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

/// Whether somebody who can still administers whichever of these changes are made, or nobody who administers loses anything. Whom a
/// change would give that does not count: it may fail, or not be among what is done without being asked.
fn are_left(
    seen: &Seen,
    basis: &Basis,
    changes: &[Change],
    administer: &BTreeSet<Holder>,
    takes: impl Fn(&Step) -> bool,
) -> bool {
    let steps = || changes.iter().map(|change| &change.step);
    if !steps().any(|step| takes(step) || leaves_one_of(step, administer)) {
        return true;
    }
    let active = seen.active();
    // Whoever is let in, is not gone, and is not the account that is used.
    let can_act =
        |user: &Holder| active.contains(user) && !basis.is_gone(user) && *user != basis.settings.account;
    let taken: BTreeSet<_> = steps().filter(|step| takes(step)).filter_map(Step::holder).collect();
    let left: BTreeSet<_> =
        steps().filter(|step| leaves_one_of(step, administer)).filter_map(Step::group).collect();
    let stays = |holder: &Holder| {
        !taken.contains(holder)
            && match (holder.as_user(), seen.members.get(holder)) {
                (Some(_), _) => can_act(holder),
                (None, Some(members)) => members.is.iter().any(can_act),
                // A group that nobody leaves need not be looked into.
                (None, None) => !left.contains(holder),
            }
    };
    administer.iter().any(stays)
}

/// Whether by a step somebody leaves one of these groups.
fn leaves_one_of(step: &Step, groups: &BTreeSet<Holder>) -> bool {
    step.group().is_some_and(|group| groups.contains(group))
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

impl Step {
    /// From whom it takes a permission, or to whom it gives one.
    fn holder(&self) -> Option<&Holder> {
        match self {
            Self::RevokeGlobal { holder, .. } => Some(holder),
            step => step.at().map(|(_, holder)| holder),
        }
    }

    /// The group that somebody leaves by it.
    fn group(&self) -> Option<&Holder> {
        match self {
            Self::LeaveGroup { group, .. } => Some(group),
            _ => None,
        }
    }

    /// The user from whom it takes something.
    fn user(&self) -> Option<String> {
        match self {
            Self::Delete { account, .. } => Some(account.name.to_lowercase()),
            Self::Revoke { holder, .. }
            | Self::RevokeGlobal { holder, .. }
            | Self::LeaveGroup { holder, .. } => holder.as_user().map(str::to_lowercase),
            Self::Permit { .. }
            | Self::Forget { .. }
            | Self::RevokeDefault { .. }
            | Self::DeleteAccessKey { .. }
            | Self::Restrict { .. }
            | Self::Lift { .. } => None,
        }
    }
}
