//! What is recorded of what people have for a while: asked for, approved, begun, reminded of, ended, signed off.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::Time;

/// What somebody has for a while, or asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PrivilegeKind {
    /// What is granted to a role.
    Grant {
        /// The elevation that allows it.
        elevation: String,
        /// The role.
        role: String,
    },
    /// To lift rules.
    Waiver {
        /// The waiver that allows it.
        waiver: String,
        /// The rules; none: whatever it may lift.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lifts: Vec<String>,
    },
    /// What is granted to a role, for a job that showed its token.
    Lease(Box<Lease>),
}

/// What a job leased, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// The workload that allows it.
    pub workload: String,
    /// The role.
    pub role: String,
    /// To do what.
    pub verbs: Vec<String>,
    /// What the refs must come to name; absent: anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Changes to these paths only, by patterns; absent: whatever the workload allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Whether only pushes count that show its token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_token: bool,
    /// Who issued the token that was shown.
    pub issuer: String,
    /// What that said, as far as the workload asked.
    pub claims: BTreeMap<String, String>,
    /// How it came about; absent where it is told what a pusher had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<LeaseGiven>,
}

/// For how much, and for which token, a lease was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseGiven {
    /// For how many pushes.
    pub uses: u32,
    /// What tells the token from every other: a digest. Nobody makes the token of it.
    pub token: String,
    /// Until when the token is good: so long it is not taken again.
    pub token_expires: Time,
}

/// `role ROLE`, `waiver ID` or `lease of role ROLE`.
impl fmt::Display for PrivilegeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant { role, .. } => write!(f, "role {role}"),
            Self::Waiver { waiver, .. } => write!(f, "waiver {waiver}"),
            Self::Lease(lease) => write!(f, "lease of role {}", lease.role),
        }
    }
}

/// Of which kind it is what somebody has for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrivilegeSort {
    /// What is granted to a role.
    Grant,
    /// To lift rules.
    Waiver,
    /// What is granted to a role, for a job.
    Lease,
}

/// Somebody asked for something for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivilegeRequested {
    /// Its id.
    pub id: String,
    /// What.
    pub privilege: PrivilegeKind,
    /// Who asks, and for themselves: their username.
    pub by: String,
    /// How they are known to the daemon.
    pub actor: String,
    /// In which repositories.
    pub on: Vec<String>,
    /// On which refs.
    pub refs: Vec<String>,
    /// For how long, in seconds.
    pub seconds: u64,
    /// Why, in their words; may be empty where none is asked for.
    pub reason: String,
    /// How many others must approve it.
    pub needed: u32,
}

/// Somebody approved what another asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivilegeApproved {
    /// Its id.
    pub id: String,
    /// Who approved it: their username.
    pub by: String,
    /// How they are known to the daemon.
    pub actor: String,
    /// Why, in their words; absent when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many approvals it has now.
    pub approvals: u32,
    /// How many it needs.
    pub needed: u32,
}

/// What somebody asked for is theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivilegeBegan {
    /// Its id.
    pub id: String,
    /// Of which kind it is: whoever is told of the entry need not look for the one in which it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<PrivilegeSort>,
    /// From when on.
    pub from: Time,
    /// Until when, exclusive.
    pub to: Time,
}

/// Nobody has it any more, or it was never given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivilegeEnded {
    /// Its id.
    pub id: String,
    /// Of which kind it was, as in [`PrivilegeBegan`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<PrivilegeSort>,
    /// Why.
    pub cause: PrivilegeEnd,
    /// Who ended it, or `clock`, `policy` or `directory`.
    pub by: String,
    /// Why, in their words; absent when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why something ended that somebody had for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrivilegeEnd {
    /// Its time was over.
    Over,
    /// Nobody approved it in time.
    Unanswered,
    /// Somebody who could have approved it said no.
    Denied,
    /// Whoever had it or asked for it gave it back.
    Returned,
    /// Somebody took it away.
    Revoked,
    /// The policy, or the roles of who asked or approved, do not allow it any more.
    NotAllowed,
    /// It was good for so many pushes, and there were so many.
    UsedUp,
}

