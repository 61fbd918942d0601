//! The whole verifier against a provider on this machine: what is good passes, and each known attack is refused for the
//! reason that it should be.

mod attacks;
pub(crate) mod provider;
mod rotation;
mod rsa;
mod workloads;
mod wycheproof;
