//! What administrators may: the roles of the admin service, who holds them, and which call takes which.
//!
//! **In:** who calls, as the kernel or an issuer of tokens vouches for it; the directory, the policy and the
//! configuration in force. **Out:** the roles that the caller holds, and why none where there are none.
//!
//! **Must never:** take "cannot tell" for "holds it", or know a call that has no class.

mod call;
mod caller;
mod holder;
mod role;

pub use call::{Call, Class};
pub use caller::{Caller, Held, may_still_administer, same_person};
pub use holder::Holder;
pub use role::AdminRole;
