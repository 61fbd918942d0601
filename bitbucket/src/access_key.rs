//! SSH access keys of projects and repositories: keys that are nobody's, and open git.

use oam_fetch::Method;
use oam_policy::printable::Printable;
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    account::part,
    client::{Ask, Bitbucket},
    credential::{Credential, CredentialKind, Wire as KeyWire},
    error::Error,
    permission::Place,
    project,
};

/// Where access keys lie.
const KEYS: &str = "/rest/keys/latest";

/// An access key of a project or a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The key.
    pub key: Credential,
    /// Whether whoever has it may write.
    pub writes: bool,
}

#[derive(Debug, Deserialize)]
struct Wire {
    key: KeyWire,
    permission: String,
    /// Set where it is a key of a repository.
    repository: Option<IgnoredAny>,
    /// Set where it is a key of a project, also where that is told of a repository in it.
    project: Option<IgnoredAny>,
}

impl AccessKey {
    /// What it is, for people; whoever prints it escapes it.
    pub fn named(&self) -> String {
        let Credential { id, label, .. } = &self.key;
        let label = if label.is_empty() { String::new() } else { format!(" `{label}`") };
        format!("access key {id}{label}")
    }
}

impl Bitbucket {
    /// The access keys of a place; of a repository, only its own.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn access_keys(&self, place: &Place) -> Result<Vec<AccessKey>, Error> {
        let ask = Ask::get(format!("reading the access keys of {place}"), path(place));
        let all: Vec<Wire> = self.list(ask).await?;
        let is_repository = matches!(place, Place::Repository(_));
        let inherited = |one: &Wire| is_repository && one.repository.is_none() && one.project.is_some();
        Ok(all.into_iter().filter(|one| !inherited(one)).map(AccessKey::from).collect())
    }

    /// Deletes one of a place's own: the key opens other places as before.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn delete_access_key(&self, place: &Place, key: &Credential) -> Result<(), Error> {
        let doing = format!("deleting the access key {} of {place}", Printable::new(&key.id));
        let id = part(&key.id, "an id").map_err(|problem| Ask::get(doing.clone(), "").failed(problem))?;
        self.done(Ask::by(Method::DELETE, doing.clone(), format!("{}/{id}", path(place)))).await
    }
}

fn path(place: &Place) -> String {
    let path = match place {
        Place::Project(key) => format!("{KEYS}/projects/{key}"),
        Place::Repository(repository) => project::repository_path(KEYS, repository),
    };
    format!("{path}/ssh")
}

impl From<Wire> for AccessKey {
    fn from(Wire { key, permission, .. }: Wire) -> Self {
        // What is not known to be reading only is told as writing.
        let writes = !["PROJECT_READ", "REPO_READ"].contains(&permission.as_str());
        Self { key: key.read(CredentialKind::SshKey), writes }
    }
}

#[cfg(test)]
mod tests {
    use super::{AccessKey, Wire};

    #[test]
    fn whatever_is_not_reading_is_writing() {
        let read = |permission: &str| {
            let text = format!(
                r#"{{"key":{{"id":7,"label":"deploy","text":"ssh-ed25519 A","expiryDays":30}},"permission":"{permission}"}}"#
            );
            AccessKey::from(serde_json::from_str::<Wire>(&text).unwrap())
        };
        assert_eq!(read("REPO_READ").named(), "access key 7 `deploy`");
        let writes = ["PROJECT_READ", "REPO_READ", "REPO_WRITE", "PROJECT_WRITE", "SOMETHING"];
        assert_eq!(writes.map(|one| read(one).writes), [false, false, true, true, true]);
        assert!(read("REPO_READ").key.ends);
    }
}
