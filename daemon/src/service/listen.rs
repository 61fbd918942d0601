//! The listeners: two Unix sockets, and TCP where it is configured, over which [`crate::https`] lays TLS.

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
};

use thiserror::Error;
use tokio::net::{TcpListener, UnixListener};

/// Why the daemon cannot listen.
#[derive(Debug, Error)]
pub enum ListenError {
    /// A socket or its folder.
    #[error("socket `{path}`: {source}; is the folder ours, and no other daemon running?")]
    Socket {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// Something other than a socket lies where the socket belongs.
    #[error("`{0}` is in the way of the socket and is none: move it")]
    InTheWay(PathBuf),
    /// An address.
    #[error("address `{address}` for {what}: {source}")]
    Address {
        /// What for.
        what: &'static str,
        /// Which.
        address: SocketAddr,
        /// What went wrong.
        source: io::Error,
    },
}

/// Makes the folder of the sockets: others may pass through it to the hook's socket, and change nothing in it.
///
/// # Errors
/// When it cannot be made or is not ours.
pub fn prepare_folder(folder: &Path) -> Result<(), ListenError> {
    let socket = |source| ListenError::Socket { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(socket)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).map_err(socket)
}

/// Listens on a Unix socket with these permissions. The daemon holds the lock on its state by now, so a socket that
/// is there already is one that a dead daemon left behind.
///
/// # Errors
/// When something else is in the way, or the system refuses.
pub fn unix(path: &Path, mode: u32, gid: Option<u32>) -> Result<UnixListener, ListenError> {
    let socket = |source| ListenError::Socket { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return Err(ListenError::InTheWay(path.to_owned())),
        Ok(_) => fs::remove_file(path).map_err(socket)?,
        Err(_) => {}
    }
    // Bound under another name and moved when its permissions are right: nobody ever meets it half made.
    let mut draft = path.as_os_str().to_owned();
    draft.push(".draft");
    let draft = PathBuf::from(draft);
    let _ = fs::remove_file(&draft);
    let listener = UnixListener::bind(&draft).map_err(socket)?;
    if gid.is_some() {
        chown(&draft, None, gid).map_err(socket)?;
    }
    fs::set_permissions(&draft, fs::Permissions::from_mode(mode)).map_err(socket)?;
    fs::rename(&draft, path).map_err(socket)?;
    Ok(listener)
}

/// Listens on a TCP address.
///
/// # Errors
/// When the address is taken or not ours.
pub async fn tcp(what: &'static str, address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| ListenError::Address { what, address, source })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::MetadataExt as _};

    use super::{ListenError, prepare_folder, unix};

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_and_anything_else_is_not() {
        let folder = tempfile::tempdir().unwrap();
        prepare_folder(folder.path()).unwrap();
        let path = folder.path().join("hook.sock");
        drop(unix(&path, 0o660, None).unwrap());
        let _listener = unix(&path, 0o600, None).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let other = folder.path().join("file");
        fs::write(&other, "precious").unwrap();
        assert!(matches!(unix(&other, 0o600, None), Err(ListenError::InTheWay(_))));
        assert_eq!(fs::read_to_string(&other).unwrap(), "precious");
    }
}
