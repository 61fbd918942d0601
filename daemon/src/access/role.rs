use std::fmt;

/// A role of the admin service. It has nothing to do with the roles of a policy, which are about pushes, but may be given
/// to whoever holds one of those.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdminRole {
    /// May do everything.
    Admin,
    /// May look, and cut people off and let them in again.
    Operator,
    /// May look, and read the audit log.
    Auditor,
}

impl AdminRole {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Operator, Self::Auditor];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }

    /// Its key in the configuration.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Admin => "admin.admin",
            Self::Operator => "admin.operator",
            Self::Auditor => "admin.auditor",
        }
    }
}

impl fmt::Display for AdminRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
