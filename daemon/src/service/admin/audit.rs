use std::{future, time::Duration};

use jiff::Timestamp;
use oam_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::unavailable;
use crate::audit_log::AuditLog;

/// How many entries are read at once.
const PAGE: usize = 500;

type Entries = mpsc::Sender<Result<v1::AuditEntry, Status>>;

/// Streams entries as they are stored, and goes on as they come when that is asked for, until the reader's token ends.
pub(super) fn tail(
    audit: AuditLog,
    until: Option<Timestamp>,
    request: v1::TailAuditRequest,
) -> ReceiverStream<Result<v1::AuditEntry, Status>> {
    let (entries, stream) = mpsc::channel(PAGE);
    tokio::spawn(async move {
        let sent = tokio::select! {
            sent = send(&audit, &request, &entries) => sent,
            () = end(until) => Err(Status::unauthenticated("your token has expired: sign in again, and go on from there")),
        };
        if let Err(status) = sent {
            // The reader may be gone.
            let _ = entries.send(Err(status)).await;
        }
    });
    ReceiverStream::new(stream)
}

/// Comes with the end of a token; never without one.
async fn end(until: Option<Timestamp>) {
    let Some(until) = until else { return future::pending().await };
    let left = Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default();
    tokio::time::sleep(left).await;
}

async fn send(audit: &AuditLog, request: &v1::TailAuditRequest, entries: &Entries) -> Result<(), Status> {
    let mut growth = audit.watch();
    let mut next = match request.last {
        0 => request.from,
        last => audit.size().saturating_sub(last),
    };
    let mut left = if request.limit == 0 { u64::MAX } else { request.limit };
    loop {
        next = next.max(audit.first());
        let limit = usize::try_from(left).unwrap_or(PAGE).min(PAGE);
        let page = audit.tail(next, limit).await.map_err(|error| unavailable(&error))?;
        let end = page.is_empty();
        for json in page {
            let json = audit.for_people(json);
            if entries.send(Ok(v1::AuditEntry { seq: next, json })).await.is_err() {
                return Ok(());
            }
            next += 1;
            left -= 1;
        }
        if left == 0 || (end && !request.follow) {
            return Ok(());
        }
        if end {
            tokio::select! {
                grown = growth.changed() => if grown.is_err() { return Ok(()) },
                () = entries.closed() => return Ok(()),
            }
        }
    }
}
