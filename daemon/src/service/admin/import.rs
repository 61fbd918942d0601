use std::sync::Arc;

use oam_policy::{
    Snapshot,
    snapshot::{Directory as People, SnapshotDiff, file},
};
use oam_proto::v1::{self, import_snapshot_request::Step as Sent, import_snapshot_response::Step as Told};
use tokio::{sync::mpsc, task};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::{convert, source, unavailable};
use crate::{directory::By, service::Live, source::Listed, store::Counts};

/// The largest directory file, in bytes.
const MAX_BYTES: u64 = 1024 * 1024 * 1024;

type Answers = mpsc::Sender<Result<v1::ImportSnapshotResponse, Status>>;

/// Takes a directory file in chunks, and tells how far it is.
pub(super) fn import(
    live: Arc<Live>,
    actor: String,
    mut messages: Streaming<v1::ImportSnapshotRequest>,
) -> ReceiverStream<Result<v1::ImportSnapshotResponse, Status>> {
    let (answers, stream) = mpsc::channel(16);
    tokio::spawn(async move {
        let answer = receive_and_import(&live, actor, &mut messages, &answers).await;
        // The caller may be gone; what was imported is imported.
        let _ = answers.send(answer.map(say)).await;
    });
    ReceiverStream::new(stream)
}

async fn receive_and_import(
    live: &Live,
    actor: String,
    messages: &mut Streaming<v1::ImportSnapshotRequest>,
    answers: &Answers,
) -> Result<Told, Status> {
    let Some(Sent::Opening(opening)) = messages.message().await?.and_then(|message| message.step) else {
        return Err(Status::invalid_argument("the first message of an import is its opening"));
    };
    let reason = convert::reason(&opening.reason)?;
    let bytes = receive(&opening, messages, answers).await?;
    progress(answers, "parsing", bytes.len()).await;
    let name = opening.file_name.clone();
    let parsed =
        task::spawn_blocking(move || parse(&name, bytes)).await.map_err(|error| unavailable(&error))??;
    let people = match parsed {
        Ok(people) => people,
        Err(faults) => return Ok(Told::Faults(convert::faults(&faults))),
    };
    let source = live.sources.for_import(&opening.source).map_err(|error| source::not_so(&error))?;
    // What was read takes much room, and is let go of before anything else takes some.
    let listed = task::spawn_blocking(move || Listed::of(&people)).await;
    let listed = listed.map_err(|error| unavailable(&error))?;
    let listed = listed.map_err(|error| source::not_so(&error.into()))?;
    if opening.dry_run {
        let merged = task::block_in_place(|| live.sources.rehearse(source, listed));
        return rehearse(live, merged.map_err(|error| source::not_so(&error))?).await;
    }
    progress(answers, "storing", 0).await;
    let by = By { actor, reason };
    let changed = live.sources.import(source, listed, by).await.map_err(|error| source::status(&error))?;
    let info = convert::snapshot_info(&changed.after.info);
    let counted = task::spawn_blocking(move || {
        count(changed.before.as_ref().map(|before| &before.snapshot), Some(&changed.after.snapshot))
    });
    Ok(done(info, counted.await.map_err(|error| unavailable(&error))?, false))
}

async fn receive(
    opening: &v1::ImportOpening,
    messages: &mut Streaming<v1::ImportSnapshotRequest>,
    answers: &Answers,
) -> Result<Vec<u8>, Status> {
    let mut bytes = Vec::new();
    while let Some(message) = messages.message().await? {
        let Some(Sent::Chunk(chunk)) = message.step else {
            return Err(Status::invalid_argument("chunks follow the opening of an import"));
        };
        if (bytes.len() + chunk.len()) as u64 > MAX_BYTES {
            return Err(Status::resource_exhausted("the directory file is larger than 1 GiB"));
        }
        bytes.extend_from_slice(&chunk);
        progress(answers, "received", bytes.len()).await;
    }
    if opening.total_bytes != 0 && bytes.len() as u64 != opening.total_bytes {
        let (got, announced) = (bytes.len(), opening.total_bytes);
        return Err(Status::data_loss(format!(
            "{got} bytes came of {announced}: nothing was imported, try again"
        )));
    }
    Ok(bytes)
}

type Parsed = Result<People, oam_policy::fault::Faults>;

fn parse(name: &str, bytes: Vec<u8>) -> Result<Parsed, Status> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Status::invalid_argument(format!("the directory file is no UTF-8 text: see byte {at}"))
    })?;
    let is_toml = name.to_ascii_lowercase().ends_with(".toml");
    Ok(if is_toml { file::parse_toml(name, &text) } else { file::parse_json(name, &text) })
}

/// What an import would do. It has no digest: that holds the time of the import.
async fn rehearse(live: &Live, merged: Snapshot) -> Result<Told, Status> {
    let before = live.snapshot();
    let rehearsed = task::spawn_blocking(move || {
        let after = before.as_ref().map_or_else(|| merged.clone(), |before| before.deliver(&merged));
        let counts = Counts::of(&after);
        let info = v1::SnapshotInfo {
            generation: before.as_ref().map_or(0, |before| before.version().generation) + 1,
            users: counts.users,
            active_users: counts.active_users,
            groups: counts.groups,
            memberships: counts.memberships,
            revocations: counts.revocations,
            cause: "import".into(),
            ..Default::default()
        };
        (info, count(before.as_ref(), Some(&after)))
    });
    let (info, counted) = rehearsed.await.map_err(|error| unavailable(&error))?;
    Ok(done(info, counted, true))
}

fn count(before: Option<&Snapshot>, after: Option<&Snapshot>) -> (u64, u64, u64) {
    match (before, after) {
        (Some(before), Some(after)) => {
            let diff = SnapshotDiff::between(before, after);
            (diff.added.len() as u64, diff.removed.len() as u64, diff.changed.len() as u64)
        }
        (None, Some(after)) => (after.user_count() as u64, 0, 0),
        (_, None) => (0, 0, 0),
    }
}

fn done(info: v1::SnapshotInfo, (added, removed, changed): (u64, u64, u64), dry_run: bool) -> Told {
    Told::Done(v1::ImportDone { snapshot: Some(info), added, removed, changed, dry_run })
}

async fn progress(answers: &Answers, stage: &str, bytes: usize) {
    let progress = v1::ImportProgress { stage: stage.to_owned(), bytes_received: bytes as u64 };
    // Somebody who no longer looks need not be told.
    let _ = answers.send(Ok(say(Told::Progress(progress)))).await;
}

fn say(step: Told) -> v1::ImportSnapshotResponse {
    v1::ImportSnapshotResponse { step: Some(step) }
}
