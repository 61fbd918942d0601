use std::{fmt, str::FromStr, sync::Arc};

use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::printable::Printable;

/// Why a text is no rule or role id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is no id: 1 to 64 lower-case letters, digits, `-`, `_` or `.`, beginning with a letter or digit"
)]
pub struct IdError(String);

fn check(text: &str) -> Result<Arc<str>, IdError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if text.len() <= 64 && starts_well && text.chars().all(allowed) {
        Ok(text.into())
    } else {
        Err(IdError(Printable::new(text).to_string()))
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses an id.
            ///
            /// # Errors
            /// When it is not 1 to 64 of the allowed characters.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check(text).map(Self)
            }

            /// The id's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

id! {
    /// The id of a role: `developer`.
    RoleId
}

id! {
    /// The id of a grant, block, require, waiver or elevation: `tags-are-forever`. Ids of built-in rules begin with `oam:`,
    /// which no policy file can write.
    RuleId
}

impl RuleId {
    /// The id of a rule that is part of the product; `name` is appended to `oam:`.
    pub(crate) fn built_in(name: &str) -> Self {
        Self(format!("oam:{name}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::{RoleId, RuleId};

    #[test]
    fn ids_are_short_plain_words() {
        assert!(RoleId::parse("release-manager").is_ok());
        for text in ["", "-x", "Main", "a b", "oam:replace", "a/b", &"a".repeat(65)] {
            assert!(RuleId::parse(text).is_err(), "{text}");
        }
        assert_eq!(RuleId::built_in("replace-refs").to_string(), "oam:replace-refs");
    }
}
