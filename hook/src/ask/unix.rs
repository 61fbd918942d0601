use std::{
    fs,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::Path,
};

use tokio::net::UnixStream;

use super::Failure;

/// Connects to the daemon's socket, and makes sure that it is the daemon's: by who owns the file, and, since the file
/// can be exchanged between the look and the call, by who answers.
pub(super) async fn connect(path: &Path, owners: &[u32]) -> Result<UnixStream, Failure> {
    check_file(path, owners)?;
    let unreachable = |error: std::io::Error| Failure::Unreachable(error.to_string());
    let stream = UnixStream::connect(path).await.map_err(unreachable)?;
    let peer = stream.peer_cred().map_err(|error| Failure::Untrusted(error.to_string()))?;
    if !is_trusted(peer.uid(), owners) {
        return Err(Failure::Untrusted(format!("a process of user {} listens there", peer.uid())));
    }
    Ok(stream)
}

fn check_file(path: &Path, owners: &[u32]) -> Result<(), Failure> {
    let metadata = fs::symlink_metadata(path).map_err(|error| Failure::Unreachable(error.to_string()))?;
    if !metadata.file_type().is_socket() {
        return Err(Failure::Untrusted("it is no socket".into()));
    }
    if !is_trusted(metadata.uid(), owners) {
        return Err(Failure::Untrusted(format!("it belongs to user {}", metadata.uid())));
    }
    if metadata.mode() & 0o002 != 0 {
        return Err(Failure::Untrusted("everybody can write it".into()));
    }
    Ok(())
}

/// root and we ourselves could do worse than to answer for the daemon.
fn is_trusted(user: u32, owners: &[u32]) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw() || owners.contains(&user)
}
