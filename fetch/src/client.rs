use std::{path::Path, time::Duration};

use http::{HeaderMap, Method, Request, StatusCode, header, request};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time,
};

use crate::{
    Call, ConnectError, Form, Network, RootsError, UrlError, WebUrl,
    authorities::Authorities,
    connect::{self, Connection},
};

/// How long one request may take, with all that belongs to it, unless told otherwise.
const TIME: Duration = Duration::from_secs(10);
/// How large an answer may be, unless told otherwise.
const BYTES: usize = 512 * 1024;
/// How a form is sent.
const FORM: &str = "application/x-www-form-urlencoded";
/// How many redirects are followed, all on one host.
const REDIRECTS: usize = 3;

/// Asks hosts over HTTP, within bounds.
#[derive(Debug, Clone)]
pub struct Client {
    network: Network,
    tls: Option<Authorities>,
    time: Duration,
    bytes: usize,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body. It may hold secrets: a token, for one.
    pub body: Bytes,
    /// How long the other side wants to be left alone.
    pub retry_after: Option<Duration>,
    headers: HeaderMap,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum FetchError {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It took too long.
    #[error("no whole answer within {} seconds", .0.as_secs())]
    Time(Duration),
    /// The answer is too large.
    #[error("the answer is larger than {} KiB", .0 / 1024)]
    Size(usize),
    /// It sent us elsewhere.
    #[error("it redirects to `{}`, and only redirects on the same host are followed", .0.escape_debug())]
    Redirect(String),
    /// Too often on.
    #[error("it redirects again and again")]
    Redirects,
    /// It is no HTTP.
    #[error("the other side does not speak HTTP as it should: {0}")]
    Http(#[source] hyper::Error),
    /// The request cannot be written.
    #[error("the request cannot be written: {0}")]
    Request(#[from] http::Error),
    /// The answer is another than was asked for.
    #[error("the answer is {0}")]
    Status(StatusCode),
    /// It is no JSON of the right shape. What it says is not repeated, for it may be secret.
    #[error("the answer is not JSON of the right shape (line {line}, column {column})")]
    Json {
        /// Where.
        line: usize,
        /// Where.
        column: usize,
    },
    /// What is to be sent cannot be written.
    #[error("the request cannot be written: {0}")]
    Unwritable(String),
    /// It names a URL that is none.
    #[error(transparent)]
    Url(#[from] UrlError),
}

impl Client {
    /// Asks hosts in `network`, and believes the authorities of certificates in `ca`, or else the system's. Another file that is
    /// put in the place of `ca` counts from the next request on.
    ///
    /// # Errors
    /// When there are no authorities to believe. On a machine without any, `network` may still be loopback.
    pub fn new(network: Network, ca: Option<&Path>) -> Result<Self, RootsError> {
        let tls = match (Authorities::open(ca), network) {
            (Ok(tls), _) => Some(tls),
            (Err(RootsError::None { .. }), Network::Loopback) if ca.is_none() => None,
            (Err(error), _) => return Err(error),
        };
        Ok(Self { network, tls, time: TIME, bytes: BYTES })
    }

    /// With other bounds for each request: for lists that are longer than what people send, and for a host that answers when it
    /// has something to say.
    #[must_use]
    pub fn bounded(self, time: Duration, bytes: usize) -> Self {
        Self { time, bytes, ..self }
    }

    /// Reads what lies at `url`, and follows redirects on its host.
    ///
    /// # Errors
    /// When there is no whole answer in time.
    pub async fn get(&self, url: &WebUrl) -> Result<Answer, FetchError> {
        self.in_time(self.follow(url)).await
    }

    /// Sends a form to `url`. Redirects are not followed: what is sent may be secret.
    ///
    /// # Errors
    /// When there is no whole answer in time.
    pub async fn post(&self, url: &WebUrl, form: &Form) -> Result<Answer, FetchError> {
        let request = request(Method::POST, url).header(header::CONTENT_TYPE, FORM);
        self.send(url, with_body(request, form.encoded())?).await
    }

    /// Sends JSON to `url`, with these headers besides. Redirects are not followed.
    ///
    /// # Errors
    /// When there is no whole answer in time.
    pub async fn post_json(
        &self,
        url: &WebUrl,
        headers: &[(&'static str, String)],
        json: &str,
    ) -> Result<Answer, FetchError> {
        let request = request(Method::POST, url).header(header::CONTENT_TYPE, "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        self.send(url, with_body(request, json)?).await
    }

    async fn send(&self, url: &WebUrl, request: Request<Full<Bytes>>) -> Result<Answer, FetchError> {
        self.in_time(async { self.once(url, request).await?.whole() }).await
    }

    /// Makes a call of an API. Redirects are not followed: what is sent may be secret.
    ///
    /// # Errors
    /// When there is no whole answer in time.
    pub async fn call(&self, call: &Call) -> Result<Answer, FetchError> {
        self.in_time(async {
            let request = call.written(request(call.method().clone(), call.url()))?;
            self.once(call.url(), request).await?.whole()
        })
        .await
    }

    async fn in_time<T>(&self, asked: impl Future<Output = Result<T, FetchError>>) -> Result<T, FetchError> {
        time::timeout(self.time, asked).await.map_err(|_| FetchError::Time(self.time))?
    }

    async fn follow(&self, url: &WebUrl) -> Result<Answer, FetchError> {
        let mut at = url.clone();
        for _ in 0..=REDIRECTS {
            match self.once(&at, with_body(request(Method::GET, &at), "")?).await? {
                Reply::Whole(answer) => return Ok(answer),
                Reply::Elsewhere(location) => match at.to(&location) {
                    Ok(next) if next.same_origin(url) => at = next,
                    _ => return Err(FetchError::Redirect(location)),
                },
            }
        }
        Err(FetchError::Redirects)
    }

    async fn once(&self, url: &WebUrl, request: Request<Full<Bytes>>) -> Result<Reply, FetchError> {
        let tls = self.tls.as_ref().map(Authorities::current);
        match connect::connect(url, self.network, tls.as_ref()).await? {
            Connection::Plain(stream) => speak(stream, request, self.bytes).await,
            Connection::Tls(stream) => speak(*stream, request, self.bytes).await,
        }
    }
}

/// What every request says.
fn request(method: Method, url: &WebUrl) -> request::Builder {
    Request::builder()
        .method(method)
        .uri(url.path_and_query())
        .header(header::HOST, url.authority())
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, concat!("oam/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
}

fn with_body(request: request::Builder, body: &str) -> Result<Request<Full<Bytes>>, FetchError> {
    Ok(request.body(Full::new(Bytes::copy_from_slice(body.as_bytes())))?)
}

enum Reply {
    Whole(Answer),
    Elsewhere(String),
}

impl Reply {
    fn whole(self) -> Result<Answer, FetchError> {
        match self {
            Self::Whole(answer) => Ok(answer),
            Self::Elsewhere(location) => Err(FetchError::Redirect(location)),
        }
    }
}

/// `Retry-After` in seconds; as a date, which nobody limits rates with, it says nothing.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

async fn speak<S>(stream: S, request: Request<Full<Bytes>>, bytes: usize) -> Result<Reply, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http1::Builder::new().handshake(TokioIo::new(stream)).await.map_err(FetchError::Http)?;
    // Ends with this call: the task is dropped where the answer is.
    let _connection = tokio::task::JoinSet::from_iter([connection]);
    let response = sender.send_request(request).await.map_err(FetchError::Http)?;
    let (head, body) = response.into_parts();
    if head.status.is_redirection() && head.status != StatusCode::NOT_MODIFIED {
        let location = head.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        return Ok(Reply::Elsewhere(location.unwrap_or_default().to_owned()));
    }
    let body = Limited::new(body, bytes).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            return FetchError::Size(bytes);
        }
        match error.downcast::<hyper::Error>() {
            Ok(error) => FetchError::Http(*error),
            Err(_) => FetchError::Size(bytes),
        }
    })?;
    let retry_after = retry_after(&head.headers);
    Ok(Reply::Whole(Answer {
        status: head.status,
        body: body.to_bytes(),
        retry_after,
        headers: head.headers,
    }))
}

impl Answer {
    /// Every value of a header that is text.
    pub fn header(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
    }

    /// What a good answer says.
    ///
    /// # Errors
    /// When the answer is another one, or not JSON of this shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, FetchError> {
        if self.status != StatusCode::OK {
            return Err(FetchError::Status(self.status));
        }
        self.said()
    }

    /// What it says, whatever its status.
    ///
    /// # Errors
    /// When it is not JSON of this shape.
    pub fn said<T: DeserializeOwned>(&self) -> Result<T, FetchError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| FetchError::Json { line: error.line(), column: error.column() })
    }
}

#[cfg(test)]
mod tests;
