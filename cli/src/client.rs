//! The connection to the daemon, and what its refusals to answer mean.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use hyper_util::rt::TokioIo;
use oam_fetch::Secret;
use oam_proto::{
    limits,
    v1::{admin_client::AdminClient, identity_client::IdentityClient},
};
use tonic::{
    Code, Status,
    service::interceptor::InterceptedService,
    transport::{Channel, Endpoint},
};
use tower::service_fn;

use crate::{
    exit::Exit,
    remote::{Bearer, Remote, RemoteError},
    signin::{Sessions, SignInError},
    socket::{self, SocketError},
};

/// A connection to the daemon, with the token of whoever signed in.
type Line = InterceptedService<Channel, Bearer>;
/// The admin service, over the daemon's socket or from another host.
pub type Admin = AdminClient<Line>;
/// The service that says who somebody is.
pub type Identity = IdentityClient<Line>;

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
    /// A daemon on another host, in place of the socket.
    pub remote: Option<Remote>,
}

impl Address {
    /// Connects to the daemon.
    ///
    /// # Errors
    /// When there is no socket, nobody answers there, or it is not to be trusted; for a daemon on another host, when
    /// nobody is signed in there.
    pub async fn connect(&self) -> Result<Admin, CallError> {
        let line = self.line(self.token().await?).await?;
        Ok(Admin::new(line).max_decoding_message_size(limits::MESSAGE_BYTES))
    }

    /// As [`Address::connect`], to ask who one is.
    ///
    /// # Errors
    /// As there.
    pub async fn identity(&self) -> Result<Identity, CallError> {
        Ok(Identity::new(self.line(self.token().await?).await?))
    }

    /// As [`Address::identity`], before anybody is signed in.
    ///
    /// # Errors
    /// When the daemon is not reached.
    pub async fn identity_without_token(&self) -> Result<Identity, CallError> {
        Ok(Identity::new(self.line(Bearer::default()).await?))
    }

    /// As [`Address::identity`], with a token that is not kept yet.
    ///
    /// # Errors
    /// When the daemon is not reached.
    pub async fn identity_with(&self, token: &Secret) -> Result<Identity, CallError> {
        Ok(Identity::new(self.line(bearer(token)?).await?))
    }

    /// The token for a daemon on another host; over the socket, the kernel vouches for the caller.
    async fn token(&self) -> Result<Bearer, CallError> {
        let Some(remote) = &self.remote else { return Ok(Bearer::default()) };
        bearer(Sessions::of_caller()?.current(&remote.url).await?.token())
    }

    async fn line(&self, bearer: Bearer) -> Result<Line, CallError> {
        let channel = match &self.remote {
            Some(remote) => remote.connect().await?,
            None => self.over_socket().await?,
        };
        Ok(InterceptedService::new(channel, bearer))
    }

    async fn over_socket(&self) -> Result<Channel, CallError> {
        let places = self.socket.clone().map_or_else(socket::usual_places, |path| vec![path]);
        let path = socket::find(&places)?;
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, connect(path, self.trusted_owner));
        let silent =
            |_| SocketError::Connect { path: path.to_owned(), source: io::ErrorKind::TimedOut.into() };
        connecting.await.map_err(silent)?
    }
}

fn bearer(token: &Secret) -> Result<Bearer, CallError> {
    Ok(Bearer::new(token).ok_or(SignInError::Mismatch("its token cannot be sent"))?)
}

async fn connect(path: &Path, trusted_owner: Option<u32>) -> Result<Channel, CallError> {
    let stream = Mutex::new(Some(socket::connect(path, trusted_owner).await?));
    // The very stream that was checked, and no second one: a reconnection would be to somebody unknown.
    let hand_over = service_fn(move |_| {
        let stream = stream.lock().ok().and_then(|mut stream| stream.take());
        std::future::ready(stream.map(TokioIo::new).ok_or(io::Error::from(io::ErrorKind::ConnectionReset)))
    });
    // The name is not looked up: the connection is there already.
    let endpoint = Endpoint::from_static("http://oamd").timeout(ANSWER_TIMEOUT);
    let channel = endpoint.connect_with_connector(hand_over).await;
    let failed = |error| SocketError::Connect { path: path.to_owned(), source: io::Error::other(error) };
    Ok(channel.map_err(failed)?)
}

/// Why the daemon gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It was not reached.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// On another host, it was not reached.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// Nobody is signed in there.
    #[error(transparent)]
    SignIn(#[from] SignInError),
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
            Self::Remote(error) => error.exit(),
            Self::SignIn(error) => error.exit(),
            Self::Status(status) => exit_of(status.code()),
            Self::Incomplete { .. } => Exit::Undecided,
        }
    }

    /// What to do; may be empty.
    pub fn help(&self) -> String {
        match self {
            Self::Socket(error) => error.help(),
            Self::Remote(error) => error.help().into(),
            Self::SignIn(error) => error.help().into(),
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
        Code::PermissionDenied => {
            "`oam whoami` says who you are to the daemon, and what you hold; the attempt may have been recorded"
        }
        Code::Unauthenticated => "`oam login` signs you in; `oam whoami` says who you are to the daemon",
        Code::Unavailable => "the daemon went away or is stopping; `oam status` says whether it is back",
        Code::Unimplemented => "the daemon does not know this call: is it older than this `oam`?",
        Code::Unknown | Code::Internal | Code::DataLoss => "see the log of oamd; `oam status` says how it is",
        Code::ResourceExhausted => {
            "what was sent or asked for is too large for one message, or others ask for the like: ask again later"
        }
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
