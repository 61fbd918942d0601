//! The repository and what is pushed to it: objects, refs, histories.
//!
//! **Objects** are read in this process ([`objects`]), and so are git's commit-graphs. Nothing is opened before a question
//! needs it.
//!
//! **What this process cannot do** (a history that is long and has no commit-graph, refs in a reftable) is asked of a git
//! child, which is killed when the conversation's deadline is over.
//!
//! What neither can read is [`Unreadable`], never "nothing".

pub mod ancestry;
pub mod child;
mod config;
mod graph;
mod links;
mod loose;
mod marks;
pub mod new_commits;
pub mod objects;
mod packed;
mod paint;
pub mod refs;
mod unreadable;
mod walk;

pub use child::{Git, Leash};
pub use links::Links;
pub use new_commits::NewCommits;
pub use objects::{Kind, Objects, Peeled};
pub use refs::Tips;
pub use unreadable::Unreadable;

#[cfg(test)]
mod tests;
