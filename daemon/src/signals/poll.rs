//! Signals that are asked for (RFC 8936).

use std::{collections::BTreeMap, time::Duration};

use oam_fetch::WebUrl;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::{NotTaken, Receiver, SetCode, api::Api, locked};
use crate::{backoff::Backoff, service::Live};

/// How many are asked for at once.
const MOST: usize = 32;
/// How soon it is asked again after an answer that came at once and held nothing: a transmitter that does not wait until there is
/// something is not asked without a pause.
const PAUSE: Duration = Duration::from_millis(500);
/// How soon it is asked again at the latest where it answers, and some were not taken yet: others must not wait for those.
const REST: Duration = Duration::from_secs(10);

#[derive(Debug, Default, Deserialize)]
struct Polled {
    #[serde(default)]
    sets: BTreeMap<String, String>,
    #[serde(default, rename = "moreAvailable")]
    more: bool,
}

/// What came of what was delivered, to be told with the next question.
#[derive(Debug, Default)]
struct Outcome {
    taken: Vec<String>,
    refused: BTreeMap<String, Value>,
    /// Whether some were neither: they are delivered again.
    is_rest: bool,
}

impl Receiver {
    /// Asks for signals, until `stop`.
    pub(super) async fn poll(&self, live: &Live, stop: &CancellationToken) {
        let (mut backoff, mut outcome) = (Backoff::default(), Outcome::default());
        loop {
            let renewed = self.renewed.notified();
            let Some(place) = locked(&self.stream).get().poll_url() else {
                if stop.run_until_cancelled(renewed).await.is_none() {
                    return;
                }
                continue;
            };
            let Some(polled) = stop.run_until_cancelled(self.ask(&place, &outcome)).await else { return };
            let pause = match polled {
                Ok(polled) => {
                    let (is_more, is_empty) = (polled.more, polled.sets.is_empty());
                    outcome = self.take_all(live, polled).await;
                    // Not before: what we panic by again and again is trouble all the while.
                    self.well();
                    if outcome.is_rest {
                        Some(backoff.pause().min(REST))
                    } else {
                        backoff = Backoff::default();
                        (is_empty && !is_more).then_some(PAUSE)
                    }
                }
                Err(why) => {
                    self.in_trouble(why);
                    Some(backoff.pause())
                }
            };
            if let Some(pause) = pause
                && stop.run_until_cancelled(time::sleep(pause)).await.is_none()
            {
                return;
            }
        }
    }

    async fn ask(&self, place: &WebUrl, outcome: &Outcome) -> Result<Polled, String> {
        let is_silent = locked(&self.stream).get().silent.is_some();
        let told = json!({
            "maxEvents": MOST,
            // What came of the last ones is told at once, and is worth an answer. So is that it answers again.
            "returnImmediately": !outcome.taken.is_empty() || !outcome.refused.is_empty() || is_silent,
            "ack": outcome.taken,
            "setErrs": outcome.refused,
        });
        match Api::new(&self.config, &self.patient).poll(place, &told).await? {
            Some(answer) => answer.said().map_err(|error| format!("`{place}`: {error}")),
            None => Ok(Polled::default()),
        }
    }

    async fn take_all(&self, live: &Live, polled: Polled) -> Outcome {
        let mut outcome = Outcome::default();
        for (id, token) in polled.sets {
            match self.receive(live, &token).await {
                Ok(its) if its == id => outcome.taken.push(id),
                Ok(_) => {
                    let what = "it is delivered by the name of another one";
                    outcome.refuse(id, SetCode::Request, what);
                }
                Err(NotTaken::Refused(code, why)) => outcome.refuse(id, code, &why),
                Err(NotTaken::Later(_)) => outcome.is_rest = true,
            }
        }
        outcome
    }
}

impl Outcome {
    fn refuse(&mut self, id: String, code: SetCode, why: &str) {
        self.refused.insert(id, json!({"err": code.as_str(), "description": why}));
    }
}
