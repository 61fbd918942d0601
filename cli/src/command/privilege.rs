//! `oam grant …` and `oam breakglass …`: what people have for a while.

use clap::{Args, Subcommand};
use jiff::SignedDuration;
use oam_policy::{PrivilegeId, RoleId, RuleId};
use oam_proto::v1::{
    ApprovePrivilegeRequest, EndPrivilegeRequest, GetPrivilegeReportRequest, ListPrivilegesRequest,
    RequestPrivilegeRequest, RulesToLift, SignOffPrivilegeRequest, request_privilege_request::Wanted,
};

use super::{Context, Ending, reason};
use crate::{
    exit::Exit,
    failure::Failure,
    output::{
        help,
        privilege::{self, ListJson, PrivilegeJson, ReportJson},
    },
};

/// `oam grant …`.
#[derive(Debug, Subcommand)]
pub enum Grant {
    /// Ask for what a role is granted, for a while
    #[command(after_long_help = help::privilege())]
    Request(Request),
    /// List what people ask for, have, and must still answer for
    #[command(after_long_help = help::privileges())]
    List {
        /// Also what is over
        #[arg(long)]
        all: bool,
    },
    /// Show one of them
    #[command(after_long_help = help::privilege())]
    Show {
        /// Its id
        id: PrivilegeId,
    },
    /// Approve what somebody else asks for
    #[command(after_long_help = help::privilege())]
    Approve {
        /// Its id
        id: PrivilegeId,
        /// What you have to say about it, for the audit log
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Say no to what somebody else asks for
    #[command(after_long_help = help::privilege())]
    Deny(End),
    /// Take away what somebody has, or give back your own
    #[command(after_long_help = help::privilege())]
    Revoke(End),
}

/// Where, for how long and why.
#[derive(Debug, Args)]
pub struct Place {
    /// A repository, `PROJECT/slug`, or a pattern; can be given several times
    #[arg(long, required = true, value_name = "REPOSITORY")]
    on: Vec<String>,
    /// For how long, as in `30m` or `2h`
    #[arg(long = "for", value_parser = length, value_name = "TIME")]
    length: u64,
    /// Why, for whoever approves it and for the audit log
    #[arg(long, value_parser = reason)]
    reason: String,
}

/// `oam grant request`.
#[derive(Debug, Args)]
pub struct Request {
    /// The role
    #[arg(long)]
    role: RoleId,
    /// A ref, `refs/heads/main`, or a pattern; can be given several times
    #[arg(long, required = true, value_name = "REF")]
    refs: Vec<String>,
    #[command(flatten)]
    place: Place,
}

/// `oam grant deny` and `oam grant revoke`.
#[derive(Debug, Args)]
pub struct End {
    /// Its id
    id: PrivilegeId,
    /// Why, for the audit log
    #[arg(long, value_parser = reason)]
    reason: String,
}

/// `oam breakglass …`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Breakglass {
    /// The blocks and requires to lift
    #[arg(required = true, value_name = "RULE")]
    rules: Vec<RuleId>,
    /// A ref, `refs/heads/main`, or a pattern; can be given several times. Whatever the waiver is about there, unless given
    #[arg(long, default_value = "refs/**", value_name = "REF")]
    refs: Vec<String>,
    #[command(flatten)]
    place: Option<Place>,
    #[command(subcommand)]
    task: Option<Afterwards>,
}

/// What is left to do when it is over.
#[derive(Debug, Subcommand)]
pub enum Afterwards {
    /// Show which pushes went in because of it
    #[command(after_long_help = help::privilege_report())]
    Report {
        /// Its id
        id: PrivilegeId,
    },
    /// Say that you have read the report and answer for it
    #[command(after_long_help = help::privilege())]
    SignOff(End),
}

