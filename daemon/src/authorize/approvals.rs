//! How the log writes what a verdict rested on of a pull request.

use oam_audit::entry::{
    self, Approval, ApprovalCount, Said, WeighedApproval,
    history::{End, Listed},
};
use oam_policy::{
    Decision, Facts, Merging, ObjectId,
    decide::{Counted, PushVerdict, Worth},
    facts::{self, Learnt},
    rule::Asker,
};

/// How much is written of one pull request, in bytes: it must fit an entry, beside all that is told of the push.
const BYTES: usize = 16 << 10;

/// How much is written of why nothing is known, in characters.
const WHY: usize = 1_000;

/// The pull request that a decision depended on, and how its approvals were counted; `None`: it depended on none.
pub(super) fn of(
    merging: Option<Merging>,
    facts: &Facts,
    decision: &Decision,
) -> Option<Box<entry::PullRequest>> {
    let mut written = entry::PullRequest {
        number: merging.map(|merging| merging.number),
        head: merging.and_then(|merging| merging.head).as_ref().map(ObjectId::to_string),
        said: said(facts.pull_request()?),
        counts: counts(decision),
    };
    let is_too_long =
        |written: &entry::PullRequest| serde_json::to_vec(written).map_or(true, |json| json.len() > BYTES);
    if is_too_long(&written) {
        written.digest_lists();
    }
    if is_too_long(&written) {
        written.counts.clear();
    }
    Some(Box::new(written))
}

fn said(known: Learnt<&facts::PullRequest>) -> Said {
    let told = match known {
        Err(unreadable) => return Said::Unknown { why: unreadable.why.chars().take(WHY).collect() },
        Ok(told) => told,
    };
    let approval = |one: &facts::Approval| match &one.by {
        Asker::User(by) => Some(Approval {
            by: by.as_str().to_owned(),
            commit: one.reviewed.as_ref().map(ObjectId::to_string),
        }),
        // In a question that nobody has pushed, and nobody records.
        Asker::Roles(_) => None,
    };
    let committers = match &told.committers {
        Ok(emails) => listed(emails.iter().map(ToString::to_string)),
        Err(_) => Listed { told: 0, end: End::Unreadable, all: None, sha256: None },
    };
    Said::Known {
        author: told.author.as_ref().map(|author| author.as_str().to_owned()).unwrap_or_default(),
        approvals: listed(told.approvals.iter().filter_map(approval)),
        committers,
    }
}

/// How the approvals were counted, whole.
pub(crate) fn counts(decision: &Decision) -> Vec<ApprovalCount> {
    let PushVerdict::PerRef(refs) = decision.verdict() else { return Vec::new() };
    // Of a pull request there is one update.
    refs.first().approvals.iter().map(count).collect()
}

fn count(Counted { rule, role, needed, of_paths, approvals }: &Counted) -> ApprovalCount {
    let given = approvals.iter().filter(|(_, worth)| *worth == Worth::Counts).count();
    let weighed = approvals.iter().filter_map(|(by, worth)| {
        Some(WeighedApproval { by: by.as_ref()?.as_str().to_owned(), worth: worth.code().to_owned() })
    });
    ApprovalCount {
        rule: rule.to_string(),
        role: role.to_string(),
        needed: *needed,
        given: u32::try_from(given).unwrap_or(u32::MAX),
        of_paths: *of_paths,
        approvals: listed(weighed),
    }
}

fn listed<T>(all: impl Iterator<Item = T>) -> Listed<T> {
    let all: Vec<_> = all.collect();
    Listed { told: all.len() as u64, end: End::Complete, all: Some(all), sha256: None }
}
