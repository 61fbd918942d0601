//! Subscriptions: Graph calls when something changes, for as long as we renew what we ask for.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use oam_fetch::{Method, Secret};
use oam_policy::Digest;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::{
    api::{Asking, DeltaPage, is_id},
    hook_of,
};
use crate::{
    pull::{
        PullError,
        http::{self, Trail},
    },
    source::{Poke, Source},
};

/// How long Graph is to call us, before it is asked again. At most 29 days are taken for users and groups.
const FOR: Duration = Duration::from_secs(2 * 24 * 60 * 60);
/// How soon it is asked again after a failure.
const AGAIN: Duration = Duration::from_secs(5 * 60);
/// What is watched.
const RESOURCES: [&str; 2] = ["users", "groups"];

/// What Graph was asked to call us for.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The subscriptions by their ids.
    ids: Vec<String>,
    /// When they are renewed, or made at last.
    due: Option<Instant>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    id: String,
    #[serde(default)]
    notification_url: Option<String>,
}

impl Watch {
    /// Makes sure that Graph calls, where it is to. That it does not is no reason not to ask: calls only make us look sooner.
    pub(super) async fn keep_up(&mut self, asking: &mut Asking, source: &Source) {
        let Some(base) = asking.config().notifications.clone() else { return };
        let is_due = self.due.is_none_or(|due| due <= Instant::now());
        if !is_due && source.feed().has_caller() {
            return;
        }
        let place = hook_of(&base, source);
        asking.be_patient(false);
        let outcome = match self.renew(asking, source).await {
            Ok(true) => Ok(()),
            _ => {
                let outcome = self.subscribe(asking, source, &place).await;
                if outcome.is_ok() {
                    // What changed before it calls is asked for.
                    source.feed().poke([Poke::Changes]);
                }
                outcome
            }
        };
        asking.be_patient(true);
        let why = outcome.as_ref().err().map(ToString::to_string);
        source.feed().tell(|status| status.not_called = why);
        let wait = match outcome {
            Ok(()) => FOR / 2,
            Err(error) => {
                tracing::warn!(%error, source = %source.name(), "Microsoft Graph does not call when something changes");
                // Whoever calls with what was agreed upon before is heard on.
                AGAIN
            }
        };
        self.due = Some(Instant::now() + wait);
    }

    /// Asks for more time; tells whether there is anything to ask it for.
    async fn renew(&mut self, asking: &mut Asking, source: &Source) -> Result<bool, PullError> {
        if self.ids.len() != RESOURCES.len() || !source.feed().has_caller() {
            return Ok(false);
        }
        let until = json!({"expirationDateTime": until()});
        for id in &self.ids {
            let path = format!("/v1.0/subscriptions/{id}");
            let answer =
                asking.send("more time for a subscription", Method::PATCH, &path, Some(&until)).await?;
            http::granted("more time for a subscription", &answer)?;
        }
        Ok(true)
    }

    /// Asks to be called, and not twice.
    async fn subscribe(
        &mut self,
        asking: &mut Asking,
        source: &Source,
        place: &str,
    ) -> Result<(), PullError> {
        const WHAT: &str = "a subscription";
        self.ids.clear();
        for old in self.existing(asking, place).await? {
            let path = format!("/v1.0/subscriptions/{old}");
            asking.send("the end of a subscription", Method::DELETE, &path, None).await?;
        }
        let mut random = [0_u8; 32];
        let fault = |_| PullError::Strange { what: WHAT.to_owned(), detail: "the system has no randomness" };
        getrandom::fill(&mut random).map_err(fault)?;
        let state = Secret::new(hex::encode(random));
        source.feed().expect_caller(Some(Digest::of(state.reveal().as_bytes())));
        for resource in RESOURCES {
            let wanted = json!({
                "changeType": "updated,deleted",
                "notificationUrl": place,
                "lifecycleNotificationUrl": place,
                "resource": resource,
                "expirationDateTime": until(),
                "clientState": state.reveal(),
            });
            // While it is asked, Graph calls and wants an answer.
            let asked = {
                let _expecting = source.feed().expect_validation();
                asking.send(WHAT, Method::POST, "/v1.0/subscriptions", Some(&wanted)).await?
            };
            let made: Subscription = http::said(WHAT, &asked)?;
            if !is_id(&made.id) {
                return Err(PullError::Strange { what: WHAT.to_owned(), detail: "its id is none" });
            }
            self.ids.push(made.id);
        }
        Ok(())
    }

    /// Subscriptions of ours from before a restart.
    async fn existing(&self, asking: &mut Asking, place: &str) -> Result<Vec<String>, PullError> {
        let list = asking.place("/v1.0/subscriptions");
        let (mut next, mut trail) = (Some(list), Trail::default());
        let mut ours = Vec::new();
        while let Some(page) = next {
            let page: DeltaPage<Subscription> = asking.page("subscriptions", &page, &mut trail).await?;
            let (listed, following) = page.listed();
            let is_ours =
                |one: &Subscription| one.notification_url.as_deref() == Some(place) && is_id(&one.id);
            ours.extend(listed.into_iter().filter(is_ours).map(|one| one.id));
            next = following;
        }
        Ok(ours)
    }
}

fn until() -> String {
    let span = SignedDuration::try_from(FOR).unwrap_or(SignedDuration::ZERO);
    let until = Timestamp::now().saturating_add(span).unwrap_or(Timestamp::MAX);
    until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
