use std::collections::BTreeSet;

use oam_bitbucket::{Commit, PullRequest};
use oam_policy::{
    Merging, ObjectId,
    facts::{Approval, PullRequest as Facts, Unreadable},
    rule::Asker,
};

use crate::authorize::Question;

/// How long an e-mail may be to be somebody's, in bytes.
const EMAIL_BYTES: usize = oam_proto::limits::EMAIL_BYTES;

/// All that Bitbucket said of a pull request.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) pull_request: PullRequest,
    /// The e-mails of those who made its commits, or why they are not known.
    pub(super) committers: Result<Vec<Box<str>>, String>,
}

impl Told {
    /// Whether the commits that are known here are those of `other`, too.
    pub(super) fn has_commits_of(&self, other: &PullRequest) -> bool {
        self.committers.is_ok() && self.pull_request.is_of_commits_of(other)
    }

    /// The facts for a question, where it is about this head and this target.
    pub(super) fn facts_of(&self, question: &Question) -> Result<Facts, String> {
        let PullRequest { author, target, head, approvals, .. } = &self.pull_request;
        match question.pull_request {
            Some(Merging { head: Some(merged), .. }) if merged == *head => {}
            Some(Merging { head: Some(merged), .. }) => {
                return Err(format!(
                    "it has moved on: `{}` is to be merged, and Bitbucket says that its head is `{}`",
                    merged.short(),
                    head.short()
                ));
            }
            _ => return Err("it is not known which commit is to be merged".to_owned()),
        }
        if let Some(other) = question.request.updates.iter().find(|update| update.name != *target) {
            return Err(format!(
                "it goes to `{target}`, by what Bitbucket says, and `{}` is to be changed",
                other.name
            ));
        }
        let approval = |one: &oam_bitbucket::Approval| Approval {
            by: Asker::User(one.by.clone()),
            of_head: one.reviewed == Some(*head),
            reviewed: one.reviewed,
        };
        Ok(Facts {
            author: Some(author.clone()),
            committers: self.committers.clone().map_err(|why| Unreadable { why }),
            approvals: approvals.iter().map(approval).collect(),
        })
    }
}

/// The e-mails of those who made these commits, each once. They are the commits of `head` only where it is among them; where there
/// are none, the target has them all.
pub(super) fn committers(head: &ObjectId, commits: Vec<Commit>) -> Result<Vec<Box<str>>, String> {
    if !commits.is_empty() && !commits.iter().any(|commit| commit.id == *head) {
        return Err("its commits changed while Bitbucket was asked for them".to_owned());
    }
    let emails: BTreeSet<_> = commits.into_iter().flat_map(|commit| commit.emails).collect();
    if emails.iter().any(|email| email.len() > EMAIL_BYTES) {
        return Err(format!("a commit of it is by an e-mail of more than {EMAIL_BYTES} bytes"));
    }
    Ok(emails.into_iter().collect())
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Instant;

    use oam_audit::entry::AskedBy;
    use oam_bitbucket::{Approval, Commit, PullRequest};
    use oam_policy::{Channel, Merging, NonEmpty, ObjectId, RefChange, RefName, RefUpdate, Request};

    use super::{Told, committers};
    use crate::authorize::Question;

    const HEAD: ObjectId = ObjectId::Sha1([1; 20]);
    const OTHER: ObjectId = ObjectId::Sha1([2; 20]);

    /// A pull request to `main` with this head.
    pub(in crate::pull_request) fn told(head: ObjectId) -> Told {
        let approval = |by: &str, reviewed| Approval { by: by.parse().unwrap(), reviewed };
        let pull_request = PullRequest {
            number: 17,
            author: "bob".parse().unwrap(),
            repository: "PAY/api".parse().unwrap(),
            target: RefName::parse(b"refs/heads/main").unwrap(),
            onto: OTHER,
            head,
            approvals: vec![
                approval("carol", Some(head)),
                approval("dave", Some(ObjectId::Sha1([9; 20]))),
                approval("erin", None),
            ],
        };
        Told { pull_request, committers: Ok(vec!["bob@x".into()]) }
    }

    fn question(merging: Option<Merging>, names: &[&str]) -> Question {
        let change = RefChange::Merge { onto: OTHER, from: Some(HEAD) };
        let update = |name: &&str| RefUpdate { name: RefName::parse(name.as_bytes()).unwrap(), change };
        let request = Request {
            repository: "PAY/api".parse().unwrap(),
            pusher: "bob".parse().unwrap(),
            channel: Channel::PullRequestMerge,
            updates: NonEmpty::from_vec(names.iter().map(update).collect()).unwrap(),
        };
        let asked_by = AskedBy::Unix { uid: 0, pid: 1 };
        Question { request, pull_request: merging, shown_lease: None, asked_by, received: Instant::now() }
    }

    #[test]
    fn facts_are_about_the_head_and_the_target_that_are_merged_or_there_are_none() {
        let of = |head| Some(Merging { number: 17, head });
        let main = ["refs/heads/main"];
        let facts = told(HEAD).facts_of(&question(of(Some(HEAD)), &main)).unwrap();
        let of_head: Vec<_> = facts.approvals.iter().map(|approval| approval.of_head).collect();
        assert_eq!(of_head, [true, false, false]);
        for (merging, names, says) in [
            (of(Some(OTHER)), &main[..], "moved on"),
            (of(None), &main, "which commit"),
            (None, &main, "which commit"),
            (of(Some(HEAD)), &["refs/heads/release"], "goes to `refs/heads/main`"),
            (
                of(Some(HEAD)),
                &["refs/heads/main", "refs/heads/release"],
                "`refs/heads/release` is to be changed",
            ),
        ] {
            let why = told(HEAD).facts_of(&question(merging, names)).unwrap_err();
            assert!(why.contains(says), "{why}");
        }
    }

    #[test]
    fn commits_without_the_head_are_those_of_another_moment() {
        let commit =
            |id, author: &str, committer: &str| Commit { id, emails: [author.into(), committer.into()] };
        let both = vec![commit(OTHER, "b@x", "a@x"), commit(HEAD, "a@x", "")];
        assert_eq!(committers(&HEAD, both), Ok(vec!["".into(), "a@x".into(), "b@x".into()]));
        assert_eq!(committers(&HEAD, Vec::new()), Ok(Vec::new()));
        assert!(committers(&HEAD, vec![commit(OTHER, "a@x", "a@x")]).is_err());
        assert!(committers(&HEAD, vec![commit(HEAD, &"a".repeat(2_000), "a@x")]).is_err());
    }
}
