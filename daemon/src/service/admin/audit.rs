use std::{future, sync::Arc, time::Duration};

use jiff::Timestamp;
use oam_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{gate, unavailable};
use crate::{
    access::{Call, Caller},
    service::Live,
};

/// How many entries are read at once.
const PAGE: usize = 500;

type Entries = mpsc::Sender<Result<v1::AuditEntry, Status>>;

/// Streams entries as they are stored, and goes on as they come when that is asked for, as long as the reader may.
pub(super) fn tail(
    live: Arc<Live>,
    caller: Caller,
    request: v1::TailAuditRequest,
) -> ReceiverStream<Result<v1::AuditEntry, Status>> {
    let (entries, stream) = mpsc::channel(PAGE);
    tokio::spawn(async move {
        let sent = tokio::select! {
            sent = send(&live, &caller, &request, &entries) => sent,
            () = end(&caller) => Err(Status::unauthenticated("your token has expired: sign in again, and go on from there")),
        };
        if let Err(status) = sent {
            // The reader may be gone.
            let _ = entries.send(Err(status)).await;
        }
    });
    ReceiverStream::new(stream)
}

/// Comes with the end of a token; never without one.
async fn end(caller: &Caller) {
    let Caller::Person(token) = caller else { return future::pending().await };
    let left = Duration::try_from(token.expires().duration_since(Timestamp::now())).unwrap_or_default();
    tokio::time::sleep(left).await;
}

async fn send(
    live: &Live,
    caller: &Caller,
    request: &v1::TailAuditRequest,
    entries: &Entries,
) -> Result<(), Status> {
    let audit = &live.audit;
    let mut growth = audit.watch();
    let mut next = match request.last {
        0 => request.from,
        last => audit.size().saturating_sub(last),
    };
    let mut left = if request.limit == 0 { u64::MAX } else { request.limit };
    loop {
        // Whoever was cut off meanwhile, or holds the role no more, reads no further.
        gate::check(live, caller, Call::TailAudit)?;
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
