use std::{
    collections::VecDeque,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use oam_fetch::{Answer, Call, Client, Form, Method, Network, RootsError, Secret, StatusCode, WebUrl};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::time;

use crate::{
    error::{Error, Problem},
    own::Own,
};

/// How many things are asked for at once.
pub const PER_PAGE: u32 = 100;
/// How many things a list may have in all.
const AT_MOST: usize = 200_000;
/// How often something is asked when there is too much asking, unless told otherwise.
const PATIENCE: u32 = 6;
/// How long it is waited then, unless Bitbucket says; it doubles each time.
const PAUSE: Duration = Duration::from_millis(250);
/// How long is waited at most, whatever Bitbucket says.
const PAUSE_AT_MOST: Duration = Duration::from_secs(10);

/// Where most of the API lies.
pub(crate) const API: &str = "/rest/api/latest";
/// Where branches are deleted.
pub(crate) const BRANCHES: &str = "/rest/branch-utils/latest";

/// One Bitbucket, asked by one user.
#[derive(Debug, Clone)]
pub struct Bitbucket {
    client: Client,
    base: WebUrl,
    token: Secret,
    patience: u32,
    /// How often it was asked, by this and all clones.
    asked: Arc<AtomicU64>,
    /// Whose token it is, as this and all clones were told.
    pub(crate) own: Arc<Own>,
}

/// One thing to ask: what it is for, and how.
pub(crate) struct Ask {
    doing: String,
    method: Method,
    path: String,
    query: Form,
    body: Body,
}

enum Body {
    None,
    Json(serde_json::Value),
    /// JSON of a type of its own.
    Typed(&'static str, serde_json::Value),
    /// Its type, with the boundary, and the parts.
    Multipart(String, Vec<u8>),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    values: VecDeque<T>,
    is_last_page: bool,
    next_page_start: Option<u64>,
}

impl Bitbucket {
    /// The Bitbucket at `base`, whose host lies in `network` and shows a certificate of an authority in `ca`, or else
    /// of one of the system's.
    ///
    /// # Errors
    /// When there are no authorities to believe.
    pub fn new(base: WebUrl, token: Secret, network: Network, ca: Option<&Path>) -> Result<Self, RootsError> {
        let client = Client::new(network, ca)?;
        Ok(Self { client, base, token, patience: PATIENCE, asked: Arc::default(), own: Arc::default() })
    }

    /// The same, for somebody who is waiting: what may not be asked now is not asked again.
    #[must_use]
    pub fn impatient(self) -> Self {
        Self { patience: 1, ..self }
    }

    /// How many requests were made.
    pub fn requests(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Its address.
    pub fn base(&self) -> &WebUrl {
        &self.base
    }

    /// Asks, and reads the answer.
    pub(crate) async fn read<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, Error> {
        let answer = self.answer(&ask).await.map_err(|problem| ask.failed(problem))?;
        answer.said().map_err(|error| ask.failed(Problem::Strange(error.to_string())))
    }

    /// Asks, and is content with a good answer whatever it says.
    pub(crate) async fn done(&self, ask: Ask) -> Result<(), Error> {
        self.answer(&ask).await.map(|_| ()).map_err(|problem| ask.failed(problem))
    }

    /// Asks, and gives the answer as it is.
    pub(crate) async fn bytes(&self, ask: &Ask) -> Result<Vec<u8>, Error> {
        let answer = self.answer(ask).await.map_err(|problem| ask.failed(problem))?;
        Ok(answer.body.to_vec())
    }

    /// Asks for a list, page by page.
    pub(crate) async fn list<T: DeserializeOwned>(&self, ask: Ask) -> Result<Vec<T>, Error> {
        Ok(self.list_of(ask, AT_MOST).await?.0)
    }

    /// The same, of a list that has no more than so many, with whether it was all on one page.
    pub(crate) async fn list_of<T: DeserializeOwned>(
        &self,
        ask: Ask,
        at_most: usize,
    ) -> Result<(Vec<T>, bool), Error> {
        let mut all = Vec::new();
        let mut start = 0;
        loop {
            let query = ask.query.clone().with("start", &format!("{start}"));
            let query = query.with("limit", &PER_PAGE.to_string());
            let page = Ask { doing: ask.doing.clone(), path: ask.path.clone(), query, ..Ask::get("", "") };
            let Page { values, is_last_page, next_page_start } = self.read(page).await?;
            all.extend(values);
            let strange = |what: &str| Err(ask.failed(Problem::Strange(what.to_owned())));
            match next_page_start {
                _ if all.len() > at_most => return strange(&format!("the list has more than {at_most}")),
                _ if is_last_page => return Ok((all, start == 0)),
                Some(next) if next > start => start = next,
                _ => return strange("a page that is not the last one names no next one"),
            }
        }
    }

    /// Asks for a list, and takes the first of it.
    pub(crate) async fn first<T: DeserializeOwned>(&self, ask: Ask) -> Result<Option<T>, Error> {
        let Page { mut values, .. } = self.read(ask.with("start", "0").with("limit", "1")).await?;
        Ok(values.pop_front())
    }

    async fn answer(&self, ask: &Ask) -> Result<Answer, Problem> {
        let mut pause = PAUSE;
        for asked in 1..=self.patience {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let answer = self.client.call(&self.call(ask)?).await?;
            if answer.status != StatusCode::TOO_MANY_REQUESTS {
                return if answer.status.is_success() {
                    self.own.note(&answer);
                    Ok(answer)
                } else {
                    Err(Problem::of(answer.status, &answer.body))
                };
            }
            // Nothing was done, so it may be asked again whatever it is.
            if asked < self.patience {
                time::sleep(answer.retry_after.unwrap_or(pause).min(PAUSE_AT_MOST)).await;
                pause *= 2;
            }
        }
        Err(Problem::Busy)
    }

    fn call(&self, ask: &Ask) -> Result<Call, Problem> {
        let strange = |error: oam_fetch::UrlError| Problem::NoAnswer(error.into());
        let url = self.base.below(&ask.path).map_err(strange)?.with_query(&ask.query).map_err(strange)?;
        let call = Call::new(ask.method.clone(), url).bearer(self.token.clone());
        Ok(match &ask.body {
            Body::None => call,
            Body::Json(value) => call.json(value)?,
            Body::Typed(kind, value) => call.body((*kind).to_owned(), value.to_string().into_bytes()),
            // Bitbucket takes forms only from those who say that they are no browser led astray.
            Body::Multipart(kind, parts) => {
                call.header("x-atlassian-token", "no-check").body(kind.clone(), parts.clone())
            }
        })
    }
}

impl Ask {
    /// Reads what lies at `path`.
    pub(crate) fn get(doing: impl Into<String>, path: impl Into<String>) -> Self {
        Self::by(Method::GET, doing, path)
    }

    /// Asks by any method.
    pub(crate) fn by(method: Method, doing: impl Into<String>, path: impl Into<String>) -> Self {
        Self { doing: doing.into(), method, path: path.into(), query: Form::new(), body: Body::None }
    }

    /// With one more parameter.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        Self { query: self.query.with(name, value), ..self }
    }

    /// Sends JSON.
    pub(crate) fn json(self, value: &impl Serialize) -> Self {
        Self { body: Body::Json(serde_json::to_value(value).unwrap_or_default()), ..self }
    }

    /// Sends JSON that is of a type of its own.
    pub(crate) fn json_as(self, kind: &'static str, value: &serde_json::Value) -> Self {
        Self { body: Body::Typed(kind, value.clone()), ..self }
    }

    /// Sends the fields of a form, one of which is a file (RFC 7578).
    pub(crate) fn multipart(
        self,
        boundary: &str,
        fields: &[(&str, &str)],
        file: (&str, &str, &[u8]),
    ) -> Self {
        let mut parts = Vec::new();
        for (name, value) in fields {
            let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            parts.extend_from_slice(head.as_bytes());
            parts.extend_from_slice(value.as_bytes());
            parts.extend_from_slice(b"\r\n");
        }
        let (field, name, content) = file;
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        parts.extend_from_slice(head.as_bytes());
        parts.extend_from_slice(content);
        parts.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={boundary}");
        Self { body: Body::Multipart(kind, parts), ..self }
    }

    /// What went wrong with it.
    pub(crate) fn failed(&self, problem: Problem) -> Error {
        Error { doing: self.doing.clone(), problem }
    }
}