impl PrivilegeEnd {
    /// Its name, as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Over => "over",
            Self::Unanswered => "unanswered",
            Self::Denied => "denied",
            Self::Returned => "returned",
            Self::Revoked => "revoked",
            Self::NotAllowed => "not-allowed",
            Self::UsedUp => "used-up",
        }
    }
}

/// Somebody read what was done with a waiver, and answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivilegeSignedOff {
    /// Its id.
    pub id: String,
    /// Who: their username.
    pub by: String,
    /// How they are known to the daemon.
    pub actor: String,
    /// What they say about it.
    pub reason: String,
    /// How many pushes passed because of it.
    pub pushes: u64,
}

/// Those who are told of what happens were reminded of something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivilegeReminded {
    /// Its id.
    pub id: String,
    /// Who has or had it: their username.
    pub by: String,
    /// Of what.
    pub about: PrivilegeReminder,
    /// When it ends, or ended.
    pub end: Time,
    /// When it was time to be reminded.
    pub at: Time,
}

/// Of what one is reminded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrivilegeReminder {
    /// It ends soon.
    EndsSoon,
    /// Nobody has answered for what was done with a waiver that is over.
    Unsigned,
}

impl PrivilegeReminder {
    /// Its name, as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EndsSoon => "ends-soon",
            Self::Unsigned => "unsigned",
        }
    }
}

/// A push was permitted by a lease: it is one of those that the lease is good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivilegeUsed {
    /// The lease's id.
    pub id: String,
    /// Who pushed: their username.
    pub by: String,
    /// The decision, which stands beside it.
    pub decision: String,
}

