use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;

use crate::{
    fault::Place,
    name::{RoleId, RuleId, Username},
    question::Question,
};

/// A unit test of the policy: a question, and the answer that its author expects. It decides nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCase {
    /// Who asks.
    pub asker: Asker,
    /// What they want to do.
    pub question: Question,
    /// The elevations that whoever asks has in use, and the workloads whose leases they have.
    pub supposed: Supposed,
    /// When; `None`: whenever the test is run.
    pub at: Option<Timestamp>,
    /// What is expected.
    pub expect: Expectation,
    /// Where the test is written.
    pub place: Place,
}

/// What somebody is supposed to have for a while, as it should be: asked for and approved, or leased, and just begun.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Supposed {
    /// By these elevations, each role that they give.
    pub elevations: BTreeSet<RuleId>,
    /// By these workloads, each role that they give. Who asks by their roles is the account of the workload.
    pub leases: BTreeSet<RuleId>,
}

/// Who asks in a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asker {
    /// Somebody who holds just these roles, and who is called `${user}`: that text in the ref of a test stands for
    /// themselves, as it does in a pattern.
    Roles(BTreeSet<RoleId>),
    /// A person or service, with the roles that the directory in force gives them.
    User(Username),
}

/// The answer that is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    /// It is permitted; by this grant, when one is named.
    Permitted(Option<RuleId>),
    /// It is refused; for this reason among others, when one is named.
    Refused(Option<Because>),
}

/// A reason that is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// One of [`crate::RefusalReason::CODES`].
    pub code: &'static str,
    /// The rule that says so, when one is named.
    pub rule: Option<RuleId>,
}

impl TestCase {
    /// What is asked, as the language writes it: `force PAY/api refs/heads/main`.
    pub fn push(&self) -> String {
        let Question { verb, repository, name, .. } = &self.question;
        format!("{verb} {repository} {name}")
    }
}

/// For people: `developer, release-manager`, `without a role` or `user alice`.
impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Roles(roles) if roles.is_empty() => f.write_str("without a role"),
            Self::Roles(roles) => {
                f.write_str(&roles.iter().map(RoleId::as_str).collect::<Vec<_>>().join(", "))
            }
            Self::User(user) => write!(f, "user {user}"),
        }
    }
}

/// As the language writes it: `refused:blocked:freeze`.
impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permitted(None) => f.write_str("permitted"),
            Self::Permitted(Some(grant)) => write!(f, "permitted:{grant}"),
            Self::Refused(None) => f.write_str("refused"),
            Self::Refused(Some(because)) => write!(f, "refused:{because}"),
        }
    }
}

/// As the language writes it: `blocked:freeze`.
impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            None => f.write_str(self.code),
            Some(rule) => write!(f, "{}:{rule}", self.code),
        }
    }
}
