//! The repository and what is pushed to it: objects, refs, histories.
//!
//! **Objects** are read in this process ([`objects`]), and so are git's commit-graphs. Nothing is opened before a question
//! needs it.
//!
//! **What this process cannot do** (a history that is long and has no commit-graph, refs in a reftable) is asked of a git
//! child, which is killed when the conversation's deadline is over.
//!
//! What neither can read is [`Unreadable`], never "nothing".
//!
//! **What objects say** is read from their raw bytes ([`commit`], [`tag`], [`tree`], [`signed`]), as somebody unknown has
//! pushed them: as git itself reads them, and what could be read in two ways is malformed. From that follows which paths
//! commits change ([`changes`]) and which merges are [`foreign`].

pub mod ancestry;
pub mod changes;
pub mod child;
pub mod commit;
mod config;
mod folders;
pub mod foreign;
mod graph;
pub mod identity;
mod links;
mod loose;
mod malformed;
mod marks;
mod merge_bases;
pub mod new_commits;
pub mod objects;
mod pack_index;
mod packed;
mod packs;
mod paint;
mod recent;
pub mod refs;
pub mod signed;
mod stores;
pub mod tag;
pub mod tree;
mod unreadable;
mod walk;

pub use child::{Git, Leash};
pub use links::Links;
pub use malformed::Malformed;
pub use merge_bases::merge_bases;
pub use new_commits::NewCommits;
pub use objects::{Kind, Objects, Peeled};
pub(crate) use recent::Recent;
pub use refs::Tips;
pub use unreadable::Unreadable;

#[cfg(test)]
pub(crate) mod tests;
