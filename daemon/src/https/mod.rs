//! Listening for HTTPS: connections, within bounds, and their certificate.
//!
//! **For:** whatever others ask or tell us by HTTP with something secret in it: [`crate::scim`], [`crate::exchange`].
//!
//! **Must never:** speak in the clear beyond this machine, or let a client hold on to what it does not use.

mod connection;
mod tls;

pub use connection::serve;
pub use tls::{Tls, TlsError};
