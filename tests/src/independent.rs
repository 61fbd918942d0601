//! The verifier that is not ours: `tests/independent/verify.go`, built with Debian's Go.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::{
    binaries,
    process::{Finished, Run},
};

/// Where Debian's `golang-golang-x-mod-dev` puts its sources.
const GOPATH: &str = "/usr/share/gocode";

/// The built program; none, loudly, where there is no Go to build it with. `OAM_NEEDS_GO=1` makes that an error.
fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(build).as_deref()
}

fn build() -> Option<PathBuf> {
    let library = Path::new(GOPATH).join("src/golang.org/x/mod/sumdb/tlog");
    let has_go = Command::new("sh").args(["-c", "command -v go"]).run().success();
    if !has_go || !library.exists() {
        assert!(
            env::var_os("OAM_NEEDS_GO").is_none(),
            "golang-go and golang-golang-x-mod-dev are not installed"
        );
        eprintln!("SKIPPED: the independent verifier: it needs golang-go and golang-golang-x-mod-dev");
        return None;
    }
    // Beside the test programs, so that it is built once, and whole or not at all.
    let folder = env::current_exe().expect("this program").parent().expect("a folder").join("independent");
    fs::create_dir_all(&folder).expect("a folder for the independent verifier");
    let (program, draft) = (folder.join("verify"), folder.join(format!("verify.{}", std::process::id())));
    let source = binaries::workspace().join("tests/independent/verify.go");
    Command::new("go")
        .args(["build", "-o"])
        .arg(&draft)
        .arg(source)
        .env("GO111MODULE", "off")
        .env("GOPATH", GOPATH)
        .env("GOCACHE", folder.join("cache"))
        .run()
        .expect_success("go build");
    fs::rename(draft, &program).expect("the independent verifier");
    Some(program)
}

/// What it says of a log, by a key and a checkpoint that were kept; none where it cannot be built.
pub fn verify_log(folder: &Path, key: &str, kept: Option<&Path>) -> Option<Finished> {
    let mut command = Command::new(program()?);
    command.arg("log").arg(folder).arg(key).args(kept);
    Some(command.run())
}

/// What it says of a proof.
pub fn verify_proof(file: &Path, key: &str) -> Option<Finished> {
    Some(Command::new(program()?).arg("proof").arg(file).arg(key).run())
}
