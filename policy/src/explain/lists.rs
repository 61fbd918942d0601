//! Lists in words.

use crate::{name::RoleId, printable::Printable};

/// How many of a list are told.
const SHOWN: usize = 5;

/// The first few roles, quoted.
pub(super) fn listed_roles<'r>(roles: impl IntoIterator<Item = &'r RoleId>) -> String {
    listed(&roles.into_iter().map(RoleId::to_string).collect::<Vec<_>>())
}

/// The first few, quoted.
pub(super) fn listed(all: &[String]) -> String {
    first_few(all.iter().map(|one| format!("`{}`", Printable::new(one))), ", ")
}

/// The first few, with something between them.
pub(super) fn first_few(all: impl ExactSizeIterator<Item = String>, between: &str) -> String {
    let more = all.len().saturating_sub(SHOWN);
    let list = all.take(SHOWN).collect::<Vec<_>>().join(between);
    if more == 0 { list } else { format!("{list} and {more} more") }
}
