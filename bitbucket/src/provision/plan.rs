use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Basis, Change, FindingKind, Fixes, Managed, Seen, Step, anybody, guard, mend, renamed, stuck,
    wanted::{Want, Wanted},
};
use crate::{
    mirror,
    permission::{Holder, Level, Permissions, Place},
};

/// Why somebody who is gone keeps all that they have while the daemon asks by their token.
const DAEMON: &str = "it is the account of the daemon's own token: give the daemon another one";

/// What lies between what is there and what should be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The digest of the policy that it rests on.
    pub policy: String,
    /// The directory that it rests on.
    pub directory: String,
    /// What is to be done, in this order: those who are gone lose what they have, then is given, then taken.
    pub changes: Vec<Change>,
    /// What is not done although it should be, to keep somebody in.
    pub held_back: Vec<HeldBack>,
    /// What is there, is not granted, and is not ours to take.
    pub surplus: Vec<Surplus>,
    /// Who should have something, and has no account in Bitbucket that is let in.
    pub absent: Vec<Holder>,
    /// Whose group memberships stay, since Bitbucket writes them at each sign-in.
    pub left_in_groups: Vec<Holder>,
    /// Those who are gone of whose tokens, keys and groups something could not be read, and why: that stays.
    #[serde(default)]
    pub unread: Vec<(Holder, String)>,
    /// The places of which something could not be read, and why: nothing is given or taken there.
    #[serde(default)]
    pub unread_places: Vec<(Place, String)>,
    /// Rules that say more than permissions can, and what becomes of them.
    pub unsaid: Vec<(String, String)>,
    /// How many permissions are as they should be already.
    pub unchanged: usize,
    /// That more people lose all that they have than may at once; it is applied only by somebody who says so.
    pub too_many_people: Option<String>,
    /// The same of those who are gone and have nothing left but groups.
    #[serde(default)]
    pub too_many_members: Option<String>,
    /// The same of permissions that are taken from others.
    pub too_many_permissions: Option<String>,
    /// The same of what is given without being asked.
    #[serde(default)]
    pub too_many_given: Option<String>,
    /// What is mended besides, since somebody named it.
    #[serde(default)]
    pub fixes: Fixes,
}

/// A change that is not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldBack {
    /// The change.
    pub change: Change,
    /// Why not.
    pub why: String,
}

/// A permission that nobody granted, and that OAM did not give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surplus {
    /// Where.
    pub place: Place,
    /// Whose.
    pub holder: Holder,
    /// What they have.
    pub has: Level,
    /// What the policy gives them there.
    pub granted: Option<Level>,
}

/// What a plan is made of, in the order in which it is done.
#[derive(Debug, Default)]
struct Drawn {
    leavers: Vec<Change>,
    gives: Vec<Change>,
    takes: Vec<Change>,
    /// What others gave, where somebody named it.
    mends: Vec<Change>,
    surplus: Vec<Surplus>,
    unchanged: usize,
    absent: Vec<Holder>,
    left_in_groups: Vec<Holder>,
    unsaid: Vec<(String, String)>,
    held_back: Vec<HeldBack>,
}

impl Plan {
    /// From what is there to what should be.
    pub fn of(seen: &Seen, basis: &Basis) -> Self {
        let mut drawn = Drawn::of(seen, basis);
        // First: what is held back is not too much either.
        for part in [&mut drawn.leavers, &mut drawn.gives, &mut drawn.takes, &mut drawn.mends] {
            drawn.held_back.extend(renamed::hold_back(seen, basis, part));
        }
        drawn.held_back.extend(stuck::hold_back(seen, &mut drawn.leavers));
        let [too_many_people, too_many_members] = guard::too_many_people(seen, basis, &drawn.leavers);
        let too_many_permissions = [
            guard::too_many_permissions(seen, basis, &drawn.takes, &drawn.mends),
            guard::too_many_mended(seen, basis, &drawn.mends),
        ];
        let too_many_permissions: Vec<_> = too_many_permissions.into_iter().flatten().collect();
        let all = drawn.others();
        let Drawn { mends, surplus, unchanged, absent, left_in_groups, unsaid, mut held_back, .. } = drawn;
        let (mut changes, held) = guard::keep_administrators(seen, basis, &[], all);
        held_back.extend(held);
        // What must be done keeps nobody in for the sake of what is mended besides.
        let (mends, held) = guard::keep_administrators(seen, basis, &changes, mends);
        held_back.extend(held);
        changes.extend(mends);
        Self {
            policy: basis.policy.clone(),
            directory: basis.directory.clone(),
            changes,
            held_back,
            surplus,
            absent,
            left_in_groups,
            unread: seen.unread.iter().map(|(user, why)| (user.clone(), why.clone())).collect(),
            unread_places: seen.unread_places.iter().map(|(at, why)| (at.clone(), why.clone())).collect(),
            unsaid: basis.unsaid.iter().cloned().chain(unsaid).collect(),
            unchanged,
            too_many_people,
            too_many_members,
            too_many_permissions: (!too_many_permissions.is_empty()).then(|| too_many_permissions.join("; ")),
            too_many_given: None,
            fixes: basis.fixes.clone(),
        }
    }

