use super::Learnt;
use crate::{
    name::{ObjectId, Username},
    rule::Asker,
};

/// The pull request that is being merged, or looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Who opened it; `None` in a question that nobody has pushed.
    pub author: Option<Username>,
    /// The e-mails of those who made its commits, for rules by which their approval does not count.
    pub committers: Learnt<Vec<Box<str>>>,
    /// Who approved it.
    pub approvals: Vec<Approval>,
}

/// An approval of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Whose it is. Their roles are those that they hold now.
    pub by: Asker,
    /// Whether it is an approval of the pull request's present head.
    pub of_head: bool,
    /// The commit that they looked at last, as far as it is known: no verdict rests on it, and the log has it.
    pub reviewed: Option<ObjectId>,
}

/// One without an author, commits and approvals.
impl Default for PullRequest {
    fn default() -> Self {
        Self { author: None, committers: Ok(Vec::new()), approvals: Vec::new() }
    }
}
