//! What is recorded of the policy: proposed, approved, withdrawn, changed, rejected.

use serde::{Deserialize, Serialize};

/// Another policy is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyChanged {
    /// The new digest, in hexadecimal.
    pub digest: String,
    /// The digest before; absent when there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Where it came from.
    pub origin: PolicyOrigin,
    /// Who changed it.
    pub author: String,
    /// Why, in their words; absent when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who approved it; absent when nobody did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved_by: Vec<String>,
    /// Whether approvals that were needed are missing, as whoever configures the daemon wanted; absent when not.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unapproved: bool,
    /// What it changes; absent when there was none before, and after a restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<PolicyDiff>,
}

/// A policy waits for the approval of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyProposed {
    /// Its digest, in hexadecimal.
    pub digest: String,
    /// The digest of the one in force, which it would replace; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Where it came from.
    pub origin: PolicyOrigin,
    /// Who proposed it.
    pub author: String,
    /// Why, in their words; absent when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many others must approve it.
    pub needed: u32,
    /// What it would change; absent when there is none in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<PolicyDiff>,
}

/// Somebody approved a proposed policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyApproved {
    /// Its digest, in hexadecimal.
    pub digest: String,
    /// Who proposed it.
    pub author: String,
    /// Who approved it.
    pub by: String,
    /// Why, in their words; absent when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many have approved it now.
    pub approvals: u32,
    /// How many must.
    pub needed: u32,
}

/// A proposed policy is none any more, without having come into force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyWithdrawn {
    /// Its digest, in hexadecimal.
    pub digest: String,
    /// Who proposed it.
    pub author: String,
    /// What ended it.
    pub cause: WithdrawnCause,
    /// Who withdrew it, or brought into force what it was outdated by.
    pub by: String,
    /// Why, in their words; absent when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What ended a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WithdrawnCause {
    /// An administrator.
    Withdrawn,
    /// The files that proposed it say something else now.
    FilesChanged,
    /// Another policy is in force than the one that it was to replace.
    Outdated,
}

/// What a policy changes, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDiff {
    /// How many rights are gained or lost, and whatever else is otherwise.
    pub changes: u64,
    /// Whether those are all.
    pub exact: bool,
    /// The first of them, in words.
    pub first: Vec<String>,
}

/// Where a policy came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyOrigin {
    /// The one we ship, which permits nothing yet.
    Starter,
    /// A file that changed on disk.
    File,
    /// An administrator's `apply`.
    Apply,
    /// An administrator's `rollback`.
    Rollback,
    /// The one that was in force before a restart.
    Start,
}

/// A policy was offered and not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRejected {
    /// Where it came from.
    pub origin: PolicyOrigin,
    /// Who offered it.
    pub author: String,
    /// How many faults it has.
    pub faults: u32,
    /// The first of them, in words.
    pub first_fault: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Entry, Event},
        PolicyApproved, PolicyChanged, PolicyDiff, PolicyOrigin, PolicyProposed, PolicyWithdrawn,
        WithdrawnCause,
    };

    /// The event's part of an entry, which reads back as what it was.
    fn written(event: Event) -> String {
        let time = "2026-11-23T17:21:14.000250Z".parse().unwrap();
        let entry = Entry::new(7, time, "node".parse().unwrap(), event);
        let line = entry.encode().unwrap();
        assert_eq!(Entry::decode(&line).unwrap(), entry);
        let line = String::from_utf8(line).unwrap();
        line.split_once("\"event\":").unwrap().1.strip_suffix('}').unwrap().to_owned()
    }

    fn diff() -> PolicyDiff {
        PolicyDiff {
            changes: 1,
            exact: true,
            first: vec!["developer may now force `refs/heads/main`".into()],
        }
    }

    #[test]
    fn the_way_of_a_proposal_reads_well() {
        let proposed = PolicyProposed {
            digest: "c0ffee".into(),
            previous: Some("beef".into()),
            origin: PolicyOrigin::Apply,
            author: "uid 1000".into(),
            reason: Some("CHG-7".into()),
            needed: 1,
            diff: Some(diff()),
        };
        insta::assert_snapshot!(written(Event::PolicyProposed(proposed)), @r#"{"kind":"policy-proposed","digest":"c0ffee","previous":"beef","origin":"apply","author":"uid 1000","reason":"CHG-7","needed":1,"diff":{"changes":1,"exact":true,"first":["developer may now force `refs/heads/main`"]}}"#);
        let approved = PolicyApproved {
            digest: "c0ffee".into(),
            author: "uid 1000".into(),
            by: "uid 1001".into(),
            reason: Some("seen".into()),
            approvals: 1,
            needed: 1,
        };
        insta::assert_snapshot!(written(Event::PolicyApproved(approved)), @r#"{"kind":"policy-approved","digest":"c0ffee","author":"uid 1000","by":"uid 1001","reason":"seen","approvals":1,"needed":1}"#);
        let changed = PolicyChanged {
            digest: "c0ffee".into(),
            previous: Some("beef".into()),
            origin: PolicyOrigin::Apply,
            author: "uid 1000".into(),
            reason: None,
            approved_by: vec!["uid 1001".into()],
            unapproved: false,
            diff: Some(diff()),
        };
        insta::assert_snapshot!(written(Event::PolicyChanged(changed.clone())), @r#"{"kind":"policy-changed","digest":"c0ffee","previous":"beef","origin":"apply","author":"uid 1000","approved_by":["uid 1001"],"diff":{"changes":1,"exact":true,"first":["developer may now force `refs/heads/main`"]}}"#);
        let forced = PolicyChanged { approved_by: vec![], unapproved: true, diff: None, ..changed };
        insta::assert_snapshot!(written(Event::PolicyChanged(forced)), @r#"{"kind":"policy-changed","digest":"c0ffee","previous":"beef","origin":"apply","author":"uid 1000","unapproved":true}"#);
        let withdrawn = PolicyWithdrawn {
            digest: "c0ffee".into(),
            author: "files".into(),
            cause: WithdrawnCause::FilesChanged,
            by: "files".into(),
            reason: None,
        };
        insta::assert_snapshot!(written(Event::PolicyWithdrawn(withdrawn)), @r#"{"kind":"policy-withdrawn","digest":"c0ffee","author":"files","cause":"files-changed","by":"files"}"#);
    }

    /// Entries of before there were approvals are entries still, and nothing that says nothing is written.
    #[test]
    fn what_was_written_before_is_read() {
        let before = r#"{"v":1,"seq":7,"time":"2026-11-23T17:21:14.000250Z","node":"n","event":{"kind":"policy-changed","digest":"c0ffee","previous":"beef","origin":"apply","author":"oamd","reason":"CHG-7"}}"#;
        Entry::decode(before.as_bytes()).unwrap();
        for nothing in [r#","approved_by":[]"#, r#","unapproved":false"#, r#","diff":null"#] {
            let line = before.replace("}}", &format!("{nothing}}}}}"));
            assert!(Entry::decode(line.as_bytes()).is_err(), "{line}");
        }
    }
}
