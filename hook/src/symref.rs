//! Symbolic refs. Pushing to `refs/heads/current`, which is `ref: refs/heads/main`, moves `refs/heads/main`, although
//! git names only the alias to the hook. So the target's change is asked for besides the alias's.
//!
//! With loose refs, a symbolic ref is always a file of its own: a file that is not there is no symbolic ref, and
//! `packed-refs` holds none. With a reftable git is asked about each ref: its listings leave out symbolic refs whose
//! target does not exist yet, and a push through one of those makes the target.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read as _},
    os::unix::{ffi::OsStrExt as _, fs::OpenOptionsExt as _},
    path::Path,
};

use oam_policy::{RefName, RefUpdate, printable::Printable};
use thiserror::Error;

use crate::{
    environment::Variables,
    git_child::{self, GitError},
    git_dir::path_of,
};

/// How far git follows one symbolic ref to the next.
const MAX_DEPTH: usize = 5;

/// The longest file of a symbolic ref that is read, in bytes.
const MAX_FILE: u64 = RefName::MAX_LEN as u64 + 64;

/// How many refs git is asked about, at a process each.
const MAX_ASKED: usize = 200;

/// Why it cannot be told what a push changes.
#[derive(Debug, Error)]
pub enum SymrefError {
    /// A ref's file cannot be read.
    #[error("`{name}` could not be read in the repository: {error}")]
    Unreadable {
        /// The ref.
        name: RefName,
        /// What the system said.
        error: io::Error,
    },
    /// It points to something that is no ref.
    #[error("`{name}` is a symbolic ref to `{target}`, which is no ref")]
    Target {
        /// The ref.
        name: RefName,
        /// What it points to, made printable.
        target: String,
    },
    /// A chain of symbolic refs that is too long, or a ring.
    #[error("`{name}` is a chain of more than {MAX_DEPTH} symbolic refs")]
    Depth {
        /// The ref.
        name: RefName,
    },
    /// git cannot be run.
    #[error("it could not be seen which refs are symbolic: {0}")]
    Git(#[from] GitError),
    /// git failed.
    #[error("it could not be seen which refs are symbolic: {0}")]
    Failed(String),
    /// More refs than git can be asked about within a push.
    #[error(
        "the push changes {count} refs of a repository with a reftable, where at most {MAX_ASKED} can be checked at once"
    )]
    TooMany {
        /// How many.
        count: usize,
    },
}

impl SymrefError {
    /// What an administrator can do.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Target { .. } | Self::Depth { .. } => "repair that ref with `git symbolic-ref`",
            Self::TooMany { .. } => "the push has to be made in smaller parts",
            Self::Unreadable { .. } | Self::Git(_) | Self::Failed(_) => {
                "let the git server's user read the repository's refs"
            }
        }
    }
}

/// The updates of a push, and after them the same changes to what its symbolic refs point to.
///
/// # Errors
/// When a ref cannot be read, or points nowhere.
pub async fn resolve(
    mut updates: Vec<RefUpdate>,
    git_dir: &Path,
    variables: &Variables,
) -> Result<Vec<RefUpdate>, SymrefError> {
    let in_table = git_dir.join("reftable").exists();
    if in_table && updates.len() > MAX_ASKED {
        return Err(SymrefError::TooMany { count: updates.len() });
    }
    let mut moved = Vec::new();
    for update in &updates {
        let mut name = update.name.clone();
        let mut depth = 0;
        while let Some(target) = if in_table {
            asked_target(git_dir, variables, &name).await?
        } else {
            loose_target(git_dir, &name)?
        } {
            depth += 1;
            if depth > MAX_DEPTH {
                return Err(SymrefError::Depth { name: update.name.clone() });
            }
            moved.push(RefUpdate { name: target.clone(), change: update.change });
            name = target;
        }
    }
    for update in moved {
        if !updates.contains(&update) {
            updates.push(update);
        }
    }
    Ok(updates)
}

/// What the file of a loose ref points to.
fn loose_target(git_dir: &Path, name: &RefName) -> Result<Option<RefName>, SymrefError> {
    let path = git_dir.join(path_of(name.as_bytes()));
    let content = loose_file(&path).map_err(|error| SymrefError::Unreadable { name: name.clone(), error })?;
    let Some(target) = content.as_deref().and_then(|content| content.strip_prefix(b"ref:")) else {
        return Ok(None);
    };
    parse_target(name, target.trim_ascii()).map(Some)
}

/// The content of a loose ref's file; `None` without a file of its own: not there, packed, a folder of refs. A link,
/// git's oldest kind of symbolic ref, is as if its file said so.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn loose_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    use io::ErrorKind as Kind;
    match read_file(path) {
        Ok(content) => Ok(Some(content)),
        // A name too long for the file system cannot be a file in it.
        Err(error)
            if matches!(
                error.kind(),
                Kind::NotFound | Kind::NotADirectory | Kind::IsADirectory | Kind::InvalidFilename
            ) =>
        {
            Ok(None)
        }
        Err(_) if path.is_symlink() => {
            let target = path.read_link()?;
            Ok(Some([b"ref: ", target.as_os_str().as_bytes()].concat()))
        }
        Err(error) => Err(error),
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut options = File::options();
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = options.read(true).custom_flags(flags).open(path)?;
    let mut content = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut content)?;
    Ok(content)
}

fn parse_target(name: &RefName, target: &[u8]) -> Result<RefName, SymrefError> {
    RefName::parse(target)
        .map_err(|_| SymrefError::Target { name: name.clone(), target: Printable::new(target).to_string() })
}

/// What git says that a ref points to.
async fn asked_target(
    git_dir: &Path,
    variables: &Variables,
    name: &RefName,
) -> Result<Option<RefName>, SymrefError> {
    let question: [&OsStr; 5] = [
        "symbolic-ref".as_ref(),
        "--quiet".as_ref(),
        "--no-recurse".as_ref(),
        "--".as_ref(),
        OsStr::from_bytes(name.as_bytes()),
    ];
    let output = git_child::run(git_dir, variables, &question).await?;
    match output.status.code() {
        Some(0) => parse_target(name, output.stdout.trim_ascii_end()).map(Some),
        Some(1) => Ok(None),
        _ => Err(SymrefError::Failed(output.complaint())),
    }
}

#[cfg(test)]
mod tests;
