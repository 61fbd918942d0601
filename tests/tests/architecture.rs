//! The shape of the workspace, held fast: who may depend on whom, and what may be in nobody's tree.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const MEMBERS: [&str; 11] = [
    "oam-policy",
    "oam-audit",
    "oam-proto",
    "oam-fetch",
    "oam-bitbucket",
    "oam-scim",
    "oam-ldap",
    "oam-export",
    "oam-hook",
    "oam-daemon",
    "oam-cli",
];

/// Every package that a package of ours is built from, without what only its tests or its build scripts need.
fn tree(name: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--locked", "--edges=normal", "--prefix=none", "--format={p}", "--package", name])
        .output()
        .expect("cargo tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let names: BTreeSet<_> =
        text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    assert!(names.len() > 5, "this is no tree: {text}");
    names.into_iter().filter(|package| package != name).collect()
}

fn trees() -> BTreeMap<&'static str, BTreeSet<String>> {
    MEMBERS.into_iter().map(|name| (name, tree(name))).collect()
}

#[test]
fn the_crates_depend_only_downwards() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("oam-policy", &[][..]),
        ("oam-audit", &[][..]),
        ("oam-proto", &["oam-policy"][..]),
        ("oam-scim", &[][..]),
        ("oam-fetch", &[][..]),
        ("oam-ldap", &[][..]),
        ("oam-bitbucket", &["oam-fetch", "oam-policy"][..]),
        ("oam-export", &["oam-audit"][..]),
        ("oam-hook", &["oam-policy", "oam-proto"][..]),
        (
            "oam-daemon",
            &[
                "oam-audit",
                "oam-bitbucket",
                "oam-export",
                "oam-fetch",
                "oam-ldap",
                "oam-policy",
                "oam-proto",
                "oam-scim",
            ][..],
        ),
        (
            "oam-cli",
            &["oam-audit", "oam-bitbucket", "oam-export", "oam-fetch", "oam-policy", "oam-proto"][..],
        ),
    ]);
    let trees = trees();
    for (name, allowed) in allowed {
        let ours: Vec<_> =
            trees[name].iter().filter(|name| name.starts_with("oam-")).map(String::as_str).collect();
        assert_eq!(ours, allowed, "{name}");
    }
}

#[test]
fn the_pure_crates_do_nothing_but_think() {
    let trees = trees();
    for name in ["oam-policy", "oam-audit", "oam-export", "oam-scim", "oam-ldap"] {
        for forbidden in ["tokio", "tonic", "hyper", "sled", "git2", "getrandom", "rand", "rustix", "tracing"]
        {
            // The cipher of personal data comes with a source of randomness that is not used; see below.
            let comes_with_ring = ["oam-audit", "oam-export"].contains(&name) && forbidden == "getrandom";
            assert!(comes_with_ring || !trees[name].contains(forbidden), "{name} must not need {forbidden}");
        }
    }
}

/// The files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn nothing_of_the_log_is_left_to_chance() {
    let mut files = 0;
    for file in sources(&oam_tests::binaries::workspace().join("audit/src")) {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("ring::rand") && !text.contains("SystemRandom"), "{}", file.display());
        files += 1;
    }
    assert!(files > 20, "only {files} files were found");
}

#[test]
fn there_is_one_tls_and_it_is_not_openssl() {
    for (name, tree) in trees() {
        for forbidden in ["openssl-sys", "native-tls", "aws-lc-rs", "aws-lc-sys"] {
            assert!(!tree.contains(forbidden), "{name} needs {forbidden}");
        }
    }
}

#[test]
fn the_hook_stays_light() {
    let tree = tree("oam-hook");
    for forbidden in ["clap", "sled", "axum", "tracing-subscriber", "libssh2-sys"] {
        assert!(!tree.contains(forbidden), "the hook must not need {forbidden}");
    }
}
