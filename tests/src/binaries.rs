//! Where the products' binaries are: in `OAM_BIN_DIR`, or beside the tests in the target folder, where they are built
//! when missing or older than their sources.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::SystemTime,
};

use nix::fcntl::{Flock, FlockArg};

/// The packages whose binaries are run.
pub const PACKAGES: [&str; 3] = ["oam-hook", "oam-daemon", "oam-cli"];

/// Their binaries.
pub const BINARIES: [&str; 3] = ["oam-hook", "oamd", "oam"];

/// The folders whose files end up in them.
const SOURCES: [&str; 11] =
    ["policy", "audit", "proto", "fetch", "bitbucket", "scim", "ldap", "export", "hook", "daemon", "cli"];

static FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// The path of a binary: `oam-hook`, `oamd` or `oam`.
///
/// # Panics
/// When it cannot be built, or `OAM_BIN_DIR` lacks it.
pub fn path(name: &str) -> PathBuf {
    let path = FOLDER.get_or_init(folder).join(name);
    assert!(path.is_file(), "{} is missing", path.display());
    path
}

/// A program of others, which `.ci/run` installs below the target folder; `None`, loudly, where it is not installed.
///
/// # Panics
/// When it is not, and must be: `OAM_NEEDS_PROVIDERS`, but for those that `OAM_LACKS_PROVIDERS` names.
pub fn of_others(path: &str) -> Option<PathBuf> {
    let program = workspace().join("target").join(path);
    if program.is_file() {
        return Some(program);
    }
    let lacks = env::var("OAM_LACKS_PROVIDERS").unwrap_or_default();
    let is_lacking = path.split('/').next().is_some_and(|name| lacks.split(' ').any(|one| one == name));
    assert!(is_lacking || env::var_os("OAM_NEEDS_PROVIDERS").is_none(), "{} is missing", program.display());
    eprintln!("SKIPPED: `target/{path}` is not installed: `.ci/run` does it.");
    None
}

/// Takes the binaries of `folder` in this process, and builds none.
///
/// # Panics
/// When a binary was asked for before.
pub fn use_folder(folder: &Path) {
    FOLDER.set(folder.to_owned()).expect("the first to ask for a binary");
}

/// The folder of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace")
}

fn folder() -> PathBuf {
    if let Some(given) = env::var_os("OAM_BIN_DIR") {
        return given.into();
    }
    let own = env::current_exe().expect("the path of this program");
    let folder = own
        .ancestors()
        .skip(1)
        .find(|folder| !folder.ends_with("deps") && !folder.ends_with("examples"))
        .expect("cargo puts programs into a folder");
    build_when_stale(folder);
    folder.to_owned()
}

/// Tests run in many processes at once: one builds, the others wait.
fn build_when_stale(folder: &Path) {
    let stamp = folder.join(".oam-binaries");
    let lock = fs::File::create(folder.join(".oam-binaries.lock")).expect("a lock in the target folder");
    let _lock = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, error)| error).expect("the lock");
    let missing = BINARIES.iter().any(|name| !folder.join(name).is_file());
    let built = fs::metadata(&stamp).and_then(|stamp| stamp.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    if !missing && SOURCES.iter().all(|source| newest(&workspace().join(source)) < built) {
        return;
    }
    let started = SystemTime::now();
    build(folder);
    let stamp = fs::File::create(stamp).expect("a stamp in the target folder");
    stamp.set_modified(started).expect("the stamp's time");
}

fn build(folder: &Path) {
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace()).args(["build", "--quiet", "--locked", "--profile", profile]);
    cargo.arg("--target-dir").arg(folder.parent().expect("the target folder"));
    for package in PACKAGES {
        cargo.args(["-p", package]);
    }
    let status = cargo.status().expect("cargo");
    assert!(status.success(), "cargo could not build the binaries: {cargo:?}");
}

fn newest(path: &Path) -> SystemTime {
    let modified = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let own = modified(path).unwrap_or(SystemTime::UNIX_EPOCH);
    let Ok(entries) = fs::read_dir(path) else { return own };
    entries.flatten().map(|entry| newest(&entry.path())).fold(own, SystemTime::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Or tests would run binaries that are older than what they test.
    #[test]
    fn every_folder_of_the_workspace_counts_but_that_of_the_tests() {
        let manifest = fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
        let (_, members) = manifest.split_once("\nmembers = [").unwrap();
        let (members, _) = members.split_once(']').unwrap();
        let members: Vec<_> = members.split(',').map(|member| member.trim().trim_matches('"')).collect();
        let others: Vec<_> = members.into_iter().filter(|member| *member != "tests").collect();
        assert_eq!(others, SOURCES);
    }

    /// Or programs that are missing there would be tests that pass.
    #[test]
    fn the_gate_tells_the_tests_that_it_is_one_and_at_its_end_what_was_skipped() {
        let gate = fs::read_to_string(workspace().join(".ci/run")).unwrap();
        for line in ["export CI=true", "trap say_missing EXIT"] {
            assert!(gate.lines().any(|one| one == line), "{line}");
        }
    }
}
