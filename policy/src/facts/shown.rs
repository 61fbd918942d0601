use crate::name::PrivilegeId;

/// What whoever gives leases makes of the token that a push shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShownLease {
    /// It is that of this lease: of all leases the push rests on this one, or on none.
    Of(PrivilegeId),
    /// It is not accepted.
    NotAccepted(LeaseFault),
}

/// Why the token of a lease does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeaseFault {
    /// It is no token of a lease.
    Malformed,
    /// None of our keys signed it.
    NotOurs,
    /// Its time is over.
    Expired,
    /// There is more than one.
    Several,
    /// Its lease gives whoever pushes nothing now: it is used up, over, taken away, or of another account.
    NotInForce,
}

impl LeaseFault {
    /// Each of them.
    pub const ALL: [Self; 5] =
        [Self::Malformed, Self::NotOurs, Self::Expired, Self::Several, Self::NotInForce];

    /// The stable name of the reason.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "lease-malformed",
            Self::NotOurs => "lease-not-ours",
            Self::Expired => "lease-expired",
            Self::Several => "lease-several",
            Self::NotInForce => "lease-not-in-force",
        }
    }

    /// The one that a reason of that name tells of.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.code() == code)
    }
}
