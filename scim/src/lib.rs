//! SCIM 2.0 (RFC 7643, RFC 7644) as identity providers really speak it.
//!
//! **In:** JSON bodies, filters and query parameters from outside. **Out:** documents that hold only what we keep,
//! under the names and in the types of the schema; what a change to a group means; answers in SCIM's shape.
//!
//! - [`schema`]: what is kept of a user and of a group; everything else is dropped unread;
//! - [`document`]: a body as a document, whatever case and type its author used;
//! - [`path`], [`filter`]: what a PATCH is about, and who is looked for;
//! - [`patch`], [`group`]: changes;
//! - [`list`], [`project`], [`discovery`], [`error`]: answers.
//!
//! **Must never:** do input or output, keep a password, panic on what comes from outside, read the lack of something
//! as a grant (`active` that is taken away is not active), or let a detail that we do not keep get in the way of a
//! deactivation that stands beside it.

pub mod discovery;
pub mod document;
pub mod error;
pub mod filter;
pub mod group;
pub mod list;
pub mod patch;
pub mod path;
pub mod project;
pub mod schema;

pub use error::{Problem, ScimType};
pub use filter::Filter;
pub use schema::{Attribute, Resource};

/// A resource as it is kept: canonical attribute names, values of the schema's types.
pub type Document = serde_json::Map<String, serde_json::Value>;
