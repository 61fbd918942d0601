//! The policy daemon of Bitbucket OAM: state and I/O around the pure decision of `oam_policy`.
//!
//! **For:** answering hooks ([`service`]), from a policy ([`policy`]) and a directory ([`directory`], kept in
//! [`store`], made of what sources say: [`source`], [`scim`], [`ldap`], [`pull`]; whom transmitters say to cut off: [`signals`]), and recording every answer before it is given
//! ([`audit_log`], [`authorize`]); for administrators, by who they are ([`oidc`]) and what they may ([`access`]).
//! For finding out who approved what: [`pull_request`]. For telling early which secrets and certificates are to be renewed: [`secrets`].
//! For proving now and then that Bitbucket still asks: [`canary`]; for telling what it has beside the policy: [`drift`]. For handing the log on to collectors: [`export`].
//!
//! **In:** questions from hooks, commands from `oam`, a policy in files, directory files, what identity providers push, what directory
//! servers have. **Out:** decisions, an
//! audit log, metrics.
//!
//! **Must never:** let a permit out before its audit entry is durable; turn a fault of its own into a refusal; make a
//! verdict itself; trust what its cache says without a digest; log a secret.

pub mod access;
mod aside;
pub mod audit_log;
pub mod authorize;
mod backoff;
pub mod canary;
pub mod config;
mod cursor;
pub mod directory;
pub mod drift;
pub mod exchange;
pub mod export;
mod file_watch;
mod follow;
pub mod http;
pub mod https;
pub mod ldap;
pub mod oidc;
pub mod policy;
pub mod privilege;
pub mod provisioning;
pub mod pull;
pub mod pull_request;
pub mod replay;
pub mod run;
pub mod scim;
pub mod secrets;
pub mod service;
pub mod signals;
pub mod signature;
pub mod source;
pub mod store;
pub mod telemetry;
pub mod watched;
pub mod webhook;
pub mod witnesses;
