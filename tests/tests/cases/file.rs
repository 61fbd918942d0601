//! The format of the files in `tests/cases`. The book describes it: `docs/src/reference/cases.md`.

use std::{collections::BTreeMap, fs, path::PathBuf};

use jiff::Timestamp;
use oam_policy::{
    file::{self, PolicySource},
    rule::Policy,
};
use oam_tests::binaries::workspace;
use serde::Deserialize;
use serde_json::json;

use crate::{case::Case, keys};

/// Cases about one thing, with the policy and the people that they are about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseFile {
    /// What they are about, in a few words.
    pub(crate) title: String,
    /// What they are about, in a few sentences.
    pub(crate) text: String,
    /// Why no case here can be pushed for real; nothing where at least one is.
    pub(crate) never_pushed: Option<String>,
    /// The policy, as a daemon reads it.
    pub(crate) policy: String,
    /// Who is in the directory; nothing: there is no directory.
    pub(crate) people: Option<BTreeMap<String, Person>>,
    /// The cases.
    #[serde(rename = "case")]
    pub(crate) cases: Vec<Case>,
}

/// Somebody in the directory.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a list of groups, or a table with `groups`, `active`, `cut_off` and `emails`")]
pub(crate) enum Person {
    /// Who is in these groups.
    In(Vec<String>),
    /// More about them.
    Of(Account),
}

/// An account about which there is more to say than its groups.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    #[serde(default)]
    groups: Vec<String>,
    /// Whether the directory says that they may act.
    #[serde(default = "yes")]
    active: bool,
    /// Whether an administrator cut them off, `oam user deactivate`.
    #[serde(default)]
    cut_off: bool,
    /// Nothing: `NAME@example.com`.
    emails: Option<Vec<String>>,
}

fn yes() -> bool {
    true
}

/// Where the files are.
pub(crate) fn folder() -> PathBuf {
    workspace().join("tests/cases")
}

impl CaseFile {
    /// Reads a file of [`folder`] by its name without `.toml`.
    ///
    /// # Panics
    /// With the place, when it is not as the format says.
    pub(crate) fn read(name: &str) -> Self {
        let path = folder().join(format!("{name}.toml"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let file: Self = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}.toml: {error}"));
        if let Err(wrong) = file.check() {
            panic!("{name}.toml: {wrong}");
        }
        file
    }

    /// What the format asks for, and no type says.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.title.trim().is_empty() || self.text.trim().is_empty() || self.cases.is_empty() {
            return Err("`title`, `text` and at least one `[[case]]` are needed".into());
        }
        for (index, case) in self.cases.iter().enumerate() {
            case.check().map_err(|wrong| format!("case `{}`: {wrong}", case.name))?;
            if self.cases.iter().take(index).any(|other| other.name == case.name) {
                return Err(format!("two cases are called `{}`", case.name));
            }
        }
        let passes_all = |case: &Case| case.not_pushed().is_none() && case.is_alike_at_every_door();
        let is_pushed = self.cases.iter().any(passes_all);
        match (&self.never_pushed, is_pushed) {
            (None, false) => Err("no case passes all three doors: say in `never_pushed` why".into()),
            (Some(_), true) => Err("`never_pushed` is said, and a case is pushed".into()),
            (None, true) | (Some(_), false) => Ok(()),
        }
    }

    /// The policy.
    ///
    /// # Panics
    /// With every fault.
    pub(crate) fn policy(&self, now: Timestamp) -> Policy {
        let source = PolicySource { name: self.title.clone(), text: self.policy.clone() };
        let tested = file::parse_and_test(&[source], None, now).and_then(file::Tested::passed);
        tested.unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// The people as a directory file, if there is a directory.
    pub(crate) fn directory(&self) -> Option<String> {
        let users = self.people.as_ref()?.iter().map(|(name, person)| {
            let usual = vec![format!("{name}@example.com")];
            let (groups, active, emails) = match person {
                Person::In(groups) => (groups, true, usual),
                Person::Of(account) => {
                    (&account.groups, account.active, account.emails.clone().unwrap_or(usual))
                }
            };
            let signs = self.cases.iter().flat_map(Case::signers).any(|signer| signer.0.as_str() == name);
            let keys: Vec<_> = signs.then(|| keys::public(name)).into_iter().collect();
            json!({"username": name, "groups": groups, "active": active, "emails": emails, "ssh_keys": keys})
        });
        Some(json!({"version": 1, "users": users.collect::<Vec<_>>()}).to_string())
    }

    /// Those whom an administrator cut off.
    pub(crate) fn cut_off(&self) -> impl Iterator<Item = &str> {
        let people = self.people.iter().flatten();
        people.filter(|(_, person)| matches!(person, Person::Of(one) if one.cut_off)).map(|(name, _)| &**name)
    }
}
