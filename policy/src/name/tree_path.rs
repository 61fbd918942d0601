use std::fmt;

use thiserror::Error;

use crate::printable::Printable;

/// The path of a file in a tree, as git keeps it: bytes, not text, from the top of the repository, with `/` between
/// its components and without one in front. Compared byte by byte: names that differ in case or in normalisation
/// only are different paths.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TreePath(Box<[u8]>);

/// Why bytes are no path in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TreePathError {
    /// Longer than any file system holds.
    #[error("it is longer than {} bytes", TreePath::MAX_LEN)]
    TooLong,
    /// Nothing, `/a`, `a/`, `a//b`.
    #[error("it has an empty component: a path begins at the top of the repository, without `/`")]
    EmptyComponent,
    /// Git keeps no such name.
    #[error("it contains a NUL byte")]
    Nul,
}

impl TreePath {
    /// The longest path that is judged, in bytes.
    pub const MAX_LEN: usize = 16_384;

    /// Parses a path.
    ///
    /// # Errors
    /// What no entry of a tree can be called.
    pub fn parse(path: &[u8]) -> Result<Self, TreePathError> {
        if path.len() > Self::MAX_LEN {
            return Err(TreePathError::TooLong);
        }
        if path.contains(&0) {
            return Err(TreePathError::Nul);
        }
        if path.split(|byte| *byte == b'/').any(<[u8]>::is_empty) {
            return Err(TreePathError::EmptyComponent);
        }
        Ok(Self(path.into()))
    }

    /// The path's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What stands behind the last `.` of the last component, if there is one and it does not begin with it.
    pub fn extension(&self) -> Option<&[u8]> {
        let name = self.0.rsplit(|byte| *byte == b'/').next()?;
        let dot = name.iter().rposition(|byte| *byte == b'.').filter(|dot| *dot > 0)?;
        name.get(dot + 1..)
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable::new(&self.0).fmt(f)
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreePath({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::{TreePath, TreePathError as E};

    #[test]
    fn what_a_tree_can_hold() {
        for path in ["a", "a/b.txt", ".gitignore", "a\\b", "é", " "] {
            assert!(TreePath::parse(path.as_bytes()).is_ok(), "{path}");
        }
        assert!(TreePath::parse(b"\xff\n").is_ok());
        for (path, error) in [
            ("", E::EmptyComponent),
            ("/a", E::EmptyComponent),
            ("a/", E::EmptyComponent),
            ("a//b", E::EmptyComponent),
            ("a\0", E::Nul),
        ] {
            assert_eq!(TreePath::parse(path.as_bytes()), Err(error), "{path}");
        }
    }

    #[test]
    fn an_extension_is_of_the_name() {
        for (path, extension) in [
            ("a/b.tar.gz", Some("gz")),
            ("a.d/b", None),
            (".gitignore", None),
            ("a/.b.c", Some("c")),
            ("a.", Some("")),
        ] {
            let path = TreePath::parse(path.as_bytes()).unwrap();
            assert_eq!(path.extension(), extension.map(str::as_bytes), "{path}");
        }
    }
}
