use std::{cmp::Ordering, fmt, str::FromStr};

use thiserror::Error;

use crate::printable::{Printable, is_deceptive};

/// A repository, `PROJECT/slug`, as Bitbucket names it. Compared without regard to ASCII case, as Bitbucket does,
/// so that a rule on `pay/*` can never miss `PAY/api`.
#[derive(Clone)]
pub struct Repository {
    /// As given, for people.
    text: Box<str>,
    /// Folded, for comparison.
    key: Box<str>,
    /// How much of it is the project.
    project_len: usize,
}

/// Why a text is no [`Repository`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RepositoryError {
    /// Not two parts.
    #[error("`{0}` is no repository: `PROJECT/slug` is expected, with one `/`")]
    Shape(String),
    /// A part is empty, too long, or holds something other than letters, digits, `-`, `_`, `.`, `~`.
    #[error("`{0}` is no repository: a project or slug is 1 to 128 letters, digits, `-`, `_`, `.` or `~`")]
    Part(String),
}

impl Repository {
    /// Parses `PROJECT/slug`.
    ///
    /// # Errors
    /// When there are not exactly two parts, or one holds what Bitbucket does not allow.
    pub fn parse(text: &str) -> Result<Self, RepositoryError> {
        let shown = || Printable::new(text).to_string();
        let (project, slug) = text.split_once('/').ok_or_else(|| RepositoryError::Shape(shown()))?;
        if slug.contains('/') {
            return Err(RepositoryError::Shape(shown()));
        }
        if !is_part(project) || !is_part(slug) {
            return Err(RepositoryError::Part(shown()));
        }
        Ok(Self { text: text.into(), key: text.to_ascii_lowercase().into(), project_len: project.len() })
    }

    /// `PROJECT/slug` as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `project/slug` in lower case: what patterns are matched against.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The project in lower case.
    pub(crate) fn project_key(&self) -> &str {
        self.key.get(..self.project_len).unwrap_or_default()
    }
}

fn is_part(part: &str) -> bool {
    let letter = |character: char| character.is_alphanumeric() && !is_deceptive(character);
    let allowed = |character: char| letter(character) || "-_.~".contains(character);
    (1..=128).contains(&part.len()) && part.chars().all(allowed) && part != "." && part != ".."
}

impl FromStr for Repository {
    type Err = RepositoryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl PartialEq for Repository {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Repository {}

impl PartialOrd for Repository {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Repository {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Repository({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::Repository;

    #[test]
    fn case_does_not_tell_repositories_apart() {
        assert_eq!(Repository::parse("PAY/api").unwrap(), Repository::parse("pay/API").unwrap());
        assert_eq!(Repository::parse("~alice/dot.files").unwrap().to_string(), "~alice/dot.files");
    }

    #[test]
    fn nothing_else_is_a_repository() {
        for text in [
            "",
            "PAY",
            "PAY/",
            "/api",
            "PAY/api/x",
            "PAY/a b",
            "PAY/a\n",
            "../api",
            "PAY/..",
            "PAY/*",
            "PAY/\u{3164}",
        ] {
            assert!(Repository::parse(text).is_err(), "{text}");
        }
    }
}
