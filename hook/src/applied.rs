//! After a push: the daemon is told what git applied. "Permitted" is not "applied", and what was applied may never have
//! been asked about, where the hook that checks pushes is missing.
//!
//! Nothing can be stopped any more, so nothing here is a verdict. What no daemon takes is kept in the spool, if there is one.

use std::{collections::VecDeque, path::Path, sync::Arc};

use oam_policy::RefUpdate;
use oam_proto::v1::{self, authorizer_client::AuthorizerClient};
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use tonic::Status;

use crate::{
    ask::{self, AskError, Batches},
    config::Config,
    spool::{self, DeliverError, Record, SpoolError},
};

/// Why no daemon knows of a push.
#[derive(Debug, Error)]
pub enum ReportError {
    /// None was there.
    #[error(transparent)]
    Unavailable(#[from] AskError),
    /// It did not take what was kept before.
    #[error(transparent)]
    Earlier(#[from] DeliverError),
    /// It did not take this push.
    #[error("the Bitbucket OAM daemon did not take it: {}", .0.message())]
    NotTaken(Box<Status>),
    /// Time is up.
    #[error("no Bitbucket OAM daemon took it in time")]
    Late,
    /// None took it, and it could not be kept for later either.
    #[error("{report}; and it could not be kept for later: {spool}")]
    NotKept {
        /// Why none took it.
        report: Box<ReportError>,
        /// Why it could not be kept.
        spool: SpoolError,
    },
}

/// Reports what was applied, or keeps it in the spool for the next push or the timer.
///
/// # Errors
/// When neither can be done.
pub async fn report(
    config: &Config,
    opening: &v1::Opening,
    updates: Vec<RefUpdate>,
    deadline: Instant,
) -> Result<(), ReportError> {
    let spool = config.on_unavailable.as_ref().map(|open| open.spool.as_path());
    let batches = Batches::new(Arc::new(updates));
    let mut parts: VecDeque<_> =
        batches.map(|batch| spool::applied(opening.clone(), batch.updates)).collect();
    let sent = timeout_at(deadline, send(config, spool, &mut parts)).await;
    match (sent.unwrap_or(Err(ReportError::Late)), spool) {
        (Ok(()), _) => Ok(()),
        (Err(report), None) => Err(report),
        (Err(report), Some(folder)) => {
            keep(folder, parts).map_err(|spool| ReportError::NotKept { report: Box::new(report), spool })
        }
    }
}

/// Sends the parts, and takes away each that a daemon has. What was kept before comes first: a push that was let in without a
/// check must be known before it is told that it was applied.
async fn send(
    config: &Config,
    spool: Option<&Path>,
    parts: &mut VecDeque<v1::AppliedPush>,
) -> Result<(), ReportError> {
    let connection = ask::reach(config).await?;
    let earlier = spool.and_then(|folder| spool::waiting(folder).ok()).unwrap_or_default();
    spool::deliver(connection.clone(), &earlier).await?;
    let mut client = AuthorizerClient::new(connection);
    while let Some(part) = parts.front() {
        let taken = client.report_applied(part.clone()).await;
        taken.map_err(|status| ReportError::NotTaken(Box::new(status)))?;
        parts.pop_front();
    }
    Ok(())
}

fn keep(folder: &Path, parts: VecDeque<v1::AppliedPush>) -> Result<(), SpoolError> {
    parts.into_iter().try_for_each(|part| spool::keep(folder, &Record::Applied(part)))
}
