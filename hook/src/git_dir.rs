//! Where the repository and its objects are, as far as git tells a hook.
//!
//! On Bitbucket neither `GIT_DIR` nor the working directory can be relied on; the variables of the objects can. So four
//! ways are tried, and having no repository at all is no error: then nothing in it is looked at.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

use oam_policy::printable::Printable;
use thiserror::Error;

use crate::environment::Variables;

/// Where things are.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The repository, if it is known.
    pub git_dir: Option<PathBuf>,
    /// The folders with the objects, the quarantine's first; `None` when they are not known.
    pub object_dirs: Option<Vec<PathBuf>>,
    /// Whether the first of them is a quarantine: it holds what is pushed, and nothing else.
    pub quarantined: bool,
    /// The history may be cut off somewhere: the repository or the push is shallow.
    pub shallow: bool,
}

/// Why the repository cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlacesError {
    /// `GIT_DIR` is set to something else.
    #[error("`GIT_DIR` is `{0}`, which is no git repository")]
    NoRepository(String),
    /// `GIT_NAMESPACE`: the names on standard input are not those of the refs that change.
    #[error("`GIT_NAMESPACE` is set; the refs of a namespace cannot be checked")]
    Namespace,
}

impl PlacesError {
    /// What an administrator can do.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NoRepository(_) => "look at how the git server runs the hook",
            Self::Namespace => "serve that repository without a namespace",
        }
    }
}

impl Places {
    /// Finds them, seen from the working directory `here`.
    ///
    /// # Errors
    /// When `GIT_DIR` does not name a repository, or a namespace is in use.
    pub fn find(variables: &Variables, here: &Path) -> Result<Self, PlacesError> {
        if variables.get("GIT_NAMESPACE").is_some() {
            return Err(PlacesError::Namespace);
        }
        let git_dir = git_dir(variables, here)?;
        let shallow = variables.get("GIT_SHALLOW_FILE").is_some()
            || git_dir.as_ref().is_some_and(|git_dir| git_dir.join("shallow").exists());
        let object_dirs = object_dirs(variables, here, git_dir.as_deref());
        let quarantine = variables.get("GIT_QUARANTINE_PATH").map(|path| here.join(path));
        let first = object_dirs.as_ref().and_then(|folders| folders.first());
        let quarantined = quarantine.is_some() && quarantine.as_ref() == first;
        Ok(Self { git_dir, object_dirs, quarantined, shallow })
    }
}

fn git_dir(variables: &Variables, here: &Path) -> Result<Option<PathBuf>, PlacesError> {
    if let Some(named) = variables.get("GIT_DIR") {
        let path = here.join(named);
        if is_git_dir(&path) {
            return Ok(Some(path));
        }
        return Err(PlacesError::NoRepository(Printable::new(named.as_bytes()).to_string()));
    }
    if is_git_dir(here) {
        return Ok(Some(here.to_owned()));
    }
    let named = |variable| variables.get(variable).map(|path| here.join(path));
    // `<repository>/objects/tmp_objdir-incoming-x`; and `<repository>/objects`, where nothing is pushed, as at a merge.
    let around_quarantine =
        named("GIT_QUARANTINE_PATH").and_then(|path| Some(path.parent()?.parent()?.to_owned()));
    let around_objects = named("GIT_OBJECT_DIRECTORY").and_then(|path| Some(path.parent()?.to_owned()));
    Ok(around_quarantine.into_iter().chain(around_objects).find(|path| is_git_dir(path)))
}

fn is_git_dir(path: &Path) -> bool {
    fs::symlink_metadata(path.join("HEAD")).is_ok()
        && path.join("refs").is_dir()
        && path.join("objects").is_dir()
}

fn object_dirs(variables: &Variables, here: &Path, git_dir: Option<&Path>) -> Option<Vec<PathBuf>> {
    let first = match variables.get("GIT_OBJECT_DIRECTORY") {
        Some(named) => here.join(named),
        None => git_dir?.join("objects"),
    };
    let alternates = variables.get("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
    let alternates = split_alternates(alternates.as_bytes())?;
    Some(std::iter::once(first).chain(alternates.into_iter().map(|path| here.join(path))).collect())
}

/// Splits as git does: at `:`, except within an entry that begins with `"` and is quoted as C quotes.
/// `None` for a quote that does not end properly; git then guesses.
fn split_alternates(mut text: &[u8]) -> Option<Vec<PathBuf>> {
    let mut paths = Vec::new();
    while !text.is_empty() {
        let (path, rest) = match text.strip_prefix(b"\"") {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = text.iter().position(|byte| *byte == b':').unwrap_or(text.len());
                let (path, rest) = text.split_at_checked(end)?;
                (path.to_owned(), rest)
            }
        };
        text = match rest {
            [] => rest,
            [b':', rest @ ..] => rest,
            _ => return None,
        };
        if !path.is_empty() && !path.starts_with(b"#") {
            paths.push(PathBuf::from(std::ffi::OsString::from_vec(path)));
        }
    }
    Some(paths)
}

