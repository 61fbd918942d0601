//! What is recorded of a pull request, as facts again.

use oam_audit::{
    entry::{self, ApprovalCount, Said, history::End},
    people::is_closed,
};
use oam_policy::{
    ObjectId, Username,
    decide::Worth,
    facts::{Approval, Learnt, PullRequest, Unreadable},
    rule::Asker,
};

/// What is recorded as a whole. What is not, or is not understood, was not asked; nor is anything known of a pull request where
/// somebody was erased who had a part in it.
pub(super) fn learnt(recorded: &entry::PullRequest) -> Option<Learnt<PullRequest>> {
    let entry::PullRequest { number: _, head, said, counts: _ } = recorded;
    let (author, approvals, committers) = match said {
        Said::Unknown { why } => return Some(Err(Unreadable { why: why.clone() })),
        Said::Known { author, approvals, committers } => (author, approvals, committers),
    };
    let approval = |one: &entry::Approval| {
        let commit = one.commit.as_ref();
        Some(Approval {
            by: Asker::User(Username::parse(&one.by).ok()?),
            of_head: commit.is_some() && commit == head.as_ref(),
            reviewed: commit.map(|hex| ObjectId::parse_hex(hex.as_bytes())).transpose().ok()?,
        })
    };
    let committers = match committers.end {
        End::Complete => {
            let all = committers.all.as_ref()?;
            if all.iter().any(|email| is_closed(email)) {
                return None;
            }
            Ok(all.iter().map(|email| email.as_str().into()).collect())
        }
        End::Open | End::Unreadable => {
            Err(Unreadable { why: "who made its commits could not be read then".to_owned() })
        }
    };
    Some(Ok(PullRequest {
        author: Some(Username::parse(author).ok()?),
        committers,
        approvals: approvals.all.as_ref()?.iter().map(approval).collect::<Option<_>>()?,
    }))
}

/// Whether somebody was among those who approved whom only a source knew that was too old then.
pub(super) fn has_stale(count: &ApprovalCount) -> bool {
    count.approvals.all.iter().flatten().any(|one| one.worth == Worth::STALE)
}

/// Whether approvals were counted alike, as far as the log has it.
pub(super) fn are_alike(then: &[ApprovalCount], now: &[ApprovalCount]) -> bool {
    let alike = |(then, now): (&ApprovalCount, &ApprovalCount)| {
        let of = |one: &ApprovalCount| (one.rule.clone(), one.role.clone(), one.needed);
        let is_given_alike = || {
            then.given == now.given
                && (then.approvals.all.is_none() || then.approvals.all == now.approvals.all)
        };
        // Whom nobody could tell of then may count by the same facts.
        of(then) == of(now) && (has_stale(then) || is_given_alike())
    };
    then.is_empty() || (then.len() == now.len() && then.iter().zip(now).all(alike))
}
