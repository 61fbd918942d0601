//! From the restrictions that are there to those that should be.

use std::collections::{BTreeMap, BTreeSet};

use super::Mirrored;
use crate::{
    permission::{Holder, Place},
    provision::{Basis, Change, Seen, Step},
};

/// Restrictions that OAM made, by place and by what tells them apart there.
pub type Owned = BTreeSet<(Place, String)>;

/// What lies between.
#[derive(Debug, Default)]
pub struct MirrorChanges {
    /// Restrictions to be made or to be put right.
    pub made: Vec<Change>,
    /// Restrictions to be taken away.
    pub lifted: Vec<Change>,
    /// What is not mirrored, and why.
    pub unsaid: Vec<(String, String)>,
}

/// What is to be changed.
pub fn changes(seen: &Seen, basis: &Basis) -> MirrorChanges {
    let mut all = MirrorChanges::default();
    let mut wanted: BTreeSet<(Place, String)> = BTreeSet::new();
    let mut unfit: BTreeMap<(Place, String), String> = BTreeMap::new();
    for (place, mirrored, rules) in &basis.mirror.wanted {
        if !seen.places.is.contains(place) || basis.settings.ignores_place(place) {
            continue;
        }
        let because = rules.iter().map(|rule| format!("rule `{rule}`")).collect::<Vec<_>>().join("; ");
        match fitting(mirrored, seen) {
            Ok(mirrored) => {
                wanted.insert((place.clone(), mirrored.thing()));
                all.one(place, mirrored, because, seen, &basis.mirror.owned);
            }
            // Without that exemption it would refuse whom the policy lets through.
            Err(missing) => {
                let why = format!("is not mirrored at {place}: {missing}");
                all.unsaid.extend(rules.iter().map(|rule| (rule.clone(), why.clone())));
                unfit.insert((place.clone(), mirrored.thing()), format!("{because} {why}"));
            }
        }
    }
    for owned @ (place, thing) in &basis.mirror.owned {
        if wanted.contains(owned) || basis.settings.ignores_place(place) {
            continue;
        }
        let there = seen.restrictions.get(place).into_iter().flatten();
        let id = there.filter(|one| one.thing() == *thing).map(|one| one.id).next();
        let because = match (id, unfit.get(owned)) {
            (Some(_), Some(why)) => why.clone(),
            (Some(_), None) => "no rule asks for it any more".to_owned(),
            (None, _) => "somebody took it away in Bitbucket, and no rule asks for it".to_owned(),
        };
        let step = Step::Lift { place: place.clone(), thing: thing.clone(), id, extent: None };
        all.lifted.push(Change { step, because });
    }
    all
}

impl MirrorChanges {
    fn one(&mut self, place: &Place, mirrored: Mirrored, because: String, seen: &Seen, owned: &Owned) {
        let thing = mirrored.thing();
        let there = seen.restrictions.get(place).into_iter().flatten().find(|one| one.thing() == thing);
        let is_ours = owned.contains(&(place.clone(), thing.clone()));
        let because = match there {
            Some(there) if mirrored.is(there) => return,
            // Making ours would change theirs: there is one of a kind on the same refs.
            Some(there) if !is_ours => {
                let what =
                    format!("others have made restriction {} ({thing}) at {place}, and it stays", there.id);
                self.unsaid.push((because, what));
                return;
            }
            Some(_) => format!("{because}; somebody changed it in Bitbucket"),
            None if is_ours => format!("{because}; somebody took it away in Bitbucket"),
            None => because,
        };
        let step = Step::Restrict { place: place.clone(), restriction: mirrored, is_ours };
        self.made.push(Change { step, because });
    }
}

/// With the names that Bitbucket knows. Whom it does not know cannot be excepted there, and would be refused: the members of a group,
/// or a user that is on none of its lists, as access keys and the tokens of projects are, which push all the same.
pub(super) fn fitting(mirrored: &Mirrored, seen: &Seen) -> Result<Mirrored, String> {
    let groups: BTreeMap<Holder, &String> =
        seen.groups.is.iter().filter_map(|name| Some((Holder::group(name)?, name))).collect();
    let users: BTreeMap<Holder, &String> =
        seen.accounts.is.iter().filter_map(|account| Some((account.holder()?, &account.name))).collect();
    let group = |name: &String| {
        let there = Holder::group(name).and_then(|group| groups.get(&group).copied());
        there.cloned().ok_or_else(|| format!("Bitbucket has no group `{name}`, which it excepts"))
    };
    let user = |name: &String| {
        let there = Holder::user(name).and_then(|user| users.get(&user).copied());
        there.cloned().ok_or_else(|| format!("Bitbucket lists no user `{name}`, whom it excepts"))
    };
    Ok(Mirrored {
        users: mirrored.users.iter().map(user).collect::<Result<_, _>>()?,
        groups: mirrored.groups.iter().map(group).collect::<Result<_, _>>()?,
        ..mirrored.clone()
    })
}
