//! A first policy from what is in Bitbucket: what is there, what it becomes, what could not be carried over, and a comparison
//! of both that shows whether they decide the same.
//!
//! [`read()`] reads, [`Imported::of`] makes the policy, and [`compare`] asks [the model of Bitbucket](crate::model) and the
//! policy the same questions.
//!
//! **Must never:** give anybody more than Bitbucket does, where it is clear what that is, and leave anything out without
//! saying so. Where Bitbucket's own documentation leaves open what it does, the stricter reading is taken.

mod compare;
mod draft;
mod found;
mod left;
mod names;
mod pattern;
mod rules;
mod tidy;
mod witness;
mod write;

#[cfg(test)]
mod tests;

pub use compare::{Bounds, Compared, Difference, compare};
pub use draft::{Choices, ChoicesError, Imported};
pub use found::{Found, read};
pub use left::{Left, LeftKind};
