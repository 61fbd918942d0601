//! `oam bitbucket drift`: what Bitbucket has beside what the policy says.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use oam_bitbucket::{
    Bitbucket as Client,
    provision::{self, Finding},
};
use oam_proto::v1::{BitbucketFinding, TellBitbucketDriftRequest, TellBitbucketDriftResponse};

use super::{provision::Look, seen::length, server::Server};
use crate::{
    client::Admin,
    command::{Context, Ending},
    exit::Exit,
    failure::Failure,
    output::drift::{DriftJson, drift_text},
};

/// How many findings one message has.
const PER_MESSAGE: usize = 1_000;

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
    /// Look at tokens and keys, too: three requests for each user, and one for each project and repository
    #[arg(long)]
    credentials: bool,
    /// For how long a token or key must not have been used to be told, as in `90d`
    #[arg(long, default_value = "90d", value_name = "TIME", value_parser = length)]
    unused_for: Duration,
}

/// Runs it.
pub(super) async fn run(task: &Drift, context: &mut Context) -> Ending {
    let (client, mut admin) = (task.server.open()?, context.address.connect().await?);
    let look = Look::anew(&client, &mut admin, false).await?;
    let found = task.around.look(&client, &look).await?;
    if task.tell {
        task.around.tell(&mut admin, &found).await?;
    }
    let json = DriftJson::of(&look.plan, &found);
    context.terminal.answer(&json, |page| drift_text(&found, page))?;
    Ok(if found.is_empty() { Exit::Ok } else { Exit::No })
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
        Ok(provision::findings(&look.seen, &look.basis, &look.plan, &around, since))
    }

    /// Tells the daemon all of it.
    pub(super) async fn tell(
        &self,
        admin: &mut Admin,
        found: &[Finding],
    ) -> Result<TellBitbucketDriftResponse, Failure> {
        let wire = |one: &Finding| BitbucketFinding {
            kind: one.kind.as_str().to_owned(),
            place: one.place.as_ref().map(ToString::to_string).unwrap_or_default(),
            holder: one.holder.as_ref().map(ToString::to_string).unwrap_or_default(),
            thing: one.thing.clone(),
            what: provision::shortened(one.what.clone()),
        };
        let credentials = self.credentials;
        let first = TellBitbucketDriftRequest { findings: Vec::new(), credentials };
        let rest = found
            .chunks(PER_MESSAGE)
            .map(|some| TellBitbucketDriftRequest { findings: some.iter().map(wire).collect(), credentials });
        let all: Vec<_> = std::iter::once(first).chain(rest).collect();
        Ok(admin.tell_bitbucket_drift(tokio_stream::iter(all)).await?.into_inner())
    }
}
