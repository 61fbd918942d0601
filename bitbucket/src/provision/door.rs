use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Change, Step};
use crate::{Account, Bitbucket, Credential, CredentialKind, Error, permission::Holder};

/// By what somebody could still come in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Doors {
    /// Tokens and keys, the widest doors first.
    pub credentials: Vec<Credential>,
    /// The groups.
    pub groups: BTreeSet<String>,
}

impl Doors {
    /// How many things are asked of each person.
    pub(super) const ASKED: usize = CredentialKind::ALL.len() + 1;

    /// Reads them, each kind by itself: one that cannot be read leaves the others no more open. Beside them what went wrong.
    ///
    /// # Errors
    /// When there is too much asking.
    pub(super) async fn of(bitbucket: &Bitbucket, account: &Account) -> Result<(Self, Vec<Error>), Error> {
        let (mut doors, mut errors) = (Self::default(), Vec::new());
        for kind in CredentialKind::ALL {
            match bitbucket.credentials(account, kind).await {
                Ok(own) => doors.credentials.extend(own),
                Err(error) => errors.push(error),
            }
        }
        match bitbucket.groups_of(account).await {
            Ok(groups) => doors.groups = groups,
            Err(error) => errors.push(error),
        }
        match errors.iter().position(Error::is_busy) {
            Some(busy) => Err(errors.swap_remove(busy)),
            None => Ok((doors, errors)),
        }
    }

    /// Whether there is none.
    pub(super) fn are_closed(&self) -> bool {
        self.credentials.is_empty() && self.groups.is_empty()
    }

    /// What closes tokens and keys.
    pub(super) fn close<'a>(
        &'a self,
        account: &'a Account,
        because: &'a str,
    ) -> impl Iterator<Item = Change> + 'a {
        self.credentials.iter().map(move |credential| Change {
            step: Step::Delete { account: account.clone(), credential: credential.clone() },
            because: because.to_owned(),
        })
    }

    /// What takes somebody out of groups.
    pub(super) fn leave<'a>(
        &'a self,
        user: &'a Holder,
        because: &'a str,
    ) -> impl Iterator<Item = Change> + 'a {
        self.groups.iter().filter_map(|group| Holder::group(group)).map(move |group| Change {
            step: Step::LeaveGroup { holder: user.clone(), group },
            because: because.to_owned(),
        })
    }
}
