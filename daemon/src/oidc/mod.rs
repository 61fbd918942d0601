//! Who somebody is, by the word of an OpenID provider: a strict verifier of JSON Web Tokens (RFC 7519, after RFC 8725).
//!
//! **For:** administrators who sign in with `oam login`; the jobs of CI systems, which show their own tokens; transmitters of
//! security events, for [`crate::signals`].
//!
//! **In:** a token, as it came; the keys that its issuer publishes, fetched with [`oam_fetch`]. **Out:** a
//! [`VerifiedToken`] or a [`WorkloadToken`], which cannot be made in any other way, or a [`TokenError`].
//!
//! - [`Issuers`]: all that are configured; the way in;
//! - `compact`, `json`, `header`, `claims`: what a token says, read strictly, before anything is believed of it;
//! - `keys`, `cache`: the keys of an issuer, and for how long they are believed;
//! - `backend`: signatures, checked by `ring`;
//! - [`OwnTokens`]: what this daemon issues itself, for leases;
//! - [`EventIssuer`]: the same for security events, which are no tokens of anybody;
//! - [`ClaimPath`], [`Groups`]: what is taken from the claims.
//!
//! **Must never:** believe a key, an algorithm or an address that a token names itself; take what was cut short for all
//! there is; repeat a token in a message.

mod algorithm;
mod backend;
mod cache;
mod claims;
mod compact;
mod error;
mod event;
mod groups;
mod header;
mod issuer;
mod json;
mod keys;
mod own;
mod token;
mod workload;

pub use algorithm::Algorithms;
pub use cache::KeyTimes;
pub use compact::{Compact, LONGEST};
pub use error::TokenError;
pub use event::{EventIssuer, SignedEvent, VerifiedEvent};
pub use groups::Groups;
pub use header::TokenType;
pub use issuer::{Issuers, Trouble};
pub use json::{StrictError, strict};
pub use oam_policy::name::{ClaimPath, PathError};
pub use own::{LeaseClaims, OwnKeyError, OwnTokens};
pub use token::{REMARKS, VerifiedToken};
pub use workload::WorkloadToken;

#[cfg(test)]
pub(crate) mod tests;
