use std::{cmp::Ordering, sync::Arc};

use oam_policy::Policy;
use oam_proto::v1;
use tonic::Status;

use super::{convert, drafts::beside, policy, unavailable};
use crate::{
    policy::{Approval, LivePolicy, Proposal, ProposalError, origin_code},
    service::Live,
};

pub(super) fn list(live: &Live) -> Result<v1::ListPolicyProposalsResponse, Status> {
    let needed = live.policies.approvals_needed().map_err(|error| unavailable(&error))?;
    let proposals = live.policies.proposals();
    Ok(v1::ListPolicyProposalsResponse {
        proposals: proposals.iter().map(|proposal| to_wire(proposal, needed)).collect(),
        needed: needed.into(),
    })
}

pub(super) async fn approve(
    live: &Arc<Live>,
    by: String,
    request: v1::ApprovePolicyRequest,
) -> Result<v1::ApplyPolicyResponse, Status> {
    let reason = convert::required_reason(&request.reason)?;
    match live.policies.approve(&request.digest, by, reason).await {
        Ok(applied) => {
            let live = Arc::clone(live);
            beside(move || policy::answer(&live, applied)).await
        }
        Err(ProposalError::Apply(error)) => policy::not_applied(&error),
        Err(error) => Err(status(&error)),
    }
}

pub(super) async fn withdraw(
    live: &Live,
    by: String,
    request: v1::WithdrawPolicyRequest,
) -> Result<v1::WithdrawPolicyResponse, Status> {
    let reason = convert::required_reason(&request.reason)?;
    let needed = live.policies.approvals_needed().map_err(|error| unavailable(&error))?;
    let withdrawn = live.policies.withdraw(&request.digest, by, reason).await;
    let proposal = withdrawn.map_err(|error| status(&error))?;
    Ok(v1::WithdrawPolicyResponse { proposal: Some(to_wire(&proposal, needed)) })
}

pub(super) fn to_wire(proposal: &Proposal, needed: u8) -> v1::PolicyProposal {
    v1::PolicyProposal {
        digest: proposal.digest.to_string(),
        replaces: proposal.replaces.map(|digest| digest.to_string()).unwrap_or_default(),
        proposed_micros: convert::micros(proposal.at),
        origin: origin_code(proposal.origin).to_owned(),
        author: proposal.author.clone(),
        reason: proposal.reason.clone(),
        approvals: proposal.approvals.iter().map(approval).collect(),
        needed: needed.into(),
    }
}

fn approval(approval: &Approval) -> v1::PolicyApproval {
    v1::PolicyApproval {
        by: approval.by.clone(),
        at_micros: convert::micros(approval.at),
        reason: approval.reason.clone(),
    }
}

/// A proposed policy, as `oam policy show` tells of it.
pub(super) fn info(proposal: &Proposal, policy: Option<&Policy>) -> v1::PolicyInfo {
    v1::PolicyInfo {
        digest: proposal.digest.to_string(),
        origin: origin_code(proposal.origin).to_owned(),
        author: proposal.author.clone(),
        reason: proposal.reason.clone(),
        approved_by: proposal.approved_by(),
        ..policy.map(policy::counted).unwrap_or_default()
    }
}

/// What a policy means for the next one. `before` is the one that it replaces.
pub(super) fn warnings(live: &Live, before: Option<&LivePolicy>, policy: &Policy) -> Vec<String> {
    let was = before.map(|before| before.policy.change().approvals).unwrap_or_default();
    let needed = policy.change().approvals;
    let mut warnings: Vec<String> = otherwise(was, needed).into_iter().collect();
    let admins = live.config.admin_uids.len();
    if needed > 0 && admins <= usize::from(needed) && live.config.admin.roles.is_empty() {
        warnings.push(format!(
            "`[change]` wants {needed} approvals besides the author, and this daemon knows {admins} user ids that may \
             administer it (`admin.uids`): nobody could change the policy any more"
        ));
    }
    warnings
}

/// That another policy will take other approvals than this one did.
fn otherwise(was: u8, needed: u8) -> Option<String> {
    let does = match needed.cmp(&was) {
        Ordering::Less => "lowers",
        Ordering::Equal => return None,
        Ordering::Greater => "raises",
    };
    let whose = match needed {
        0 => "nobody else's approval".to_owned(),
        1 => "the approval of 1 other".to_owned(),
        more => format!("the approval of {more} others"),
    };
    Some(format!(
        "`[change]` {does} `approvals` from {was} to {needed}: once this policy is in force, another one takes {whose}"
    ))
}

fn status(error: &ProposalError) -> Status {
    match error {
        ProposalError::Unknown(_) => Status::not_found(error.to_string()),
        ProposalError::Ambiguous(_) => Status::invalid_argument(error.to_string()),
        ProposalError::Own(_)
        | ProposalError::Twice(_)
        | ProposalError::Outdated
        | ProposalError::Damaged => Status::failed_precondition(error.to_string()),
        ProposalError::Apply(error) => unavailable(error),
    }
}

#[cfg(test)]
mod tests {
    use super::otherwise;

    #[test]
    fn fewer_approvals_are_warned_of_as_more_are() {
        let told = |was, needed| otherwise(was, needed).unwrap_or_default();
        assert_eq!(told(1, 1), "");
        for (was, needed, words) in [
            (0, 2, "raises `approvals` from 0 to 2"),
            (2, 1, "lowers `approvals` from 2 to 1"),
            (2, 0, "lowers `approvals` from 2 to 0"),
        ] {
            assert!(told(was, needed).contains(words), "{}", told(was, needed));
        }
        assert!(told(1, 0).ends_with("another one takes nobody else's approval"));
        assert!(told(2, 1).ends_with("another one takes the approval of 1 other"));
    }
}
