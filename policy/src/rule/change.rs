use serde::Serialize;

/// How a policy may be replaced, while it is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ChangeRule {
    /// How many others must approve what one administrator proposes.
    pub approvals: u8,
}

impl ChangeRule {
    /// The most approvals that a policy may ask for.
    pub const MOST: u8 = 16;

    /// Whether it says no more than a policy that says nothing.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
