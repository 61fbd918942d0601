//! `oam bitbucket …`.

mod noted;

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand};
use oam_bitbucket::{
    Bitbucket as Client, ProjectKey,
    install::{self, Installed, Plan},
};
use oam_fetch::{Network, Secret, UrlError, WebUrl};
use oam_proto::v1::{BitbucketState, GetBitbucketRequest};

use super::{Context, Ending};
use crate::{
    exit::Exit,
    failure::Failure,
    output::{
        bitbucket::{self, AppliedJson, StatusJson, StepJson},
        help,
    },
};
use noted::Noted;

/// Where the hook lies unless told otherwise.
const BINARY: &str = "/usr/bin/oam-hook";
/// How large a file with a token may be.
const TOKEN_BYTES: usize = 4096;

/// `oam bitbucket …`.
#[derive(Debug, Subcommand)]
pub enum Bitbucket {
    /// Register the hook with Bitbucket and switch it on, or bring it up to date; shows the steps first
    #[command(after_long_help = help::bitbucket_install())]
    Install(Install),
    /// Switch the hook off and take it away; shows the steps first
    #[command(after_long_help = help::bitbucket_install())]
    Uninstall(Uninstall),
    /// Show where the hook is switched on, and how canaries fare
    #[command(after_long_help = help::bitbucket_status())]
    Status(Status),
}

/// Which Bitbucket, and by whose right.
#[derive(Debug, Args)]
pub struct Place {
    /// Bitbucket's address, as in `https://bitbucket.example.com`
    #[arg(long, value_name = "URL", value_parser = url)]
    url: WebUrl,
    /// A file with an HTTP access token of a system administrator
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// The authorities that Bitbucket's certificate may come from, PEM; the system's without it
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Where Bitbucket's host may lie: `public`, `private` or `loopback`
    #[arg(long, default_value = "private", value_name = "WHERE", value_parser = network)]
    network: Network,
    /// A file that keeps the numbers of the scripts: Bitbucket has no call that lists them
    #[arg(long, default_value = "oam-bitbucket.json", value_name = "FILE")]
    noted: PathBuf,
}

/// Which projects.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Projects {
    /// A project, by its key; may be given again
    #[arg(long = "project", value_name = "KEY")]
    projects: Vec<ProjectKey>,
    /// Every project
    #[arg(long)]
    all_projects: bool,
}

/// `oam bitbucket install`.
#[derive(Debug, Args)]
pub struct Install {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    projects: Projects,
    /// Where the hook lies on every Bitbucket and Mesh host
    #[arg(long, default_value = BINARY, value_name = "PATH", value_parser = binary)]
    binary: String,
    /// Take the steps; without it they are only shown
    #[arg(long)]
    apply: bool,
}

/// `oam bitbucket uninstall`.
#[derive(Debug, Args)]
pub struct Uninstall {
    #[command(flatten)]
    place: Place,
    /// Take the steps; without it they are only shown
    #[arg(long)]
    apply: bool,
}

/// `oam bitbucket status`.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    place: Place,
    /// Where the hook lies on every Bitbucket and Mesh host
    #[arg(long, default_value = BINARY, value_name = "PATH", value_parser = binary)]
    binary: String,
    /// Do not ask the daemon: only Bitbucket
    #[arg(long)]
    without_daemon: bool,
}

/// Runs one of them.
///
/// # Errors
/// When Bitbucket or the daemon cannot be asked, or does not do what is asked.
pub async fn run(command: Bitbucket, context: &mut Context) -> Ending {
    match command {
        Bitbucket::Install(Install { place, projects, binary, apply }) => {
            let client = place.open()?;
            let projects = match projects.all_projects {
                true => client.projects().await?,
                false => client.known(projects.projects).await?,
            };
            let seen = place.see(&client, &projects).await?;
            let plan = Plan::install(&seen, &binary, env!("CARGO_PKG_VERSION"));
            carry_out(&place, &client, &seen, &plan, apply, context).await
        }
        Bitbucket::Uninstall(Uninstall { place, apply }) => {
            let client = place.open()?;
            let seen = place.see(&client, &client.projects().await?).await?;
            carry_out(&place, &client, &seen, &Plan::uninstall(&seen), apply, context).await
        }
        Bitbucket::Status(status) => self::status(&status, context).await,
    }
}

