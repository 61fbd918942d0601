//! What is recorded of what Bitbucket has beside what the policy says.

use serde::{Deserialize, Serialize};

/// Bitbucket has something beside what the policy says that it had not when somebody looked last, or has no more what it had then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BitbucketDrift {
    /// Who looked, as the daemon knows its callers.
    pub actor: String,
    /// How much there is now of each kind, the worst first; kinds of which there is nothing are left out.
    pub counts: Vec<DriftCount>,
    /// How much of it was not there before.
    pub new: u64,
    /// How much was there before and is not any more.
    pub over: u64,
    /// The first of what is new.
    pub found: Vec<DriftFound>,
}

/// How much there is of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftCount {
    /// The kind: `gone`, `administers`, `not-granted`, …
    pub finding: String,
    /// How much.
    pub count: u64,
}

/// Something that Bitbucket has beside what the policy says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftFound {
    /// The kind.
    pub finding: String,
    /// A project, or `PROJECT/slug`; null: everywhere. Never a person's own.
    pub place: Option<String>,
    /// The user whose it is; null for none.
    pub user: Option<String>,
    /// The group whose it is; null for none.
    pub group: Option<String>,
    /// What it is, in words.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::{BitbucketDrift, DriftCount, DriftFound};
    use crate::entry::Event;

    #[test]
    fn what_was_found_is_written_so() {
        let event = Event::BitbucketDrift(BitbucketDrift {
            actor: "uid 0".into(),
            counts: vec![DriftCount { finding: "gone".into(), count: 2 }],
            new: 1,
            over: 0,
            found: vec![DriftFound {
                finding: "gone".into(),
                place: Some("PAY".into()),
                user: Some("carl".into()),
                group: None,
                detail: "still has write".into(),
            }],
        });
        let written = serde_json::to_string(&event).unwrap();
        assert_eq!(
            written,
            r#"{"kind":"bitbucket-drift","actor":"uid 0","counts":[{"finding":"gone","count":2}],"new":1,"over":0,"found":[{"finding":"gone","place":"PAY","user":"carl","group":null,"detail":"still has write"}]}"#
        );
        assert_eq!(serde_json::from_str::<Event>(&written).unwrap(), event);
    }
}
