//! Our decisions beside those of Cedar, Rego and Casbin.
//!
//! **For:** the differential test against Cedar (`tests/cedar.rs`) and the benchmark against all three (`benches`).
//!
//! **In:** rules, people and pushes as plain data ([`model`]). **Out:** each engine's own form of them: ours as the
//! TOML that an administrator writes ([`ours`]), Cedar's policies ([`cedar`]), and behind the feature `bench` a Rego
//! policy over data ([`rego`]) and Casbin's model with its rows ([`casbin`]).
//!
//! **Must never:** be a dependency of anything that is shipped, or share matching code with [`oam_policy`]: the
//! translations read patterns by themselves, so that a fault of ours cannot hide in both.

#[cfg(feature = "bench")]
pub mod casbin;
pub mod cedar;
#[cfg(feature = "bench")]
pub mod company;
pub mod model;
pub mod ours;
#[cfg(feature = "bench")]
pub mod rego;
