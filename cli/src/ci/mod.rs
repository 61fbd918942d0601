//! What the job of a CI system does before it pushes: it finds its own token, and leases a role with it.
//!
//! **In:** the job's environment and files; what is to be pushed. **Out:** a lease, or why there is none.
//!
//! - [`token`]: where the known systems put a job's token;
//! - [`exchange`]: the token becomes a lease (RFC 8693).
//!
//! **Must never:** print or keep a token, or send it to anybody but the exchange that was named.

mod error;
pub mod exchange;
pub mod token;

pub use error::CiError;
