//! `oam bitbucket …`.

mod accounts;
mod basis;
mod by_app;
mod carry_out;
mod drift;
mod looking;
mod mending;
mod noted;
mod provision;
mod seen;
pub(super) mod server;
mod watching;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use oam_bitbucket::{
    Bitbucket as Client, ProjectKey,
    install::{self, Chosen, Installed, Plan, app::HookFile, drift as of_hooks},
};
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
use drift::Drift;
use noted::Noted;
use provision::{Apply, Plan as PlanTask, Watch};
use server::Server;

/// The version that installs.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the hook lies unless told otherwise.
const BINARY: &str = "/usr/bin/oam-hook";

/// Where it is noted what was installed, unless told otherwise.
const NOTED: &str = "oam-bitbucket.json";

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
    /// Show what permissions should be and are not: by the policy and the directory in force
    #[command(after_long_help = help::bitbucket_plan())]
    Plan(PlanTask),
    /// Change permissions as the plan says; those who are gone lose all that they have
    #[command(after_long_help = help::bitbucket_apply())]
    Apply(Apply),
    /// Show what Bitbucket has beside what the policy says: permissions, administrators, restrictions, tokens and keys
    #[command(after_long_help = help::bitbucket_drift())]
    Drift(Drift),
    /// Do of it what the daemon's configuration allows without being asked, once or again and again
    #[command(after_long_help = help::bitbucket_apply())]
    Watch(Watch),
}

/// Which Bitbucket, and what is known of its scripts.
#[derive(Debug, Args)]
pub struct Place {
    #[command(flatten)]
    server: Server,
    /// A file that keeps what was installed: the numbers of the scripts, which Bitbucket has no call to list, and for what it was
    #[arg(long, default_value = NOTED, value_name = "FILE")]
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

/// By what the hook is run.
#[derive(Debug, Args)]
pub struct By {
    /// What runs the hook: Bitbucket's hook scripts, or the app External Hooks
    #[arg(long, value_enum, default_value_t)]
    via: Via,
    /// With `--via external-hooks`, in place of `--binary`: the hook's file below `external-hooks` in Bitbucket's shared home
    /// [default: oam-hook]
    #[arg(long, value_name = "NAME", value_parser = shared)]
    safe_path: Option<String>,
}

/// What runs the hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Via {
    /// Bitbucket's own hook scripts
    #[default]
    HookScripts,
    /// The app External Hooks
    ExternalHooks,
}

/// `oam bitbucket install`.
#[derive(Debug, Args)]
pub struct Install {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    projects: Projects,
    #[command(flatten)]
    by: By,
    /// Where the hook lies on every Bitbucket and Mesh host [default: /usr/bin/oam-hook]
    #[arg(long, value_name = "PATH", value_parser = binary)]
    binary: Option<String>,
    /// Take the steps; without it they are only shown
    #[arg(long)]
    apply: bool,
}

/// `oam bitbucket uninstall`.
#[derive(Debug, Args)]
pub struct Uninstall {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    by: By,
    /// Take the steps; without it they are only shown
    #[arg(long)]
    apply: bool,
}

/// `oam bitbucket status`.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    by: By,
    /// Only these projects, each by its key; may be given again
    #[arg(long = "project", value_name = "KEY")]
    projects: Vec<ProjectKey>,
    /// Where the hook lies on every Bitbucket and Mesh host [default: as it was installed, or /usr/bin/oam-hook]
    #[arg(long, value_name = "PATH", value_parser = binary)]
    binary: Option<String>,
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
        Bitbucket::Install(Install { place, projects, by, binary, apply }) => {
            let client = place.server.open()?;
            let (app, mut noted) = (by.app(binary.as_deref())?, place.noted()?);
            let binary = binary.as_deref().unwrap_or(BINARY);
            let (chosen, projects) =
                projects.chosen(&client, app.as_ref().map_or(binary, |file| &file.0)).await?;
            let there = client.projects().await?;
            let chosen = |before: Option<Chosen>| {
                let mut all = chosen.besides(before);
                // What was deleted is forgotten.
                all.projects.retain(|project| there.contains(project));
                Some(all)
            };
            if let Some(file) = app {
                by_app::one_file(noted.by_app.as_ref(), &file, &projects, &there)?;
                noted.by_app = chosen(noted.by_app);
                if apply {
                    noted.write(&place.noted)?;
                }
                return by_app::install(&client, &projects, &file, apply, context).await;
            }
            let mut seen = install::see(&client, noted.scripts, &projects).await?;
            install::see_repositories(&client, &mut seen).await?;
            noted.by_scripts = chosen(noted.by_scripts);
            let plan = Plan::install(&seen, binary, VERSION);
            carry_out(&place, noted, &client, (&seen, &plan), apply, context).await
        }
        Bitbucket::Uninstall(Uninstall { place, by, apply }) => {
            let client = place.server.open()?;
            let mut noted = place.noted()?;
            if let Some(file) = by.app(None)? {
                if let (true, Some(chosen)) = (apply, &mut noted.by_app) {
                    chosen.clear();
                    noted.write(&place.noted)?;
                }
                return by_app::uninstall(&client, &file, apply, context).await;
            }
            let seen = install::see(&client, noted.scripts, &client.projects().await?).await?;
            if noted.scripts == install::Known::default() {
                context.terminal.note(&format!(
                    "No numbers are noted in `{}`: only scripts that are on in some project are found.",
                    place.noted.display()
                ));
            }
            if let Some(chosen) = &mut noted.by_scripts {
                chosen.clear();
            }
            carry_out(&place, noted, &client, (&seen, &Plan::uninstall(&seen)), apply, context).await
        }
        Bitbucket::Status(status) => self::status(&status, context).await,
        Bitbucket::Plan(task) => provision::plan(&task, context).await,
        Bitbucket::Apply(task) => provision::apply(&task, context).await,
        Bitbucket::Drift(task) => drift::run(&task, context).await,
        Bitbucket::Watch(task) => provision::watch(&task, context).await,
    }
}