/// What a pusher had for a while when a push was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivilegeHeld {
    /// Its id.
    pub id: String,
    /// What.
    pub privilege: PrivilegeKind,
    /// In which repositories.
    pub on: Vec<String>,
    /// On which refs.
    pub refs: Vec<String>,
    /// From when on.
    pub from: Time,
    /// Until when, exclusive.
    pub to: Time,
    /// Why, in their words.
    pub reason: String,
    /// Who approved it: their usernames.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved_by: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::{
        Lease, LeaseGiven, PrivilegeApproved, PrivilegeBegan, PrivilegeEnd, PrivilegeEnded, PrivilegeKind,
        PrivilegeReminded, PrivilegeReminder, PrivilegeRequested, PrivilegeSignedOff, PrivilegeSort,
        PrivilegeUsed,
    };
    use crate::entry::{Event, Time};

    fn written(event: &Event) -> String {
        serde_json::to_string(event).unwrap()
    }

    #[test]
    fn what_people_have_for_a_while_is_written_so() {
        let at = |text: &str| text.parse::<Time>().unwrap();
        let grant = PrivilegeKind::Grant { elevation: "on-call".into(), role: "release-manager".into() };
        let requested = PrivilegeRequested {
            id: "7k2m9x".into(),
            privilege: grant,
            by: "alice".into(),
            actor: "corp:00u1 (alice)".into(),
            on: vec!["PAY/api".into()],
            refs: vec!["refs/heads/main".into()],
            seconds: 7_200,
            reason: "INC-1".into(),
            needed: 1,
        };
        insta::assert_snapshot!(written(&Event::PrivilegeRequested(requested)), @r#"{"kind":"privilege-requested","id":"7k2m9x","privilege":{"grant":{"elevation":"on-call","role":"release-manager"}},"by":"alice","actor":"corp:00u1 (alice)","on":["PAY/api"],"refs":["refs/heads/main"],"seconds":7200,"reason":"INC-1","needed":1}"#);
        let approved = PrivilegeApproved {
            id: "7k2m9x".into(),
            by: "rita".into(),
            actor: "corp:00u2 (rita)".into(),
            reason: None,
            approvals: 1,
            needed: 1,
        };
        insta::assert_snapshot!(written(&Event::PrivilegeApproved(approved)), @r#"{"kind":"privilege-approved","id":"7k2m9x","by":"rita","actor":"corp:00u2 (rita)","approvals":1,"needed":1}"#);
        let (from, to) = (at("2026-11-23T02:00:00.000000Z"), at("2026-11-23T04:00:00.000000Z"));
        insta::assert_snapshot!(written(&Event::PrivilegeBegan(PrivilegeBegan { id: "7k2m9x".into(), of: Some(PrivilegeSort::Grant), from, to })), @r#"{"kind":"privilege-began","id":"7k2m9x","of":"grant","from":"2026-11-23T02:00:00.000000Z","to":"2026-11-23T04:00:00.000000Z"}"#);
        let ended = PrivilegeEnded {
            id: "7k2m9x".into(),
            of: None,
            cause: PrivilegeEnd::NotAllowed,
            by: "directory".into(),
            reason: None,
        };
        insta::assert_snapshot!(written(&Event::PrivilegeEnded(ended)), @r#"{"kind":"privilege-ended","id":"7k2m9x","cause":"not-allowed","by":"directory"}"#);
        let reminded = PrivilegeReminded {
            id: "7k2m9x".into(),
            by: "alice".into(),
            about: PrivilegeReminder::EndsSoon,
            end: to,
            at: from,
        };
        insta::assert_snapshot!(written(&Event::PrivilegeReminded(reminded)), @r#"{"kind":"privilege-reminded","id":"7k2m9x","by":"alice","about":"ends-soon","end":"2026-11-23T04:00:00.000000Z","at":"2026-11-23T02:00:00.000000Z"}"#);
        let signed = PrivilegeSignedOff {
            id: "7k2m9x".into(),
            by: "rita".into(),
            actor: "corp:00u2 (rita)".into(),
            reason: "seen".into(),
            pushes: 2,
        };
        insta::assert_snapshot!(written(&Event::PrivilegeSignedOff(signed)), @r#"{"kind":"privilege-signed-off","id":"7k2m9x","by":"rita","actor":"corp:00u2 (rita)","reason":"seen","pushes":2}"#);
        let used = PrivilegeUsed { id: "7k2m9x".into(), by: "svc".into(), decision: "d1".into() };
        insta::assert_snapshot!(written(&Event::PrivilegeUsed(used)), @r#"{"kind":"privilege-used","id":"7k2m9x","by":"svc","decision":"d1"}"#);
        let lease = Lease {
            workload: "api".into(),
            role: "bot".into(),
            verbs: vec!["update".into()],
            commit: None,
            paths: Vec::new(),
            by_token: false,
            issuer: "https://ci.example".into(),
            claims: [("repository_id".to_owned(), "7".to_owned())].into(),
            given: Some(LeaseGiven { uses: 1, token: "c0ffee".into(), token_expires: to }),
        };
        let bounded = Lease { paths: vec!["docs/**".into()], by_token: true, given: None, ..lease.clone() };
        let bounded = serde_json::to_string(&PrivilegeKind::Lease(Box::new(bounded))).unwrap();
        insta::assert_snapshot!(bounded, @r#"{"lease":{"workload":"api","role":"bot","verbs":["update"],"paths":["docs/**"],"by_token":true,"issuer":"https://ci.example","claims":{"repository_id":"7"}}}"#);
        let lease = serde_json::to_string(&PrivilegeKind::Lease(Box::new(lease))).unwrap();
        insta::assert_snapshot!(lease, @r#"{"lease":{"workload":"api","role":"bot","verbs":["update"],"issuer":"https://ci.example","claims":{"repository_id":"7"},"given":{"uses":1,"token":"c0ffee","token_expires":"2026-11-23T04:00:00.000000Z"}}}"#);
    }
}
