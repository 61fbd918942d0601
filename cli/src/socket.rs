//! Finding the admin socket, and making sure whose it is.
//!
//! Whoever holds the socket is told every command, and is believed. So the process behind it, as the kernel names
//! it, and the owner of the file must both be root, the caller, or somebody whom the caller says they trust.

use std::{
    env, fs,
    io::{self, ErrorKind},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use oam_policy::printable::Printable;
use tokio::net::UnixStream;

use crate::exit::Exit;

/// The places where a daemon puts its socket, in the order in which they are tried.
pub fn usual_places() -> Vec<PathBuf> {
    let runtime = env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty());
    [
        Some(PathBuf::from("/run/oam/admin.sock")),
        runtime.map(|dir| Path::new(&dir).join("oam/admin.sock")),
        Some(PathBuf::from("./oam-state/run/admin.sock")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The first of `places` where something is. A place that may not be looked at counts: it is there for somebody.
///
/// # Errors
/// When there is nothing anywhere.
pub fn find(places: &[PathBuf]) -> Result<&Path, SocketError> {
    let is_there = |path: &&PathBuf| match fs::metadata(path) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    };
    let found = places.iter().find(is_there);
    found.map(PathBuf::as_path).ok_or_else(|| SocketError::Missing { tried: places.to_vec() })
}

/// Connects to the socket at `path`, and checks whose it is before a byte is sent.
///
/// # Errors
/// When nobody listens there, the caller may not connect, or it belongs to somebody who is not trusted.
pub async fn connect(path: &Path, trusted: Option<u32>) -> Result<UnixStream, SocketError> {
    let at = || path.to_owned();
    let file = fs::metadata(path).map_err(|source| SocketError::of(at(), source))?;
    if !file.file_type().is_socket() {
        return Err(SocketError::NoSocket { path: at() });
    }
    check_owner(path, file.uid(), trusted)?;
    let stream = UnixStream::connect(path).await.map_err(|source| SocketError::of(at(), source))?;
    let peer = stream.peer_cred().map_err(|source| SocketError::of(at(), source))?;
    check_owner(path, peer.uid(), trusted)?;
    Ok(stream)
}

fn check_owner(path: &Path, owner: u32, trusted: Option<u32>) -> Result<(), SocketError> {
    let us = rustix::process::geteuid().as_raw();
    if owner == 0 || owner == us || trusted == Some(owner) {
        Ok(())
    } else {
        Err(SocketError::Stranger { path: path.to_owned(), owner })
    }
}

/// Why there is no connection to the daemon's socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// No socket in any place.
    #[error("there is no admin socket of a daemon; tried {}", listed(.tried))]
    Missing {
        /// The places.
        tried: Vec<PathBuf>,
    },
    /// Something else has its name.
    #[error("`{}` is not a socket", shown(.path))]
    NoSocket {
        /// Where it lies.
        path: PathBuf,
    },
    /// The file's mode or a folder's forbids it.
    #[error("you may not connect to the admin socket `{}`", shown(.path))]
    Forbidden {
        /// Where it lies.
        path: PathBuf,
    },
    /// It is another user's.
    #[error("the admin socket `{}` belongs to uid {owner}, which is neither root nor you", shown(.path))]
    Stranger {
        /// Where it lies.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// It cannot be connected to.
    #[error("nobody answers on the admin socket `{}`: {source}", shown(.path))]
    Connect {
        /// Where it lies.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl SocketError {
    fn of(path: PathBuf, source: io::Error) -> Self {
        match source.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Self::Missing { tried: vec![path] },
            ErrorKind::PermissionDenied => Self::Forbidden { path },
            _ => Self::Connect { path, source },
        }
    }

    /// How `oam` ends with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Missing { .. } | Self::NoSocket { .. } | Self::Connect { .. } => Exit::Unreachable,
            Self::Forbidden { .. } | Self::Stranger { .. } => Exit::NotAllowed,
        }
    }

    /// What to do.
    pub fn help(&self) -> String {
        match self {
            Self::Missing { .. } => "is oamd running? Start it, or say where its socket lies with \
                                     `--socket PATH` or OAM_SOCKET"
                .into(),
            Self::NoSocket { .. } => "give the path of the daemon's admin socket with `--socket PATH`".into(),
            Self::Forbidden { .. } => {
                "run it as the daemon's user, as root, or as a member of the group that \
                                       may administer it"
                    .into()
            }
            Self::Stranger { owner, .. } => format!(
                "if that is the user that runs oamd, say so with `--trust-owner {owner}` or OAM_TRUST_OWNER"
            ),
            Self::Connect { .. } => "is oamd running? What it last logged says why it is not".into(),
        }
    }
}

fn shown(path: &Path) -> String {
    Printable::new(path.as_os_str().as_encoded_bytes()).to_string()
}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("`{}`", shown(path))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{SocketError, check_owner, connect, find};
    use crate::exit::Exit;

    #[test]
    fn the_first_place_that_holds_something_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let places = ["a/admin.sock", "b", "c"].map(|name| folder.path().join(name));
        let missing = find(&places).unwrap_err();
        assert_eq!(missing.exit(), Exit::Unreachable);
        assert_eq!(missing.to_string().matches(folder.path().to_str().unwrap()).count(), 3, "{missing}");
        fs::write(&places[2], "").unwrap();
        assert_eq!(find(&places).unwrap(), places[2]);
        fs::write(&places[1], "").unwrap();
        assert_eq!(find(&places).unwrap(), places[1]);
    }

    #[tokio::test]
    async fn a_plain_file_and_a_dead_socket_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        fs::write(&path, "").unwrap();
        assert!(matches!(connect(&path, None).await, Err(SocketError::NoSocket { .. })));
        fs::remove_file(&path).unwrap();
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(matches!(connect(&path, None).await, Err(SocketError::Connect { .. })));
    }

    #[test]
    fn strangers_are_not_trusted_unless_named() {
        let us = rustix::process::geteuid().as_raw();
        let path = std::path::Path::new("admin.sock");
        assert!(check_owner(path, 0, None).is_ok() && check_owner(path, us, None).is_ok());
        let stranger = us + 4711;
        let error = check_owner(path, stranger, Some(us)).unwrap_err();
        assert_eq!(error.exit(), Exit::NotAllowed);
        assert!(error.help().contains(&format!("--trust-owner {stranger}")));
        assert!(check_owner(path, stranger, Some(stranger)).is_ok());
    }
}
