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
    pub(super) async fn of(bitbucket: &Bitbucket, account: &Account) -> Result<Self, Error> {
        let mut credentials = Vec::new();
        for kind in CredentialKind::ALL {
            credentials.extend(bitbucket.credentials(account, kind).await?);
        }
        Ok(Self { credentials, groups: bitbucket.groups_of(account).await? })
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
