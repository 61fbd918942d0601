use crate::lint::{About, Lint};

/// A warning that the author of a rule has looked at and means to leave as it is. It decides nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Allowance {
    /// The rule or role it stands in.
    pub about: About,
    /// What is not warned of there.
    pub lint: Lint,
    /// Why.
    pub reason: String,
}
