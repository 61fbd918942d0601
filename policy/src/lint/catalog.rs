use std::fmt;

/// A kind of warning. The list is closed: each has a chapter in the reference, and an `allow` names one by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lint {
    /// A role names a group that the directory does not know.
    UnknownGroup,
    /// An exception is for somebody, or approved by somebody, whom the directory does not know.
    UnknownUser,
    /// Nobody who is active holds the role.
    RoleWithoutMembers,
    /// No rule names the role.
    UnusedRole,
    /// Somebody holds two roles of which one says that nobody should.
    ExclusiveRoles,
    /// The roles that a rule excepts are held by a large share of everybody.
    ExceptTooLarge,
    /// A require asks for more approvals than there are people to give them.
    ApprovalsOutOfReach,
    /// Jobs lease the role, and it does not say for how long at most.
    ServiceRoleWithoutMaxLease,
    /// No push can ever match the rule.
    RuleNeverMatches,
    /// A pattern of the rule matches nothing that there can be, or takes nothing out of its list.
    PatternNeverMatches,
    /// Whatever the grant gives, blocks forbid.
    GrantCoveredByBlocks,
    /// Nothing that the waiver may lift holds where it may be used.
    WaiverLiftsNothing,
    /// Nothing is granted to the roles that an elevation lets people ask for.
    ElevationGivesNothing,
    /// Nothing is granted to the roles that a workload lets jobs lease.
    WorkloadGivesNothing,
    /// A service may do something at any time, without a lease.
    ServiceWithoutLease,
    /// Two rules, or two roles, say the same.
    DuplicateRule,
    /// A grant of force or deletion takes the main branch in by a pattern.
    ForceOnWidePattern,
    /// The rule is over.
    Expired,
    /// An `allow` that allows nothing.
    UnusedAllow,
}

impl Lint {
    /// Every lint.
    pub const ALL: [Self; 19] = [
        Self::UnknownGroup,
        Self::UnknownUser,
        Self::RoleWithoutMembers,
        Self::UnusedRole,
        Self::ExclusiveRoles,
        Self::ExceptTooLarge,
        Self::ApprovalsOutOfReach,
        Self::ServiceRoleWithoutMaxLease,
        Self::RuleNeverMatches,
        Self::PatternNeverMatches,
        Self::GrantCoveredByBlocks,
        Self::WaiverLiftsNothing,
        Self::ElevationGivesNothing,
        Self::WorkloadGivesNothing,
        Self::ServiceWithoutLease,
        Self::DuplicateRule,
        Self::ForceOnWidePattern,
        Self::Expired,
        Self::UnusedAllow,
    ];

    /// The id: stable, for policies, scripts and the reference.
    pub const fn id(self) -> &'static str {
        match self {
            Self::UnknownGroup => "unknown-group",
            Self::UnknownUser => "unknown-user",
            Self::RoleWithoutMembers => "role-without-members",
            Self::UnusedRole => "unused-role",
            Self::ExclusiveRoles => "exclusive-roles",
            Self::ExceptTooLarge => "except-too-large",
            Self::ApprovalsOutOfReach => "approvals-out-of-reach",
            Self::ServiceRoleWithoutMaxLease => "service-role-without-max-lease",
            Self::RuleNeverMatches => "rule-never-matches",
            Self::PatternNeverMatches => "pattern-never-matches",
            Self::GrantCoveredByBlocks => "grant-covered-by-blocks",
            Self::WaiverLiftsNothing => "waiver-lifts-nothing",
            Self::ElevationGivesNothing => "elevation-gives-nothing",
            Self::WorkloadGivesNothing => "workload-gives-nothing",
            Self::ServiceWithoutLease => "service-without-lease",
            Self::DuplicateRule => "duplicate-rule",
            Self::ForceOnWidePattern => "force-on-wide-pattern",
            Self::Expired => "expired",
            Self::UnusedAllow => "unused-allow",
        }
    }

    /// The lint of that id.
    pub fn parse(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lint| lint.id() == id)
    }

    /// Whether it is about the people of the directory, so that nothing is found without one.
    pub const fn needs_directory(self) -> bool {
        match self {
            Self::UnknownGroup
            | Self::UnknownUser
            | Self::RoleWithoutMembers
            | Self::ExclusiveRoles
            | Self::ExceptTooLarge
            | Self::ApprovalsOutOfReach => true,
            Self::UnusedRole
            | Self::ServiceRoleWithoutMaxLease
            | Self::RuleNeverMatches
            | Self::PatternNeverMatches
            | Self::GrantCoveredByBlocks
            | Self::WaiverLiftsNothing
            | Self::ElevationGivesNothing
            | Self::WorkloadGivesNothing
            | Self::ServiceWithoutLease
            | Self::DuplicateRule
            | Self::ForceOnWidePattern
            | Self::Expired
            | Self::UnusedAllow => false,
        }
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::Lint;

    #[test]
    fn every_id_is_its_own() {
        for lint in Lint::ALL {
            assert_eq!(Lint::parse(lint.id()), Some(lint));
            assert!(lint.id().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{lint}");
        }
        assert_eq!(Lint::parse("unknown"), None);
    }
}
