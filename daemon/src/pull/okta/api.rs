use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use oam_fetch::{Answer, Call, Client, Form, Method, StatusCode, WebUrl};
use serde::de::DeserializeOwned;
use tokio::time::{self, Instant};

use crate::{
    config::{Credential, OktaAccess, OktaConfig},
    pull::{
        PullError,
        grant::{Grant, Wanted},
        http::{self, Trail},
    },
};

/// How many a page has: the most that Okta advises.
const PER_PAGE: &str = "200";
/// What a token of ours is to be good for: reading, and nothing else.
const SCOPE: &str = "okta.users.read okta.groups.read";
/// How often something is asked again when there is too much asking, and how long is waited at least.
const PATIENCE: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);
/// How long is waited at most because too much was asked, whatever Okta says.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// Whoever asks, and how much may be asked yet.
pub(super) struct Asking {
    client: Client,
    config: OktaConfig,
    grant: Grant,
    /// Until when nothing is asked that nobody waits for.
    quiet_until: Option<Instant>,
}

/// The pages of a list.
pub(super) struct Pages {
    what: String,
    next: Option<WebUrl>,
    trail: Trail,
    asked_at: Option<Timestamp>,
}

/// Whether a text is an id as Okta makes them, and no more than one step of a path.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl Asking {
    pub(super) fn new(config: &OktaConfig) -> Result<Self, PullError> {
        Ok(Self {
            client: http::client(&config.pull)?,
            config: config.clone(),
            grant: Grant::default(),
            quiet_until: None,
        })
    }

    /// The pages of a list; none is asked for yet.
    pub(super) fn list(&self, what: &str, path: &str, query: Form) -> Result<Pages, PullError> {
        let next = self.place(what, path, &query.with("limit", PER_PAGE))?;
        Ok(Pages { what: what.to_owned(), next: Some(next), trail: Trail::default(), asked_at: None })
    }

    /// One object; `None`: there is none.
    pub(super) async fn one<T: DeserializeOwned>(
        &mut self,
        what: &str,
        path: &str,
    ) -> Result<Option<T>, PullError> {
        let place = self.place(what, path, &Form::new())?;
        let answer = self.ask(what, place).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        http::said(what, &answer).map(Some)
    }

    fn place(&self, what: &str, path: &str, query: &Form) -> Result<WebUrl, PullError> {
        let place = self.config.url.below(path).and_then(|place| place.with_query(query));
        place.map_err(|error| PullError::Fetch { what: what.to_owned(), source: error.into() })
    }

    async fn ask(&mut self, what: &str, place: WebUrl) -> Result<Answer, PullError> {
        let mut wait = Duration::ZERO;
        for _ in 0..PATIENCE {
            time::sleep(wait).await;
            let call = self.allowed(Call::new(Method::GET, place.clone())).await?;
            let answer = self.client.call(&call).await;
            let answer = answer.map_err(|source| PullError::Fetch { what: what.to_owned(), source })?;
            if answer.status == StatusCode::UNAUTHORIZED {
                self.grant.forget();
            }
            let resets_in = resets_in(&answer).map(|wait| wait.min(LONGEST_PAUSE));
            if answer.status != StatusCode::TOO_MANY_REQUESTS {
                self.quiet_until =
                    resets_in.filter(|_| is_little_left(&answer)).map(|wait| Instant::now() + wait);
                return Ok(answer);
            }
            wait = resets_in.or(answer.retry_after).unwrap_or(PAUSE).clamp(PAUSE, LONGEST_PAUSE);
        }
        Err(PullError::Busy { what: what.to_owned(), wait })
    }

    /// A call, with what lets us make it.
    async fn allowed(&mut self, call: Call) -> Result<Call, PullError> {
        const WHAT: &str = "a token of Okta";
        let (id, key) = match &self.config.access {
            OktaAccess::ApiToken(path) => return Ok(call.authorization("SSWS", http::secret(path)?)),
            OktaAccess::Client { id, key } => (id, key),
        };
        let place = self.config.url.below("/oauth2/v1/token");
        let place =
            place.map_err(|error| PullError::Fetch { what: WHAT.to_owned(), source: error.into() })?;
        let wanted = Wanted { what: WHAT, place, client: id, scope: SCOPE };
        Ok(call.bearer(self.grant.token(&self.client, wanted, &Credential::Key(key.clone())).await?))
    }

    /// Waits where little may be asked yet.
    pub(super) async fn pause(&self) {
        if let Some(until) = self.quiet_until {
            time::sleep_until(until).await;
        }
    }
}

/// A header that is a number.
fn number(answer: &Answer, name: &'static str) -> Option<i64> {
    answer.header(name).next()?.trim().parse().ok().filter(|number| (0..=i64::MAX / 10).contains(number))
}

/// Whether no more than a tenth may be asked yet of what may be asked in all.
fn is_little_left(answer: &Answer) -> bool {
    let (limit, remaining) = (number(answer, "x-rate-limit-limit"), number(answer, "x-rate-limit-remaining"));
    limit.zip(remaining).is_some_and(|(limit, remaining)| remaining * 10 <= limit)
}

/// When, by the clock over there.
fn date(answer: &Answer) -> Option<Timestamp> {
    let text = answer.header("date").next()?;
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// How long it is until as much may be asked as ever.
fn resets_in(answer: &Answer) -> Option<Duration> {
    let reset = Timestamp::from_second(number(answer, "x-rate-limit-reset")?).ok()?;
    Duration::try_from(reset.duration_since(date(answer)?)).ok()
}

impl Pages {
    /// The next page; `None`: that was all.
    pub(super) async fn next<T: DeserializeOwned>(
        &mut self,
        asking: &mut Asking,
    ) -> Result<Option<Vec<T>>, PullError> {
        let Some(place) = self.next.take() else { return Ok(None) };
        self.trail.step(&self.what, place.as_str())?;
        let answer = asking.ask(&self.what, place).await?;
        let page = http::said(&self.what, &answer)?;
        self.asked_at = self.asked_at.or_else(|| date(&answer));
        if let Some(next) = http::next_link(&answer) {
            self.next = Some(http::on_same_host(&self.what, &asking.config.url, next)?);
        }
        Ok(Some(page))
    }

    /// When the first page was asked for, by the clock over there.
    pub(super) fn asked_at(&self) -> Option<Timestamp> {
        self.asked_at
    }
}
