//! `oam bitbucket drift`: what Bitbucket has beside what the policy says.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use clap::Args;
use jiff::Timestamp;
use oam_bitbucket::{
    Bitbucket as Client, ProjectKey,
    install::{Chosen, drift as of_hooks},
    provision::{self, Finding},
};
use oam_fetch::WebUrl;
use oam_proto::v1::{BitbucketFinding, TellBitbucketDriftRequest, TellBitbucketDriftResponse};

use super::{NOTED, noted::Noted, provision::Look, seen::length, server::Server};
use crate::{
    client::Admin,
    command::{Context, Ending},
    exit::Exit,
    failure::Failure,
    output::drift::{DriftJson, drift_text},
};

/// How many findings one message has.
const PER_MESSAGE: usize = 1_000;

/// What is said where it is not known what was installed.
pub(super) const NOT_LOOKED: &str = "It was not looked whether the hook is as it was installed: no `oam-bitbucket.json` here says what was. Name it by --noted, or run `oam bitbucket install … --apply` once more.";

/// `oam bitbucket drift`.
#[derive(Debug, Args)]
pub struct Drift {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    around: Around,
    /// Tell the daemon, too: what of it is new is recorded, and an alarm
    #[arg(long)]
    tell: bool,
}

/// How far is looked.
#[derive(Debug, Args)]
pub(super) struct Around {
    /// Look at tokens and keys, too: three requests for each user, and two for each project and repository
    #[arg(long)]
    credentials: bool,
    /// For how long a token or key must not have been used to be told, as in `90d`
    #[arg(long, default_value = "90d", value_name = "TIME", value_parser = length)]
    unused_for: Duration,
    /// The file in which `oam bitbucket install` noted what it installed, so that it is seen whether it is still so
    /// [default: oam-bitbucket.json, where it is there]
    #[arg(long, value_name = "FILE")]
    noted: Option<PathBuf>,
}

/// What was found of the hook.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    pub(super) found: Vec<Finding>,
    /// Why it was not looked everywhere.
    pub(super) failed: Option<Failure>,
    /// The projects for which it was installed.
    projects: BTreeSet<ProjectKey>,
}

/// Runs it.
pub(super) async fn run(task: &Drift, context: &mut Context) -> Ending {
    let (client, mut admin) = (task.server.open()?, context.address.connect().await?);
    // First the hook: what is not well about it is told whatever becomes of the rest, which a wrong file makes useless.
    let hooks = task.around.hooks(&client, &task.server.url).await?;
    match &hooks {
        Some(hooks) if task.tell => {
            tell_hooks(&mut admin, hooks).await?;
        }
        Some(_) => {}
        None => context.terminal.note(NOT_LOOKED),
    }
    let (plan, jit, rest) = match Look::anew(&client, &mut admin, false).await {
        Ok(look) => {
            let rest = task.around.look(&client, &look).await;
            (look.plan, look.basis.settings.jit, rest)
        }
        Err(failure) => (provision::Plan::default(), false, Err(failure)),
    };
    if let (true, Ok(found)) = (task.tell, &rest) {
        task.around.tell(&mut admin, found).await?;
    }
    let Hooks { found: of_hooks, failed: hooks_failed, .. } = hooks.unwrap_or_default();
    let (mut found, rest_failed) = match rest {
        Ok(rest) => (rest, None),
        Err(failure) => (Vec::new(), Some(failure)),
    };
    found.extend(of_hooks);
    found.sort_by_key(Finding::rank);
    // That there is nothing is said only where all was looked at.
    if !found.is_empty() || (hooks_failed.is_none() && rest_failed.is_none()) {
        let json = DriftJson::of(&plan, &found, jit);
        context.terminal.answer(&json, |page| drift_text(&found, jit, page))?;
    }
    match (hooks_failed, rest_failed) {
        (Some(one), Some(other)) => {
            context.terminal.fail(&one);
            Err(other)
        }
        (Some(failure), None) | (None, Some(failure)) => Err(failure),
        (None, None) => Ok(if found.is_empty() { Exit::Ok } else { Exit::No }),
    }
}

