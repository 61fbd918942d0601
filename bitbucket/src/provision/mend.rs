//! What mends findings of the kinds that somebody named, whoever gave it. Nothing here is done without being named.
//!
//! What is a finding is said by [`findings`] and [`strange`] alone, so that what is ignored, and what is ours, is left alone here as there.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Around, Basis, Change, Finding, FindingKind, HeldBack, Plan, Seen, Standing, Step, Strangers, Surplus,
    drift::{extent, is_endless, is_unused, restriction_thing},
    findings, look_around, look_at_strangers, strange, strangers,
};
use crate::{
    Bitbucket, Credential, CredentialKind, Error, GlobalLevel,
    permission::{Holder, Place},
};

/// What was read for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// What there is besides permissions.
    pub around: Around,
    /// Members of groups whom no source has there.
    pub strangers: Strangers,
}

/// What is mended.
#[derive(Debug, Default)]
pub(super) struct Mends {
    pub(super) changes: Vec<Change>,
    pub(super) held_back: Vec<HeldBack>,
}

/// What tells a finding from others of the kinds that are mended by the same step: where, whose, and which.
type About = (Option<Place>, Option<Holder>, String);

/// Takes those for gone whom Bitbucket lets in and no source knows, where that was named. `groups`: those they are in, as far as they
/// were read. Who is active by another name stays: nothing is taken from them.
pub fn give_up_strangers(seen: &Seen, basis: &mut Basis, groups: &BTreeMap<Holder, BTreeSet<String>>) {
    if basis.fixes.name(FindingKind::UnknownAccount) {
        let all = strangers::let_in(seen, basis, groups).map(|(holder, _)| holder);
        let all: Vec<_> = all.filter(|holder| !basis.renamed.another.contains_key(holder)).collect();
        basis.standing.extend(all.into_iter().map(|holder| (holder, Standing::Stranger)));
    }
}

/// Reads what it takes to find what was named; nothing where nothing was.
///
/// # Errors
/// When anything cannot be read.
pub async fn see_beside(bitbucket: &Bitbucket, seen: &mut Seen, basis: &Basis) -> Result<(), Error> {
    seen.beside = Beside::default();
    if !basis.fixes.are_none() {
        seen.beside.around = look_around(bitbucket, seen, basis.fixes.need_credentials()).await?;
    }
    if basis.fixes.name(FindingKind::GroupMember) {
        seen.beside.strangers = look_at_strangers(bitbucket, seen, basis).await?;
    }
    Ok(())
}

/// What mends what was named, but for what is done already: unknown accounts go as those who are gone do.
pub(super) fn changes(seen: &Seen, basis: &Basis, surplus: &[Surplus], done: &[Change]) -> Mends {
    let (mut mends, fixes) = (Mends::default(), &basis.fixes);
    if fixes.are_none() {
        return mends;
    }
    let mut known: BTreeSet<_> = done.iter().map(key).collect();
    let mut add = |all: &mut Vec<Change>, change: Change| {
        if known.insert(key(&change)) {
            all.push(change);
        }
    };
    if fixes.name(FindingKind::NotGranted) {
        surplus.iter().for_each(|one| add(&mut mends.changes, of_surplus(one)));
    }
    let Beside { around, strangers } = &seen.beside;
    let steps = steps(seen);
    let mut found = findings(seen, basis, &Plan::default(), around, fixes.unused_since);
    found.extend(strange(seen, basis, strangers, around));
    for one in found.into_iter().filter(|one| fixes.name(one.kind)) {
        let because = because(one.kind, &one.what);
        if one.kind == FindingKind::GroupMember {
            let Some(step) = leaving(&one, basis) else { continue };
            let change = Change { step, because };
            match basis.settings.jit {
                false => add(&mut mends.changes, change),
                true => mends.held_back.push(HeldBack { change, why: JIT.to_owned() }),
            }
            continue;
        }
        if let Some(step) = steps.get(&(one.place, one.holder, one.thing)) {
            add(&mut mends.changes, Change { step: step.clone(), because });
        }
    }
    mends
}

const JIT: &str =
    "Bitbucket writes memberships at each sign-in (`jit`): take them out where it has them from";

/// What two changes have in common that do the same.
fn key(change: &Change) -> [String; 5] {
    let told = change.told();
    [told.step, told.place, told.user, told.group, told.thing]
}

fn because(kind: FindingKind, what: &str) -> String {
    format!("`{}`: {what}", kind.as_str())
}

