//! Users and groups of Bitbucket, and what they may do everywhere.

use std::{collections::BTreeSet, fmt, num::NonZeroU64};

use oam_fetch::Method;
use oam_policy::printable::Printable;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    client::{API, Ask, Bitbucket},
    error::{Error, Problem},
    permission::{Holder, HolderKind},
};

/// Bitbucket's number of a user. It stays theirs when they are called otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub NonZeroU64);

/// A user of Bitbucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The number; `None`: it is not known, as in what was kept before it was looked at.
    #[serde(default)]
    pub id: Option<AccountId>,
    /// The username.
    pub name: String,
    /// The same as it stands in addresses.
    pub slug: String,
    /// Whether Bitbucket lets them in.
    #[serde(default = "yes")]
    pub active: bool,
}

/// What somebody may do everywhere; each has all that those before it have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GlobalLevel {
    /// Use Bitbucket.
    LicensedUser,
    /// Make projects.
    ProjectCreate,
    /// Administer.
    Admin,
    /// Administer the system.
    SysAdmin,
}

/// A permission that holds everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalPermission {
    /// Who has it.
    pub holder: Holder,
    /// The permission.
    pub level: GlobalLevel,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Permitted {
    user: Option<Named>,
    group: Option<Named>,
    permission: GlobalLevel,
}

const fn yes() -> bool {
    true
}

impl AccountId {
    /// The number as it is on the wire, where 0 stands for none.
    pub const fn on_wire(id: Option<Self>) -> u64 {
        match id {
            Some(Self(id)) => id.get(),
            None => 0,
        }
    }

    /// The same the other way round.
    pub fn of_wire(id: u64) -> Option<Self> {
        NonZeroU64::new(id).map(Self)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl GlobalLevel {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LicensedUser => "licensed-user",
            Self::ProjectCreate => "project-create",
            Self::Admin => "admin",
            Self::SysAdmin => "sys-admin",
        }
    }

    /// Bitbucket's word.
    const fn written(self) -> &'static str {
        match self {
            Self::LicensedUser => "LICENSED_USER",
            Self::ProjectCreate => "PROJECT_CREATE",
            Self::Admin => "ADMIN",
            Self::SysAdmin => "SYS_ADMIN",
        }
    }
}

impl Account {
    /// The same as whoever has permissions.
    pub fn holder(&self) -> Option<Holder> {
        Holder::user(&self.name)
    }

    /// Whether the slug may stand in a path as it is.
    fn slug(&self) -> Result<&str, Problem> {
        part(&self.slug, "a user's slug")
    }
}

/// A text that comes from Bitbucket and goes into a path of it, if it may.
pub(crate) fn part<'a>(text: &'a str, what: &str) -> Result<&'a str, Problem> {
    let usable = (1..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~@".contains(&byte))
        && !text.bytes().all(|byte| byte == b'.');
    if usable { Ok(text) } else { Err(Problem::Strange(format!("{what} `{}`", Printable::new(text)))) }
}

impl Bitbucket {
    /// Every user, active or not.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn accounts(&self) -> Result<Vec<Account>, Error> {
        self.list(Ask::get("reading the users", format!("{API}/admin/users"))).await
    }

    /// The names of every group.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn groups(&self) -> Result<BTreeSet<String>, Error> {
        let ask = Ask::get("reading the groups", format!("{API}/admin/groups"));
        Ok(self.list::<Named>(ask).await?.into_iter().map(|group| group.name).collect())
    }

    /// The names of the groups that a user is in.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn groups_of(&self, account: &Account) -> Result<BTreeSet<String>, Error> {
        let doing = format!("reading which groups {} is in", Printable::new(&account.name));
        let ask = Ask::get(doing, format!("{API}/admin/users/more-members")).with("context", &account.name);
        Ok(self.list::<Named>(ask).await?.into_iter().map(|group| group.name).collect())
    }

    /// The names of the users who are in a group.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn members(&self, group: &str) -> Result<BTreeSet<String>, Error> {
        let doing = format!("reading who is in the group {}", Printable::new(group));
        let ask = Ask::get(doing, format!("{API}/admin/groups/more-members")).with("context", group);
        Ok(self.list::<Named>(ask).await?.into_iter().map(|user| user.name).collect())
    }

    /// Takes a user out of a group.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn leave_group(&self, user: &str, group: &str) -> Result<(), Error> {
        let doing = format!("taking {} out of the group {}", Printable::new(user), Printable::new(group));
        let body = json!({"context": user, "itemName": group});
        self.done(Ask::by(Method::POST, doing, format!("{API}/admin/users/remove-group")).json(&body)).await
    }

    /// What users and groups may do everywhere.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn global_permissions(&self) -> Result<Vec<GlobalPermission>, Error> {
        let mut all = Vec::new();
        for (kind, collection) in [(HolderKind::Group, "groups"), (HolderKind::User, "users")] {
            let doing = format!("reading what {collection} may do everywhere");
            let ask = || Ask::get(doing.clone(), format!("{API}/admin/permissions/{collection}"));
            for Permitted { user, group, permission } in self.list::<Permitted>(ask()).await? {
                let named = if kind == HolderKind::User { user } else { group };
                let holder = named.and_then(|named| Holder::new(kind, &named.name));
                let nobody = || ask().failed(Problem::Strange("a permission of nobody".to_owned()));
                all.push(GlobalPermission { holder: holder.ok_or_else(nobody)?, level: permission });
            }
        }
        Ok(all)
    }

    /// Takes what somebody may do everywhere, or all but what they are left.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn revoke_global(&self, holder: &Holder, left: Option<GlobalLevel>) -> Result<(), Error> {
        let doing = format!("taking what {} may do everywhere", Printable::new(&holder.to_string()));
        let collection = if holder.kind() == HolderKind::User { "users" } else { "groups" };
        let method = if left.is_some() { Method::PUT } else { Method::DELETE };
        let ask = Ask::by(method, doing, format!("{API}/admin/permissions/{collection}"));
        let ask = ask.with("name", holder.name());
        match left {
            Some(level) => self.done(ask.with("permission", level.written())).await,
            None => self.done(ask).await,
        }
    }
}

/// For what lies below the path of one user.
pub(crate) fn slug_of(account: &Account, doing: &str) -> Result<String, Error> {
    let ask = Ask::get(doing, "");
    account.slug().map(str::to_owned).map_err(|problem| ask.failed(problem))
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn what_goes_into_a_path_leads_nowhere_else() {
        for good in ["ada", "ada.l", "ada_example.com", "~ada", "1F-2"] {
            assert!(part(good, "x").is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a?b", "a%2fb", "a#", "ä", "a b"] {
            assert!(part(bad, "x").is_err(), "{bad:?}");
        }
    }
}