/// What stands between quotes, and what follows the closing one.
fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut plain = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [b'"', after @ ..] => return Some((plain, after)),
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                plain.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                after
            }
            [b'\\', sign, after @ ..] => {
                plain.push(match sign {
                    b'a' => 7,
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'v' => 11,
                    b'\\' | b'"' => *sign,
                    _ => return None,
                });
                after
            }
            [byte, after @ ..] => {
                plain.push(*byte);
                after
            }
            [] => return None,
        };
    }
}

/// The names of git's variables that a git child of the hook needs to see what the hook sees.
pub const OF_GIT: [&str; 5] = [
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_EXEC_PATH",
];

/// Bytes as a path.
pub(crate) fn path_of(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{Places, PlacesError, split_alternates};
    use crate::environment::Variables;

    fn split(text: &str) -> Option<Vec<String>> {
        let paths = split_alternates(text.as_bytes())?;
        Some(paths.iter().map(|path| path.to_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn alternates_are_split_as_git_splits() {
        let list = |paths: &[&str]| Some(paths.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(split(""), list(&[]));
        assert_eq!(split("/a:/b"), list(&["/a", "/b"]));
        assert_eq!(split("/a::/b:"), list(&["/a", "/b"]));
        assert_eq!(split(r#""/a:b":/c"#), list(&["/a:b", "/c"]));
        assert_eq!(split(r#""/a\"\\\t\303\251":/c"#), list(&["/a\"\\\té", "/c"]));
        assert_eq!(split("#/a:/b"), list(&["/b"]));
        assert_eq!(split(r#"/a"b:/c"#), list(&["/a\"b", "/c"]));
        assert_eq!(split(r#""/a"#), None);
        assert_eq!(split(r#""/a"x:/b"#), None);
        assert_eq!(split(r#""/a\q""#), None);
    }

    fn repository(at: &Path) {
        for folder in ["refs", "objects/incoming"] {
            fs::create_dir_all(at.join(folder)).unwrap();
        }
        fs::write(at.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    }

    #[test]
    fn four_ways_to_the_repository() {
        let root = tempfile::tempdir().unwrap();
        let (git, away) = (root.path().join("x.git"), root.path().join("away"));
        repository(&git);
        fs::create_dir(&away).unwrap();
        let incoming = git.join("objects/incoming").into_os_string().into_string().unwrap();
        let objects = git.join("objects").into_os_string().into_string().unwrap();
        let find = |variables: &[(&str, &str)], here: &Path| {
            Places::find(&variables.iter().copied().collect::<Variables>(), here)
        };
        for (variables, here) in [
            (vec![("GIT_DIR", "../x.git")], &away),
            (vec![("GIT_DIR", ".")], &git),
            (vec![], &git),
            (vec![("GIT_QUARANTINE_PATH", incoming.as_str())], &away),
            (vec![("GIT_OBJECT_DIRECTORY", objects.as_str())], &away),
            (vec![("GIT_OBJECT_DIRECTORY", "../x.git/objects")], &away),
        ] {
            let places = find(&variables, here).unwrap();
            assert_eq!(places.git_dir.unwrap().canonicalize().unwrap(), git, "{variables:?}");
            assert!(!places.shallow);
        }
        assert_eq!(find(&[], &away).unwrap().git_dir, None);
        assert_eq!(find(&[("GIT_OBJECT_DIRECTORY", "/")], &away).unwrap().git_dir, None);
        assert_eq!(find(&[], &away).unwrap().object_dirs, None);
        assert!(matches!(find(&[("GIT_DIR", "/none")], &git), Err(PlacesError::NoRepository(_))));
        assert!(matches!(find(&[("GIT_NAMESPACE", "n")], &git), Err(PlacesError::Namespace)));
        assert!(find(&[("GIT_SHALLOW_FILE", "/s")], &git).unwrap().shallow);
    }

    #[test]
    fn objects_in_quarantine_need_no_repository() {
        let variables: Variables =
            [("GIT_OBJECT_DIRECTORY", "/q"), ("GIT_ALTERNATE_OBJECT_DIRECTORIES", "/a:b")]
                .into_iter()
                .collect();
        let places = Places::find(&variables, Path::new("/")).unwrap();
        let expected = ["/q", "/a", "/b"].map(Into::into).to_vec();
        assert_eq!(places.object_dirs, Some(expected));
    }
}
