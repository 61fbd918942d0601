//! Policies that wait for the approval of others.

use oam_proto::v1::{ListPolicyProposalsResponse, PolicyApproval, PolicyProposal};
use serde::Serialize;

use super::{
    Page, json,
    layout::{Fields, Table, names},
    page::{counted, moment, short},
    quoted, shown,
};

/// A policy that waits.
#[derive(Debug, Serialize)]
pub struct ProposalJson<'a> {
    digest: &'a str,
    replaces: Option<&'a str>,
    proposed: Option<String>,
    origin: &'a str,
    author: &'a str,
    reason: Option<&'a str>,
    approvals: Vec<ApprovalJson<'a>>,
    needed: u32,
}

#[derive(Debug, Serialize)]
struct ApprovalJson<'a> {
    by: &'a str,
    at: Option<String>,
    reason: &'a str,
}

impl<'a> From<&'a PolicyProposal> for ProposalJson<'a> {
    fn from(proposal: &'a PolicyProposal) -> Self {
        let approval = |approval: &'a PolicyApproval| ApprovalJson {
            by: &approval.by,
            at: json::time(approval.at_micros),
            reason: &approval.reason,
        };
        Self {
            digest: &proposal.digest,
            replaces: json::some(&proposal.replaces),
            proposed: json::time(proposal.proposed_micros),
            origin: &proposal.origin,
            author: &proposal.author,
            reason: json::some(&proposal.reason),
            approvals: proposal.approvals.iter().map(approval).collect(),
            needed: proposal.needed,
        }
    }
}

/// That a policy waits, and what a colleague must do.
pub fn waits_text(proposal: &PolicyProposal, page: &Page) -> String {
    let digest = short(&proposal.digest);
    let missing = u64::from(proposal.needed).saturating_sub(proposal.approvals.len() as u64);
    let waits = if missing == 0 {
        format!("Policy {digest} has its approvals, and is not in force yet.")
    } else {
        let more = counted(missing, "more approval", "more approvals");
        format!("Policy {digest} is proposed, not in force: it needs {more}.")
    };
    let fields = Fields::new()
        .with("proposed", format!("{} by {}", page.time(proposal.proposed_micros), quoted(&proposal.author)))
        .with("reason", shown(&proposal.reason))
        .with("approved", approved(proposal));
    format!(
        "{}\n{}For a colleague to look at it, and to approve it:\n  oam policy diff --new {digest}\n  oam policy approve \
         {digest} --reason \"…\"\n",
        page.warn(&waits),
        fields.laid_out(page)
    )
}

/// By whom; empty for nobody.
fn approved(proposal: &PolicyProposal) -> String {
    let by: Vec<_> = proposal.approvals.iter().map(|approval| approval.by.clone()).collect();
    if by.is_empty() { String::new() } else { format!("by {}", names(&by)) }
}

/// All that wait.
#[derive(Debug, Serialize)]
pub struct ListJson<'a> {
    needed: u32,
    proposals: Vec<ProposalJson<'a>>,
}

/// See [`ListJson`].
pub fn list_json(list: &ListPolicyProposalsResponse) -> ListJson<'_> {
    ListJson { needed: list.needed, proposals: list.proposals.iter().map(Into::into).collect() }
}

/// All that wait, as a table.
pub fn list_text(list: &ListPolicyProposalsResponse, page: &Page) -> String {
    if list.proposals.is_empty() {
        return match list.needed {
            0 => "No policy waits for approval; the one in force wants none.\n".into(),
            needed => format!(
                "No policy waits for approval; the one in force wants {}.\n",
                counted(needed.into(), "approval", "approvals")
            ),
        };
    }
    let mut table = Table::new(["DIGEST", "AGE", "ORIGIN", "BY", "APPROVALS", "APPROVED BY", "REASON"]);
    for proposal in &list.proposals {
        let by: Vec<_> = proposal.approvals.iter().map(|approval| shown(&approval.by)).collect();
        table.push([
            short(&proposal.digest),
            moment(proposal.proposed_micros).map_or_else(|| "-".into(), |at| page.age(at)),
            shown(&proposal.origin),
            shown(&proposal.author),
            format!("{} of {}", proposal.approvals.len(), proposal.needed),
            by.join(", "),
            shown(&proposal.reason),
        ]);
    }
    table.laid_out(page)
}

/// What was withdrawn.
#[derive(Debug, Serialize)]
pub struct WithdrawnJson<'a> {
    proposal: ProposalJson<'a>,
}

/// See [`WithdrawnJson`].
pub fn withdrawn_json(proposal: &PolicyProposal) -> WithdrawnJson<'_> {
    WithdrawnJson { proposal: proposal.into() }
}

/// That a policy waits no more.
pub fn withdrawn_text(proposal: &PolicyProposal, page: &Page) -> String {
    let done = format!("Policy {} is withdrawn.", short(&proposal.digest));
    format!(
        "{}\n{}",
        page.good(&done),
        Fields::new()
            .with("proposed", format!("by {}", quoted(&proposal.author)))
            .with("reason", shown(&proposal.reason))
            .laid_out(page)
    )
}

#[cfg(test)]
mod tests;
