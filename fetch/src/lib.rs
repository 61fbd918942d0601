//! The guarded ways to what others have named: HTTPS requests to hosts that a configuration, or another host, has named; and
//! files.
//!
//! **For:** reading what an OpenID provider publishes ([`openid`]), and signing in there; what a transmitter of shared signals
//! publishes ([`signals`]); the calls of an API ([`Call`]);
//! connections to hosts that speak another protocol ([`Dialer`]); reading files, and folders of them ([`files`]).
//!
//! **In:** a [`WebUrl`], and the [`Network`] in which its host may lie; a path. **Out:** a whole [`Answer`] or text, or why
//! there is none.
//!
//! **Must never:** connect to an address that was not checked, follow a redirect to another host, wait for a host or read
//! without a bound, send anything in the clear beyond this machine, print a [`Secret`], or take for a file of somebody's what
//! is a pipe or a device.

mod authorities;
mod call;
mod client;
mod connect;
mod dial;
pub mod files;
mod form;
mod network;
pub mod openid;
mod secret;
pub mod signals;
mod url;

pub use call::Call;
pub use client::{Answer, Client, FetchError};
pub use connect::{ConnectError, RootsError};
pub use dial::{Dialer, Identity, Stream};
pub use form::Form;
pub use http::{Method, StatusCode};
pub use network::Network;
pub use secret::Secret;
pub use url::{UrlError, WebUrl};
