use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Basis, Beside, MOST_IN_A_ROW, door::Doors, plan};
use crate::{
    AccessKey, Account, Bitbucket, Error, GlobalPermission, ProjectKey, Restriction,
    permission::{Holder, Level, Permissions, Place},
};

/// How long it is believed of somebody who is gone that nothing is left, in seconds.
const CLOSED_FOR: u64 = 24 * 60 * 60;
/// How many of those are looked at again at once.
pub(super) const MOST_CLOSED_AGAIN: usize = 100;

/// What was found in Bitbucket, and when: it can be kept, so that it need not be read again at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seen {
    /// Every project and repository but those of persons.
    pub places: Dated<BTreeSet<Place>>,
    /// Every user.
    pub accounts: Dated<Vec<Account>>,
    /// The names of all groups.
    pub groups: Dated<BTreeSet<String>>,
    /// What is given everywhere.
    pub everywhere: Dated<Vec<GlobalPermission>>,
    /// What is given at each place.
    pub permissions: BTreeMap<Place, Dated<Vec<(Holder, Level)>>>,
    /// By what those who are gone could still come in.
    pub doors: BTreeMap<Holder, Dated<Doors>>,
    /// The groups out of which Bitbucket refused to take those who are gone, and what it said.
    pub stuck: BTreeMap<Holder, BTreeMap<String, Dated<String>>>,
    /// Of whom something of that could not be read, and why. That is never kept.
    #[serde(skip)]
    pub unread: BTreeMap<Holder, String>,
    /// The places of which something could not be read, and why: nothing is given or taken there. That is never kept either.
    #[serde(skip)]
    pub unread_places: BTreeMap<Place, String>,
    /// Who is in the groups that administer something, where one who does would do so no more.
    pub members: BTreeMap<Holder, Dated<BTreeSet<Holder>>>,
    /// What everybody may do in projects where that is ours to take.
    pub defaults: BTreeMap<Place, Dated<Option<Level>>>,
    /// The access keys of places where they are ours to delete. They are never kept.
    #[serde(skip)]
    pub access_keys: BTreeMap<Place, Vec<AccessKey>>,
    /// The branch restrictions of places where some are mirrored. They are never kept.
    #[serde(skip)]
    pub restrictions: BTreeMap<Place, Vec<Restriction>>,
    /// What was read for what is mended besides. It is never kept.
    #[serde(skip)]
    pub beside: Beside,
}

/// Something that was read at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dated<T> {
    /// When, in seconds since 1970; 0: never.
    pub at: u64,
    /// What.
    pub is: T,
}

/// How fresh what was kept must be to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The time now, in seconds since 1970.
    pub now: u64,
    /// How old it may be, in seconds; 0: all is read again.
    pub within: u64,
}

impl Reading {
    /// Whether something that was read at `at` is fresh enough. What is of the future is not.
    pub(super) fn believes(self, at: u64) -> bool {
        self.is_past(at) && self.now - at < self.within
    }

    fn is_past(self, at: u64) -> bool {
        at > 0 && at <= self.now
    }

    pub(super) fn dated<T>(self, is: T) -> Dated<T> {
        Dated { at: self.now, is }
    }
}

/// Reads what is there, but for what `kept` says freshly enough. A place whose permissions cannot be read is noted, and holds up
/// neither the others nor those who are gone.
///
/// # Errors
/// When anything else cannot be read, there is too much asking, or no answer at all: nothing is taken for missing that was not
/// looked at.
pub async fn see(bitbucket: &Bitbucket, mut kept: Seen, reading: Reading) -> Result<Seen, Error> {
    if !reading.believes(kept.places.at) {
        kept.places = reading.dated(places(bitbucket).await?);
    }
    if !reading.believes(kept.accounts.at) {
        kept.accounts = reading.dated(bitbucket.accounts().await?);
    }
    if !reading.believes(kept.groups.at) {
        kept.groups = reading.dated(bitbucket.groups().await?);
    }
    if !reading.believes(kept.everywhere.at) {
        kept.everywhere = reading.dated(bitbucket.global_permissions().await?);
    }
    kept.permissions.retain(|place, known| kept.places.is.contains(place) && reading.believes(known.at));
    kept.unread_places.clear();
    let mut silence = Silence::default();
    for place in &kept.places.is {
        if kept.permissions.contains_key(place) {
            continue;
        }
        let read = bitbucket.permissions(place).await;
        if let Some(there) = silence.broken_by(read, place, &mut kept.unread_places)? {
            kept.permissions.insert(place.clone(), reading.dated(there.into_iter().collect()));
        }
    }
    Ok(kept)
}

