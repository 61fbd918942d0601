use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::{
    pattern::{PatternSet, split_exclusion},
    regex::RegexPattern,
    {Pattern, PatternError},
};
use crate::{glob::Glob, name::TreePath};

/// Patterns over paths in the tree, compared byte by byte. Cheap to clone: clones share the patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathSet(Arc<PatternSet>);

impl PathSet {
    /// Makes a set of parsed patterns; see [`Self::parse_one`].
    ///
    /// # Errors
    /// [`PatternError::NothingIncluded`].
    pub fn new(patterns: impl IntoIterator<Item = (bool, Pattern)>) -> Result<Self, PatternError> {
        PatternSet::new(patterns).map(|set| Self(Arc::new(set)))
    }

    /// Parses one pattern: whether it excludes, and what.
    ///
    /// # Errors
    /// When it is faulty, or could match no path.
    pub fn parse_one(source: &str) -> Result<(bool, Pattern), PatternError> {
        let (excluded, pattern) = split_exclusion(source);
        if pattern.contains("${") {
            return Err(PatternError::UserInPath);
        }
        if let Some(regex) = pattern.strip_prefix("re:") {
            return Ok((excluded, Pattern::Regex(RegexPattern::parse(regex)?)));
        }
        if let Some(rest) = pattern.strip_prefix('/') {
            return Err(PatternError::PathFromRoot(rest.to_owned()));
        }
        if let Some(folder) = pattern.strip_suffix('/') {
            return Err(PatternError::PathOfFolder(folder.to_owned()));
        }
        Ok((excluded, Pattern::Glob(Glob::parse(pattern)?)))
    }

    /// Whether `path` is in the set.
    pub fn matches(&self, path: &TreePath) -> bool {
        self.0.matches(path.as_bytes(), "")
    }

    /// The patterns as written, sorted, exclusions last.
    pub fn sources(&self) -> Vec<String> {
        self.0.sources()
    }
}

impl Serialize for PathSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sources().serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::PatternError as E, PathSet};
    use crate::name::TreePath;

    #[test]
    fn a_pattern_begins_at_the_top() {
        let set = PathSet::new(["deploy/**", "!deploy/docs/**"].map(|one| PathSet::parse_one(one).unwrap()));
        let is_in = |path: &str| set.as_ref().unwrap().matches(&TreePath::parse(path.as_bytes()).unwrap());
        assert!(is_in("deploy/a/b.yaml"));
        assert!(!is_in("deploy/docs/a") && !is_in("x/deploy/a") && !is_in("deploy"));
        assert_eq!(PathSet::parse_one("/deploy/**"), Err(E::PathFromRoot("deploy/**".into())));
        assert_eq!(PathSet::parse_one("deploy/"), Err(E::PathOfFolder("deploy".into())));
        assert_eq!(PathSet::parse_one("u/${user}/**"), Err(E::UserInPath));
    }
}
