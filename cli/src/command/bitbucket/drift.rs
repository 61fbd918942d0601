//! `oam bitbucket drift`: what Bitbucket has beside what the policy says.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use jiff::Timestamp;
use oam_bitbucket::{
    Bitbucket as Client,
    install::drift as of_hooks,
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

/// What was found, and whether it was looked at the hook.
pub(super) struct Found {
    pub(super) all: Vec<Finding>,
    pub(super) hooks: bool,
}

/// Runs it.
pub(super) async fn run(task: &Drift, context: &mut Context) -> Ending {
    let (client, mut admin) = (task.server.open()?, context.address.connect().await?);
    let look = Look::anew(&client, &mut admin, false).await?;
    let found = task.around.look(&client, &task.server.url, &look).await?;
    if task.tell {
        task.around.tell(&mut admin, &found).await?;
    }
    if !found.hooks {
        context.terminal.note(NOT_LOOKED);
    }
    let json = DriftJson::of(&look.plan, &found.all);
    context.terminal.answer(&json, |page| drift_text(&found.all, page))?;
    Ok(if found.all.is_empty() { Exit::Ok } else { Exit::No })
}

impl Around {
    /// Finds what is beside the policy, and what is not as it was installed.
    pub(super) async fn look(&self, client: &Client, url: &WebUrl, look: &Look) -> Result<Found, Failure> {
        if let Some(why) = &look.basis.late {
            let help = "look again when the source is back: see `oam status`";
            return Err(Failure::HeldBack { what: format!("drift is not looked for: {why}"), help });
        }
        // First what a wrong file makes useless.
        let hooks = self.hooks(client, url).await?;
        let around = provision::look_around(client, &look.seen, self.credentials).await?;
        let now = u128::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        let since = u64::try_from(now.saturating_sub(self.unused_for.as_millis())).unwrap_or_default();
        let mut all = provision::findings(&look.seen, &look.basis, &look.plan, &around, since);
        let strangers = provision::look_at_strangers(client, &look.seen, &look.basis).await?;
        all.extend(provision::strange(&look.seen, &look.basis, &strangers, &around));
        let looked = hooks.is_some();
        all.extend(hooks.into_iter().flatten());
        all.sort_by_key(Finding::rank);
        Ok(Found { all, hooks: looked })
    }

    /// What of the hook is not as it was installed; `None` where nobody noted what was.
    async fn hooks(&self, client: &Client, url: &WebUrl) -> Result<Option<Vec<Finding>>, Failure> {
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
        let mut all = Vec::new();
        if let Some(chosen) = &by_scripts {
            all.extend(of_hooks::look(client, scripts, chosen).await?);
        }
        if let Some(chosen) = &by_app {
            all.extend(of_hooks::look_by_app(client, chosen).await?);
        }
        Ok(Some(all))
    }

    /// Tells the daemon all of it.
    pub(super) async fn tell(
        &self,
        admin: &mut Admin,
        found: &Found,
    ) -> Result<TellBitbucketDriftResponse, Failure> {
        let wire = |one: &Finding| BitbucketFinding {
            kind: one.kind.as_str().to_owned(),
            place: one.place.as_ref().map(ToString::to_string).unwrap_or_default(),
            holder: one.holder.as_ref().map(ToString::to_string).unwrap_or_default(),
            thing: one.thing.clone(),
            what: provision::shortened(one.what.clone()),
        };
        let (credentials, hooks) = (self.credentials, found.hooks);
        let message = |findings| TellBitbucketDriftRequest { findings, credentials, hooks };
        let first = message(Vec::new());
        let rest = found.all.chunks(PER_MESSAGE).map(|some| message(some.iter().map(wire).collect()));
        let all: Vec<_> = std::iter::once(first).chain(rest).collect();
        Ok(admin.tell_bitbucket_drift(tokio_stream::iter(all)).await?.into_inner())
    }
}
