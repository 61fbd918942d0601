//! What a plan must not do, however right it is.

use std::{collections::BTreeSet, fmt};

use super::{Basis, Change, HeldBack, Seen, Step, stuck};
use crate::{
    GlobalLevel,
    permission::{Holder, Level, Place},
};

/// Why somebody stays in a group while a project cannot be read.
const UNKNOWN: &str = "nobody can say whether that administers a project which could not be read, and nobody else in it could act";

/// Why a group keeps what it may do everywhere.
const OWN: &str = "an account of ours is in it, or nobody knows who is: give that account what it needs by itself, and take it out first";

/// So much may always be taken: in a small company one person is many of a hundred.
const ALWAYS: usize = 3;

/// That more people lose all that they have than may at once; and the same of those who have nothing left but groups. These are counted by
/// themselves, and only until Bitbucket has refused it once: nobody leaves a group of a directory that it only reads, and who stays in one
/// keeps in nobody who goes later.
pub(super) fn too_many_people(seen: &Seen, basis: &Basis, leavers: &[Change]) -> [Option<String>; 2] {
    let (all, most) = (seen.accounts.is.len(), basis.settings.most_removed);
    let members = only_members(leavers.iter());
    let gone: BTreeSet<_> = leavers.iter().filter_map(|change| change.step.user()).collect();
    let gone = gone.difference(&members).count();
    let members = new_members(seen, leavers.iter()).len();
    let told = |many: usize, what: &str| {
        is_much(many, all, most)
            .then(|| format!("{many} of {all} people would {what}, which is more than {most} %"))
    };
    [told(gone, "lose all that they have"), told(members, "leave the groups that are all they have left")]
}

/// Those who lose nothing but memberships.
fn only_members<'a>(leavers: impl Iterator<Item = &'a Change> + Clone) -> BTreeSet<String> {
    let more = leavers.clone().filter(|change| change.step.leaves().is_none());
    let more: BTreeSet<_> = more.filter_map(|change| change.step.user()).collect();
    leavers.filter_map(|change| change.step.user()).filter(|user| !more.contains(user)).collect()
}

/// The same but for those whom Bitbucket refused once to take out of a group.
fn new_members<'a>(seen: &Seen, leavers: impl Iterator<Item = &'a Change> + Clone) -> BTreeSet<String> {
    let refused = leavers.clone().filter(|change| stuck::was_refused(seen, &change.step));
    let refused: BTreeSet<_> = refused.filter_map(|change| change.step.user()).collect();
    only_members(leavers).difference(&refused).cloned().collect()
}

/// Puts aside what takes those who are gone out of groups where they have nothing else left, and were counted. Tells how much that is.
pub(super) fn put_members_aside(changes: &mut Vec<Change>, seen: &Seen, basis: &Basis) -> usize {
    let is_leaver = |change: &Change| change.leaver(basis).is_some();
    let members = new_members(seen, changes.iter().filter(|change| is_leaver(change)));
    let is_one =
        |change: &Change| is_leaver(change) && change.step.user().is_some_and(|user| members.contains(&user));
    changes.extract_if(.., |change| is_one(change)).count()
}

/// That more permissions are taken than may at once.
pub(super) fn too_many_permissions(
    seen: &Seen,
    basis: &Basis,
    takes: &[Change],
    mends: &[Change],
) -> Option<String> {
    let is_permission = |change: &&Change| {
        matches!(change.step, Step::Permit { .. } | Step::Revoke { .. } | Step::RevokeDefault { .. })
    };
    let all = takes.iter().chain(mends.iter().filter(is_permission));
    let taken = all.filter(|change| change.step.takes()).count();
    let (there, most) = (there(seen, basis), basis.settings.most_removed);
    is_much(taken, there, most)
        .then(|| format!("{taken} of {there} permissions would be taken, which is more than {most} %"))
}

