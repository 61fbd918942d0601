//! Signing in with a code that is typed in on another machine (RFC 8628).

use std::time::Duration;

use oam_fetch::{Form, Secret};
use serde::Deserialize;
use tokio::time::{self, Instant};

use super::{
    Issuer, SignInError,
    tokens::{self, Denied, Tokens},
};

/// How often is asked unless the provider says otherwise.
const INTERVAL: u64 = 5;
/// How long is waited at most, whatever the provider says.
const LONGEST: u64 = 15 * 60;

/// What a person is told.
#[derive(Debug, Deserialize)]
pub struct Code {
    device_code: String,
    /// What to type in.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// Where, with the code in it.
    pub verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

/// Asks for a code.
///
/// # Errors
/// When the provider gives none.
pub async fn begin(issuer: &Issuer) -> Result<Code, SignInError> {
    let endpoint = issuer.provider.device_authorization_endpoint.as_ref();
    let endpoint = endpoint.ok_or(SignInError::NotOffered("sign-in by device code"))?;
    let said = &issuer.said;
    let resource = (!said.resource.is_empty()).then_some(said.resource.as_str());
    let form = Form::new()
        .with("client_id", &said.client)
        .with("scope", &said.scopes.join(" "))
        .with_some("resource", resource);
    let answer = issuer.client.post(endpoint, &form).await?;
    if answer.status.is_success() { Ok(answer.said()?) } else { Err(answer.said::<Denied>()?.told()) }
}

/// Waits until the person has signed in.
///
/// # Errors
/// When they do not, or not in time.
pub async fn wait(issuer: &Issuer, code: Code) -> Result<Tokens, SignInError> {
    let device_code = Secret::new(code.device_code);
    let end = Instant::now() + Duration::from_secs(code.expires_in.min(LONGEST));
    let mut interval = code.interval.unwrap_or(INTERVAL).clamp(1, 60);
    loop {
        if Instant::now() + Duration::from_secs(interval) > end {
            return Err(SignInError::Time);
        }
        time::sleep(Duration::from_secs(interval)).await;
        let form = Form::new()
            .with("grant_type", "urn:ietf:params:oauth:grant-type:device_code")
            .with("device_code", device_code.reveal());
        match tokens::ask(issuer, form, None).await? {
            Ok(tokens) => return Ok(tokens),
            Err(denied) => match denied.error.as_str() {
                "authorization_pending" => {}
                "slow_down" => interval += INTERVAL,
                "expired_token" => return Err(SignInError::Time),
                _ => return Err(denied.told()),
            },
        }
    }
}
