//! What Bitbucket has beside what the policy says.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::{Basis, Change, Chosen, Finding, FindingKind, Plan, Seen, Step, wanted::Wanted};
use crate::{
    AccessKey, Account, Bitbucket, Credential, CredentialKind, Error, GlobalLevel, ProjectKey, Restriction,
    permission::{Holder, Level, Place},
};

/// What stands for what somebody could still come in by, where it could not be read.
const UNREAD: &str = "unread";

/// What was read besides permissions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// What everybody may do in a project.
    pub everybody: Vec<(ProjectKey, Level)>,
    /// Branch restrictions, by where they are.
    pub restrictions: Vec<(Place, Restriction)>,
    /// The tokens and keys of users; `None`: they were not read.
    pub credentials: Option<Vec<(Account, Credential)>>,
    /// The HTTP tokens of projects and repositories, which are nobody's; empty where credentials were not read.
    pub tokens: Vec<(Place, Credential)>,
    /// The access keys of projects and repositories; empty where credentials were not read.
    pub access_keys: Vec<(Place, AccessKey)>,
}

/// Reads what there is besides permissions; tokens and keys only where that is wanted: it is three requests for each user, and
/// two for each project and repository. A place of which something could not be read before is left out: one that cannot be read
/// must not hide all others.
///
/// # Errors
/// When anything cannot be read.
pub async fn look_around(
    bitbucket: &Bitbucket,
    seen: &Seen,
    with_credentials: bool,
) -> Result<Around, Error> {
    let mut around = Around::default();
    for place in seen.read_places() {
        let restrictions = bitbucket.restrictions(place).await?;
        around.restrictions.extend(restrictions.into_iter().map(|one| (place.clone(), one)));
        if let Place::Project(project) = place
            && let Some(level) = bitbucket.default_permission(project).await?
        {
            around.everybody.push((project.clone(), level));
        }
    }
    if with_credentials {
        let mut all = Vec::new();
        for account in &seen.accounts.is {
            for kind in CredentialKind::ALL {
                let own = bitbucket.credentials(account, kind).await?;
                all.extend(own.into_iter().map(|one| (account.clone(), one)));
            }
        }
        around.credentials = Some(all);
        for place in seen.read_places() {
            let keys = bitbucket.access_keys(place).await?;
            around.access_keys.extend(keys.into_iter().map(|key| (place.clone(), key)));
            let tokens = bitbucket.tokens_of(place).await?;
            around.tokens.extend(tokens.into_iter().map(|token| (place.clone(), token)));
        }
    }
    Ok(around)
}

