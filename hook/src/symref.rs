//! Symbolic refs. Pushing to `refs/heads/current`, which is `ref: refs/heads/main`, moves `refs/heads/main`, although
//! git names only the alias to the hook. So the target's change is asked for besides the alias's.
//!
//! With loose refs, a symbolic ref is always a file of its own: a file that is not there is no symbolic ref, and
//! `packed-refs` holds none. With a reftable, git is asked for all of them at once.

use std::{
    collections::{HashMap, HashSet},
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
    #[error("the repository's symbolic refs could not be listed: {0}")]
    Git(#[from] GitError),
    /// git failed.
    #[error("the repository's symbolic refs could not be listed: {0}")]
    Listing(String),
}

impl SymrefError {
    /// What an administrator can do.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Target { .. } | Self::Depth { .. } => "repair that ref with `git symbolic-ref`",
            Self::Unreadable { .. } | Self::Git(_) | Self::Listing(_) => {
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
    let refs = if git_dir.join("reftable").exists() {
        Refs::Listed(listed(git_dir, variables).await?)
    } else {
        Refs::Loose(git_dir)
    };
    let mut moved = Vec::new();
    for update in &updates {
        let mut name = update.name.clone();
        let mut depth = 0;
        while let Some(target) = refs.target(&name)? {
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

/// Where symbolic refs are looked up.
enum Refs<'a> {
    Loose(&'a Path),
    Listed(Listed),
}

struct Listed {
    symbolic: HashMap<RefName, RefName>,
    /// git lists no symbolic ref whose target does not exist yet: it only complains of it.
    broken: HashSet<Vec<u8>>,
}

impl Refs<'_> {
    fn target(&self, name: &RefName) -> Result<Option<RefName>, SymrefError> {
        match self {
            Self::Loose(git_dir) => loose_target(git_dir, name),
            Self::Listed(listed) if listed.broken.contains(name.as_bytes()) => {
                Err(SymrefError::Listing(format!("`{name}` is broken, or a symbolic ref to nothing")))
            }
            Self::Listed(listed) => Ok(listed.symbolic.get(name).cloned()),
        }
    }
}

/// What the file of a loose ref points to.
fn loose_target(git_dir: &Path, name: &RefName) -> Result<Option<RefName>, SymrefError> {
    let path = git_dir.join(path_of(name.as_bytes()));
    let content = match read_file(&path) {
        Ok(content) => content,
        Err(error) => return no_file(&path, name, error),
    };
    let Some(target) = content.strip_prefix(b"ref:") else { return Ok(None) };
    parse_target(name, target.trim_ascii()).map(Some)
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

/// A ref without a file of its own: not there, packed, a folder of refs; or a link, git's oldest kind of symbolic ref.
fn no_file(path: &Path, name: &RefName, error: io::Error) -> Result<Option<RefName>, SymrefError> {
    use io::ErrorKind as Kind;
    let unreadable = |error| SymrefError::Unreadable { name: name.clone(), error };
    match error.kind() {
        // A name too long for the file system cannot be a file in it.
        Kind::NotFound | Kind::NotADirectory | Kind::IsADirectory | Kind::InvalidFilename => Ok(None),
        _ if path.is_symlink() => {
            let target = path.read_link().map_err(unreadable)?;
            parse_target(name, target.as_os_str().as_bytes()).map(Some)
        }
        _ => Err(unreadable(error)),
    }
}

fn parse_target(name: &RefName, target: &[u8]) -> Result<RefName, SymrefError> {
    RefName::parse(target)
        .map_err(|_| SymrefError::Target { name: name.clone(), target: Printable::new(target).to_string() })
}

/// All symbolic refs, as git lists them.
async fn listed(git_dir: &Path, variables: &Variables) -> Result<Listed, SymrefError> {
    let format = "--format=%(refname) %(symref)";
    let output = git_child::run(git_dir, variables, &["for-each-ref", format]).await?;
    if !output.status.success() {
        return Err(SymrefError::Listing(output.complaint()));
    }
    let mut symbolic = HashMap::new();
    for line in lines(&output.stdout) {
        let Some((name, target)) = halves(line).filter(|(_, target)| !target.is_empty()) else { continue };
        let unknown = |_| SymrefError::Listing(format!("`{}` is no ref", Printable::new(name)));
        let name = RefName::parse(name).map_err(unknown)?;
        let target = parse_target(&name, target)?;
        symbolic.insert(name, target);
    }
    let mut broken = HashSet::new();
    for line in lines(&output.stderr) {
        let name = line.strip_prefix(b"warning: ignoring broken ref ");
        let name = name.or_else(|| line.strip_prefix(b"warning: ignoring dangling symref "));
        broken.insert(name.ok_or_else(|| SymrefError::Listing(output.complaint()))?.to_vec());
    }
    Ok(Listed { symbolic, broken })
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

fn halves(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = line.iter().position(|byte| *byte == b' ')?;
    Some((line.get(..space)?, line.get(space.checked_add(1)?..)?))
}

#[cfg(test)]
mod tests;