/// How often in a row there was no answer at all.
#[derive(Debug, Default)]
pub(super) struct Silence(usize);

impl Silence {
    /// What was read of a place, or `None`, and why it could not be is noted. Whoever is silent again and again, or says that it is too
    /// much, is asked nothing more.
    pub(super) fn broken_by<T>(
        &mut self,
        read: Result<T, Error>,
        place: &Place,
        unread: &mut BTreeMap<Place, String>,
    ) -> Result<Option<T>, Error> {
        let error = match read {
            Ok(read) => {
                self.0 = 0;
                return Ok(Some(read));
            }
            Err(error) => error,
        };
        self.0 = if error.is_silence() { self.0 + 1 } else { 0 };
        if error.is_busy() || self.0 >= MOST_IN_A_ROW {
            return Err(error);
        }
        unread.insert(place.clone(), error.to_string());
        Ok(None)
    }
}

/// Reads the branch restrictions of places, each its own; a place where they cannot be read is noted.
///
/// # Errors
/// When there is too much asking, or no answer at all.
pub async fn see_restrictions(
    bitbucket: &Bitbucket,
    seen: &mut Seen,
    places: &BTreeSet<&Place>,
) -> Result<(), Error> {
    seen.restrictions.clear();
    let mut silence = Silence::default();
    // Of a place that is gone there is nothing to read.
    for place in places.iter().filter(|place| seen.places.is.contains(place)) {
        let read = bitbucket.restrictions(place).await;
        if let Some(there) = silence.broken_by(read, place, &mut seen.unread_places)? {
            seen.restrictions.insert((*place).clone(), there);
        }
    }
    Ok(())
}

/// Reads by what these users, who are gone, could still come in. Others are forgotten. What cannot be read is noted, and holds up
/// neither the rest nor anybody else. Who was found with nothing before is looked at again once a day, a few at a time: they are all
/// who ever went.
///
/// # Errors
/// When there is too much asking, or no answer at all.
pub async fn see_leavers(
    bitbucket: &Bitbucket,
    seen: &mut Seen,
    gone: &BTreeSet<Holder>,
    reading: Reading,
) -> Result<(), Error> {
    seen.doors.retain(|user, _| gone.contains(user));
    seen.stuck.retain(|user, _| gone.contains(user));
    seen.unread.clear();
    let closed = closed(seen, reading);
    let mut in_a_row = 0;
    for account in &seen.accounts.is {
        let Some(user) = Holder::user(&account.name).filter(|user| gone.contains(user)) else { continue };
        let is_known = seen.doors.get(&user).is_some_and(|known| reading.believes(known.at));
        if is_known || closed.contains(&user) {
            continue;
        }
        let (doors, mut errors) = Doors::of(bitbucket, account).await?;
        let is_silent = errors.len() == Doors::ASKED && errors.iter().all(Error::is_silence);
        in_a_row = if is_silent { in_a_row + 1 } else { 0 };
        if in_a_row >= MOST_IN_A_ROW
            && let Some(error) = errors.pop()
        {
            return Err(error);
        }
        if errors.is_empty() {
            seen.doors.insert(user, reading.dated(doors));
        } else {
            // What was read of them is never believed later.
            seen.doors.insert(user.clone(), Dated { at: 0, is: doors });
            let all = errors.iter().map(ToString::to_string).collect::<Vec<_>>();
            seen.unread.insert(user, all.join("; "));
        }
    }
    Ok(())
}

