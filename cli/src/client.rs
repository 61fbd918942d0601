//! The connection to the daemon, and what its refusals to answer mean.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use hyper_util::rt::TokioIo;
use oam_proto::{limits, v1::admin_client::AdminClient};
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};
use tower::service_fn;

use crate::{
    exit::Exit,
    socket::{self, SocketError},
};

/// The admin service, over the daemon's socket.
pub type Admin = AdminClient<Channel>;

/// How long the daemon may take to accept the connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the daemon may take to begin to answer; streams may then go on for as long as they like.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Where to find the daemon.
#[derive(Debug, Clone, Default)]
pub struct Address {
    /// The socket; `None`: the first of the usual places.
    pub socket: Option<PathBuf>,
    /// A user, besides root and the caller, whose socket is trusted.
    pub trusted_owner: Option<u32>,
}

impl Address {
    /// Connects to the daemon.
    ///
    /// # Errors
    /// When there is no socket, nobody answers there, or it is not to be trusted.
    pub async fn connect(&self) -> Result<Admin, CallError> {
        let places = self.socket.clone().map_or_else(socket::usual_places, |path| vec![path]);
        let path = socket::find(&places)?;
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, connect(path, self.trusted_owner));
        let silent =
            |_| SocketError::Connect { path: path.to_owned(), source: io::ErrorKind::TimedOut.into() };
        connecting.await.map_err(silent)?
    }
}

async fn connect(path: &Path, trusted_owner: Option<u32>) -> Result<Admin, CallError> {
    let stream = Mutex::new(Some(socket::connect(path, trusted_owner).await?));
    // The very stream that was checked, and no second one: a reconnection would be to somebody unknown.
    let hand_over = service_fn(move |_| {
        let stream = stream.lock().ok().and_then(|mut stream| stream.take());
        std::future::ready(stream.map(TokioIo::new).ok_or(io::Error::from(io::ErrorKind::ConnectionReset)))
    });
    // The name is not looked up: the connection is there already.
    let endpoint = Endpoint::from_static("http://oamd").timeout(ANSWER_TIMEOUT);
    let channel = endpoint.connect_with_connector(hand_over).await;
    let channel = channel
        .map_err(|error| SocketError::Connect { path: path.to_owned(), source: io::Error::other(error) })?;
    Ok(Admin::new(channel).max_decoding_message_size(limits::MESSAGE_BYTES))
}

/// Why the daemon gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It was not reached.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// It said so.
    #[error("{}", said(.0))]
    Status(Box<Status>),
    /// The answer lacks what it must have, or ended early.
    #[error("the daemon's answer is not complete: {missing}")]
    Incomplete {
        /// What is missing.
        missing: &'static str,
    },
}

impl From<Status> for CallError {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl CallError {
    /// How `oam` ends with it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Socket(error) => error.exit(),
            Self::Status(status) => exit_of(status.code()),
            Self::Incomplete { .. } => Exit::Undecided,
        }
    }

    /// What to do; may be empty.
    pub fn help(&self) -> String {
        match self {
            Self::Socket(error) => error.help(),
            Self::Status(status) => help_of(status.code()).into(),
            Self::Incomplete { .. } => "`oam status` says what is in force now; see the log of oamd, and \
                                        whether `oam` and oamd are of one version"
                .into(),
        }
    }
}

fn exit_of(code: Code) -> Exit {
    match code {
        Code::Ok => Exit::Ok,
        Code::NotFound
        | Code::InvalidArgument
        | Code::FailedPrecondition
        | Code::AlreadyExists
        | Code::OutOfRange => Exit::No,
        Code::PermissionDenied | Code::Unauthenticated => Exit::NotAllowed,
        Code::Unavailable => Exit::Unreachable,
        Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss => Exit::Undecided,
    }
}

fn help_of(code: Code) -> &'static str {
    match code {
        Code::PermissionDenied | Code::Unauthenticated => {
            "ask whoever runs oamd to let you administer it; the attempt may have been recorded"
        }
        Code::Unavailable => "the daemon went away or is stopping; `oam status` says whether it is back",
        Code::Unimplemented => "the daemon does not know this call: is it older than this `oam`?",
        Code::Unknown | Code::Internal | Code::DataLoss => "see the log of oamd; `oam status` says how it is",
        Code::ResourceExhausted => "what was sent or asked for is too large for one message",
        Code::Cancelled | Code::DeadlineExceeded => {
            "the daemon did not answer in time; it may still do what was asked: see `oam status` and its log"
        }
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange => "",
    }
}

/// The daemon's own words, or the code's when it has none.
fn said(status: &Status) -> &str {
    if status.message().is_empty() { status.code().description() } else { status.message() }
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};

    use super::CallError;
    use crate::exit::Exit;

    #[test]
    fn no_and_undecided_and_unreachable_are_told_apart() {
        for (code, exit) in [
            (Code::NotFound, Exit::No),
            (Code::InvalidArgument, Exit::No),
            (Code::FailedPrecondition, Exit::No),
            (Code::PermissionDenied, Exit::NotAllowed),
            (Code::Unavailable, Exit::Unreachable),
            (Code::Internal, Exit::Undecided),
            (Code::DataLoss, Exit::Undecided),
        ] {
            assert_eq!(CallError::from(Status::new(code, "x")).exit(), exit, "{code:?}");
        }
    }

    #[test]
    fn an_empty_message_is_replaced_by_the_code_in_words() {
        assert_eq!(CallError::from(Status::not_found("")).to_string(), Code::NotFound.description());
    }
}
