use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use oam_policy::printable::Printable;
use oam_proto::v1::authorizer_client::AuthorizerClient;
use thiserror::Error;
use tonic::{Status, transport::Channel};

use super::Record;

/// How a record ends that is none: it is kept for people, and not tried again.
const BAD_SUFFIX: &str = "bad";

/// What became of the records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    /// How many the daemon has now.
    pub sent: usize,
    /// How many were set aside because they are no records.
    pub set_aside: usize,
}

/// Why the delivery stopped. What was not sent stays where it is.
#[derive(Debug, Error)]
pub enum DeliverError {
    /// A record cannot be read or removed.
    #[error("the record `{}`: {error}", Printable::new(path.as_os_str().as_encoded_bytes()))]
    File {
        /// The record.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The daemon did not take it.
    #[error("the daemon did not take the record `{}`: {}", Printable::new(path.as_os_str().as_encoded_bytes()), Printable::new(status.message()))]
    Daemon {
        /// The record.
        path: PathBuf,
        /// What the daemon said.
        status: Box<Status>,
    },
}

/// Sends records to a daemon, each removed once the daemon has it. Sending one twice does no harm.
///
/// # Errors
/// At the first that cannot be read, sent or removed.
pub async fn deliver(channel: Channel, records: &[PathBuf]) -> Result<Delivered, DeliverError> {
    let mut client = AuthorizerClient::new(channel);
    let mut delivered = Delivered::default();
    for path in records {
        let failed = |error| DeliverError::File { path: path.clone(), error };
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            // Another hook was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        let Some(record) = Record::decode(path, &bytes) else {
            fs::rename(path, path.with_extension(BAD_SUFFIX)).map_err(failed)?;
            delivered.set_aside += 1;
            continue;
        };
        let refused = |status| DeliverError::Daemon { path: path.clone(), status: Box::new(status) };
        match record {
            Record::Unchecked(push) => client.deliver_spooled(push).await.map(drop).map_err(refused)?,
            Record::Applied(push) => client.report_applied(push).await.map(drop).map_err(refused)?,
        }
        remove(path).map_err(failed)?;
        delivered.sent += 1;
    }
    Ok(delivered)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