/// Who was found with nothing left, and is not looked at again now.
pub(super) fn closed(seen: &Seen, reading: Reading) -> BTreeSet<Holder> {
    let closed = seen.doors.iter().filter(|(_, known)| known.is.are_closed());
    let (mut fresh, mut due) = (BTreeSet::new(), Vec::new());
    // Where nothing is believed nothing of this is.
    for (user, known) in closed.filter(|(_, known)| reading.within > 0 && reading.is_past(known.at)) {
        match reading.now - known.at < CLOSED_FOR {
            true => drop(fresh.insert(user.clone())),
            false => due.push((known.at, user.clone())),
        }
    }
    due.sort_unstable();
    fresh.extend(due.into_iter().skip(MOST_CLOSED_AGAIN).map(|(_, user)| user));
    fresh
}

/// Reads who is in the groups on which it depends whether somebody is left who administers: after all else, since it takes what would
/// be done to know which.
///
/// # Errors
/// When there is too much asking.
pub async fn see_members(
    bitbucket: &Bitbucket,
    seen: &mut Seen,
    basis: &Basis,
    reading: Reading,
) -> Result<(), Error> {
    let groups = plan::groups_to_look_into(seen, basis);
    seen.members.retain(|group, _| groups.contains(group));
    for group in groups {
        if !seen.members.get(&group).is_some_and(|known| reading.believes(known.at)) {
            read_members(bitbucket, seen, group, reading.now).await?;
        }
    }
    Ok(())
}

/// Reads who is in a group; of one that cannot be read nobody is known to be in it.
pub(super) async fn read_members(
    bitbucket: &Bitbucket,
    seen: &mut Seen,
    group: Holder,
    at: u64,
) -> Result<(), Error> {
    match bitbucket.members(group.name()).await {
        Ok(names) => {
            let is = names.iter().filter_map(|name| Holder::user(name)).collect();
            seen.members.insert(group, Dated { at, is });
        }
        Err(error) if error.is_busy() => return Err(error),
        Err(_) => drop(seen.members.remove(&group)),
    }
    Ok(())
}

impl Seen {
    /// What is given at a place.
    pub fn at(&self, place: &Place) -> Permissions {
        let there = self.permissions.get(place).map(|known| known.is.as_slice()).unwrap_or_default();
        there.iter().cloned().collect()
    }

    /// The places of which nothing is known that could not be read.
    pub(super) fn read_places(&self) -> impl Iterator<Item = &Place> {
        self.places.is.iter().filter(|place| !self.unread_places.contains_key(place))
    }

    /// The names of all users.
    pub fn usernames(&self) -> impl Iterator<Item = &str> {
        self.accounts.is.iter().map(|account| account.name.as_str())
    }

    /// The users whom Bitbucket lets in.
    pub fn active(&self) -> BTreeSet<Holder> {
        let active = self.accounts.is.iter().filter(|account| account.active);
        active.filter_map(|account| Holder::user(&account.name)).collect()
    }

    /// Notes what is given at a place now.
    pub(super) fn found(&mut self, place: &Place, there: Permissions) {
        if let Some(known) = self.permissions.get_mut(place) {
            known.is = there.into_iter().collect();
        }
    }

    /// Notes that a permission is another one now.
    pub fn changed(&mut self, place: &Place, holder: &Holder, level: Option<Level>) {
        if let Some(known) = self.permissions.get_mut(place) {
            known.is.retain(|(one, _)| one != holder);
            known.is.extend(level.map(|level| (holder.clone(), level)));
        }
    }
}

async fn places(bitbucket: &Bitbucket) -> Result<BTreeSet<Place>, Error> {
    let mut all = BTreeSet::new();
    // What lies in somebody's own project is theirs to give.
    let is_of_person = |project: &ProjectKey| project.as_str().starts_with('~');
    for project in bitbucket.projects().await?.into_iter().filter(|project| !is_of_person(project)) {
        all.extend(bitbucket.repositories(&project).await?.into_iter().map(Place::Repository));
        all.insert(Place::Project(project));
    }
    Ok(all)
}
