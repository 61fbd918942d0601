//! Listening for HTTPS: connections, within bounds, and their certificate.
//!
//! **For:** whatever others ask or tell us by HTTP with something secret in it: [`crate::scim`], [`crate::signals`],
//! [`crate::exchange`]; for gRPC over TCP, [`incoming()`].
//!
//! **Must never:** speak in the clear beyond this machine, or let a client hold on to what it does not use.

mod connection;
mod failures;
mod incoming;
mod tls;

pub use connection::serve;
pub(crate) use failures::Failures;
pub use incoming::incoming;
pub use tls::{Protocol, Tls, TlsError};
