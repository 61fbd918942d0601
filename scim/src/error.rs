//! Why a request is not carried out.

use serde_json::{Value, json};
use thiserror::Error;

/// The schema of an error.
pub const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Why a request is not carried out, as SCIM tells it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The kind, with a 400 or 409.
    pub kind: Option<ScimType>,
    /// What happened and what would be right.
    pub detail: String,
}

/// SCIM's own kinds of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScimType {
    /// A filter that is none, or that is too much.
    InvalidFilter,
    /// A body of another shape.
    InvalidSyntax,
    /// A path that is none.
    InvalidPath,
    /// A path that leads nowhere.
    NoTarget,
    /// A value of another type, or that is missing.
    InvalidValue,
    /// What only we write.
    Mutability,
    /// Somebody else is called so.
    Uniqueness,
}

impl ScimType {
    /// The name in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::Mutability => "mutability",
            Self::Uniqueness => "uniqueness",
        }
    }
}

impl Problem {
    /// A request that its author can mend.
    pub fn bad(kind: ScimType, detail: impl Into<String>) -> Self {
        Self { status: 400, kind: Some(kind), detail: detail.into() }
    }

    /// A name that is taken.
    pub fn taken(detail: impl Into<String>) -> Self {
        Self { status: 409, kind: Some(ScimType::Uniqueness), detail: detail.into() }
    }

    /// Any other.
    pub fn other(status: u16, detail: impl Into<String>) -> Self {
        Self { status, kind: None, detail: detail.into() }
    }

    /// The body of the answer.
    pub fn to_json(&self) -> Value {
        let mut body = json!({"schemas": [SCHEMA], "status": self.status.to_string(), "detail": self.detail});
        if let (Some(kind), Some(body)) = (self.kind, body.as_object_mut()) {
            body.insert("scimType".into(), kind.as_str().into());
        }
        body
    }
}
