use thiserror::Error;

/// What is wrong with an object's bytes, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);
