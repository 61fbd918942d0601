use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use thiserror::Error;

/// How many names a path may have.
const DEEPEST: usize = 8;

/// Where something stands among the claims of a token: names from the outside in, as in `realm_access.roles`. A name with a dot in
/// it is quoted: `"https://example.com/groups"`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClaimPath(Vec<String>);

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{}` is no path of claims: write names with dots between them, and quote a name that has a dot in it", .0.escape_debug()
)]
pub struct PathError(String);

impl ClaimPath {
    /// What stands there.
    pub fn find<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(claims.get(first)?, |value, name| value.as_object()?.get(name))
    }

    /// The claim that it begins with.
    pub fn claim(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }
}

impl FromStr for ClaimPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let fault = || PathError(text.chars().take(200).collect());
        let mut names = Vec::new();
        let mut rest = Some(text);
        while let Some(text) = rest {
            let (name, after) = next(text).ok_or_else(fault)?;
            if name.is_empty() || name.contains(char::is_control) || names.len() == DEEPEST {
                return Err(fault());
            }
            names.push(name.to_owned());
            rest = after;
        }
        Ok(Self(names))
    }
}

/// The first name, and what follows its dot.
fn next(text: &str) -> Option<(&str, Option<&str>)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (name, after) = text.split_once('.').map_or((text, None), |(name, after)| (name, Some(after)));
        return (!name.contains('"')).then_some((name, after));
    };
    match quoted.split_once('"')? {
        (name, "") => Some((name, None)),
        (name, after) => Some((name, Some(after.strip_prefix('.')?))),
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.0.iter().enumerate() {
            let dot = if place == 0 { "" } else { "." };
            if name.contains('.') { write!(f, "{dot}\"{name}\"")? } else { write!(f, "{dot}{name}")? }
        }
        Ok(())
    }
}

impl Serialize for ClaimPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ClaimPath;

    #[test]
    fn paths_are_written_as_they_are_read() {
        for (text, names) in [
            ("groups", vec!["groups"]),
            ("realm_access.roles", vec!["realm_access", "roles"]),
            ("resource_access.\"my.client\".roles", vec!["resource_access", "my.client", "roles"]),
            ("\"https://example.com/groups\"", vec!["https://example.com/groups"]),
            ("cognito:groups", vec!["cognito:groups"]),
        ] {
            let path: ClaimPath = text.parse().unwrap();
            assert_eq!(
                (path.0.iter().map(String::as_str).collect::<Vec<_>>(), path.to_string()),
                (names, text.into())
            );
        }
        for text in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "\"a",
            "\"a\"b",
            "a\"b\"",
            "\"\"",
            "a\nb",
            "a.b.c.d.e.f.g.h.i",
            "\0",
            "a.\0",
        ] {
            assert!(text.parse::<ClaimPath>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_stands_there_is_found() {
        let claims = json!({"a": {"b.c": ["x"]}, "d": 1});
        let claims = claims.as_object().unwrap();
        let find = |path: &str| path.parse::<ClaimPath>().unwrap().find(claims).cloned();
        assert_eq!(find("a.\"b.c\""), Some(json!(["x"])));
        assert_eq!((find("a.b.c"), find("d.e"), find("z")), (None, None, None));
    }
}
