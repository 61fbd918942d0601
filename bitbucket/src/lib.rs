//! Bitbucket Data Center by its REST API: typed, bounded, and no more of it than is needed.
//!
//! **For:** `oam bitbucket`, which installs the hook and keeps permissions; the daemon's canaries, which prove that the
//! hook still runs; and its decisions on pull requests, which rest on who approved.
//!
//! **In:** Bitbucket's address and a token. **Out:** the domain's own types ([`Repository`](oam_policy::Repository),
//! [`RefName`](oam_policy::RefName), [`ObjectId`](oam_policy::ObjectId)), or an [`Error`] that says what was tried.
//!
//! What is asked lies in one file for each noun; [`install`] and [`provision`] have what is there, what should be, and the
//! steps between: for the hook, and for permissions. [`import`] makes a first policy of what is there, [`mirror`] writes the
//! policy's protections there as well, and [`model`] says what Bitbucket itself decides.
//!
//! **Must never:** print a token, take an answer that it does not understand for a good one, ask without a bound, or
//! touch what is not ours: another's hook script, or a permission that others gave.

mod access_key;
mod account;
mod branch;
mod branch_model;
mod client;
mod credential;
mod default_permission;
mod error;
pub mod external_hooks;
pub mod import;
pub mod install;
pub mod mirror;
pub mod model;
mod own;
pub mod permission;
mod project;
pub mod provision;
pub mod pull_request;
mod restriction;
#[cfg(test)]
mod samples;
pub mod script;

pub use access_key::AccessKey;
pub use account::{Account, AccountId, GlobalLevel, GlobalPermission};
pub use branch::Branch;
pub use branch_model::BranchModel;
pub use client::{Bitbucket, PER_PAGE};
pub use credential::{Credential, CredentialKind};
pub use error::{Error, Problem};
pub use project::{ProjectKey, ProjectKeyError};
pub use pull_request::{Approval, Commit, PullRequest};
pub use restriction::{ExemptKey, Forbids, Matcher, MatcherKind, Restriction};
pub use script::{Script, ScriptId, When};
