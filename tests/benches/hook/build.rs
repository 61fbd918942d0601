//! The binaries as they are shipped: optimised, and the hook without a dynamic linker.

use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
};

use oam_tests::{Run, binaries};

/// Where the release binaries are.
#[derive(Debug)]
pub(crate) struct Built {
    /// The static hook.
    pub(crate) hook: PathBuf,
    /// The folder of `oamd` and `oam`.
    pub(crate) folder: PathBuf,
}

/// Builds the binaries in the release profile. `OAM_BIN_DIR` and `OAM_HOOK` name what is built already.
pub(crate) fn release() -> Built {
    let host = host();
    let target = target_folder();
    let folder = env::var_os("OAM_BIN_DIR").map_or_else(
        || {
            cargo(&["build", "--release", "--locked", "-p", "oam-daemon", "-p", "oam-cli"]);
            target.join("release")
        },
        PathBuf::from,
    );
    let hook = env::var_os("OAM_HOOK").map_or_else(
        || {
            // For a named target, build scripts and macros stay dynamic: they have to.
            let flags = format!("target.{host}.rustflags=[\"-C\",\"target-feature=+crt-static\"]");
            cargo(&[
                "build",
                "--release",
                "--locked",
                "-p",
                "oam-hook",
                "--target",
                &host,
                "--config",
                &flags,
            ]);
            target.join(&host).join("release/oam-hook")
        },
        PathBuf::from,
    );
    Built { hook, folder }
}

fn cargo(arguments: &[&str]) {
    println!("$ cargo {}", arguments.join(" "));
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(binaries::workspace()).args(arguments).stdin(Stdio::null());
    assert!(cargo.status().expect("cargo").success(), "cargo could not build");
}

fn host() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("-vV").run().expect_success("rustc -vV").stdout_text();
    version.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}

/// This program lies in `<target>/release/deps`.
fn target_folder() -> PathBuf {
    env::current_exe().unwrap().ancestors().nth(3).expect("a target folder").to_owned()
}
