//! The cases of `tests/cases`: pushes and their answers, written down for people to read, and run through three doors:
//! `decide` itself, a daemon asked over gRPC, and a real `git push` through the real hook. All three must agree on the
//! verdict, the reasons, the rules and the grant.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test fails loudly, at the place where it fails"
)]

mod answer;
mod case;
mod decided;
mod facts;
mod file;
mod format;
mod held;
mod history;
mod host;
mod jobs;
mod keys;
mod pushed;
mod run;
mod value;
mod wire;

/// One test for each file.
macro_rules! case_files {
    ($($test:ident: $file:literal,)*) => {
        $(#[test] fn $test() { run::run($file); })*

        /// Every file that has a test.
        const FILES: &[&str] = &[$($file),*];
    };
}

case_files! {
    blocks: "blocks",
    built_in: "built-in",
    channels: "channels",
    commit_checks: "commit-checks",
    tag_checks: "tag-checks",
    cutoffs: "cutoffs",
    elevations: "elevations",
    evaluate_mode: "evaluate-mode",
    exceptions: "exceptions",
    excludes: "excludes",
    globs: "globs",
    grants: "grants",
    leases: "leases",
    like_bitbucket_branch_permissions: "like-bitbucket-branch-permissions",
    like_gerrit: "like-gerrit",
    like_github: "like-github",
    like_gitlab: "like-gitlab",
    like_gitolite: "like-gitolite",
    many_refs: "many-refs",
    no_directory: "no-directory",
    paths: "paths",
    pull_requests: "pull-requests",
    regex: "regex",
    roles_and_groups: "roles-and-groups",
    services: "services",
    time_windows: "time-windows",
    undecided: "undecided",
    user_patterns: "user-patterns",
    verbs: "verbs",
    waivers: "waivers",
}
