//! What is recorded of a pull request, as facts again.

use oam_audit::{
    entry::{self, ApprovalCount, Said, WeighedApproval, history::End},
    people::is_closed,
};
use oam_policy::{
    ObjectId, Username,
    decide::Worth,
    facts::{Approval, Learnt, PullRequest, Unreadable},
    rule::Asker,
};

/// What the log calls an approval of which nobody can tell whether it counts, for another reason than an old source.
const DOUBTFUL: &str = "doubtful";

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

/// Whether it was undecided then for those alone whom only a source knew that was too old: with all of them there would be enough.
/// A doubt about who made a commit is one about each of them, however old a source is.
pub(super) fn is_for_stale(count: &ApprovalCount) -> bool {
    let is_doubtful = approvals(count).any(|one| one.worth == DOUBTFUL);
    let at_most = count.given.saturating_add(stale(count));
    !is_doubtful && count.given < count.needed && count.needed <= at_most
}

/// Whether approvals were counted alike, as far as the log has it.
pub(super) fn are_alike(then: &[ApprovalCount], now: &[ApprovalCount]) -> bool {
    let alike = |(then, now): (&ApprovalCount, &ApprovalCount)| {
        let of = |one: &ApprovalCount| (one.rule.clone(), one.role.clone(), one.needed);
        of(then) == of(now) && are_given_alike(then, now)
    };
    then.is_empty() || (then.len() == now.len() && then.iter().zip(now).all(alike))
}

/// Whom nobody could tell of then may count by the same facts, and no others may be worth something else.
fn are_given_alike(then: &ApprovalCount, now: &ApprovalCount) -> bool {
    let was_stale = |by: &str| approvals(then).any(|one| one.by == by && one.worth == Worth::STALE);
    let others_then = approvals(then).filter(|one| !was_stale(&one.by));
    let others_now = approvals(now).filter(|one| !was_stale(&one.by));
    let given = then.given..=then.given.saturating_add(stale(then));
    given.contains(&now.given) && (then.approvals.all.is_none() || others_then.eq(others_now))
}

fn approvals(count: &ApprovalCount) -> impl Iterator<Item = &WeighedApproval> {
    count.approvals.all.iter().flatten()
}

fn stale(count: &ApprovalCount) -> u32 {
    let stale = approvals(count).filter(|one| one.worth == Worth::STALE).count();
    u32::try_from(stale).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use oam_audit::entry::{
        ApprovalCount, WeighedApproval,
        history::{End, Listed},
    };

    use super::{are_alike, is_for_stale};

    fn count(needed: u32, worths: &[(&str, &str)]) -> ApprovalCount {
        let one = |(by, worth): &(&str, &str)| WeighedApproval { by: (*by).into(), worth: (*worth).into() };
        let all: Vec<_> = worths.iter().map(one).collect();
        let given = worths.iter().filter(|(_, worth)| *worth == "counts").count();
        ApprovalCount {
            rule: "reviewed".into(),
            role: "developer".into(),
            needed,
            given: given.try_into().unwrap(),
            of_paths: false,
            approvals: Listed { told: all.len() as u64, end: End::Complete, all: Some(all), sha256: None },
        }
    }

    #[test]
    fn one_who_was_stale_hides_no_other() {
        let then = [count(2, &[("bob", "stale"), ("carol", "counts")])];
        let alike = |now: &[(&str, &str)]| are_alike(&then, &[count(2, now)]);
        assert!(alike(&[("bob", "stale"), ("carol", "counts")]));
        assert!(alike(&[("bob", "counts"), ("carol", "counts")]));
        assert!(alike(&[("bob", "committer"), ("carol", "counts")]));
        assert!(!alike(&[("bob", "counts"), ("carol", "without-role")]));
        assert!(!alike(&[("bob", "stale"), ("carol", "author")]));
        assert!(!alike(&[("bob", "counts"), ("carol", "counts"), ("eve", "counts")]));
        assert!(!alike(&[("bob", "counts")]));
    }

    /// How many are said to have counted is a count of those who did.
    #[test]
    fn no_more_count_than_those_who_were_stale() {
        let then = [count(2, &[("bob", "stale")])];
        let now = |given| [ApprovalCount { given, ..count(2, &[("bob", "counts")]) }];
        assert!(are_alike(&then, &now(0)) && are_alike(&then, &now(1)));
        assert!(!are_alike(&then, &now(2)));
        let one = [ApprovalCount { given: 1, ..count(2, &[("bob", "stale")]) }];
        assert!(!are_alike(&one, &now(0)));
    }

    #[test]
    fn it_is_for_who_was_stale_only_where_they_would_be_enough() {
        assert!(is_for_stale(&count(1, &[("bob", "stale")])));
        assert!(is_for_stale(&count(2, &[("bob", "stale"), ("carol", "counts")])));
        // Refused or enough whatever they are worth.
        assert!(!is_for_stale(&count(2, &[("bob", "stale"), ("carol", "author")])));
        assert!(!is_for_stale(&count(1, &[("bob", "stale"), ("carol", "counts")])));
        // It was in doubt anyway.
        assert!(!is_for_stale(&count(1, &[("bob", "stale"), ("carol", "doubtful")])));
        assert!(!is_for_stale(&count(1, &[("bob", "doubtful")])));
    }
}