/// Runs `oam grant …`.
///
/// # Errors
/// When the daemon cannot be asked, or says no.
pub async fn grant(command: Grant, context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    match command {
        Grant::Request(Request { role, refs, place }) => {
            return request(Wanted::Role(role.to_string()), refs, place, context).await;
        }
        Grant::List { all } => {
            let mut list =
                admin.list_privileges(ListPrivilegesRequest { all }).await?.into_inner().privileges;
            list.retain(|one| one.lease.is_none());
            context.terminal.answer(&ListJson::of(&list), |page| privilege::list_text(&list, page))?;
        }
        Grant::Show { id } => {
            let id = id.to_string();
            let report = admin.get_privilege_report(GetPrivilegeReportRequest { id }).await?.into_inner();
            let found = report.privilege.unwrap_or_default();
            let text = |page: &_| privilege::text(&found, page);
            context.terminal.answer(&PrivilegeJson::from(&found), text)?;
        }
        Grant::Approve { id, reason } => {
            let request = ApprovePrivilegeRequest { id: id.to_string(), reason };
            let approved = admin.approve_privilege(request).await?.into_inner();
            let text = |page: &_| privilege::text(&approved, page);
            context.terminal.answer(&PrivilegeJson::from(&approved), text)?;
        }
        Grant::Deny(End { id, reason }) | Grant::Revoke(End { id, reason }) => {
            let request = EndPrivilegeRequest { id: id.to_string(), reason };
            let ended = admin.end_privilege(request).await?.into_inner();
            let text = |page: &_| privilege::text(&ended, page);
            context.terminal.answer(&PrivilegeJson::from(&ended), text)?;
        }
    }
    Ok(Exit::Ok)
}

/// Runs `oam breakglass …`.
///
/// # Errors
/// When the daemon cannot be asked, or says no.
pub async fn breakglass(command: Breakglass, context: &mut Context) -> Ending {
    let Breakglass { rules, refs, place, task } = command;
    match (task, place) {
        (Some(Afterwards::Report { id }), _) => {
            let mut admin = context.address.connect().await?;
            let request = GetPrivilegeReportRequest { id: id.to_string() };
            let report = admin.get_privilege_report(request).await?.into_inner();
            let text = |page: &_| privilege::report_text(&report, page);
            context.terminal.answer(&ReportJson::from(&report), text)?;
            Ok(Exit::Ok)
        }
        (Some(Afterwards::SignOff(End { id, reason })), _) => {
            let mut admin = context.address.connect().await?;
            let request = SignOffPrivilegeRequest { id: id.to_string(), reason };
            let signed = admin.sign_off_privilege(request).await?.into_inner();
            let text = |page: &_| privilege::text(&signed, page);
            context.terminal.answer(&PrivilegeJson::from(&signed), text)?;
            Ok(Exit::Ok)
        }
        (None, Some(place)) => {
            let rules = rules.iter().map(ToString::to_string).collect();
            request(Wanted::Lift(RulesToLift { rules }), refs, place, context).await
        }
        (None, None) => Err(Failure::Usage {
            what: "it is not said where, for how long and why".into(),
            help: "add `--on`, `--for` and `--reason`",
        }),
    }
}

async fn request(wanted: Wanted, refs: Vec<String>, place: Place, context: &mut Context) -> Ending {
    let Place { on, length, reason } = place;
    let request = RequestPrivilegeRequest { wanted: Some(wanted), on, refs, seconds: length, reason };
    let mut admin = context.address.connect().await?;
    let asked = admin.request_privilege(request).await?.into_inner();
    context.terminal.answer(&PrivilegeJson::from(&asked), |page| privilege::text(&asked, page))?;
    Ok(if asked.stage == "waiting" { Exit::Waits } else { Exit::Ok })
}

/// A length of time as people write it, in seconds.
pub(super) fn length(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no length of time such as `30m` or `2h`");
    let length: SignedDuration = text.parse().map_err(|_| wrong())?;
    u64::try_from(length.as_secs()).ok().filter(|seconds| *seconds > 0).ok_or_else(wrong)
}
