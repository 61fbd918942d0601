use std::time::Duration;

use oam_fetch::{Client, Form, Secret, WebUrl};
use serde::Deserialize;
use tokio::time::Instant;

use super::{
    PullError,
    assertion::{self, assertion},
    http,
};
use crate::config::{ClientKey, Credential};

/// How long before its end a token is not shown any more.
const SPARE: Duration = Duration::from_secs(60);

/// Tokens that an application gets for itself (RFC 6749, 4.4). The last one is kept for as long as it is good.
#[derive(Debug, Default)]
pub(super) struct Grant {
    held: Option<(Secret, Instant)>,
}

/// What is asked for.
pub(super) struct Wanted<'a> {
    /// The token, in words.
    pub(super) what: &'static str,
    /// Where.
    pub(super) place: WebUrl,
    /// By which application.
    pub(super) client: &'a str,
    /// For what.
    pub(super) scope: &'a str,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    expires_in: u64,
}

impl Grant {
    /// A token that is good for a while yet.
    pub(super) async fn token(
        &mut self,
        http: &Client,
        wanted: Wanted<'_>,
        credential: &Credential,
    ) -> Result<Secret, PullError> {
        if let Some((token, until)) = &self.held
            && *until > Instant::now()
        {
            return Ok(token.clone());
        }
        let Wanted { what, place, client, scope } = wanted;
        let form = Form::new()
            .with("grant_type", "client_credentials")
            .with("client_id", client)
            .with("scope", scope);
        let form = match credential {
            Credential::Secret(path) => form.with("client_secret", http::secret(path)?.reveal()),
            Credential::Key(key) => signed(form, client, &place, key)?,
        };
        let answer = http.post(&place, &form).await;
        let answer = answer.map_err(|source| PullError::Fetch { what: what.to_owned(), source })?;
        let Token { access_token, expires_in } = http::said(what, &answer)?;
        let token = Secret::new(access_token);
        if token.reveal().is_empty() || !token.reveal().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(PullError::Strange { what: what.to_owned(), detail: "what came is no token" });
        }
        let lives = Duration::from_secs(expires_in.min(24 * 60 * 60)).saturating_sub(SPARE);
        self.held = Some((token.clone(), Instant::now() + lives));
        Ok(token)
    }

    /// Asks for another one the next time.
    pub(super) fn forget(&mut self) {
        self.held = None;
    }
}

fn signed(form: Form, client: &str, place: &WebUrl, key: &ClientKey) -> Result<Form, PullError> {
    let assertion = assertion(client, place.as_str(), key)?;
    Ok(form.with("client_assertion_type", assertion::TYPE).with("client_assertion", assertion.reveal()))
}
