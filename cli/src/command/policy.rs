//! `oam policy …`.

use std::path::PathBuf;

use clap::{Args, Subcommand, builder::PossibleValuesParser};
use jiff::Timestamp;
use oam_policy::{
    file::{self, PolicySource},
    lint::{Lint, lint},
};
use oam_proto::v1::{
    ApplyPolicyRequest, ApplyPolicyResponse, ApprovePolicyRequest, CheckPolicyRequest, CheckPolicyResponse,
    ListPoliciesRequest, ListPolicyProposalsRequest, PolicyFile, PolicyInfo, RollBackPolicyRequest,
    ShowPolicyRequest, WithdrawPolicyRequest,
};

use super::{Context, Ending, reason};
use crate::{
    client::CallError,
    exit::Exit,
    failure::Failure,
    output::{faults, help, policy, policy_proposal, policy_test, warnings::Wanted},
};

mod diff;
pub(super) mod files;
mod init;
mod replay;

/// `oam policy …`.
#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Write a commented policy to begin with, from a few answers; it never overwrites anything
    #[command(after_long_help = help::init())]
    Init(Box<init::Init>),
    /// Check a policy without loading it
    #[command(after_long_help = help::check())]
    Check(CheckAll),
    /// Run the unit tests of a policy, its `[[test]]` entries
    #[command(after_long_help = help::test())]
    Test(Check),
    /// Print a JSON Schema of the policy language, by which editors complete and check policies as they are written
    #[command(after_long_help = help::schema())]
    Schema,
    /// Put a policy in force, or propose it where others must approve; one with a fault changes nothing
    #[command(after_long_help = help::apply())]
    Apply {
        /// A file, or a folder whose `*.toml` files are one policy
        path: PathBuf,
        /// Why, for the audit log
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Tell who would gain or lose which right, or need more or less for it, and where
    #[command(after_long_help = help::policy_diff())]
    Diff(diff::Diff),
    /// List the policies that wait for the approval of others, oldest first
    #[command(after_long_help = help::proposals())]
    Proposals,
    /// Approve a policy that somebody else proposed; the last approval that it needs puts it in force
    #[command(after_long_help = help::apply())]
    Approve {
        /// Its digest or the beginning of it
        digest: String,
        /// Why, for the audit log
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Take a proposed policy back, your own or another's
    #[command(after_long_help = help::withdraw())]
    Withdraw {
        /// Its digest or the beginning of it
        digest: String,
        /// Why, for the audit log
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Decide recorded pushes again, by another policy, and tell every verdict that changes
    #[command(after_long_help = help::replay())]
    Replay(replay::Replay),
    /// Tell how often each rule of the policy in force was used, and which never was
    #[command(after_long_help = help::usage())]
    Usage(replay::Usage),
    /// Show a policy and its files
    #[command(after_long_help = help::policy())]
    Show {
        /// Its digest or the beginning of it, also of a proposed one; without it, the one in force
        digest: Option<String>,
    },
    /// List the policies that were in force, newest first
    #[command(after_long_help = help::policies())]
    History,
    /// Put an earlier policy in force again
    #[command(after_long_help = help::apply())]
    Rollback {
        /// Its digest or the beginning of it
        digest: String,
        /// Why, for the audit log
        #[arg(long, value_parser = reason)]
        reason: String,
    },
}

/// `oam policy check`.
#[derive(Debug, Args)]
pub struct CheckAll {
    #[command(flatten)]
    check: Check,
    /// List the warnings too that the policy allows, with the reason that it gives
    #[arg(long)]
    all: bool,
    /// Exit with 1 when there is a warning of this lint, or any with `all`; one that the policy allows does not count
    #[arg(long, value_name = "LINT", hide_possible_values = true, value_delimiter = ',',
        value_parser = PossibleValuesParser::new(Lint::ALL.map(Lint::id).into_iter().chain(["all"])))]
    deny: Vec<String>,
}

/// `oam policy check` and `oam policy test`.
#[derive(Debug, Args)]
pub struct Check {
    /// A file, or a folder whose `*.toml` files are one policy
    path: PathBuf,
    /// Ask no daemon; what takes the directory is then left out: warnings about people, tests by `user`
    #[arg(long)]
    offline: bool,
}

/// Runs one of them.
///
/// # Errors
/// When the daemon cannot be asked, or says no; when the files cannot be read.
pub async fn run(command: Policy, context: &mut Context) -> Ending {
    match command {
        Policy::Init(command) => init::run(&command, context).await,
        Policy::Check(command) => {
            let response = check(&command.check, context).await?;
            checked(&response, command, context)
        }
        Policy::Test(command) => {
            let response = check(&command, context).await?;
            tested(&response, &command, context)
        }
        Policy::Schema => schema(context),
        Policy::Apply { path, reason } => {
            let request = ApplyPolicyRequest { files: files::read(&path)?, reason };
            let mut admin = context.address.connect().await?;
            applied(&admin.apply_policy(request).await?.into_inner(), context)
        }
        Policy::Diff(command) => diff::run(command, context).await,
        Policy::Proposals => proposals(context).await,
        Policy::Approve { digest, reason } => {
            let mut admin = context.address.connect().await?;
            let request = ApprovePolicyRequest { digest, reason };
            applied(&admin.approve_policy(request).await?.into_inner(), context)
        }
        Policy::Withdraw { digest, reason } => {
            withdraw(WithdrawPolicyRequest { digest, reason }, context).await
        }
        Policy::Replay(command) => replay::run(command, context).await,
        Policy::Usage(command) => replay::usage(command, context).await,
        Policy::Show { digest } => show(digest.unwrap_or_default(), context).await,
        Policy::History => history(context).await,
        Policy::Rollback { digest, reason } => {
            let mut admin = context.address.connect().await?;
            let request = RollBackPolicyRequest { digest, reason };
            applied(&admin.roll_back_policy(request).await?.into_inner(), context)
        }
    }
}

