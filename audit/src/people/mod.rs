//! People by aliases: the log holds none of their names, and a table beside it tells who is who.
//!
//! In flow entries with names; out flow entries that hold, in the place of each name, an alias, and in the place of each
//! text, the text sealed. With the [`Table`] they become again what they were. Somebody whom the table has forgotten
//! stays an alias for ever, and what they wrote, or what was written about them, stays sealed: every entry, hash and
//! proof remains as it is.
//!
//! - [`Person`]: a name and 32 random bytes, from which the alias follows;
//! - [`Table`]: all of them, by name and by alias, and the text of the file that keeps them;
//! - [`Aliases`]: from names to aliases;
//! - [`Table::open_entry`], the way back.
//!
//! It must never write a name where it was asked for an alias, nor show the bytes of a person in a `Debug`.

mod alias;
mod person;
mod sealed;
mod table;
#[cfg(test)]
mod tests;
mod write;

pub use alias::Alias;
pub use person::{Person, PersonError, SECRET_BYTES};
pub use table::{Table, TableError};
pub use write::{Aliases, Known};

/// Whether a text stands for a name or words: an alias, a repository of one, or something sealed.
#[must_use]
pub fn is_closed(text: &str) -> bool {
    let owner = text.strip_prefix('~').and_then(|rest| rest.split_once('/')).map(|(owner, _)| owner);
    owner.unwrap_or(text).parse::<Alias>().is_ok() || sealed::is_sealed(text) || text == write::NOT_KEPT
}
