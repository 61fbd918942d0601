//! Permissions in Bitbucket that OAM gave: which, and what was about to be changed when somebody was interrupted.
//!
//! **In:** what `oam bitbucket apply` is about to do, and what became of it. **Out:** what is ours, for the next plan.
//!
//! Bitbucket has no place for a mark of who gave a permission, so it is noted here, before the call that gives it. A change
//! is recorded in the audit log first. What is lost here is lost to nobody but us: a permission of which nobody knows that we
//! gave it is told as one that nobody granted, and stays until somebody adopts it.
//!
//! **Must never:** take a permission for our own of which no begun change tells.
//!
//! Beside it stands by what name each account was known, by Bitbucket's number of it ([`Numbers`]): whoever is gone is gone also
//! under another name.

mod ledger;
mod member;
mod numbers;

pub use ledger::{Ledger, LedgerError};
pub(crate) use member::{granted, is_member};
pub use numbers::Numbers;