/// All that is not as the policy says, the worst first. What was not used since `unused_since`, in milliseconds since 1970,
/// counts as unused.
pub fn findings(seen: &Seen, basis: &Basis, plan: &Plan, around: &Around, unused_since: u64) -> Vec<Finding> {
    let mut all = Vec::new();
    all.extend(plan.changes.iter().filter_map(|change| of_change(change, basis)));
    // Also what is not done to keep somebody in.
    all.extend(plan.held_back.iter().filter_map(|held| {
        let found = of_change(&held.change, basis)?;
        let what = format!("{}; not done: {}", found.what, held.why);
        Some(Finding { what, mended: false, ..found })
    }));
    all.extend(plan.unread_places.iter().map(|(place, why)| Finding {
        kind: FindingKind::Unread,
        place: Some(place.clone()),
        holder: None,
        thing: String::new(),
        what: format!("is left as it is, since it could not be read: {why}"),
        mended: false,
    }));
    all.extend(plan.unread.iter().map(|(user, why)| Finding {
        kind: FindingKind::Gone,
        place: None,
        holder: Some(user.clone()),
        thing: UNREAD.to_owned(),
        what: format!("may still have what cannot be read: {why}"),
        mended: false,
    }));
    all.extend(plan.surplus.iter().map(|one| Finding {
        kind: FindingKind::NotGranted,
        place: Some(one.place.clone()),
        holder: Some(one.holder.clone()),
        thing: one.has.to_string(),
        what: match one.granted {
            Some(granted) => format!("has {}, and is granted {granted} only", one.has),
            None => format!("has {}, and no rule gives it", one.has),
        },
        mended: false,
    }));
    all.extend(administrators(seen, basis));
    let ignored = |place: &Place| {
        let ignores = |chosen: &Chosen| matches!(chosen, Chosen::Place(one) if one.holds(place));
        basis.settings.ignore.iter().any(ignores)
    };
    all.extend(around.everybody.iter().filter_map(|(project, level)| {
        let place = Some(Place::Project(project.clone())).filter(|place| !ignored(place))?;
        let what = format!("everybody who is signed in has {level}");
        let (kind, thing) = (FindingKind::Everybody, level.to_string());
        let mends =
            |change: &Change| matches!(&change.step, Step::RevokeDefault { place: at, .. } if *at == place);
        let mended = plan.changes.iter().any(mends);
        Some(Finding { kind, place: Some(place), holder: None, thing, what, mended })
    }));
    // What we made says no more than the policy.
    let ours = |place: &Place, one: &Restriction| basis.mirror.owned.contains(&(place.clone(), one.thing()));
    let restrictions = around.restrictions.iter().filter(|(place, one)| !ignored(place) && !ours(place, one));
    all.extend(restrictions.map(|(place, one)| of_restriction(place, one)));
    for (account, one) in around.credentials.iter().flatten() {
        let Some(holder) = account.holder().filter(|holder| !basis.settings.ignores(None, holder)) else {
            continue;
        };
        // Those who are gone lose them anyhow.
        if !basis.is_gone(&holder) {
            let whose = Whose { place: None, holder: Some(holder), named: one.named() };
            all.extend(credential(&whose, one, unused_since));
        }
    }
    for (place, one) in around.access_keys.iter().filter(|(place, _)| !ignored(place)) {
        let whose = Whose { place: Some(place.clone()), holder: None, named: one.named() };
        if one.writes {
            let what = format!("{} may write, whoever has it", whose.named);
            all.push(whose.finding(FindingKind::KeyWrites, &one.key, what));
        }
        all.extend(credential(&whose, &one.key, unused_since));
    }
    for (place, one) in around.tokens.iter().filter(|(place, _)| !ignored(place)) {
        let whose = Whose { place: Some(place.clone()), holder: None, named: one.named() };
        all.extend(credential(&whose, one, unused_since));
    }
    all.sort_by_key(Finding::rank);
    all
}

impl Plan {
    /// Those who are gone and still have something by this plan, or may have it.
    pub fn not_out(&self, basis: &Basis) -> BTreeSet<Holder> {
        let held = self.held_back.iter().map(|held| &held.change);
        let known = self.changes.iter().chain(held).filter_map(|change| change.leaver(basis));
        known.chain(self.unread.iter().map(|(user, _)| user.clone())).collect()
    }
}

fn of_change(change: &Change, basis: &Basis) -> Option<Finding> {
    let because = &change.because;
    let of_mirror = |place: &Place, thing: String, what: String| Finding {
        kind: FindingKind::Differs,
        place: Some(place.clone()),
        holder: None,
        thing,
        what: format!("{what}: {because}"),
        mended: true,
    };
    let nothing_else = String::new;
    let (place, holder, thing, what) = match &change.step {
        // What everybody may do and access keys are told by what is there.
        Step::Forget { .. } | Step::RevokeDefault { .. } | Step::DeleteAccessKey { .. } => return None,
        Step::Restrict { place, restriction, .. } => {
            let thing = restriction.thing();
            let what = format!("lacks the restriction {thing} {}", restriction.exempt());
            return Some(of_mirror(place, thing, what));
        }
        Step::Lift { place, thing, .. } => {
            let what = format!("still has the restriction {thing}");
            return Some(of_mirror(place, thing.clone(), what));
        }
        Step::Permit { place, holder, before: None, after } => {
            (Some(place), holder.clone(), nothing_else(), format!("lacks {after}"))
        }
        Step::Permit { place, holder, before: Some(before), after } => {
            (Some(place), holder.clone(), before.to_string(), format!("has {before} in place of {after}"))
        }
        Step::Revoke { place, holder, before } => {
            (Some(place), holder.clone(), before.to_string(), format!("still has {before}"))
        }
        Step::RevokeGlobal { holder, before, .. } => {
            let before = before.as_str();
            (None, holder.clone(), before.to_owned(), format!("still has {before}"))
        }
        Step::Delete { account, credential } => {
            let thing = format!("{} {}", credential.kind.as_str(), credential.id);
            (None, account.holder()?, thing, format!("still has the {}", credential.named()))
        }
        Step::LeaveGroup { holder, group } => {
            let thing = group.name().to_owned();
            (None, holder.clone(), thing, format!("is still in the group {}", group.name()))
        }
    };
    let kind = if basis.is_gone(&holder) { FindingKind::Gone } else { FindingKind::Differs };
    let what = format!("{what}: {because}");
    Some(Finding { kind, place: place.cloned(), holder: Some(holder), thing, what, mended: true })
}