/// It is JSON with and without `--json`.
fn schema(context: &mut Context) -> Ending {
    context.terminal.document(&file::json_schema())?;
    Ok(Exit::Ok)
}

async fn check(command: &Check, context: &Context) -> Result<CheckPolicyResponse, Failure> {
    let files = files::read(&command.path)?;
    if command.offline {
        return Ok(offline(files));
    }
    let mut admin = context.address.connect().await?;
    let request = CheckPolicyRequest { files };
    Ok(admin.check_policy(request).await?.into_inner())
}

/// What the daemon would say, but for what takes its directory: some of the warnings, and tests by user.
fn offline(files: Vec<PolicyFile>) -> CheckPolicyResponse {
    let source = |file: PolicyFile| PolicySource { name: file.name, text: file.text };
    let sources: Vec<_> = files.into_iter().map(source).collect();
    let faulty = |found| CheckPolicyResponse {
        faults: Some(faults::to_wire(&found)),
        ..CheckPolicyResponse::default()
    };
    let tested = match file::parse_and_test(&sources, None, Timestamp::now()) {
        Ok(tested) => tested,
        Err(found) => return faulty(found),
    };
    let tests = tested.tests.iter().map(oam_proto::test_outcome_to_wire).collect();
    let warnings = Some(oam_proto::warnings_to_wire(lint(&tested.policy, None, Timestamp::now())));
    match tested.passed() {
        Ok(policy) => CheckPolicyResponse {
            tests,
            warnings,
            policy: Some(PolicyInfo {
                digest: policy.digest().to_string(),
                roles: policy.roles().len() as u64,
                grants: policy.grants().len() as u64,
                blocks: policy.blocks().len() as u64,
                requires: policy.requires().len() as u64,
                waivers: policy.waivers().len() as u64,
                ..PolicyInfo::default()
            }),
            ..CheckPolicyResponse::default()
        },
        Err(found) => CheckPolicyResponse { tests, warnings, ..faulty(found) },
    }
}

fn checked(response: &CheckPolicyResponse, command: CheckAll, context: &mut Context) -> Ending {
    let path = command.check.path.to_string_lossy();
    let wanted = Wanted { all: command.all, deny: command.deny };
    let json = policy::check_json(response, &wanted);
    context.terminal.answer(&json, |page| policy::check_text(response, &path, &wanted, page))?;
    let has_faults = response.faults.as_ref().is_some_and(faults::any);
    let warnings = response.warnings.as_ref();
    Ok(match (has_faults || wanted.denied(warnings) > 0, wanted.is_unknown(warnings)) {
        (true, _) => Exit::No,
        (false, true) => Exit::Undecided,
        (false, false) => Exit::Ok,
    })
}

fn tested(response: &CheckPolicyResponse, command: &Check, context: &mut Context) -> Ending {
    let path = command.path.to_string_lossy();
    let json = policy_test::json(response);
    context.terminal.answer(&json, |page| policy_test::text(response, &path, page))?;
    Ok(no_if(response.faults.as_ref().is_some_and(faults::any)))
}

fn applied(response: &ApplyPolicyResponse, context: &mut Context) -> Ending {
    let json = policy::apply_json(response);
    context.terminal.answer(&json, |page| policy::apply_text(response, page))?;
    Ok(match &response.proposal {
        Some(_) => Exit::Waits,
        None => no_if(response.faults.as_ref().is_some_and(faults::any)),
    })
}

async fn proposals(context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    let list = admin.list_policy_proposals(ListPolicyProposalsRequest {}).await?.into_inner();
    let json = policy_proposal::list_json(&list);
    context.terminal.answer(&json, |page| policy_proposal::list_text(&list, page))?;
    Ok(Exit::Ok)
}

async fn withdraw(request: WithdrawPolicyRequest, context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    let answer = admin.withdraw_policy(request).await?.into_inner();
    let proposal = answer.proposal.ok_or(CallError::Incomplete { missing: "the proposal" })?;
    let json = policy_proposal::withdrawn_json(&proposal);
    context.terminal.answer(&json, |page| policy_proposal::withdrawn_text(&proposal, page))?;
    Ok(Exit::Ok)
}

fn no_if(has_faults: bool) -> Exit {
    if has_faults { Exit::No } else { Exit::Ok }
}

async fn show(digest: String, context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    let found = admin.show_policy(ShowPolicyRequest { digest }).await?.into_inner();
    if found.policy.is_none() {
        return Err(CallError::Incomplete { missing: "the policy" }.into());
    }
    context.terminal.answer(&policy::show_json(&found), |page| policy::show_text(&found, page))?;
    Ok(Exit::Ok)
}

async fn history(context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    let list = admin.list_policies(ListPoliciesRequest {}).await?.into_inner();
    context.terminal.answer(&policy::history_json(&list), |page| policy::history_text(&list, page))?;
    Ok(Exit::Ok)
}