    /// The changes of this plan that another one, which was looked at, does not have.
    pub fn beyond<'a>(&'a self, looked_at: &'a Self) -> impl Iterator<Item = &'a Change> {
        let known = |step: &Step| looked_at.changes.iter().any(|known| known.step.is_same(step));
        self.changes.iter().filter(move |change| !known(&change.step))
    }
}

/// The groups of which must be known who is in them before it can be said what is done.
pub(super) fn groups_to_look_into(seen: &Seen, basis: &Basis) -> BTreeSet<Holder> {
    guard::groups_to_look_into(seen, &Drawn::of(seen, basis).changes())
}

impl Drawn {
    /// All that lies between, before it is asked what must not be done.
    fn of(seen: &Seen, basis: &Basis) -> Self {
        let mut drawn = Self::default();
        drawn.left_in_groups = drawn.leavers(seen, basis);
        if let Some(why) = &basis.late {
            let told = format!("is not looked at, only those who are gone are: {why}");
            drawn.unsaid.push(("*".to_owned(), told));
            return drawn;
        }
        let wanted = Wanted::of(basis, seen);
        let none = Default::default();
        for place in seen.read_places() {
            drawn.at(place, &seen.at(place), (&wanted, wanted.at.get(place).unwrap_or(&none)), basis);
        }
        drawn.vanished(&wanted);
        let mirrored = mirror::changes(seen, basis);
        drawn.gives.extend(mirrored.made);
        drawn.takes.extend(mirrored.lifted);
        drawn.takes.extend(anybody::changes(seen, basis));
        // Where something could not be read nobody knows what is there.
        let is_read =
            |change: &Change| change.step.place().is_none_or(|place| !seen.unread_places.contains_key(place));
        drawn.gives.retain(is_read);
        drawn.takes.retain(is_read);
        drawn.absent = wanted.absent.into_iter().collect();
        drawn.unsaid = mirrored.unsaid;
        let mends = mend::changes(seen, basis, &drawn.surplus, &drawn.others());
        drawn.mends = mends.changes;
        drawn.mends.retain(is_read);
        drawn.held_back.extend(mends.held_back);
        if basis.fixes.name(FindingKind::NotGranted) {
            drawn.surplus.clear();
        }
        drawn
    }

    /// All but what is mended besides.
    fn others(&self) -> Vec<Change> {
        self.leavers.iter().chain(&self.gives).chain(&self.takes).cloned().collect()
    }

    fn changes(&self) -> Vec<Change> {
        [self.others(), self.mends.clone()].concat()
    }

    fn at(
        &mut self,
        place: &Place,
        there: &Permissions,
        (all_wanted, wanted): (&Wanted, &BTreeMap<Holder, Want>),
        basis: &Basis,
    ) {
        let ours = basis.managed.iter().filter(|((at, _), _)| at == place).map(|((_, holder), _)| holder);
        let all: BTreeSet<_> = there.keys().chain(wanted.keys()).chain(ours).collect();
        for holder in all {
            // Those who are gone lose everything, whoever gave it: see `leavers`.
            if basis.settings.ignores(Some(place), holder) || basis.is_gone(holder) {
                continue;
            }
            let (has, want) = (there.get(holder).copied(), wanted.get(holder));
            let is_more = has > want.map(|want| want.level) || want.is_none();
            if is_more && all_wanted.keeps(place, holder) {
                continue;
            }
            let key = (place.clone(), holder.clone());
            let managed = basis.managed.get(&key);
            self.one(key, has, want, managed, basis);
        }
    }

