//! The end-to-end harness: real git, the real hook, the real daemon, on this machine and in temporary folders.
//!
//! **For:** the tests of this crate, the demo and the benchmark.
//!
//! **In:** a policy and a directory of users; the three binaries, found by path (see [`binaries`]). **Out:** a running
//! [`Daemon`], [`BareRepo`]s with the hook installed, [`WorkingCopy`]s that push over a local path, HTTP or ssh, and a
//! [`Bitbucket`] that runs the hook as Bitbucket does.
//!
//! **Must never:** link a product's code in place of running it, read the configuration of whoever runs the tests,
//! speak to anything but this machine, or wait without a bound.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a harness fails loudly, at the place where it fails"
)]

pub mod assertion;
pub mod audit;
pub mod binaries;
pub mod bitbucket;
pub mod bitbucket_server;
pub mod canaille;
pub mod certificates;
pub mod collector;
pub mod daemon;
pub mod demo;
pub mod faults;
pub mod git;
pub mod graph;
pub mod http;
pub mod independent;
pub mod ldap;
pub mod okta;
pub mod openid;
pub mod process;
pub mod push;
pub mod repository;
pub mod sample;
pub mod scim;
pub mod ssh;
mod stand_in;
pub mod temporary;
pub mod transmitter;
pub mod wait;
pub mod working_copy;

pub use assertion::ClientKey;
pub use audit::AuditLog;
pub use bitbucket::Bitbucket;
pub use bitbucket_server::BitbucketServer;
pub use daemon::Daemon;
pub use git::Git;
pub use graph::GraphServer;
pub use okta::OktaServer;
pub use openid::Provider;
pub use process::{Finished, Run};
pub use push::{PushOutput, Verdict};
pub use repository::{BareRepo, HookConfig};
pub use scim::ScimClient;
pub use transmitter::Transmitter;
pub use working_copy::WorkingCopy;
