//! The transmitter's API: streams, their status, signs of life (OpenID Shared Signals Framework 1.0, 8).

use std::path::Path;

use oam_fetch::{
    Answer, Call, Client, FetchError, Form, Method, Secret, StatusCode, WebUrl, signals::Transmitter,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Flow, PersonEvent};
use crate::config::{Delivery, Effect, SignalsConfig};

/// How signals are pushed (RFC 8935).
const PUSH: &str = "urn:ietf:rfc:8935";
/// How they are asked for (RFC 8936).
const POLL: &str = "urn:ietf:rfc:8936";

/// What speaks to a transmitter. What goes wrong is told in words.
#[derive(Debug)]
pub(super) struct Api<'a> {
    config: &'a SignalsConfig,
    client: &'a Client,
}

/// A stream, as the transmitter answers with it.
#[derive(Debug, Deserialize)]
pub(super) struct Made {
    /// Its name for it.
    pub(super) stream_id: String,
    iss: Option<String>,
    #[serde(default)]
    aud: Value,
    #[serde(default)]
    events_delivered: Option<Vec<String>>,
    delivery: Option<MadeDelivery>,
}

#[derive(Debug, Deserialize)]
struct MadeDelivery {
    endpoint_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Status {
    status: String,
    reason: Option<String>,
}

/// Why a stream is not set up, and with it whether the transmitter has the token that it was told.
#[derive(Debug)]
pub(super) enum NotSetUp {
    /// It has not.
    Refused(String),
    /// Nobody knows.
    Unknown(String),
    /// It has, and what it says of the stream will not do.
    Taken(String),
}

impl From<String> for NotSetUp {
    /// Of what comes before the transmitter is told.
    fn from(why: String) -> Self {
        Self::Refused(why)
    }
}

impl<'a> Api<'a> {
    pub(super) fn new(config: &'a SignalsConfig, client: &'a Client) -> Self {
        Self { config, client }
    }

    pub(super) async fn discover(&self) -> Result<Transmitter, String> {
        Transmitter::discover(self.client, &self.config.issuer).await.map_err(|error| error.to_string())
    }

    /// Sets up the stream: a new one, or the one that is there already as it should be. `push`: where signals are pushed to,
    /// and with which token.
    pub(super) async fn set_up(
        &self,
        transmitter: &Transmitter,
        known: Option<&str>,
        push: Option<(&str, &Secret)>,
    ) -> Result<Made, NotSetUp> {
        let place = endpoint(transmitter.configuration_endpoint.as_ref(), "configuration_endpoint")?;
        let delivery = match push {
            Some((url, token)) => json!({
                "method": PUSH,
                "endpoint_url": url,
                "authorization_header": format!("Bearer {}", token.reveal()),
            }),
            None => json!({"method": POLL}),
        };
        let wanted = [Effect::Deactivate, Effect::Reread].into_iter();
        let events: Vec<_> =
            wanted.flat_map(|effect| self.config.events_that(effect)).map(PersonEvent::address).collect();
        let mut stream = json!({
            "events_requested": events,
            "delivery": delivery,
            "description": format!("Bitbucket OAM, `signals.{}`", self.config.name),
        });
        let known = match known {
            Some(id) if self.exists(place, id).await? => Some(id.to_owned()),
            _ => None,
        };
        let answer = match known {
            Some(id) => self.update(place, &mut stream, id).await?,
            None => {
                let answer = self.call(Method::POST, place.clone(), Some(&stream)).await;
                let answer = answer.map_err(NotSetUp::Unknown)?;
                if answer.status == StatusCode::CONFLICT {
                    // Transmitters that have one stream for each receiver, and have ours: made before what we knew was lost.
                    let id = self.only_one(place).await?;
                    self.update(place, &mut stream, id).await?
                } else {
                    answer
                }
            }
        };
        // A gateway may say that it failed of what was done behind it.
        let fault = if answer.status.is_client_error() { NotSetUp::Refused } else { NotSetUp::Unknown };
        expect(&answer, place, &[StatusCode::OK, StatusCode::CREATED]).map_err(fault)?;
        answer.said().map_err(|error| NotSetUp::Taken(format!("`{place}`: {error}")))
    }

    async fn update(&self, place: &WebUrl, stream: &mut Value, id: String) -> Result<Answer, NotSetUp> {
        if let Some(fields) = stream.as_object_mut() {
            fields.insert("stream_id".into(), id.into());
        }
        self.call(Method::PATCH, place.clone(), Some(stream)).await.map_err(NotSetUp::Unknown)
    }

    async fn exists(&self, place: &WebUrl, id: &str) -> Result<bool, String> {
        let answer = self.call(Method::GET, of(place, id)?, None).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(false);
        }
        expect(&answer, place, &[StatusCode::OK])?;
        Ok(true)
    }

    async fn only_one(&self, place: &WebUrl) -> Result<String, String> {
        let answer = self.call(Method::GET, place.clone(), None).await?;
        expect(&answer, place, &[StatusCode::OK])?;
        let all: Value = answer.said().map_err(|error| format!("`{place}`: {error}"))?;
        let all = if all.is_array() { all } else { json!([all]) };
        let ids: Vec<_> =
            all.as_array().into_iter().flatten().filter_map(|one| one["stream_id"].as_str()).collect();
        match ids.as_slice() {
            [one] => Ok((*one).to_owned()),
            _ => Err(format!(
                "`{place}` takes no further stream, and has {} already: remove one there",
                ids.len()
            )),
        }
    }

