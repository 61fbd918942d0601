use std::time::Duration;

use oam_fetch::{Answer, Call, Client, Method, Secret, StatusCode, WebUrl};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time;

use crate::{
    config::EntraConfig,
    pull::{
        PullError,
        grant::{Grant, Wanted},
        http::{self, Trail},
    },
};

/// How often something is asked again when there is too much asking, and how long is waited at least.
const PATIENCE: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);
/// How long is waited at most, whatever Graph says.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// Whoever asks.
pub(super) struct Asking {
    config: EntraConfig,
    client: Option<Client>,
    grant: Grant,
    /// How often something is asked again when there is too much asking.
    patience: u32,
}

/// A page of a list; of a delta, with where it goes on.
#[derive(Debug, Deserialize)]
pub(super) struct DeltaPage<T> {
    value: Vec<T>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    delta: Option<String>,
}

/// Where a delta goes on.
pub(super) enum GoingOn {
    /// On the next page.
    Page(String),
    /// That was all: from there changes are told.
    Changes(String),
}

/// Whether a text is an id as Graph has them, and no more than one step of a path.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl<T> DeltaPage<T> {
    /// What is on it, and where it goes on.
    pub(super) fn parts(self, what: &str) -> Result<(Vec<T>, GoingOn), PullError> {
        match (self.next, self.delta) {
            (Some(next), None) => Ok((self.value, GoingOn::Page(next))),
            (None, Some(delta)) => Ok((self.value, GoingOn::Changes(delta))),
            _ => {
                let detail = "a page names neither the next one nor from where changes are told, or both";
                Err(PullError::Strange { what: what.to_owned(), detail })
            }
        }
    }

    /// What is on it, and the next page of a list that is no delta.
    pub(super) fn listed(self) -> (Vec<T>, Option<String>) {
        (self.value, self.next)
    }
}

impl Asking {
    pub(super) fn new(config: EntraConfig) -> Self {
        Self { config, client: None, grant: Grant::default(), patience: PATIENCE }
    }

    pub(super) fn config(&self) -> &EntraConfig {
        &self.config
    }

    /// Gets ready for a session. The secret may be another by now.
    pub(super) fn begin(&mut self) -> Result<(), PullError> {
        (self.client, self.grant) = (Some(http::client(&self.config.pull)?), Grant::default());
        Ok(())
    }

    /// Asks from now on once, or with patience: what can be left for later holds up nothing.
    pub(super) fn be_patient(&mut self, is_patient: bool) {
        self.patience = if is_patient { PATIENCE } else { 1 };
    }

    fn client(&mut self) -> Result<Client, PullError> {
        match &self.client {
            Some(client) => Ok(client.clone()),
            None => {
                let client = http::client(&self.config.pull)?;
                self.client = Some(client.clone());
                Ok(client)
            }
        }
    }

    /// The address of something below Graph's.
    pub(super) fn place(&self, path: &str) -> String {
        format!("{}{path}", self.config.graph)
    }

    /// The next page of a list, which lies where Graph said before; on its own host only.
    pub(super) async fn page<T: DeserializeOwned>(
        &mut self,
        what: &str,
        place: &str,
        trail: &mut Trail,
    ) -> Result<DeltaPage<T>, PullError> {
        let place = http::on_same_host(what, &self.config.graph, place)?;
        trail.step(what, place.as_str())?;
        let answer = self.ask(what, Method::GET, &place, None).await?;
        http::said(what, &answer)
    }

    /// One object; `None`: there is none.
    pub(super) async fn one<T: DeserializeOwned>(
        &mut self,
        what: &str,
        path: &str,
    ) -> Result<Option<T>, PullError> {
        let answer = self.send(what, Method::GET, path, None).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        http::said(what, &answer).map(Some)
    }

    /// Asks for anything else.
    pub(super) async fn send(
        &mut self,
        what: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, PullError> {
        let place = http::on_same_host(what, &self.config.graph, &self.place(path))?;
        self.ask(what, method, &place, body).await
    }

    async fn ask(
        &mut self,
        what: &str,
        method: Method,
        place: &WebUrl,
        body: Option<&Value>,
    ) -> Result<Answer, PullError> {
        let (client, mut wait) = (self.client()?, Duration::ZERO);
        for _ in 0..self.patience {
            time::sleep(wait).await;
            let fault = |source| PullError::Fetch { what: what.to_owned(), source };
            let call = Call::new(method.clone(), place.clone()).bearer(self.token().await?);
            let call = match body {
                Some(body) => call.json(body).map_err(fault)?,
                None => call,
            };
            let answer = client.call(&call).await.map_err(fault)?;
            match answer.status {
                StatusCode::UNAUTHORIZED => self.grant.forget(),
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                    wait = answer.retry_after.unwrap_or(PAUSE).clamp(PAUSE, LONGEST_PAUSE);
                    continue;
                }
                _ => {}
            }
            return Ok(answer);
        }
        Err(PullError::Busy { what: what.to_owned(), wait })
    }

    async fn token(&mut self) -> Result<Secret, PullError> {
        const WHAT: &str = "a token for Microsoft Graph";
        let client = self.client()?;
        let path = format!("/{}/oauth2/v2.0/token", self.config.tenant);
        let place = self.config.login.below(&path);
        let place =
            place.map_err(|error| PullError::Fetch { what: WHAT.to_owned(), source: error.into() })?;
        let scope = format!("{}/.default", self.config.graph);
        let wanted = Wanted { what: WHAT, place, client: &self.config.client_id, scope: &scope };
        self.grant.token(&client, wanted, &self.config.credential).await
    }
}
