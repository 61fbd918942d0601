//! What users act with in Bitbucket besides their passwords: HTTP access tokens, SSH keys and GPG keys.

use oam_fetch::Method;
use oam_policy::printable::Printable;
use serde::{Deserialize, Serialize, de::IgnoredAny};

use crate::{
    Account,
    account::{part, slug_of},
    client::{Ask, Bitbucket},
    error::{Error, Problem},
    permission::Place,
    project,
};

/// Where HTTP access tokens lie.
const TOKENS: &str = "/rest/access-tokens/latest/users";
/// The same of projects and repositories.
const TOKENS_OF_PLACES: &str = "/rest/access-tokens/latest";

/// Which kind it is. In this order they are taken: a token opens everything that its user may do, from anywhere and
/// without the identity provider; an SSH key opens git; a GPG key opens nothing, and makes commits believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// An HTTP access token.
    Token,
    /// An SSH key.
    SshKey,
    /// A GPG key.
    GpgKey,
}

/// A token or a key of a user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Credential {
    /// Which kind it is.
    pub kind: CredentialKind,
    /// Bitbucket's id of it.
    pub id: String,
    /// What its user calls it; may be empty.
    pub label: String,
    /// Whether it ends by itself at some time.
    pub ends: bool,
    /// When somebody last came in with it, in milliseconds since 1970, where Bitbucket says.
    pub used: Option<u64>,
    /// When it was made, in the same way.
    pub made: Option<u64>,
}

/// Bitbucket writes ids as texts or numbers.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(u64),
}

/// A moment, in milliseconds since 1970. Nothing that is taken rests on one, so one that is written otherwise is not known.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Moment {
    Millis(u64),
    Other(IgnoredAny),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wire {
    id: Id,
    #[serde(alias = "label", alias = "emailAddress")]
    name: Option<String>,
    #[serde(alias = "expiryDate")]
    expiry_days: Option<IgnoredAny>,
    last_authenticated: Option<Moment>,
    created_date: Option<Moment>,
}

impl CredentialKind {
    /// Every one, in the order in which they are taken.
    pub const ALL: [Self; 3] = [Self::Token, Self::SshKey, Self::GpgKey];

    /// What it is, for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "HTTP token",
            Self::SshKey => "SSH key",
            Self::GpgKey => "GPG key",
        }
    }

    /// Where keys of this kind lie, but for tokens.
    const fn keys(self) -> &'static str {
        match self {
            Self::Token => TOKENS,
            Self::SshKey => "/rest/ssh/latest/keys",
            Self::GpgKey => "/rest/gpg/latest/keys",
        }
    }
}

impl Credential {
    /// Whether another one is the same, whatever else is known of it.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.kind, &self.id) == (other.kind, &other.id)
    }

    /// What it is, for people; whoever prints it escapes it.
    pub fn named(&self) -> String {
        let label = if self.label.is_empty() { String::new() } else { format!(" `{}`", self.label) };
        format!("{} {}{label}", self.kind.as_str(), self.id)
    }
}

impl Bitbucket {
    /// The tokens or keys of a user.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn credentials(
        &self,
        account: &Account,
        kind: CredentialKind,
    ) -> Result<Vec<Credential>, Error> {
        let doing = format!("reading each {} of {}", kind.as_str(), Printable::new(&account.name));
        let ask = || match kind {
            CredentialKind::Token => {
                Ok(Ask::get(doing.clone(), format!("{TOKENS}/{}", slug_of(account, &doing)?)))
            }
            CredentialKind::SshKey | CredentialKind::GpgKey => {
                Ok(Ask::get(doing.clone(), kind.keys()).with("user", &account.name))
            }
        };
        Ok(self.list::<Wire>(ask()?).await?.into_iter().map(|wire| wire.read(kind)).collect())
    }

    /// The HTTP access tokens of a project or a repository: whoever has one acts as nobody whom a source knows.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn tokens_of(&self, place: &Place) -> Result<Vec<Credential>, Error> {
        let ask = Ask::get(format!("reading the HTTP tokens of {place}"), tokens_path(place));
        Ok(self.list::<Wire>(ask).await?.into_iter().map(|wire| wire.read(CredentialKind::Token)).collect())
    }

    /// Deletes one of a place's own for good.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn delete_token_of(&self, place: &Place, token: &Credential) -> Result<(), Error> {
        let doing = format!("deleting the HTTP token {} of {place}", Printable::new(&token.id));
        let id = part(&token.id, "an id").map_err(|problem| Ask::get(doing.clone(), "").failed(problem))?;
        self.done(Ask::by(Method::DELETE, doing.clone(), format!("{}/{id}", tokens_path(place)))).await
    }

    /// Deletes one for good.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn delete_credential(&self, account: &Account, one: &Credential) -> Result<(), Error> {
        let kind = one.kind;
        let doing = format!("deleting the {} {} of {}", kind.as_str(), one.id, Printable::new(&account.name));
        let strange = |problem: Problem| Ask::get(doing.clone(), "").failed(problem);
        let id = part(&one.id, "an id").map_err(strange)?;
        let path = match kind {
            CredentialKind::Token => format!("{TOKENS}/{}/{id}", slug_of(account, &doing)?),
            CredentialKind::SshKey | CredentialKind::GpgKey => format!("{}/{id}", kind.keys()),
        };
        self.done(Ask::by(Method::DELETE, doing, path)).await
    }
}

fn tokens_path(place: &Place) -> String {
    match place {
        Place::Project(project) => format!("{TOKENS_OF_PLACES}/projects/{project}"),
        Place::Repository(repository) => project::repository_path(TOKENS_OF_PLACES, repository),
    }
}

impl Wire {
    pub(crate) fn read(self, kind: CredentialKind) -> Credential {
        let id = match self.id {
            Id::Text(text) => text,
            Id::Number(number) => number.to_string(),
        };
        Credential {
            kind,
            id,
            label: self.name.unwrap_or_default(),
            ends: self.expiry_days.is_some(),
            used: self.last_authenticated.and_then(Moment::millis),
            made: self.created_date.and_then(Moment::millis),
        }
    }
}

impl Moment {
    fn millis(self) -> Option<u64> {
        match self {
            Self::Millis(millis) => Some(millis),
            Self::Other(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CredentialKind, Wire};

    #[test]
    fn ids_are_texts_or_numbers_and_what_is_not_said_is_not_known() {
        let read = |text: &str| serde_json::from_str::<Wire>(text).unwrap().read(CredentialKind::SshKey);
        let key = read(
            r#"{"id":7,"label":"laptop","text":"ssh-ed25519 A","expiryDays":30,"createdDate":"2026-01-01"}"#,
        );
        assert_eq!((key.id.as_str(), key.label.as_str(), key.ends, key.used), ("7", "laptop", true, None));
        let token =
            read(r#"{"id":"12","name":"ci","createdDate":5,"lastAuthenticated":9,"expiryDays":null}"#);
        assert_eq!((token.id.as_str(), token.ends, token.used, token.made), ("12", false, Some(9), Some(5)));
    }
}
