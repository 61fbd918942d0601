//! The directory in force: one writer, and readers that never wait.
//!
//! In flow deliveries of sources and commands of administrators, one at a time through [`DirectoryWriter`]; out flows
//! an immutable [`Loaded`] that every reader of [`DirectoryReader`] takes without a lock.
//!
//! A change is answered when it is recorded, durable and in force, in this order. One that cannot be recorded or
//! stored changes nothing. The exception is cutting somebody off: that is in force at once whatever fails, the caller
//! is told what is still missing, and it is tried again until it is done. Nothing that could give access goes before
//! what is still missing.
//!
//! It must never give somebody access before that is recorded and durable, lose a revocation to an import or a
//! rollback, or make a revocation wait for the building of a large directory.

mod backlog;
mod change;
mod reader;
#[cfg(test)]
mod tests;
mod worker;
mod writer;

use std::sync::Arc;

use oam_audit::entry::Event;
use tokio::{runtime::Handle, sync::mpsc};

pub use change::{By, ChangeError, Changed, StillMissing};
pub use reader::DirectoryReader;
pub use writer::DirectoryWriter;

use crate::store::{Loaded, Store};
use worker::Worker;

/// How many commands may wait. Whoever comes later waits for room.
const QUEUE: usize = 64;

/// Records an event durably; it blocks, and says in words why it could not. Called from the writer's thread, outside
/// of the async runtime.
pub type Record = Box<dyn FnMut(Event) -> Result<(), String> + Send>;

/// Starts the writer's thread, which owns the store until every [`DirectoryWriter`] is dropped. Must be called inside
/// of a tokio runtime with time.
///
/// `loaded` is what the store held when it was opened.
///
/// # Errors
/// When no thread can be had.
pub fn start(
    store: Store,
    loaded: Option<Loaded>,
    record: Record,
) -> std::io::Result<(DirectoryWriter, DirectoryReader)> {
    let reader = DirectoryReader::new(loaded.map(Arc::new), store.history());
    let (queue, commands) = mpsc::channel(QUEUE);
    let worker = Worker::new(store, record, reader.clone());
    let runtime = Handle::current();
    std::thread::Builder::new().name("directory".into()).spawn(move || worker.run(&runtime, commands))?;
    Ok((DirectoryWriter::new(queue, reader.clone()), reader))
}
