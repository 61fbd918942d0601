//! `oam snapshot import`.

use oam_proto::v1::{ImportSnapshotResponse, import_snapshot_response::Step};
use tonic::Streaming;

use super::{
    Import,
    send::{Source, To},
};
use crate::{
    client::{Admin, CallError},
    command::{Context, Ending},
    exit::Exit,
    failure::Failure,
    output::{Progress, faults, import},
};

/// Sends the file, and prints what came of it.
pub(super) async fn run(command: Import, context: &mut Context) -> Ending {
    let source = Source::open(&command.file)?;
    let name = source.name.clone();
    let mut admin = context.address.connect().await?;
    let progress = Progress::of_bytes(source.size.unwrap_or(0), context.terminal.shows_progress());
    let reason = command.reason.unwrap_or_default();
    let to = To { source: command.source.unwrap_or_default(), reason, dry_run: command.dry_run };
    let outcome = send(&mut admin, source, to, &progress).await?;
    drop(progress);

    match outcome {
        Step::Done(done) => {
            let text = |page: &_| import::done_text(&done, &name, page);
            context.terminal.answer(&import::done_json(&done), text)?;
            Ok(Exit::Ok)
        }
        Step::Faults(found) => {
            let text = |page: &_| faults::text(&found, "nothing was changed.", page);
            context.terminal.answer(&import::faults_json(&found, command.dry_run), text)?;
            Ok(Exit::No)
        }
        Step::Progress(_) => Err(CallError::Incomplete { missing: "what came of the import" }.into()),
    }
}

/// Sends the file, and waits for the message that says what came of it.
async fn send(admin: &mut Admin, source: Source, to: To, progress: &Progress) -> Result<Step, Failure> {
    let (messages, mut failing) = source.send(to);
    let answer = async {
        let responses = admin.import_snapshot(messages).await?.into_inner();
        outcome(responses, progress).await
    };
    // Whichever comes first; a failure drops the call, which the daemon sees as broken off.
    tokio::select! {
        answer = answer => answer,
        (failure, _open) = failing.failed() => Err(failure),
    }
}

async fn outcome(
    mut responses: Streaming<ImportSnapshotResponse>,
    progress: &Progress,
) -> Result<Step, Failure> {
    while let Some(response) = responses.message().await? {
        match response.step {
            Some(Step::Progress(step)) => progress.reached(&step.stage, step.bytes_received),
            Some(outcome) => return Ok(outcome),
            None => {}
        }
    }
    Err(CallError::Incomplete { missing: "what came of the import" }.into())
}
