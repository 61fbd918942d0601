//! Accounts that are called otherwise than before, and names that another account has than before.
//!
//! Bitbucket's number of an account is what stays. By it whoever is gone is gone also under another name; and what is to be given to
//! or taken from whoever has a name is held back where that is somebody else now.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use super::{Basis, Change, Finding, FindingKind, HeldBack, Plan, Seen, Standing, Step};
use crate::{Account, AccountId, permission::Holder};

/// What is known of accounts beside their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renamed {
    /// The name by which somebody was known, who has one now that nobody knows.
    pub was: BTreeMap<Holder, Holder>,
    /// Whoever has the name of another account than the one that was known by it, or is active by another name, and what is known of
    /// them.
    pub another: BTreeMap<Holder, String>,
    /// The names by which those were known: what was given to them under these is theirs still.
    pub before: BTreeSet<Holder>,
}

impl Renamed {
    /// Whether it can be said of somebody that the account is theirs: the directory knows the name.
    pub fn may_be_accepted(&self, user: &Holder) -> bool {
        self.another.contains_key(user) && !self.was.contains_key(user)
    }
}

impl Plan {
    /// The same, where what was held back since somebody has another one's name was looked at, too: somebody says whose these accounts are.
    pub fn accepting(mut self, users: &BTreeSet<Holder>) -> Self {
        let is_theirs = |held: &HeldBack| whose(&held.change.step).iter().any(|user| users.contains(user));
        let (theirs, held_back): (Vec<_>, Vec<_>) = self.held_back.into_iter().partition(is_theirs);
        self.held_back = held_back;
        self.changes.extend(theirs.into_iter().map(|held| held.change));
        self
    }
}

impl Seen {
    /// Bitbucket's number of a user.
    pub fn id_of(&self, user: &Holder) -> Option<AccountId> {
        let is_theirs = |account: &&Account| account.holder().as_ref() == Some(user);
        self.accounts.is.iter().find(is_theirs).and_then(|account| account.id)
    }
}

/// Why an account loses all that it has.
pub(super) fn because(basis: &Basis, account: &Account, standing: Standing) -> String {
    let was = account.holder().and_then(|user| basis.renamed.was.get(&user).cloned());
    let was = was.map(|was| format!(", which was `{}`,", was.name())).unwrap_or_default();
    format!("`{}`{was} {}", account.name, standing.as_str())
}

/// Puts aside what is about somebody who has the name of another one, or another name than the one by which they are active.
pub(super) fn hold_back(seen: &Seen, basis: &Basis, all: &mut Vec<Change>) -> Vec<HeldBack> {
    let mut held = Vec::new();
    for change in mem::take(all) {
        // It stays known as ours until it is known whose the new name is.
        if matches!(&change.step, Step::Forget { holder, .. } if basis.renamed.before.contains(holder)) {
            continue;
        }
        let why = match change.step.is_noted_only() {
            true => None,
            false => whose(&change.step).iter().find_map(|user| withheld(seen, basis, user)),
        };
        match why {
            None => all.push(change),
            Some(why) => held.push(HeldBack { change, why }),
        }
    }
    held
}

/// Why nothing is given to somebody or taken from them, and what one can do about it.
fn withheld(seen: &Seen, basis: &Basis, user: &Holder) -> Option<String> {
    let why = basis.renamed.another.get(user)?;
    Some(match basis.renamed.may_be_accepted(user) {
        true => format!("{why}: {}", accepting(seen, user)),
        // It is not the one of that name: the directory has none.
        false => {
            format!("{why}: it waits until the directory has the new one, or Bitbucket the old one again")
        }
    })
}

/// What one can do where an account has another one's name, ready to be typed.
fn accepting(seen: &Seen, user: &Holder) -> String {
    let id = seen.id_of(user).map_or_else(|| "NUMBER".to_owned(), |id| id.to_string());
    // With a `=` before it: a name may begin with `-`.
    let account = typed(&format!("{}={id}", user.name()));
    format!("see whose it is; if it is theirs, run `oam bitbucket apply --accept-accounts={account}`")
}

/// As a shell takes it for one word.
fn typed(word: &str) -> String {
    let is_plain = |one: char| one.is_alphanumeric() || "._-@+=".contains(one);
    match word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// What there is to tell of names that another account has.
pub(super) fn others<'a>(seen: &'a Seen, basis: &'a Basis) -> impl Iterator<Item = Finding> + 'a {
    // Who is called otherwise than in the directory is told as an account that no source knows.
    let is_one =
        move |user: &Holder| !basis.settings.ignores(None, user) && basis.renamed.may_be_accepted(user);
    let others = basis.renamed.another.iter().filter(move |(user, _)| is_one(user));
    others.map(move |(user, why)| Finding {
        kind: FindingKind::AnotherAccount,
        place: None,
        holder: Some(user.clone()),
        thing: seen.id_of(user).map(|id| id.to_string()).unwrap_or_default(),
        what: format!(
            "is told apart from whoever has that name, and nothing is given or taken: {why}: {}",
            accepting(seen, user)
        ),
        mended: false,
    })
}

/// Whom a step is about.
fn whose(step: &Step) -> Vec<Holder> {
    match step {
        Step::Delete { account, .. } => account.holder().into_iter().collect(),
        Step::RevokeGlobal { holder, .. } | Step::LeaveGroup { holder, .. } => vec![holder.clone()],
        // To whom it is not to apply.
        Step::Restrict { restriction, .. } => {
            restriction.users.iter().filter_map(|name| Holder::user(name)).collect()
        }
        step => step.at().map(|(_, holder)| holder.clone()).into_iter().collect(),
    }
}
