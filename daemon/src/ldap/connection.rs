use std::{collections::VecDeque, fs, io, path::Path, time::Duration};

use oam_fetch::Secret;
use oam_ldap::{
    Entry, Message, ber,
    control::Ask,
    message::{Code, MAX_BYTES, Outcome, Response},
    request::{self, Search},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time,
};
use tokio_rustls::rustls::pki_types::ServerName;

use super::{LdapError, tls};
use crate::config::{LdapConfig, LdapSecurity, LdapServer};

/// How long a server may take to be reached.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may be silent while it is to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(30);
/// How many changes may wait while something is looked up.
const MAX_WAITING: usize = 100_000;
const READ: usize = 64 << 10;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection on which we are known.
pub(super) struct Connection {
    server: String,
    stream: Box<dyn Stream>,
    /// What was read; from `start` on it is not taken yet.
    buffer: Vec<u8>,
    start: usize,
    last_id: i32,
    /// What came while something else was looked up.
    waiting: VecDeque<Message>,
}

/// The password that a file holds.
fn password(file: &Path) -> Result<Secret, LdapError> {
    let fault = |detail: String| LdapError::Password { path: file.display().to_string(), detail };
    let text = Secret::new(fs::read_to_string(file).map_err(|error| fault(error.to_string()))?);
    // The line's end that editors leave is no part of it.
    let password = Secret::new(text.reveal().trim_end_matches(['\n', '\r']));
    // A bind with a name and no password succeeds, as nobody (RFC 4513, 5.1.2).
    if password.reveal().is_empty() { Err(fault("it is empty".into())) } else { Ok(password) }
}

