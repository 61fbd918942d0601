//! LDAP (RFC 4511) as a client needs it that follows users and groups.
//!
//! **In:** bytes that a server sent, filters and names that an administrator wrote. **Out:** requests as bytes, messages
//! as types, and who is in which group by all that the server told.
//!
//! - [`ber`]: the encoding, and no more of it than LDAP uses;
//! - [`message`], [`request`], [`control`]: what goes over the wire, with paged results (RFC 2696), content
//!   synchronization (RFC 4533) and the change notifications of Active Directory;
//! - [`filter`], [`dn`]: what administrators write and servers compare;
//! - [`account`]: whether somebody may act, and until when;
//! - [`replica`]: users and groups with all nesting resolved.
//!
//! **Must never:** do input or output, panic on what comes from outside, recurse as deep as that wants, or read what it
//! does not understand as a permission.

pub mod account;
pub mod ber;
pub mod control;
pub mod dn;
pub mod entry;
pub mod filter;
pub mod message;
pub mod replica;
pub mod request;

pub use ber::Fault;
pub use dn::DnKey;
pub use entry::Entry;
pub use filter::Filter;
pub use message::Message;
pub use replica::Replica;
