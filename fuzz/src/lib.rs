//! What the fuzz targets share: what a terminal may be shown, and folders for what is parsed from files.
//!
//! In flow bytes that a fuzzer made up, out flows a panic for each property that does not hold. Nothing here is
//! shipped, so everything here may panic.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
};

use oam_hook::{print, undecided::Undecided};
use oam_policy::{Channel, printable::Printable};

/// Asserts that a terminal acts upon nothing in `text`, and that nothing in it hides. Line feeds may stand in it.
pub fn assert_plain(text: &str) {
    for character in text.chars().filter(|character| !matches!(character, '\n' | ' '..='~')) {
        let alone = character.to_string();
        assert_eq!(Printable::new(&alone).to_string(), alone, "printed raw in {text:?}");
    }
}

/// Asserts that what the hook prints about `error` is plain.
pub fn assert_told_plainly(error: impl Into<Undecided>) {
    let error = error.into();
    assert!(!error.to_string().is_empty());
    assert_plain(&print::not_checked(&error, Channel::Push));
}

/// A new folder for files that are parsed, in memory where the system has such a place.
///
/// libFuzzer ends a process without dropping anything, so it is the next run that removes what is left.
pub fn scratch(target: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let root = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }.join("oam-fuzz");
    fs::create_dir_all(&root).unwrap();
    for left in fs::read_dir(&root).unwrap().flatten() {
        let name = left.file_name().into_string().unwrap_or_default();
        let owner = name.rsplit('-').next().unwrap_or_default().to_owned();
        if !Path::new("/proc").join(owner).exists() {
            let _ = fs::remove_dir_all(left.path());
        }
    }
    let folder = root.join(format!("{target}-{}", process::id()));
    fs::create_dir(&folder).unwrap();
    folder
}
