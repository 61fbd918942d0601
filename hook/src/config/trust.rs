use std::{fs::Metadata, os::unix::fs::MetadataExt as _};

/// Whether only root and we ourselves can have written a file: else somebody else would decide what is checked.
pub(super) fn check(metadata: &Metadata) -> Result<(), String> {
    if !metadata.is_file() {
        return Err("it is no file".into());
    }
    let us = rustix::process::geteuid().as_raw();
    if metadata.uid() != 0 && metadata.uid() != us {
        return Err(format!("it belongs to user {}", metadata.uid()));
    }
    if metadata.mode() & 0o002 != 0 {
        return Err("everybody can write it".into());
    }
    Ok(())
}