fn of_surplus(Surplus { place, holder, has, granted }: &Surplus) -> Change {
    let (place, holder, before) = (place.clone(), holder.clone(), *has);
    let (step, what) = match *granted {
        Some(after) => {
            let before = Some(before);
            (Step::Permit { place, holder, before, after }, "no rule gives more")
        }
        None => (Step::Revoke { place, holder, before }, "no rule gives it"),
    };
    Change { step, because: because(FindingKind::NotGranted, what) }
}

/// What takes somebody out of a group that is not ignored.
fn leaving(one: &Finding, basis: &Basis) -> Option<Step> {
    let holder = one.holder.clone()?;
    let group = Holder::group(&one.thing).filter(|group| !basis.settings.ignores(None, group))?;
    Some(Step::LeaveGroup { holder, group })
}

/// What takes away each thing that was read, by what it is told by where it is a finding.
fn steps(seen: &Seen) -> BTreeMap<About, Step> {
    let around = &seen.beside.around;
    let mut all = BTreeMap::new();
    for global in seen.everywhere.is.iter().filter(|global| global.level >= GlobalLevel::Admin) {
        let (holder, before) = (global.holder.clone(), global.level);
        let about = (None, Some(holder.clone()), before.as_str().to_owned());
        // Who works there goes on doing so.
        all.insert(about, Step::RevokeGlobal { holder, before, after: Some(GlobalLevel::LicensedUser) });
    }
    for (project, before) in &around.everybody {
        let (place, before) = (Place::Project(project.clone()), *before);
        all.insert((Some(place.clone()), None, before.to_string()), Step::RevokeDefault { place, before });
    }
    for (place, one) in &around.restrictions {
        let (thing, id, extent) = (one.thing(), Some(one.id), Some(extent(one)));
        let about = (Some(place.clone()), None, restriction_thing(one));
        all.insert(about, Step::Lift { place: place.clone(), thing, id, extent });
    }
    for (account, credential) in around.credentials.iter().flatten() {
        let (account, credential) = (account.clone(), credential.clone());
        all.insert((None, account.holder(), named(&credential)), Step::Delete { account, credential });
    }
    let keys = around.access_keys.iter().map(|(place, one)| (place, &one.key));
    for (place, key) in keys.chain(around.tokens.iter().map(|(place, one)| (place, one))) {
        let (place, key) = (place.clone(), key.clone());
        all.insert((Some(place.clone()), None, named(&key)), Step::DeleteAccessKey { place, key });
    }
    all
}

fn named(one: &Credential) -> String {
    format!("{} {}", one.kind.as_str(), one.id)
}

/// Reads again what it rests on that something of others is taken, and tells why it is not right any more.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn look_again(
    bitbucket: &Bitbucket,
    step: &Step,
    seen: &Seen,
    basis: &Basis,
) -> Result<Option<String>, Error> {
    let is_right = match step {
        // Of those who are gone it is taken however it is.
        Step::Delete { account, credential }
            if !account.holder().is_some_and(|user| basis.is_gone(&user)) =>
        {
            let all = bitbucket.credentials(account, credential.kind).await?;
            let now = all.iter().find(|one| one.is_same(credential));
            now.is_none_or(|now| is_finding(now, false, basis))
        }
        Step::DeleteAccessKey { place, key } if key.kind == CredentialKind::Token => {
            let all = bitbucket.tokens_of(place).await?;
            let now = all.iter().find(|one| one.is_same(key));
            now.is_none_or(|now| is_finding(now, false, basis))
        }
        Step::DeleteAccessKey { place, key } => {
            let all = bitbucket.access_keys(place).await?;
            let now = all.iter().find(|one| one.key.is_same(key));
            // Those that are ours to take were read by themselves.
            let is_ours = seen.access_keys.get(place).is_some_and(|ours| {
                ours.iter().any(|one| one.key.is_same(key) && one.writes && !one.key.ends)
            });
            now.is_none_or(|now| {
                is_finding(&now.key, now.writes, basis) || is_ours && now.writes && !now.key.ends
            })
        }
        Step::Lift { place, id: Some(id), extent: Some(before), .. } => {
            let all = bitbucket.restrictions(place).await?;
            all.iter().find(|one| one.id == *id).is_none_or(|now| extent(now) == *before)
        }
        _ => true,
    };
    Ok((!is_right).then(|| "it is not as it was when it was looked at: plan again".to_owned()))
}

/// Whether a token or a key is a finding of a kind that was named.
fn is_finding(one: &Credential, writes: bool, basis: &Basis) -> bool {
    let fixes = &basis.fixes;
    fixes.name(FindingKind::KeyWrites) && writes
        || fixes.name(FindingKind::Endless) && is_endless(one)
        || fixes.name(FindingKind::Unused) && is_unused(one, fixes.unused_since)
}