/// Shows the plan, and takes its steps where that is wanted.
async fn carry_out(
    place: &Place,
    client: &Client,
    seen: &Installed,
    plan: &Plan,
    apply: bool,
    context: &mut Context,
) -> Ending {
    let done = apply || plan.steps.is_empty();
    let json = AppliedJson {
        done,
        steps: plan.steps.iter().map(StepJson::from).collect(),
        unchanged: plan.unchanged,
    };
    if !apply {
        context.terminal.answer(&json, |page| bitbucket::plan_text(plan, done, page))?;
        return Ok(Exit::Ok);
    }
    // Also what was found without having been noted.
    place.note(seen.known())?;
    let mut kept = Ok(());
    let mut progress = |step: &install::Step, known| {
        context.terminal.note(&bitbucket::step_done(step));
        if kept.is_ok() {
            kept = place.note(known);
        }
    };
    let applied = install::apply(client, plan, seen.known(), &mut progress).await;
    kept?;
    applied?;
    context.terminal.answer(&json, |page| bitbucket::plan_text(plan, done, page))?;
    Ok(Exit::Ok)
}

async fn status(command: &Status, context: &mut Context) -> Ending {
    let client = command.place.open()?;
    let seen = command.place.see(&client, &client.projects().await?).await?;
    let wanted = Plan::install(&seen, &command.binary, env!("CARGO_PKG_VERSION"));
    let daemon = match command.without_daemon {
        true => BitbucketState::default(),
        false => context.address.connect().await?.get_bitbucket(GetBitbucketRequest {}).await?.into_inner(),
    };
    let status = StatusJson::of(&seen, &wanted, &daemon);
    context.terminal.answer(&status, |page| bitbucket::status_text(&status, page))?;
    Ok(if status.is_well() { Exit::Ok } else { Exit::No })
}

impl Place {
    fn open(&self) -> Result<Client, Failure> {
        let text =
            fs::read_to_string(&self.token_file).map_err(|error| Failure::read(&self.token_file, error))?;
        let token = text.trim();
        let usable = !token.is_empty()
            && token.len() <= TOKEN_BYTES
            && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !usable {
            let what = format!("`{}` holds no token", self.token_file.display());
            return Err(Failure::Usage {
                what,
                help: "it has one line, with an HTTP access token of Bitbucket",
            });
        }
        let client = Client::new(self.url.clone(), Secret::new(token), self.network, self.ca.as_deref());
        client.map_err(|error| Failure::Usage {
            what: error.to_string(),
            help: "name a file of authorities with --ca, or install Debian's `ca-certificates`",
        })
    }

    async fn see(&self, client: &Client, projects: &[ProjectKey]) -> Result<Installed, Failure> {
        Ok(install::see(client, self.noted()?, projects).await?)
    }

    fn noted(&self) -> Result<install::Known, Failure> {
        Noted::read(&self.noted, &self.url)
    }

    fn note(&self, known: install::Known) -> Result<(), Failure> {
        Noted::write(&self.noted, &self.url, known)
    }
}

fn url(text: &str) -> Result<WebUrl, UrlError> {
    text.parse()
}

fn network(text: &str) -> Result<Network, String> {
    Network::parse(text).ok_or_else(|| format!("`{text}` is neither `public` nor `private` nor `loopback`"))
}

/// It is run from anywhere.
fn binary(text: &str) -> Result<String, &'static str> {
    let printable = text.chars().all(|character| !character.is_control());
    if text.starts_with('/') && printable {
        Ok(text.to_owned())
    } else {
        Err("write the whole path, from `/` on")
    }
}
