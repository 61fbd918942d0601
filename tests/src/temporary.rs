//! Temporary folders.

use tempfile::{Builder, TempDir};

/// Where they lie: a short path whatever `TMPDIR` says, since the path of a Unix socket has at most 107 bytes, and
/// always of one length, since the hook breaks its lines by it.
pub(crate) const ROOT: &str = "/tmp";

/// What their names begin with.
pub(crate) const PREFIX: &str = "oam";

/// A new folder, gone with the value.
///
/// # Panics
/// When it cannot be made.
pub fn folder() -> TempDir {
    Builder::new().prefix(PREFIX).tempdir_in(ROOT).expect("a folder below /tmp")
}
