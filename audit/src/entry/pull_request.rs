//! What a verdict on a merge rested on of its pull request.

use serde::{Deserialize, Serialize};

use super::history::Listed;

/// The pull request that was merged, as the git server said it when the verdict was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullRequest {
    /// Its number in the repository; null when the git server did not tell the hook.
    pub number: Option<u64>,
    /// The commit that was to be merged, in hexadecimal; null likewise.
    pub head: Option<String>,
    /// What was found out.
    pub said: Said,
    /// How its approvals were counted, for each role of which a rule asks some; absent when none was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<ApprovalCount>,
}

/// What was found out about a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Said {
    /// Who made it, and who approves it.
    Known {
        /// Who opened it.
        author: String,
        /// Who approved it.
        approvals: Listed<Approval>,
        /// The e-mails of those who made its commits; `unreadable` where they could not be found out.
        committers: Listed<String>,
    },
    /// Nothing.
    Unknown {
        /// Why not, in words.
        why: String,
    },
}

/// Somebody's approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Whose.
    pub by: String,
    /// The commit that they looked at last, in hexadecimal; null when the git server did not tell.
    pub commit: Option<String>,
}

/// How approvals were counted as those of holders of one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalCount {
    /// The rule that asks for them.
    pub rule: String,
    /// The role.
    pub role: String,
    /// How many it takes.
    pub needed: u32,
    /// How many there were that count.
    pub given: u32,
    /// Whether it takes them only where some paths change; absent when it takes them always.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_paths: bool,
    /// What each was worth; one of each person.
    pub approvals: Listed<WeighedApproval>,
}

/// What somebody's approval was worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeighedApproval {
    /// Whose.
    pub by: String,
    /// `counts`; `doubtful`, where nobody could tell; `stale`, where nobody could since only a source knew them that was too
    /// old; or why it does not count: `unknown`, `inactive`, `without-role`, `author`, `committer`, `outdated`.
    pub worth: String,
}

impl PullRequest {
    /// Puts the digests of its lists in their place.
    pub fn digest_lists(&mut self) {
        let Self { number: _, head: _, said, counts } = self;
        if let Said::Known { author: _, approvals, committers } = said {
            approvals.digest();
            committers.digest();
        }
        for ApprovalCount { rule: _, role: _, needed: _, given: _, of_paths: _, approvals } in counts {
            approvals.digest();
        }
    }
}
