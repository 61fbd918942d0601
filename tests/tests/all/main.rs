//! Everything end to end: real git, the real hook, the real daemon. One module a theme; the harness is `oam_tests`.
//!
//! `OAM_SOAK=1` runs the long forms: 100,000 refs, hundreds of kills.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test fails loudly, at the place where it fails"
)]

mod applied;
mod asked;
mod bitbucket;
mod canary;
mod collectors;
mod concurrency;
mod corruption;
mod entra;
mod erasure;
mod external_hooks;
mod faults;
mod harness;
mod hook_drift;
mod importing;
mod install;
mod killed;
mod ldap;
mod leases;
mod life;
mod limits;
mod main_job;
mod many_refs;
mod new_commits;
mod observing;
mod okta;
mod open_audited;
mod packages;
mod provisioning;
mod pull_requests;
mod quarantine;
mod reading;
mod ref_names;
mod reload;
mod replay;
mod repositories;
mod rotation;
mod scim;
mod sign_in;
mod signals;
mod symrefs;
mod tampering;
mod tls;
mod transports;
mod two_in_the_morning;
mod two_persons;
mod witness;

/// Whether the long forms of the tests run.
fn soak() -> bool {
    std::env::var_os("OAM_SOAK").is_some_and(|value| value == "1")
}
