//! Bitbucket Data Center by its REST API: typed, bounded, and no more of it than is needed.
//!
//! **For:** `oam bitbucket`, which installs the hook; the daemon's canaries, which prove that it still runs; and its decisions on
//! pull requests, which rest on who approved.
//!
//! **In:** Bitbucket's address and a token. **Out:** the domain's own types ([`Repository`](oam_policy::Repository),
//! [`RefName`](oam_policy::RefName), [`ObjectId`](oam_policy::ObjectId)), or an [`Error`] that says what was tried.
//!
//! What is asked lies in one file for each noun, and [`install`] has what is there, what should be, and the steps between.
//!
//! **Must never:** print a token, take an answer that it does not understand for a good one, ask without a bound, or
//! touch a hook script that is not ours.

mod branch;
mod client;
mod error;
pub mod install;
mod project;
pub mod pull_request;
pub mod script;

pub use branch::Branch;
pub use client::Bitbucket;
pub use error::{Error, Problem};
pub use project::{ProjectKey, ProjectKeyError};
pub use pull_request::{Approval, Commit, PullRequest};
pub use script::{Script, ScriptId, When};