impl Around {
    /// Finds what is beside the policy.
    pub(super) async fn look(&self, client: &Client, look: &Look) -> Result<Vec<Finding>, Failure> {
        if let Some(why) = &look.basis.late {
            let help = "look again when the source is back: see `oam status`";
            return Err(Failure::HeldBack { what: format!("drift is not looked for: {why}"), help });
        }
        let around = provision::look_around(client, &look.seen, self.credentials).await?;
        let now = u128::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        let since = u64::try_from(now.saturating_sub(self.unused_for.as_millis())).unwrap_or_default();
        let mut all = provision::findings(&look.seen, &look.basis, &look.plan, &around, since);
        let strangers = provision::look_at_strangers(client, &look.seen, &look.basis).await?;
        all.extend(provision::strange(&look.seen, &look.basis, &strangers, &around));
        Ok(all)
    }

    /// What of the hook is not as it was installed; `None` where nobody noted what was. What cannot be read hides nothing else.
    pub(super) async fn hooks(&self, client: &Client, url: &WebUrl) -> Result<Option<Hooks>, Failure> {
        let file = self.noted.clone().unwrap_or_else(|| NOTED.into());
        let Noted { scripts, by_scripts, by_app, .. } = Noted::read(&file, url)?;
        if by_scripts.is_none() && by_app.is_none() {
            // Whoever names a file relies on it.
            return match &self.noted {
                None => Ok(None),
                Some(file) => Err(Failure::Usage {
                    what: format!("`{}` does not say what was installed", file.display()),
                    help: "run `oam bitbucket install … --apply` once more with that file: it notes what is there already",
                }),
            };
        }
        let (mut found, mut failed) = (Vec::new(), None);
        if let Some(chosen) = &by_scripts {
            match of_hooks::look(client, scripts, chosen).await {
                Ok(some) => found.extend(some),
                Err(error) => failed = Some(Failure::from(error)),
            }
        }
        if let Some(chosen) = &by_app {
            let unread = match of_hooks::look_by_app(client, chosen).await {
                Ok((some, unread)) => {
                    found.extend(some);
                    unread
                }
                Err(error) => Some(error),
            };
            failed = failed.or(unread.map(Failure::from));
        }
        let projects = by_scripts.iter().chain(&by_app).flat_map(installed).collect();
        Ok(Some(Hooks { found, failed, projects }))
    }

    /// Tells the daemon what was found of all but the hook.
    pub(super) async fn tell(
        &self,
        admin: &mut Admin,
        found: &[Finding],
    ) -> Result<TellBitbucketDriftResponse, Failure> {
        let first = TellBitbucketDriftRequest {
            credentials: self.credentials,
            ..TellBitbucketDriftRequest::default()
        };
        tell(admin, first, found).await
    }
}

/// Tells the daemon what was found of the hook, and where it was installed. Where it was not looked everywhere, what else is known of it
/// stays.
pub(super) async fn tell_hooks(
    admin: &mut Admin,
    hooks: &Hooks,
) -> Result<TellBitbucketDriftResponse, Failure> {
    let first = TellBitbucketDriftRequest {
        hooks: hooks.failed.is_none(),
        hooks_only: true,
        hook_projects: hooks.projects.iter().map(ToString::to_string).collect(),
        ..TellBitbucketDriftRequest::default()
    };
    tell(admin, first, &hooks.found).await
}

async fn tell(
    admin: &mut Admin,
    first: TellBitbucketDriftRequest,
    found: &[Finding],
) -> Result<TellBitbucketDriftResponse, Failure> {
    let wire = |one: &Finding| BitbucketFinding {
        kind: one.kind.as_str().to_owned(),
        place: one.place.as_ref().map(ToString::to_string).unwrap_or_default(),
        holder: one.holder.as_ref().map(ToString::to_string).unwrap_or_default(),
        thing: one.thing.clone(),
        what: provision::shortened(one.what.clone()),
    };
    let rest = found.chunks(PER_MESSAGE).map(|some| TellBitbucketDriftRequest {
        findings: some.iter().map(wire).collect(),
        ..TellBitbucketDriftRequest::default()
    });
    let all: Vec<_> = std::iter::once(first).chain(rest).collect();
    Ok(admin.tell_bitbucket_drift(tokio_stream::iter(all)).await?.into_inner())
}

/// The projects for which the hook was installed. Where it is meant for every one, one that was made since is none until it is installed
/// there.
fn installed(chosen: &Chosen) -> impl Iterator<Item = ProjectKey> {
    chosen.projects.iter().filter(move |project| chosen.has(project)).cloned()
}