/// That more of what others gave is mended than may be taken at once, of each sort by itself: there are many more permissions than
/// administrators.
pub(super) fn too_many_mended(seen: &Seen, basis: &Basis, mends: &[Change]) -> Option<String> {
    let (around, most) = (&seen.beside.around, basis.settings.most_removed);
    let tokens = around.credentials.iter().flatten().count() + around.tokens.len() + around.access_keys.len();
    let members = seen.beside.strangers.members.values().map(BTreeSet::len).sum();
    let much = |sort: &str, of: usize, test: fn(&Step) -> bool| {
        let part = mends.iter().filter(|change| test(&change.step)).count();
        let what = || format!("{part} of {of} {sort} would be taken, which is more than {most} %");
        is_much(part, of, most).then(what)
    };
    let all = [
        much("tokens and keys", tokens, |step| {
            matches!(step, Step::Delete { .. } | Step::DeleteAccessKey { .. })
        }),
        much("branch restrictions", around.restrictions.len(), |step| matches!(step, Step::Lift { .. })),
        much("memberships", members, |step| matches!(step, Step::LeaveGroup { .. })),
        much("permissions everywhere", seen.everywhere.is.len(), |step| {
            matches!(step, Step::RevokeGlobal { .. })
        }),
    ];
    let all: Vec<_> = all.into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// That more is given than may at once without being asked. Before anything is ours all of it is.
pub(super) fn too_many_given(seen: &Seen, basis: &Basis, given: usize) -> Option<String> {
    let (there, most) = (there(seen, basis), basis.settings.most_removed);
    (!basis.managed.is_empty() && is_much(given, there, most)).then(|| {
        format!("{given} permissions would be given where there are {there}, which is more than {most} %")
    })
}

/// How much is given in all.
fn there(seen: &Seen, basis: &Basis) -> usize {
    let permissions: usize = seen.permissions.values().map(|known| known.is.len()).sum();
    let keys: usize = seen.access_keys.values().map(Vec::len).sum();
    permissions + basis.mirror.owned.len() + seen.defaults.len() + keys
}

fn is_much(part: usize, of: usize, most: u8) -> bool {
    part > ALWAYS && part * 100 > of * usize::from(most)
}

/// What somebody must be left to administer.
#[derive(Debug, Clone, Copy)]
enum Administered<'a> {
    /// A project.
    Project(&'a Place),
    /// Bitbucket as a whole.
    System,
}

impl<'a> Administered<'a> {
    fn all(seen: &'a Seen) -> impl Iterator<Item = Self> {
        let projects = seen.places.is.iter().filter(|place| matches!(place, Place::Project(_)));
        projects.map(Self::Project).chain([Self::System])
    }

    /// Who does.
    fn by(self, seen: &Seen) -> BTreeSet<Holder> {
        match self {
            Self::Project(place) => {
                let there = seen.at(place).into_iter();
                there.filter(|(_, level)| *level == Level::Admin).map(|(holder, _)| holder).collect()
            }
            Self::System => {
                let all = seen.everywhere.is.iter().filter(|global| global.level == GlobalLevel::SysAdmin);
                all.map(|global| global.holder.clone()).collect()
            }
        }
    }

    /// Whether a step takes that from somebody, or from everybody.
    fn is_taken_by(self, step: &Step) -> bool {
        match (self, step) {
            (Self::Project(place), Step::RevokeDefault { place: at, before: Level::Admin }) => at == place,
            (Self::Project(place), step) => takes_admin_at(step, place).is_some(),
            (Self::System, step) => matches!(step, Step::RevokeGlobal { before: GlobalLevel::SysAdmin, .. }),
        }
    }

    /// Whether by a change one who administers it does so no more.
    fn is_touched_by(self, change: &Change, administer: &BTreeSet<Holder>) -> bool {
        self.is_taken_by(&change.step) || leaves_one_of(&change.step, administer)
    }
}

impl fmt::Display for Administered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(place) => place.fmt(f),
            Self::System => f.write_str("Bitbucket"),
        }
    }
}

/// Puts aside what would leave a project, or Bitbucket as a whole, without anybody who administers it when `others` are made, too; and
/// what would take from the account that is used what it may do by a group.
pub(super) fn keep_administrators(
    seen: &Seen,
    basis: &Basis,
    others: &[Change],
    all: Vec<Change>,
) -> (Vec<Change>, Vec<HeldBack>) {
    let mut held_back = Vec::new();
    let mut changes = all;
    for what in Administered::all(seen) {
        let administer = what.by(seen);
        let made: Vec<_> = others.iter().chain(&changes).collect();
        if !are_left(seen, basis, &made, &administer, what) {
            let why = format!("nobody else would administer {what}: give that to somebody first");
            let held = changes.extract_if(.., |change| what.is_touched_by(change, &administer));
            held_back.extend(held.map(|change| HeldBack { change, why: why.clone() }));
        }
    }
    if is_one_unknown(seen) {
        // Nobody can say whether a group administers that one: somebody leaves it only where another in it can act.
        let made = others.iter().chain(&changes);
        let lasting = Lasting::of(seen, basis, made);
        let groups = changes.iter().filter_map(|change| Some(change.step.leaves()?.1));
        let without: BTreeSet<_> = groups.filter(|group| !lasting.is_one_in(group)).cloned().collect();
        let held = changes.extract_if(.., |change| leaves_one_of(&change.step, &without));
        held_back.extend(held.map(|change| HeldBack { change, why: UNKNOWN.to_owned() }));
    }
    let takes_own = |change: &mut Change| {
        everywhere(&change.step).is_some_and(|group| {
            let members = seen.members.get(group);
            members.is_none_or(|members| members.is.iter().any(|user| basis.settings.is_own(user)))
        })
    };
    let held = changes.extract_if(.., takes_own);
    held_back.extend(held.map(|change| HeldBack { change, why: OWN.to_owned() }));
    (changes, held_back)
}

