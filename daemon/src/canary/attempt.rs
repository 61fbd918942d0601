use oam_bitbucket::{Bitbucket, Branch, Error};
use oam_policy::{CANARIES, Outcome as Decided, RefName, Repository};
use uuid::Uuid;

use super::state::{Canaries, Outcome, Seen};

/// One canary, from the name to what came of it.
pub(super) struct Attempt<'a> {
    pub(super) bitbucket: &'a Bitbucket,
    pub(super) canaries: &'a Canaries,
    pub(super) repository: &'a Repository,
}

impl Attempt<'_> {
    /// A name that nobody has used yet, for a branch that nobody may make.
    pub(super) fn name() -> Option<RefName> {
        RefName::parse(format!("{CANARIES}{}", Uuid::now_v7().simple()).as_bytes()).ok()
    }

    /// Tries to make the branch `name`.
    pub(super) async fn make(&self, name: &RefName) -> Outcome {
        let unknown = |error: Error| match error.is_not_found() {
            true => Outcome::Gone { why: error.to_string() },
            false => Outcome::Unknown { why: error.to_string() },
        };
        let tip = match self.bitbucket.any_branch(self.repository).await {
            Ok(Some(branch)) => branch.tip,
            Ok(None) => return Outcome::Empty,
            Err(error) => return unknown(error),
        };
        let branch = Branch { name: name.clone(), tip };
        self.canaries.expect(name);
        let made = self.bitbucket.create_branch(self.repository, &branch).await;
        let seen = self.canaries.take(name);
        let Err(error) = made else { return self.went_in(branch).await };
        // Whatever Bitbucket said: what counts is whether the branch is there, and who said no.
        match self.bitbucket.branch(self.repository, name).await {
            Ok(None) => refused_by(seen, &error),
            Ok(Some(branch)) => self.went_in(branch).await,
            Err(looking) => unknown(looking),
        }
    }

    /// Takes a branch away that must not be there.
    pub(super) async fn went_in(&self, branch: Branch) -> Outcome {
        let deleted = self.bitbucket.delete_branch(self.repository, &branch).await;
        let error = match deleted {
            Ok(()) => return Outcome::Accepted { detail: "it was deleted again".to_owned(), left: None },
            Err(error) => error,
        };
        match self.bitbucket.branch(self.repository, &branch.name).await {
            // By hand, as it was asked for.
            Ok(None) => Outcome::Accepted { detail: "somebody deleted it".to_owned(), left: None },
            Err(looking) if looking.is_not_found() => Outcome::Gone { why: looking.to_string() },
            Ok(Some(_)) | Err(_) => {
                let shown = String::from_utf8_lossy(branch.name.as_bytes());
                let detail = format!("it is still there, delete `{shown}` by hand; {error}");
                Outcome::Accepted { detail, left: Some(branch) }
            }
        }
    }
}

/// The branch is not there. That proves something only where it was a decision of ours that kept it out.
fn refused_by(seen: Option<Seen>, error: &Error) -> Outcome {
    match seen {
        Some(Seen { decision, outcome: Decided::Refused }) => Outcome::Refused { decision },
        Some(Seen { decision, .. }) => Outcome::Unknown {
            why: format!("the branch did not go in, and was not refused by decision {decision}: {error}"),
        },
        None => Outcome::Unknown { why: format!("this daemon was not asked: {error}") },
    }
}
