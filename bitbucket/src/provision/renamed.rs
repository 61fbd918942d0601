//! Accounts that are called otherwise than before, and names that another account has than before.
//!
//! Bitbucket's number of an account is what stays. By it whoever is gone is gone also under another name; and what is to be given to
//! or taken from whoever has a name is held back where that is somebody else now.

use std::collections::BTreeMap;

use super::{Basis, Change, Finding, FindingKind, HeldBack, Seen, Standing, Step};
use crate::{Account, AccountId, permission::Holder};

/// What is known of accounts beside their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renamed {
    /// The name by which somebody was known, who has one now that nobody knows.
    pub was: BTreeMap<Holder, Holder>,
    /// Whoever has the name of another account than the one that was known by it, and what is known of them.
    pub another: BTreeMap<Holder, String>,
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

/// Puts aside what is about somebody who has the name of another one.
pub(super) fn hold_back(basis: &Basis, all: Vec<Change>) -> (Vec<Change>, Vec<HeldBack>) {
    let (mut changes, mut held) = (Vec::new(), Vec::new());
    for change in all {
        let user = whose(&change.step).filter(|_| !change.step.is_noted_only());
        match user.and_then(|user| basis.renamed.another.get(&user)) {
            None => changes.push(change),
            Some(why) => {
                let why = format!(
                    "{why}: see whose it is; if it is theirs, run `oam bitbucket apply --accept-accounts`"
                );
                held.push(HeldBack { change, why });
            }
        }
    }
    (changes, held)
}

/// What there is to tell of names that another account has.
pub(super) fn others<'a>(seen: &'a Seen, basis: &'a Basis) -> impl Iterator<Item = Finding> + 'a {
    let others = basis.renamed.another.iter().filter(|(user, _)| !basis.settings.ignores(None, user));
    others.map(|(user, why)| Finding {
        kind: FindingKind::AnotherAccount,
        place: None,
        holder: Some(user.clone()),
        thing: seen.id_of(user).map(|id| id.to_string()).unwrap_or_default(),
        what: format!("is told apart from whoever has that name, and nothing is given or taken: {why}"),
        mended: false,
    })
}

/// The user whom a step is about.
fn whose(step: &Step) -> Option<Holder> {
    let holder = match step {
        Step::Delete { account, .. } => return account.holder(),
        Step::RevokeGlobal { holder, .. } | Step::LeaveGroup { holder, .. } => holder,
        step => step.at()?.1,
    };
    holder.as_user().is_some().then(|| holder.clone())
}