impl Connection {
    /// A connection with the first server that answers.
    pub(super) async fn open(config: &LdapConfig) -> Result<Self, LdapError> {
        let password = password(&config.password_file)?;
        let mut failures = Vec::new();
        for server in &config.servers {
            let connected = async {
                let mut connection = Self::connect(server, config).await?;
                connection.bind(&config.bind_dn, &password).await?;
                Ok::<_, LdapError>(connection)
            };
            let server = server.to_string();
            match time::timeout(CONNECT, connected).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => failures.push(LdapError::Connect { server, detail: error.to_string() }),
                Err(_) => failures.push(LdapError::Connect {
                    server,
                    detail: format!("it has not answered for {} s", CONNECT.as_secs()),
                }),
            }
        }
        let told: Vec<_> = failures.iter().map(ToString::to_string).collect();
        match failures.pop() {
            Some(only) if failures.is_empty() => Err(only),
            _ => Err(LdapError::Unreachable(told.join("; "))),
        }
    }

    async fn connect(server: &LdapServer, config: &LdapConfig) -> Result<Self, LdapError> {
        let tcp = TcpStream::connect((server.host.as_str(), server.port))
            .await
            .map_err(|error| LdapError::Unreachable(error.to_string()))?;
        tcp.set_nodelay(true).map_err(|error| lost(&error))?;
        let mut plain = Self {
            server: server.to_string(),
            stream: Box::new(tcp),
            buffer: Vec::new(),
            start: 0,
            last_id: 0,
            waiting: VecDeque::new(),
        };
        match server.security {
            LdapSecurity::None => return Ok(plain),
            LdapSecurity::Ldaps => {}
            LdapSecurity::StartTls => {
                let id = plain.next_id();
                plain.send(&request::start_tls(id)).await?;
                let Response::Extended(outcome) = plain.answer(id).await?.response else {
                    return Err(LdapError::Unexpected("something else than an answer to StartTLS"));
                };
                granted("StartTLS", &outcome)?;
                if plain.start < plain.buffer.len() {
                    // Whatever came before TLS, anybody may have sent.
                    return Err(LdapError::Unexpected("more than an answer to StartTLS"));
                }
            }
        }
        let name = ServerName::try_from(server.host.clone())
            .map_err(|error| LdapError::Tls(format!("`{}`: {error}", server.host)))?;
        let stream = tls::connector(&config.ca)?.connect(name, plain.stream).await;
        let stream = stream.map_err(|error| LdapError::Tls(format!("TLS: {error}")))?;
        Ok(Self { stream: Box::new(stream), ..plain })
    }

    async fn bind(&mut self, dn: &str, password: &Secret) -> Result<(), LdapError> {
        let id = self.next_id();
        self.send(&request::bind(id, dn, password.reveal().as_bytes())).await?;
        let Response::Bind(outcome) = self.answer(id).await?.response else {
            return Err(LdapError::Unexpected("something else than an answer to a bind"));
        };
        granted("the bind", &outcome)
    }

    /// Whom we speak with.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    fn next_id(&mut self) -> i32 {
        // 0 is what the server uses when it was not asked.
        self.last_id = self.last_id.checked_add(1).unwrap_or(1);
        self.last_id
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), LdapError> {
        let sending = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match time::timeout(ANSWER, sending).await {
            Ok(sent) => sent.map_err(|error| lost(&error)),
            Err(_) => Err(LdapError::Silent(ANSWER)),
        }
    }

    /// Begins a search, whose answers come by [`Self::receive`] under this number.
    pub(super) async fn begin(
        &mut self,
        search: &Search<'_>,
        controls: &[Ask<'_>],
    ) -> Result<i32, LdapError> {
        let id = self.next_id();
        self.send(&request::search(id, search, controls)).await?;
        Ok(id)
    }

    /// The next message, whatever it belongs to. Nothing is lost when this is dropped.
    pub(super) async fn receive(&mut self) -> Result<Message, LdapError> {
        match self.waiting.pop_front() {
            Some(message) => Ok(message),
            None => self.read().await,
        }
    }

    async fn read(&mut self) -> Result<Message, LdapError> {
        loop {
            let unread = self.buffer.get(self.start..).unwrap_or_default();
            if let Some(length) = ber::framed(unread, MAX_BYTES)?
                && let Some(bytes) = unread.get(..length)
            {
                let message = Message::decode(bytes)?;
                self.start += length;
                if message.id == 0 {
                    let words = match &message.response {
                        Response::Extended(outcome) => outcome.to_string(),
                        _ => "it said something that nobody asked for".into(),
                    };
                    return Err(LdapError::Lost(words));
                }
                return Ok(message);
            }
            self.buffer.drain(..self.start);
            self.start = 0;
            self.buffer.reserve(READ);
            let read = self.stream.read_buf(&mut self.buffer).await.map_err(|error| lost(&error))?;
            if read == 0 {
                return Err(LdapError::Lost("the server closed it".into()));
            }
        }
    }

    /// The next message that belongs to `id`; what comes before it waits.
    async fn answer(&mut self, id: i32) -> Result<Message, LdapError> {
        loop {
            let message =
                time::timeout(ANSWER, self.read()).await.map_err(|_| LdapError::Silent(ANSWER))??;
            if message.id == id {
                return Ok(message);
            }
            if self.waiting.len() >= MAX_WAITING {
                return Err(LdapError::TooMuch { what: "changes at once", limit: MAX_WAITING });
            }
            self.waiting.push_back(message);
        }
    }

    /// What came of this search while something else was looked up, in the order in which it came.
    pub(super) fn waiting_of(&mut self, id: i32) -> VecDeque<Message> {
        let all = std::mem::take(&mut self.waiting);
        let (of_it, others): (VecDeque<_>, VecDeque<_>) =
            all.into_iter().partition(|message| message.id == id);
        self.waiting = others;
        of_it
    }

    /// Looks for objects; tells how it ended. References to other servers are not followed.
    pub(super) async fn search(
        &mut self,
        search: &Search<'_>,
        controls: &[Ask<'_>],
        mut found: impl FnMut(Entry) -> Result<(), LdapError>,
    ) -> Result<(Outcome, Message), LdapError> {
        let id = self.begin(search, controls).await?;
        loop {
            let mut message = self.answer(id).await?;
            match &mut message.response {
                Response::Entry(entry) => found(std::mem::take(entry))?,
                Response::Reference | Response::Intermediate { .. } => {}
                Response::Done(outcome) => return Ok((outcome.clone(), message)),
                Response::Bind(_) | Response::Extended(_) => {
                    return Err(LdapError::Unexpected("something else than an answer to a search"));
                }
            }
        }
    }

    /// Says goodbye; whether it is heard does not matter.
    pub(super) async fn close(mut self) {
        let id = self.next_id();
        let _ = self.send(&request::unbind(id)).await;
    }
}

/// Makes sure that the server did what it was asked.
pub(super) fn granted(what: &'static str, outcome: &Outcome) -> Result<(), LdapError> {
    if outcome.code == Code::SUCCESS {
        return Ok(());
    }
    let hint = match outcome.code {
        Code::SIZE_LIMIT_EXCEEDED => {
            ". Let the bind account read without a limit (OpenLDAP: `limits dn.exact=\"…\" size=unlimited time=unlimited`)"
        }
        Code::INVALID_CREDENTIALS => ". Look at `bind_dn` and at what the password file holds",
        Code::NO_SUCH_OBJECT => ". Look at the base, and at what the bind account may see",
        Code(12) => {
            ". The server does not do what its `flavour` promises, or does not let this account do it"
        }
        _ => "",
    };
    Err(LdapError::Refused { what, outcome: outcome.to_string(), hint })
}

fn lost(error: &io::Error) -> LdapError {
    LdapError::Lost(error.to_string())
}
