//! `GIT_ALTERNATE_OBJECT_DIRECTORIES`: quoting the folders that were found as git quotes them finds them again.
#![no_main]

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use libfuzzer_sys::fuzz_target;
use oam_hook::{environment::Variables, git_dir::Places};

const FIRST: &str = "/first";

/// The folders besides the first; `None` where the variable is malformed.
fn alternates(text: &[u8]) -> Option<Vec<PathBuf>> {
    let variables: Variables = [
        ("GIT_OBJECT_DIRECTORY", OsStr::new(FIRST)),
        ("GIT_ALTERNATE_OBJECT_DIRECTORIES", OsStr::from_bytes(text)),
    ]
    .into_iter()
    .collect();
    let places = Places::find(&variables, Path::new("/nowhere")).expect("there is nothing to be wrong");
    let mut folders = places.object_dirs?;
    assert_eq!(folders.remove(0), Path::new(FIRST));
    Some(folders)
}

fn quoted(path: &Path) -> Vec<u8> {
    let mut quoted = b"\"".to_vec();
    for byte in path.as_os_str().as_bytes() {
        quoted.extend(format!("\\{byte:03o}").bytes());
    }
    quoted.push(b'"');
    quoted
}

fuzz_target!(|data: &[u8]| {
    // A variable holds no zero byte, and no more than the system passes on.
    if data.contains(&0) {
        return;
    }
    if let Some(folders) = alternates(data) {
        assert!(folders.iter().all(|folder| folder.is_absolute()));
        let again = folders.iter().map(|folder| quoted(folder)).collect::<Vec<_>>().join(&b':');
        assert_eq!(alternates(&again).as_ref(), Some(&folders));
    }
});
