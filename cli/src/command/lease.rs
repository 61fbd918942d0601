//! `oam ci …` and `oam lease …`: what jobs have for minutes.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use oam_fetch::WebUrl;
use oam_policy::{ObjectId, PrivilegeId, RefName, Repository, RoleId, Verb, rule::PathSet};
use oam_proto::v1::{EndPrivilegeRequest, ListPrivilegesRequest};

use super::{Context, Ending, privilege::length, reason};
use crate::{
    ci::{
        CiError,
        exchange::{Wanted, exchange},
        token::Place,
    },
    exit::Exit,
    output::{
        help, lease,
        privilege::{self, ListJson, PrivilegeJson},
    },
};

/// `oam ci …`.
#[derive(Debug, Subcommand)]
pub enum Ci {
    /// Lease what a push takes, with the token of the job that this runs in
    #[command(after_long_help = help::ci_lease())]
    Lease(Box<Ask>),
}

/// `oam ci lease`.
#[derive(Debug, Args)]
pub struct Ask {
    /// Where tokens are exchanged, as in `https://oam.example.com:8444`
    #[arg(long, env = "OAM_EXCHANGE", value_name = "URL", value_parser = url)]
    exchange: WebUrl,
    /// The authorities of its certificate (PEM), in place of the system's
    #[arg(long, env = "OAM_EXCHANGE_CA", hide_env_values = true, value_name = "FILE")]
    exchange_ca: Option<PathBuf>,
    /// The repository, `PROJECT/slug`
    #[arg(long, value_name = "REPOSITORY")]
    repo: Repository,
    /// A ref that is pushed to, `refs/heads/main`; can be given several times
    #[arg(long = "ref", required = true, value_name = "REF", value_parser = ref_name)]
    refs: Vec<RefName>,
    /// What is done to it: `create`, `update`, `force` or `delete`; can be given several times
    #[arg(long = "verb", value_name = "VERB", value_parser = verb)]
    verbs: Vec<Verb>,
    /// The commit that the refs will name
    #[arg(long, value_parser = commit)]
    commit: Option<ObjectId>,
    /// Changes to these paths only, as in `docs/**`; can be given several times
    #[arg(long = "path", value_name = "PATH", value_parser = path)]
    paths: Vec<String>,
    /// Have a token that the push must show, and print the push option for it, and nothing else: for plain git servers
    #[arg(long)]
    push_option: bool,
    /// The role, where the workload gives one of several
    #[arg(long)]
    role: Option<RoleId>,
    /// For how many pushes; 1 without it
    #[arg(long)]
    uses: Option<u32>,
    /// For how long, as in `2m`; 5 minutes without it
    #[arg(long = "for", value_parser = length, value_name = "TIME")]
    length: Option<u64>,
    /// A file with the job's token, where the system is none that is known
    #[arg(long, env = "OAM_CI_TOKEN_FILE", hide_env_values = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Whom GitHub issues the token for; the address of the exchange without it
    #[arg(long, env = "OAM_CI_AUDIENCE", value_name = "AUDIENCE")]
    audience: Option<String>,
}

/// `oam lease …`.
#[derive(Debug, Subcommand)]
pub enum Lease {
    /// List what jobs have leased
    #[command(after_long_help = help::privileges())]
    List {
        /// Also what is over
        #[arg(long)]
        all: bool,
    },
    /// Take a lease away
    #[command(after_long_help = help::privilege())]
    Revoke {
        /// Its id
        id: PrivilegeId,
        /// Why, for the audit log
        #[arg(long, value_parser = reason)]
        reason: String,
    },
}

/// Runs `oam ci …`.
///
/// # Errors
/// When the job has no token, or gets no lease.
pub async fn ci(command: Ci, context: &mut Context) -> Ending {
    let Ci::Lease(ask) = command;
    let Ask {
        exchange: url,
        exchange_ca,
        repo,
        refs,
        verbs,
        commit,
        paths,
        push_option,
        role,
        uses,
        length,
        token_file,
        audience,
    } = *ask;
    let audience = audience.unwrap_or_else(|| url.as_str().trim_end_matches('/').to_owned());
    let token = Place::find(token_file)?.read(&audience).await?;
    let by_token = push_option;
    let wanted =
        Wanted { repository: repo, refs, verbs, commit, paths, by_token, role, uses, seconds: length };
    let leased = exchange(&url, exchange_ca.as_deref(), &token, &wanted).await?;
    if let Some(option) = lease::push_option(&leased).filter(|_| !context.terminal.is_json()) {
        // Standard output is for `git push -o`; what a person reads of it is in the job's log.
        context.terminal.note(lease::text(&leased, &context.terminal.page()).trim_end());
        context.terminal.print(format!("{option}\n").as_bytes())?;
        return Ok(Exit::Ok);
    }
    context.terminal.answer(&lease::LeaseJson::from(&leased), |page| lease::text(&leased, page))?;
    Ok(Exit::Ok)
}

/// Runs `oam lease …`.
///
/// # Errors
/// When the daemon cannot be asked, or says no.
pub async fn lease(command: Lease, context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    match command {
        Lease::List { all } => {
            let mut list =
                admin.list_privileges(ListPrivilegesRequest { all }).await?.into_inner().privileges;
            list.retain(|one| one.lease.is_some());
            context.terminal.answer(&ListJson::of(&list), |page| privilege::leases_text(&list, page))?;
        }
        Lease::Revoke { id, reason } => {
            let request = EndPrivilegeRequest { id: id.to_string(), reason };
            let ended = admin.end_privilege(request).await?.into_inner();
            let text = |page: &_| privilege::text(&ended, page);
            context.terminal.answer(&PrivilegeJson::from(&ended), text)?;
        }
    }
    Ok(Exit::Ok)
}

fn url(text: &str) -> Result<WebUrl, String> {
    text.parse().map_err(|error: oam_fetch::UrlError| CiError::from(error).to_string())
}

fn ref_name(text: &str) -> Result<RefName, String> {
    RefName::parse(text.as_bytes()).map_err(|error| error.to_string())
}

fn path(text: &str) -> Result<String, String> {
    PathSet::parse_one(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn commit(text: &str) -> Result<ObjectId, String> {
    ObjectId::parse_hex(text.as_bytes()).map_err(|error| error.to_string())
}

fn verb(text: &str) -> Result<Verb, String> {
    let verb = Verb::parse(text).filter(|verb| !matches!(verb, Verb::Read | Verb::Admin));
    verb.ok_or_else(|| format!("`{text}` is none of `create`, `update`, `force`, `delete`"))
}