fn of_restriction(place: &Place, one: &Restriction) -> Finding {
    let mut exempt = one.users.clone();
    if !one.access_keys.is_empty() {
        exempt.push(format!("{} access keys", one.access_keys.len()));
    }
    let what = format!("{} on {}", one.kind, one.matcher.shown);
    let (kind, what) = match exempt.is_empty() {
        true => (FindingKind::Restriction, what),
        false => (FindingKind::Exemption, format!("{what}, but not for {}", exempt.join(", "))),
    };
    let thing = restriction_thing(one);
    Finding { kind, place: Some(place.clone()), holder: None, thing, what, mended: false }
}

/// What tells one from others, and from itself when it is another one.
pub(super) fn restriction_thing(one: &Restriction) -> String {
    format!("{} {}", one.id, extent(one))
}

/// A digest of what a restriction forbids, where, and to whom it does not apply: whoever is exempted from one makes another of it.
pub(super) fn extent(one: &Restriction) -> String {
    let sorted = |names: &[String]| {
        let mut names: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
        names.sort_unstable();
        names
    };
    let mut keys: Vec<_> = one.access_keys.iter().map(|key| key.id).collect();
    keys.sort_unstable();
    let all = (one.thing(), sorted(&one.users), sorted(&one.groups), keys);
    hex::encode(Sha256::digest(format!("{all:?}"))).chars().take(32).collect()
}

/// Who administers Bitbucket, and may not administer everything by the policy.
fn administrators(seen: &Seen, basis: &Basis) -> Vec<Finding> {
    let wanted = Wanted::of(basis, seen);
    let projects: Vec<_> = seen.places.is.iter().filter(|place| matches!(place, Place::Project(_))).collect();
    let may_all = |holder: &Holder| {
        projects.iter().all(|place| {
            let want = wanted.at.get(place).and_then(|there| there.get(holder));
            want.is_some_and(|want| want.level == Level::Admin)
        })
    };
    let is_one = |level: GlobalLevel| level >= GlobalLevel::Admin;
    let all = seen.everywhere.is.iter().filter(|global| is_one(global.level));
    let strangers =
        all.filter(|global| !basis.settings.ignores(None, &global.holder) && !may_all(&global.holder));
    strangers
        .map(|global| Finding {
            kind: FindingKind::Administers,
            place: None,
            holder: Some(global.holder.clone()),
            thing: global.level.as_str().to_owned(),
            what: format!("has {}, and no rule gives admin in every project", global.level.as_str()),
            mended: false,
        })
        .collect()
}

/// Whose a token or key is: a user's, or that of a place and nobody's.
struct Whose {
    place: Option<Place>,
    holder: Option<Holder>,
    named: String,
}

impl Whose {
    fn finding(&self, kind: FindingKind, one: &Credential, what: String) -> Finding {
        let (place, holder) = (self.place.clone(), self.holder.clone());
        let thing = format!("{} {}", one.kind.as_str(), one.id);
        Finding { kind, place, holder, thing, what, mended: false }
    }
}

fn credential(whose: &Whose, one: &Credential, unused_since: u64) -> Vec<Finding> {
    let named = &whose.named;
    let mut all = Vec::new();
    if is_endless(one) {
        all.push(whose.finding(FindingKind::Endless, one, format!("{named} never ends")));
    }
    if is_unused(one, unused_since) {
        let what = match one.used {
            Some(_) => "was last used long ago",
            None => "was made long ago, and is not known to have been used",
        };
        all.push(whose.finding(FindingKind::Unused, one, format!("{named} {what}")));
    }
    all
}

/// Whether it never ends. A GPG key opens nothing.
pub(super) fn is_endless(one: &Credential) -> bool {
    !one.ends && one.kind != CredentialKind::GpgKey
}

/// Whether nobody used it since then, as far as Bitbucket tells.
pub(super) fn is_unused(one: &Credential, since: u64) -> bool {
    one.used.or(one.made).is_some_and(|last| last < since)
}

#[cfg(test)]
mod tests;
