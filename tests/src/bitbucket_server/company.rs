//! Who is there, in which groups, and what was given to whom.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{SystemTime, UNIX_EPOCH},
};

use super::state::{Global, Permission, State};

/// What the server knows of people besides their names.
#[derive(Debug, Default)]
pub(crate) struct Company {
    /// The members of each group.
    pub(crate) groups: BTreeMap<String, BTreeSet<String>>,
    /// Groups of a directory that is only read, and with which status nobody leaves them.
    pub(crate) read_only_groups: BTreeMap<String, u16>,
    /// What groups may do everywhere.
    pub(crate) everywhere: BTreeMap<String, Global>,
    /// Users whom the server does not let in.
    pub(crate) inactive: BTreeSet<String>,
    /// What groups may do in projects.
    pub(crate) in_projects: BTreeMap<String, BTreeMap<String, Permission>>,
    /// What users and groups may do in repositories, by `PROJECT/slug`.
    pub(crate) in_repositories: BTreeMap<String, Given>,
    /// What users may act with.
    pub(crate) credentials: Vec<Credential>,
    pub(crate) access_keys: Vec<AccessKey>,
    /// HTTP tokens of projects and repositories.
    pub(crate) tokens_of_places: Vec<AccessKey>,
    pub(crate) restrictions: Vec<Restriction>,
    /// The branching models of repositories, by `PROJECT/slug`.
    pub(crate) models: BTreeMap<String, Model>,
    /// What everybody who is signed in may do in projects.
    pub(crate) everybody: BTreeMap<String, Permission>,
    /// How many users may use it.
    pub(crate) licence: Option<usize>,
}

/// What was given in one place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    pub(crate) users: BTreeMap<String, Permission>,
    pub(crate) groups: BTreeMap<String, Permission>,
}

/// A branch restriction.
#[derive(Debug, Clone)]
pub(crate) struct Restriction {
    pub(crate) id: u64,
    /// A project, or `PROJECT/slug`.
    pub(crate) place: String,
    pub(crate) kind: String,
    /// How it tells which refs it is about: `PATTERN`, `BRANCH`, `ANY_REF`, `MODEL_BRANCH`, `MODEL_CATEGORY`.
    pub(crate) matcher: String,
    pub(crate) on: String,
    /// To whom it does not apply.
    pub(crate) users: Vec<String>,
    pub(crate) groups: Vec<String>,
    /// Access keys to which it does not apply.
    pub(crate) keys: Vec<String>,
}

/// A branching model.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) development: Option<String>,
    pub(crate) production: Option<String>,
    /// Categories and what their branches begin with.
    pub(crate) categories: Vec<(String, String)>,
}

/// An SSH key of a project or a repository.
#[derive(Debug, Clone)]
pub(crate) struct AccessKey {
    pub(crate) id: u64,
    /// A project, or `PROJECT/slug`.
    pub(crate) place: String,
    pub(crate) label: String,
    pub(crate) writes: bool,
    pub(crate) expiry_days: Option<u64>,
}

/// A token or a key.
#[derive(Debug, Clone)]
pub(crate) struct Credential {
    pub(crate) kind: CredentialKind,
    pub(crate) user: String,
    pub(crate) id: u64,
    pub(crate) label: String,
    pub(crate) expiry_days: Option<u64>,
    /// The token itself.
    pub(crate) secret: Option<String>,
    /// When somebody last came in with it, in milliseconds since 1970.
    pub(crate) used: Option<u64>,
}

/// What kind of token or key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// An HTTP access token.
    Token,
    /// An SSH key.
    Ssh,
    /// A GPG key.
    Gpg,
}

impl State {
    /// Notes that somebody came in with a token now.
    pub(crate) fn came_in_with(&mut self, token: &str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_millis());
        let now = now.ok().and_then(|now| u64::try_from(now).ok());
        let is_it = |one: &&mut Credential| one.secret.as_deref() == Some(token);
        if let Some(one) = self.company.credentials.iter_mut().find(is_it) {
            one.used = now;
        }
    }

    /// The name of a user as it is written here: names are the same in any case.
    pub(crate) fn user(&self, name: &str) -> Option<String> {
        if self.users.contains_key(name) {
            return Some(name.to_owned());
        }
        self.users.keys().find(|known| known.to_lowercase() == name.to_lowercase()).cloned()
    }

    /// The same for a group.
    pub(crate) fn group(&self, name: &str) -> Option<String> {
        if self.company.groups.contains_key(name) {
            return Some(name.to_owned());
        }
        self.company.groups.keys().find(|known| known.to_lowercase() == name.to_lowercase()).cloned()
    }

    /// The most of what was given to a user, or to a group that they are in.
    pub(crate) fn most<T: Ord + Copy>(
        &self,
        user: &str,
        users: Option<&BTreeMap<String, T>>,
        groups: Option<&BTreeMap<String, T>>,
    ) -> Option<T> {
        let own = users.and_then(|users| users.get(user)).copied();
        let is_member = |group: &str| self.company.groups.get(group).is_some_and(|all| all.contains(user));
        let through = groups.into_iter().flatten().filter(|(group, _)| is_member(group)).map(|(_, one)| *one);
        own.into_iter().chain(through).max()
    }

    /// The most that a user may do in a repository.
    pub(crate) fn permission_in(&self, user: &str, project: &str, slug: &str) -> Option<Permission> {
        let given = self.company.in_repositories.get(&format!("{project}/{slug}"));
        let here = self
            .global(user)
            .and_then(|_| self.most(user, given.map(|given| &given.users), given.map(|given| &given.groups)));
        here.max(self.permission(user, project))
    }

    /// How many users may use it.
    pub(crate) fn licensed(&self) -> usize {
        self.users.keys().filter(|user| self.global(user).is_some()).count()
    }
}
