//! One request to a witness, over HTTP/1.1.

use std::{io, time::Duration};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, StatusCode, Uri, body::Bytes, header};
use hyper_util::rt::TokioIo;
use oam_policy::printable::Printable;
use tokio::{net::TcpStream, time};

/// How long a witness may take for everything.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than this is not an answer of a witness.
const ANSWER_BYTES: usize = 16 << 10;

/// What a witness answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Lines of signatures.
    Cosigned(String),
    /// It has seen a checkpoint of another size last.
    OtherSize(u64),
    /// Anything else.
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it says, in short.
        reason: String,
    },
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("it cannot be reached: {0}; is it running, and is the address right?")]
    Connect(#[source] io::Error),
    #[error("it does not answer as a witness does: {0}")]
    Http(String),
    #[error("it has not answered within {} seconds", PATIENCE.as_secs())]
    Silent,
}

/// Host, port and path of a witness's submission prefix.
pub(super) fn address(url: &str) -> Result<(String, u16, String), &'static str> {
    const WRONG: &str = "a witness is given as `http://HOST:PORT`, with a path if it has one; what it says is signed, so there is no TLS";
    let uri: Uri = url.parse().map_err(|_| WRONG)?;
    if uri.scheme_str() != Some("http") || uri.query().is_some() {
        return Err(WRONG);
    }
    let host = uri.host().filter(|host| !host.is_empty()).ok_or(WRONG)?;
    Ok((
        host.trim_matches(['[', ']']).to_owned(),
        uri.port_u16().unwrap_or(80),
        uri.path().trim_end_matches('/').to_owned(),
    ))
}

/// Submits a checkpoint.
pub(super) async fn add_checkpoint(url: &str, body: String) -> Result<Answer, ClientError> {
    time::timeout(PATIENCE, submit(url, body)).await.unwrap_or(Err(ClientError::Silent))
}

async fn submit(url: &str, body: String) -> Result<Answer, ClientError> {
    let http = |error: &dyn std::fmt::Display| ClientError::Http(error.to_string());
    let (host, port, path) = address(url).map_err(|error| http(&error))?;
    let stream = TcpStream::connect((host.as_str(), port)).await.map_err(ClientError::Connect)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| http(&error))?;
    let connection = tokio::spawn(connection);
    let request = Request::post(format!("{path}/add-checkpoint"))
        .header(header::HOST, format!("{host}:{port}"))
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| http(&error))?;
    let response = sender.send_request(request).await.map_err(|error| http(&error))?;
    let status = response.status();
    let bytes =
        Limited::new(response.into_body(), ANSWER_BYTES).collect().await.map_err(|error| http(&error))?;
    connection.abort();
    let text = String::from_utf8_lossy(&bytes.to_bytes()).into_owned();
    Ok(match status {
        StatusCode::OK => Answer::Cosigned(text),
        StatusCode::CONFLICT => match text.trim_end().parse() {
            Ok(size) => Answer::OtherSize(size),
            Err(_) => refused(status, &text),
        },
        status => refused(status, &text),
    })
}

fn refused(status: StatusCode, text: &str) -> Answer {
    let first: String = text.lines().next().unwrap_or_default().chars().take(200).collect();
    Answer::Refused { status: status.as_u16(), reason: Printable::new(first.as_bytes()).to_string() }
}
