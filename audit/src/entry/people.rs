//! What is recorded of how the log names people.

use serde::{Deserialize, Serialize};

/// People stand otherwise in the entries from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeopleKept {
    /// As what.
    pub form: PeopleForm,
}

/// As what people stand in entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeopleForm {
    /// By their names, and what they wrote as they wrote it.
    #[default]
    Names,
    /// By aliases, and what they wrote sealed: only who has the table of people can read it.
    Aliases,
}

impl PeopleForm {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Names => "names",
            Self::Aliases => "aliases",
        }
    }
}

/// The table of people has forgotten somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonErased {
    /// The aliases that nobody can open any more.
    pub aliases: Vec<String>,
    /// Who did it.
    pub actor: String,
    /// Whether it was done although they could still act; absent when they could not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forced: bool,
}