    fn one(
        &mut self,
        (place, holder): (Place, Holder),
        has: Option<Level>,
        want: Option<&Want>,
        managed: Option<&Managed>,
        basis: &Basis,
    ) {
        let is_ours = managed.is_some() || basis.settings.adopts(&place);
        let permit = |before, after, because| {
            let (place, holder) = (place.clone(), holder.clone());
            Change { step: Step::Permit { place, holder, before, after }, because }
        };
        match (has, want) {
            (Some(has), Some(want)) if has == want.level => self.unchanged += 1,
            (before, Some(want)) if before.is_none_or(|before| before < want.level) => {
                self.gives.push(permit(before, want.level, want.reasons()));
            }
            // What somebody else had given is there, and not what ours was put upon it.
            (Some(has), _)
                if managed.is_some_and(|managed| managed.below == Some(has))
                    && !basis.settings.adopts(&place) =>
            {
                let because = "what somebody else had given is there again".to_owned();
                self.takes.push(Change { step: Step::Forget { place, holder }, because });
            }
            (Some(has), want) if !is_ours => {
                let granted = want.map(|want| want.level);
                self.surplus.push(Surplus { place, holder, has, granted });
            }
            (Some(has), Some(want)) => self.takes.push(permit(Some(has), want.level, want.reasons())),
            (Some(has), None) => {
                let because = "no rule gives it any more".to_owned();
                let below = managed.and_then(|managed| managed.below).filter(|below| *below < has);
                self.takes.push(match below {
                    Some(below) if !basis.settings.adopts(&place) => {
                        permit(Some(has), below, format!("{because}; somebody else had given {below}"))
                    }
                    _ => Change { step: Step::Revoke { place, holder, before: has }, because },
                });
            }
            (None, _) => {
                if managed.is_some() {
                    let because = "somebody took it in Bitbucket, and no rule gives it".to_owned();
                    self.takes.push(Change { step: Step::Forget { place, holder }, because });
                }
            }
        }
    }

    /// Tells of groups that are there no more, in place of giving all of it to their people by name.
    fn vanished(&mut self, wanted: &Wanted) {
        for (place, there) in &wanted.vanished {
            let held = there.iter().map(|(group, want)| HeldBack {
                change: Change {
                    step: Step::Permit {
                        place: place.clone(),
                        holder: group.clone(),
                        before: None,
                        after: want.level,
                    },
                    because: want.reasons(),
                },
                why: "Bitbucket had this group, and has it no more: make it there again; or name it in `bitbucket.provisioning.ignore`, \
                      and its people get it by name"
                    .to_owned(),
            });
            self.held_back.extend(held);
        }
    }

    /// What takes from those who are gone all that they have: the widest doors of all of them first, so that wherever it stops none is
    /// open that is wider than one that was closed. Tells who stays in groups.
    fn leavers(&mut self, seen: &Seen, basis: &Basis) -> Vec<Holder> {
        let mut left = Vec::new();
        for account in &seen.accounts.is {
            let Some(user) = Holder::user(&account.name) else { continue };
            let Some(standing) = basis.standing(&user).filter(|standing| standing.is_gone()) else {
                continue;
            };
            if basis.settings.names(None, &user) {
                continue;
            }
            let from = self.leavers.len();
            let because = renamed::because(basis, account, standing);
            let nothing = Default::default();
            let doors = seen.doors.get(&user).map_or(&nothing, |known| &known.is);
            self.leavers.extend(doors.close(account, &because));
            for global in seen.everywhere.is.iter().filter(|global| global.holder == user) {
                let step = Step::RevokeGlobal { holder: user.clone(), before: global.level, after: None };
                self.leavers.push(Change { step, because: because.clone() });
            }
            for (place, known) in &seen.permissions {
                let has = known.is.iter().find(|(holder, _)| *holder == user).map(|(_, level)| *level);
                let (place, holder) = (place.clone(), user.clone());
                let managed = basis.managed.contains_key(&(place.clone(), holder.clone()));
                let step = match has {
                    _ if basis.settings.names(Some(&place), &user) => continue,
                    Some(before) => Step::Revoke { place, holder, before },
                    None if managed => Step::Forget { place, holder },
                    None => continue,
                };
                self.leavers.push(Change { step, because: because.clone() });
            }
            if !basis.settings.jit {
                self.leavers.extend(doors.leave(&user, &because));
            } else if !doors.groups.is_empty() {
                left.push(user.clone());
            }
            if basis.settings.daemon.contains(&user) {
                let theirs = self.leavers.split_off(from).into_iter().filter(|change| change.step.takes());
                self.held_back.extend(theirs.map(|change| HeldBack { change, why: DAEMON.to_owned() }));
            }
        }
        self.leavers.sort_by_key(|change| change.step.width());
        left
    }
}
