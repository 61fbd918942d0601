//! Accounts that no source knows, and members of groups whom no source has there.
//!
//! Somebody who was renamed in Bitbucket before anybody noted the number of their account, or who is not gone, is nobody whom a source
//! says is gone: nothing is taken from them, and whatever they had is still theirs. And who was put into a group that a role is mapped to has what the role is given.

use std::collections::{BTreeMap, BTreeSet};

use super::{Basis, Finding, FindingKind, Seen, Standing, drift::Around, renamed};
use crate::{Account, Bitbucket, Credential, Error, permission::Holder};

/// Of how many accounts it is read which groups they are in: where more are unknown, somebody looks at the first of them first.
const MOST_LOOKED_AT: usize = 200;

/// What was read of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Strangers {
    /// The groups of accounts that no source knows; those of whom it was not read are left out.
    pub groups: BTreeMap<Holder, BTreeSet<String>>,
    /// Who is in the groups that a role is mapped to.
    pub members: BTreeMap<Holder, BTreeSet<Holder>>,
}

/// Reads it: one request for each account that no source knows, and one for each group that a role is mapped to.
///
/// # Errors
/// When anything cannot be read.
pub async fn look_at_strangers(
    bitbucket: &Bitbucket,
    seen: &Seen,
    basis: &Basis,
) -> Result<Strangers, Error> {
    let groups = groups_of_unknown(bitbucket, seen, basis).await?;
    let mut strangers = Strangers { groups, ..Strangers::default() };
    for group in mapped(seen, basis).into_keys() {
        let members = bitbucket.members(group.name()).await?;
        strangers.members.insert(group, members.iter().filter_map(|name| Holder::user(name)).collect());
    }
    Ok(strangers)
}

/// Reads in which groups accounts are that no source knows, where it was named that they are to lose all that they have.
///
/// # Errors
/// When anything cannot be read.
pub async fn see_strangers(
    bitbucket: &Bitbucket,
    seen: &Seen,
    basis: &Basis,
) -> Result<BTreeMap<Holder, BTreeSet<String>>, Error> {
    match basis.fixes.name(FindingKind::UnknownAccount) {
        true => groups_of_unknown(bitbucket, seen, basis).await,
        false => Ok(BTreeMap::new()),
    }
}

async fn groups_of_unknown(
    bitbucket: &Bitbucket,
    seen: &Seen,
    basis: &Basis,
) -> Result<BTreeMap<Holder, BTreeSet<String>>, Error> {
    let mut all = BTreeMap::new();
    for (holder, account) in unknown(seen, basis).take(MOST_LOOKED_AT) {
        all.insert(holder, bitbucket.groups_of(account).await?);
    }
    Ok(all)
}

/// What there is to tell of them.
pub fn strange(seen: &Seen, basis: &Basis, strangers: &Strangers, around: &Around) -> Vec<Finding> {
    let accounts = let_in(seen, basis, &strangers.groups).map(|(holder, account)| {
        let was = basis.renamed.was.get(&holder).map(|was| format!(", which was `{}`", was.name()));
        let another = basis.renamed.another.get(&holder);
        let what = format!(
            "is let in, and no source knows the account{}{}{}{}",
            was.unwrap_or_default(),
            groups(strangers.groups.get(&holder)),
            credentials(account, around.credentials.as_deref()),
            another.map(|why| format!("; nothing is given or taken: {why}")).unwrap_or_default()
        );
        finding(FindingKind::UnknownAccount, holder, String::new(), what)
    });
    let may = mapped(seen, basis);
    let members = strangers.members.iter().flat_map(|(group, there)| {
        let may = may.get(group);
        let is_strange = move |user: &&Holder| {
            let known = may.is_some_and(|may| may.contains(*user));
            !known && !basis.is_gone(user) && !basis.settings.ignores(None, user)
        };
        there.iter().filter(is_strange).map(|user| {
            let name = group.name();
            let what =
                format!("is in the group {name}, to which a role is mapped, and no source has them there");
            finding(FindingKind::GroupMember, user.clone(), name.to_owned(), what)
        })
    });
    accounts.chain(renamed::others(seen, basis)).chain(members).collect()
}

/// The accounts that no source knows and no rule names, and that Bitbucket lets in.
pub(super) fn let_in<'a>(
    seen: &'a Seen,
    basis: &'a Basis,
    groups: &'a BTreeMap<Holder, BTreeSet<String>>,
) -> impl Iterator<Item = (Holder, &'a Account)> {
    unknown(seen, basis).filter(move |(holder, _)| is_let_in(seen, holder, groups.get(holder)))
}

/// The accounts that are active and that no source knows and no rule names.
fn unknown<'a>(seen: &'a Seen, basis: &'a Basis) -> impl Iterator<Item = (Holder, &'a Account)> {
    let active = seen.accounts.is.iter().filter(|account| account.active);
    active.filter_map(|account| Some((account.holder()?, account))).filter(|(holder, _)| {
        basis.standing(holder) == Some(Standing::Unknown) && !basis.settings.ignores(None, holder)
    })
}

/// Whether Bitbucket lets an account in: by itself, by a group, or nobody knows by which it could.
fn is_let_in(seen: &Seen, holder: &Holder, groups: Option<&BTreeSet<String>>) -> bool {
    let Some(groups) = groups else { return true };
    let groups: BTreeSet<_> = groups.iter().filter_map(|name| Holder::group(name)).collect();
    let mut all = seen.everywhere.is.iter();
    all.any(|global| global.holder == *holder || groups.contains(&global.holder))
}

/// The groups of Bitbucket that roles are mapped to, and who may be in each: whoever holds one of these roles upstream.
fn mapped<'a>(seen: &Seen, basis: &'a Basis) -> BTreeMap<Holder, BTreeSet<&'a Holder>> {
    let there: BTreeSet<_> = seen.groups.is.iter().filter_map(|name| Holder::group(name)).collect();
    let mut all: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for role in basis.roles.values() {
        for (source, name) in role.groups.iter().flatten().filter_map(|group| group.split_once(':')) {
            let same = basis.settings.groups.contains(source);
            // By the name that Bitbucket writes.
            let group = Holder::group(name).and_then(|group| there.get(&group)).filter(|_| same);
            if let Some(group) = group {
                all.entry(group.clone()).or_default().extend(role.people.iter().chain(&role.named));
            }
        }
    }
    all
}

fn groups(all: Option<&BTreeSet<String>>) -> String {
    match all {
        None => String::new(),
        Some(all) if all.is_empty() => ": it is in no group".to_owned(),
        Some(all) => {
            format!(": it is in {}", all.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", "))
        }
    }
}

fn credentials(account: &Account, all: Option<&[(Account, Credential)]>) -> String {
    let Some(all) = all else { return String::new() };
    let own: Vec<_> = all.iter().filter(|(of, _)| of == account).map(|(_, one)| one.named()).collect();
    if own.is_empty() {
        ", and has neither token nor key".to_owned()
    } else {
        format!(", and has the {}", own.join(", "))
    }
}

fn finding(kind: FindingKind, holder: Holder, thing: String, what: String) -> Finding {
    Finding { kind, place: None, holder: Some(holder), thing, what, mended: false }
}