    /// Removes the stream. One that is not there is removed.
    pub(super) async fn remove(&self, transmitter: &Transmitter, id: &str) -> Result<(), String> {
        let place = endpoint(transmitter.configuration_endpoint.as_ref(), "configuration_endpoint")?;
        let answer = self.call(Method::DELETE, of(place, id)?, None).await?;
        expect(&answer, place, &[StatusCode::OK, StatusCode::NO_CONTENT, StatusCode::NOT_FOUND])
    }

    /// Whether signals flow, and why not; `None`: it does not tell.
    pub(super) async fn status(
        &self,
        transmitter: &Transmitter,
        id: &str,
    ) -> Result<Option<(Flow, Option<String>)>, String> {
        let Some(place) = &transmitter.status_endpoint else { return Ok(None) };
        let answer = self.call(Method::GET, of(place, id)?, None).await?;
        expect(&answer, place, &[StatusCode::OK])?;
        let said: Status = answer.said().map_err(|error| format!("`{place}`: {error}"))?;
        let flow = Flow::parse(&said.status)
            .ok_or_else(|| format!("`{place}`: the status is `{}`", said.status.escape_debug()))?;
        Ok(Some((flow, said.reason.map(|why| why.chars().take(200).collect()))))
    }

    /// Asks for a sign of life that repeats `state`.
    pub(super) async fn ask(&self, transmitter: &Transmitter, id: &str, state: &str) -> Result<(), String> {
        let place = endpoint(transmitter.verification_endpoint.as_ref(), "verification_endpoint")?;
        let wanted = json!({"stream_id": id, "state": state});
        let answer = self.call(Method::POST, place.clone(), Some(&wanted)).await?;
        expect(&answer, place, &[StatusCode::OK, StatusCode::ACCEPTED, StatusCode::NO_CONTENT])
    }

    /// Takes what waits, and tells what came of what was taken before. `None`: it did not answer for so long, as one does who
    /// has nothing to say.
    pub(super) async fn poll(&self, place: &WebUrl, told: &Value) -> Result<Option<Answer>, String> {
        let call = self.call_of(Method::POST, place.clone(), Some(told))?;
        let answer = match self.client.call(&call).await {
            Err(FetchError::Time(_)) => return Ok(None),
            answer => answer.map_err(|error| format!("`{place}`: {error}"))?,
        };
        expect(&answer, place, &[StatusCode::OK])?;
        Ok(Some(answer))
    }

    async fn call(&self, method: Method, place: WebUrl, body: Option<&Value>) -> Result<Answer, String> {
        let told = format!("`{place}`");
        let call = self.call_of(method, place, body)?;
        self.client.call(&call).await.map_err(|error| format!("{told}: {error}"))
    }

    fn call_of(&self, method: Method, place: WebUrl, body: Option<&Value>) -> Result<Call, String> {
        if !place.is_https() && self.config.issuer.is_https() {
            return Err(format!("`{place}`: a token is not sent there in the clear"));
        }
        let file = self.config.token_file.as_deref().ok_or("`signals.NAME.token_file` is not configured")?;
        let call = Call::new(method, place).bearer(token(file)?);
        match body {
            Some(body) => call.json(body).map_err(|error| error.to_string()),
            None => Ok(call),
        }
    }
}

impl Made {
    /// What somebody should know of a stream that was asked for like this, a sentence each.
    ///
    /// # Errors
    /// When it is not for us: then none of its signals would be taken.
    pub(super) fn check(&self, config: &SignalsConfig) -> Result<Vec<String>, String> {
        let is_ours = match &self.aud {
            Value::Null => true,
            Value::Array(all) => all.iter().any(|one| one == config.audience.as_str()),
            one => *one == config.audience.as_str(),
        };
        if !is_ours {
            return Err(format!("the transmitter calls us {}: write that as `audience`", self.aud));
        }
        if self.iss.as_deref().is_some_and(|iss| iss != config.issuer.as_str()) {
            return Err(
                "the transmitter calls itself otherwise on this stream: write that as `issuer`".into()
            );
        }
        let missing = self.events_delivered.as_ref().map(|delivered| {
            let wanted = config.events_that(Effect::Deactivate);
            let missing = wanted.filter(|event| !delivered.contains(&event.address()));
            missing.map(|event| format!("The transmitter does not tell of `{}`", event.as_str())).collect()
        });
        Ok(missing.unwrap_or_default())
    }

    /// Where signals are asked for.
    pub(super) fn poll(&self, config: &SignalsConfig) -> Result<Option<String>, String> {
        if config.delivery == Delivery::Push {
            return Ok(None);
        }
        let url = self.delivery.as_ref().and_then(|delivery| delivery.endpoint_url.as_deref());
        let url = url.ok_or("the transmitter does not say where signals are asked for")?;
        url.parse::<WebUrl>().map(|url| Some(url.to_string())).map_err(|error| error.to_string())
    }
}

/// The token of its API, as it lies in the file now.
fn token(file: &Path) -> Result<Secret, String> {
    let text = std::fs::read_to_string(file);
    let text = text.map_err(|error| format!("the token in `{}`: {error}", file.display()))?;
    let token = text.trim();
    if token.is_empty() || token.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err(format!("the token in `{}` is none: one line, no spaces", file.display()));
    }
    Ok(Secret::new(token))
}

fn endpoint<'a>(place: Option<&'a WebUrl>, name: &str) -> Result<&'a WebUrl, String> {
    place.ok_or_else(|| format!("the transmitter publishes no `{name}`"))
}

fn of(place: &WebUrl, id: &str) -> Result<WebUrl, String> {
    place.with_query(&Form::new().with("stream_id", id)).map_err(|error| error.to_string())
}

fn expect(answer: &Answer, place: &WebUrl, good: &[StatusCode]) -> Result<(), String> {
    if good.contains(&answer.status) {
        Ok(())
    } else {
        Err(format!("`{place}`: the answer is {}", answer.status))
    }
}