/// The group from which a step takes what it may do everywhere.
fn everywhere(step: &Step) -> Option<&Holder> {
    match step {
        Step::RevokeGlobal { holder, .. } => Some(holder).filter(|holder| holder.as_user().is_none()),
        _ => None,
    }
}

/// Whether it is not known of some project who administers it.
fn is_one_unknown(seen: &Seen) -> bool {
    let unread = seen.unread_places.keys();
    unread
        .filter(|place| matches!(place, Place::Project(_)))
        .any(|place| !seen.permissions.contains_key(place))
}

/// The groups of which must be known who is in them: where one who administers something would do so no more, all that do.
pub(super) fn groups_to_look_into(seen: &Seen, changes: &[Change]) -> BTreeSet<Holder> {
    let touched = Administered::all(seen)
        .map(|what| (what, what.by(seen)))
        .filter(|(what, administer)| changes.iter().any(|change| what.is_touched_by(change, administer)));
    let administer = touched.flat_map(|(_, administer)| administer);
    let mut groups: BTreeSet<_> = administer.filter(|holder| holder.as_user().is_none()).collect();
    groups.extend(changes.iter().filter_map(|change| everywhere(&change.step)).cloned());
    if is_one_unknown(seen) {
        groups.extend(changes.iter().filter_map(|change| Some(change.step.leaves()?.1.clone())));
    }
    groups
}

/// The projects that a group administers, and whether it does Bitbucket.
pub(super) fn administered_by(seen: &Seen, group: &Holder) -> (Vec<Place>, bool) {
    let its = Administered::all(seen).filter(|what| what.by(seen).contains(group));
    let (mut projects, mut system) = (Vec::new(), false);
    for what in its {
        match what {
            Administered::Project(place) => projects.push(place.clone()),
            Administered::System => system = true,
        }
    }
    (projects, system)
}

/// Whether a step takes somebody's, or some group's, administration of a project.
pub(super) fn takes_admin(step: &Step) -> bool {
    step.at()
        .is_some_and(|(place, _)| matches!(place, Place::Project(_)) && takes_admin_at(step, place).is_some())
}

/// Whether somebody who can still administers whichever of these changes are made, or nobody who administers loses anything. Whom a
/// change would give that does not count: it may fail, or not be among what is done without being asked.
fn are_left(
    seen: &Seen,
    basis: &Basis,
    changes: &[&Change],
    administer: &BTreeSet<Holder>,
    what: Administered<'_>,
) -> bool {
    if !changes.iter().any(|change| what.is_touched_by(change, administer)) {
        return true;
    }
    let lasting = Lasting::of(seen, basis, changes.iter().copied());
    let taking = changes.iter().map(|change| &change.step).filter(|step| what.is_taken_by(step));
    let taken: BTreeSet<_> = taking.filter_map(Step::holder).collect();
    let stays = |holder: &Holder| match holder.as_user() {
        Some(_) => lasting.can_act(holder),
        None => lasting.is_one_in(holder),
    };
    administer.iter().any(|holder| !taken.contains(holder) && stays(holder))
}

/// Who is there still, and can act, whichever of some changes are made.
struct Lasting<'a> {
    seen: &'a Seen,
    basis: &'a Basis,
    active: BTreeSet<Holder>,
    /// Who leaves which group.
    leaving: BTreeSet<(&'a Holder, &'a Holder)>,
}

impl<'a> Lasting<'a> {
    fn of(seen: &'a Seen, basis: &'a Basis, changes: impl Iterator<Item = &'a Change>) -> Self {
        let leaving = changes.filter_map(|change| change.step.leaves()).collect();
        Self { seen, basis, active: seen.active(), leaving }
    }

    /// Whether a user is let in, is not gone, and is no account of ours.
    fn can_act(&self, user: &Holder) -> bool {
        self.active.contains(user) && !self.basis.is_gone(user) && !self.basis.settings.is_own(user)
    }

    /// Whether somebody stays in a group who can act. Of one that could not be looked into nobody is known.
    fn is_one_in(&self, group: &Holder) -> bool {
        let stays = |user: &Holder| self.can_act(user) && !self.leaving.contains(&(user, group));
        self.seen.members.get(group).is_some_and(|members| members.is.iter().any(stays))
    }
}

/// Whether by a step somebody leaves one of these groups.
fn leaves_one_of(step: &Step, groups: &BTreeSet<Holder>) -> bool {
    step.leaves().is_some_and(|(_, group)| groups.contains(group))
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

    /// Who leaves a group by it, and which.
    fn leaves(&self) -> Option<(&Holder, &Holder)> {
        match self {
            Self::LeaveGroup { holder, group } => Some((holder, group)),
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
