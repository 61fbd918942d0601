//! What is recorded of reviews of access.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Time;

/// Somebody reviewed what others may do, and answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessAttested {
    /// Who: their username.
    pub by: String,
    /// How they are known to the daemon.
    pub actor: String,
    /// What they say of the rows.
    pub verdict: AccessVerdict,
    /// Why, in their words.
    pub reason: String,
    /// The SHA-256 of the report that they read, in hexadecimal.
    pub review: String,
    /// The moment that the report is about.
    pub at: Time,
    /// The digest of the policy that it rests on, in hexadecimal.
    pub policy: String,
    /// The digest of the directory that it rests on, in hexadecimal.
    pub directory: String,
    /// The rows, as they stood in the report; never none.
    pub rows: Vec<ReviewedRow>,
}

/// What somebody says of an access that was reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessVerdict {
    /// It is still needed.
    Accepted,
    /// It is to be taken away.
    Revoked,
}

impl AccessVerdict {
    /// Its name, as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for AccessVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What somebody may do to a ref, as a report said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewedRow {
    /// `PROJECT/slug`.
    pub repository: String,
    /// The ref.
    pub r#ref: String,
    /// Whose access: their username.
    pub who: String,
    /// `user` or `service`.
    pub is: String,
    /// What they may do.
    pub may: String,
    /// Through which grants and roles.
    pub through: String,
}

#[cfg(test)]
mod tests {
    use super::{AccessAttested, AccessVerdict, ReviewedRow};
    use crate::entry::Event;

    #[test]
    fn a_review_is_written_so() {
        let event = Event::AccessAttested(AccessAttested {
            by: "rita".into(),
            actor: "corp:00u2 (rita)".into(),
            verdict: AccessVerdict::Accepted,
            reason: "Q4".into(),
            review: "ab".into(),
            at: "2026-11-23T02:00:00.000000Z".parse().unwrap(),
            policy: "c0ffee".into(),
            directory: "beef".into(),
            rows: vec![ReviewedRow {
                repository: "PAY/api".into(),
                r#ref: "refs/heads/main".into(),
                who: "ada".into(),
                is: "user".into(),
                may: "update merge".into(),
                through: "main (developer)".into(),
            }],
        });
        let written = serde_json::to_string(&event).unwrap();
        insta::assert_snapshot!(written, @r#"{"kind":"access-attested","by":"rita","actor":"corp:00u2 (rita)","verdict":"accepted","reason":"Q4","review":"ab","at":"2026-11-23T02:00:00.000000Z","policy":"c0ffee","directory":"beef","rows":[{"repository":"PAY/api","ref":"refs/heads/main","who":"ada","is":"user","may":"update merge","through":"main (developer)"}]}"#);
    }
}
