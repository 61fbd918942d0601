//! What somebody should know of policies that wait for approval.

use oam_policy::Digest;

use crate::policy::{PolicyManager, Proposal};

/// A sentence for each; `unapproved` is what the configuration lets pass.
pub(super) fn warnings(policies: &PolicyManager, unapproved: Option<Digest>) -> Vec<String> {
    let needed = policies.approvals_needed().unwrap_or_default();
    let proposals = policies.proposals();
    let waiting = proposals.iter().map(|proposal| waits(proposal, needed));
    waiting.chain(unapproved.map(|digest| forced(policies, digest))).collect()
}

fn waits(proposal: &Proposal, needed: u8) -> String {
    let digest = proposal.digest.short();
    let what = match proposal.missing(needed) {
        0 => "has its approvals and is not in force; to try again".to_owned(),
        1 => "is not in force: it waits for 1 more approval".to_owned(),
        missing => format!("is not in force: it waits for {missing} more approvals"),
    };
    format!(
        "Policy {digest}, proposed by `{}`, {what}: `oam policy approve {digest} --reason …`",
        proposal.author
    )
}

fn forced(policies: &PolicyManager, digest: Digest) -> String {
    let is_forced =
        policies.live().is_some_and(|live| live.version.digest == digest && live.version.unapproved);
    let what = if is_forced {
        "is in force without the approvals that were needed, as `policy.unapproved` says"
    } else {
        "is named by `policy.unapproved`, and did not come into force by that"
    };
    format!("Policy {} {what}: take that key out of the configuration", digest.short())
}
