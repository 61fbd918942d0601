//! Entries of the audit log in the forms that other programs read.
//!
//! **In:** an entry, and its bytes. **Out:** what says the same in another form:
//!
//! - [`envelope`]: the entry itself, with its number and its leaf hash;
//! - [`ocsf`]: an event of the Open Cybersecurity Schema Framework;
//! - [`row`]: rows of a table, as CSV has them;
//! - [`syslog`]: a syslog message (RFC 5424), framed for a stream (RFC 5425).
//!
//! Pure, and used by the daemon and by `oam` alike, so that both say the same. **Must never:** leave out an entry, or
//! say what the entry does not: whoever is in doubt reads the entry itself, which every form carries or names by its
//! number.

pub mod envelope;
pub mod ocsf;
pub mod row;
pub mod syslog;
mod words;

pub use words::sentence;
