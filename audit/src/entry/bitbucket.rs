//! What is recorded of changes that are made in Bitbucket.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something is changed in Bitbucket, or was. Nothing is changed there before an entry says that it is about to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BitbucketChanged {
    /// How far it came.
    pub stage: ChangeStage,
    /// The number of the entry that says that it was begun; null in that one.
    pub begun: Option<u64>,
    /// Who changes it, as the daemon knows its callers.
    pub actor: String,
    /// What is done: `permit`, `revoke`, `forget`, `revoke-global`, `delete-token`, `delete-ssh-key`, `delete-gpg-key`,
    /// `leave-group`, `revoke-default`, `delete-access-key`, `delete-place-token`, `restrict`, `lift`; and `accept-account` and
    /// `forget-account`, by which nothing is changed there: an account is taken for whoever has its name, or a number is forgotten.
    pub step: String,
    /// A project, or `PROJECT/slug`; null: everywhere.
    pub place: Option<String>,
    /// The user that it is about; null for none.
    pub user: Option<String>,
    /// The group that it is about; null for none.
    pub group: Option<String>,
    /// The token or key; null for none.
    pub thing: Option<String>,
    /// What was there; null for nothing.
    pub before: Option<String>,
    /// What will be; null for nothing.
    pub after: Option<String>,
    /// Why: the rules and roles that want it, or what became of the user.
    pub because: String,
    /// What Bitbucket said; null when there is nothing to tell.
    pub detail: Option<String>,
}

/// How far a change came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeStage {
    /// It is about to be made.
    Begun,
    /// It was made.
    Done,
    /// It was not made.
    Failed,
    /// Nobody can tell.
    Unknown,
}

impl ChangeStage {
    /// Its name, as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for ChangeStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{BitbucketChanged, ChangeStage};
    use crate::entry::Event;

    #[test]
    fn a_change_is_written_so() {
        let event = Event::BitbucketChanged(BitbucketChanged {
            stage: ChangeStage::Begun,
            begun: None,
            actor: "uid 0".into(),
            step: "permit".into(),
            place: Some("PAY".into()),
            user: Some("ada".into()),
            group: None,
            thing: None,
            before: Some("read".into()),
            after: Some("write".into()),
            because: "rule `main`, role `developer`".into(),
            detail: None,
        });
        let written = serde_json::to_string(&event).unwrap();
        insta::assert_snapshot!(written, @r#"{"kind":"bitbucket-changed","stage":"begun","begun":null,"actor":"uid 0","step":"permit","place":"PAY","user":"ada","group":null,"thing":null,"before":"read","after":"write","because":"rule `main`, role `developer`","detail":null}"#);
    }
}