/// Shows the plan, and takes its steps where that is wanted.
async fn carry_out(
    place: &Place,
    mut noted: Noted,
    client: &Client,
    (seen, plan): (&Installed, &Plan),
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
    // Also what was found without having been noted; and what was chosen before it is there, so that what is not there yet is missed.
    noted.scripts = seen.known();
    noted.write(&place.noted)?;
    let mut kept = Ok(());
    let mut progress = |step: &install::Step, known| {
        context.terminal.note(&bitbucket::step_done(step));
        if kept.is_ok() {
            noted.scripts = known;
            kept = noted.write(&place.noted);
        }
    };
    let applied = install::apply(client, plan, seen.known(), &mut progress).await;
    kept?;
    applied?;
    context.terminal.answer(&json, |page| bitbucket::plan_text(plan, done, page))?;
    Ok(Exit::Ok)
}

async fn status(command: &Status, context: &mut Context) -> Ending {
    let client = command.place.server.open()?;
    let daemon = match command.without_daemon {
        true => BitbucketState::default(),
        false => context.address.connect().await?.get_bitbucket(GetBitbucketRequest {}).await?.into_inner(),
    };
    let (noted, there) = (command.place.noted()?, client.projects().await?);
    let projects = match command.projects.is_empty() {
        true => there.clone(),
        false => client.known(command.projects.clone()).await?,
    };
    let (status, chosen, failed) = match command.by.app(command.binary.as_deref())? {
        Some(file) => {
            let (status, failed) =
                by_app::status(&client, &projects, &file, noted.by_app.as_ref(), &daemon).await?;
            (status, noted.by_app, failed)
        }
        None => {
            let mut seen = install::see(&client, noted.scripts, &projects).await?;
            install::see_repositories(&client, &mut seen).await?;
            let installed = noted.by_scripts.as_ref().map(|chosen| chosen.hook.as_str());
            let binary = command.binary.as_deref().or(installed).unwrap_or(BINARY);
            let found = noted.by_scripts.as_ref().map(|chosen| of_hooks::findings(&seen, chosen));
            let status = StatusJson::of(&seen, &Plan::install(&seen, binary, VERSION), &daemon);
            (status.with_findings(&found.unwrap_or_default()), noted.by_scripts, None)
        }
    };
    let status = match &chosen {
        // Where some were asked for by name, nothing is said of others.
        Some(chosen) if command.projects.is_empty() => {
            status.meant_for(chosen).with_findings(&of_hooks::gone(chosen, &there))
        }
        Some(chosen) => status.meant_for(chosen),
        None => status,
    };
    context.terminal.answer(&status, |page| bitbucket::status_text(&status, page))?;
    match failed {
        Some(failure) => Err(failure),
        None => Ok(if status.is_well() { Exit::Ok } else { Exit::No }),
    }
}

impl By {
    /// The hook's file, where the app runs it.
    fn app(&self, binary: Option<&str>) -> Result<Option<HookFile>, Failure> {
        match (self.via, &self.safe_path, binary) {
            (Via::HookScripts, None, _) => Ok(None),
            (Via::HookScripts, Some(_), _) => Err(Failure::Usage {
                what: "`--safe-path` means something to the app External Hooks only".to_owned(),
                help: "add `--via external-hooks`, or name the hook's path with `--binary`",
            }),
            (Via::ExternalHooks, _, Some(_)) => Err(Failure::Usage {
                what: "on Data Center the app External Hooks runs no file by its whole path, as `--binary` names one".to_owned(),
                help: "put the hook below `external-hooks` in Bitbucket's shared home, and name it there with `--safe-path`",
            }),
            (Via::ExternalHooks, name, None) => Ok(Some(name.clone().map(HookFile).unwrap_or_default())),
        }
    }
}

impl Place {
    fn noted(&self) -> Result<Noted, Failure> {
        Noted::read(&self.noted, &self.server.url)
    }
}

impl Projects {
    /// What is chosen, for it to be noted; and the projects as they are now.
    async fn chosen(self, client: &Client, hook: &str) -> Result<(Chosen, Vec<ProjectKey>), Failure> {
        let projects = match self.all_projects {
            true => client.projects().await?,
            false => client.known(self.projects).await?,
        };
        let chosen = Chosen {
            every_project: self.all_projects,
            projects: projects.iter().cloned().collect(),
            hook: hook.to_owned(),
            version: VERSION.to_owned(),
        };
        Ok((chosen, projects))
    }
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

/// A file below a folder, and nowhere else.
fn shared(text: &str) -> Result<String, &'static str> {
    let usable =
        |part: &str| !part.is_empty() && part != "." && part != ".." && !part.chars().any(char::is_control);
    if text.split('/').all(usable) {
        Ok(text.to_owned())
    } else {
        Err("write its path below that folder, without `/` at the start")
    }
}
