//! `oam bitbucket drift`: what Bitbucket has beside what the policy says.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use oam_bitbucket::provision::{self, Reading, Seen};

use super::{provision::Look, seen::length, server::Server};
use crate::{
    command::{Context, Ending},
    exit::Exit,
    output::drift::{DriftJson, drift_text},
};

/// `oam bitbucket drift`.
#[derive(Debug, Args)]
pub struct Drift {
    #[command(flatten)]
    server: Server,
    /// Look at the tokens and keys of everybody, too: three requests for each user
    #[arg(long)]
    credentials: bool,
    /// For how long a token or key must not have been used to be told, as in `90d`
    #[arg(long, default_value = "90d", value_name = "TIME", value_parser = length)]
    unused_for: Duration,
}

/// Runs it.
pub(super) async fn run(task: &Drift, context: &mut Context) -> Ending {
    let (client, mut admin) = (task.server.open()?, context.address.connect().await?);
    let look = Look::at(&client, &mut admin, Seen::default(), Reading { now: 1, within: 0 }).await?;
    let around = provision::look_around(&client, &look.seen, task.credentials).await?;
    let now = u128::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
    let since = u64::try_from(now.saturating_sub(task.unused_for.as_millis())).unwrap_or_default();
    let found = provision::findings(&look.seen, &look.basis, &look.plan, &around, since);
    let json = DriftJson::of(&look.plan, &found);
    context.terminal.answer(&json, |page| drift_text(&found, page))?;
    Ok(if found.is_empty() { Exit::Ok } else { Exit::No })
}
