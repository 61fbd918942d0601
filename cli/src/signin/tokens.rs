//! The token endpoint: what it is sent, and what it gives.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use oam_fetch::{Form, Secret};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{Issuer, SignInError};

/// How long a token is taken for good whose end nobody tells.
const UNTOLD: SignedDuration = SignedDuration::from_mins(5);

/// What somebody was given.
#[derive(Debug)]
pub struct Tokens {
    /// The one that the daemon takes.
    pub token: Secret,
    /// The one that brings new ones; `None` when the provider gave none.
    pub refresh: Option<Secret>,
    /// Until when the first is good.
    pub expires: Timestamp,
}

#[derive(Deserialize)]
struct Granted {
    #[serde(default, deserialize_with = "secret")]
    access_token: Option<Secret>,
    #[serde(default, deserialize_with = "secret")]
    id_token: Option<Secret>,
    #[serde(default, deserialize_with = "secret")]
    refresh_token: Option<Secret>,
    expires_in: Option<i64>,
}

/// Why a provider gives nothing (RFC 6749, 5.2), or nothing yet (RFC 8628, 3.5).
#[derive(Debug, Deserialize)]
pub(super) struct Denied {
    pub(super) error: String,
    error_description: Option<String>,
}

impl Denied {
    pub(super) fn told(self) -> SignInError {
        let description = self.error_description.map(|text| format!(" ({text})")).unwrap_or_default();
        SignInError::Refused(format!("{}{description}", self.error).chars().take(300).collect())
    }
}

/// Asks for tokens; `form` says with what. `nonce` is what the ID token must repeat.
pub(super) async fn ask(
    issuer: &Issuer,
    form: Form,
    nonce: Option<&str>,
) -> Result<Result<Tokens, Denied>, SignInError> {
    let endpoint = issuer.provider.token_endpoint.as_ref();
    let endpoint = endpoint.ok_or(SignInError::NotOffered("token endpoint"))?;
    let said = &issuer.said;
    let resource = (!said.resource.is_empty()).then_some(said.resource.as_str());
    let form = form.with("client_id", &said.client).with_some("resource", resource);
    let answer = issuer.client.post(endpoint, &form).await?;
    if !answer.status.is_success() {
        return Ok(Err(answer.said()?));
    }
    take(answer.said()?, issuer, nonce).map(Ok)
}

/// New tokens for a refresh token.
///
/// # Errors
/// When the provider gives none, or is not reached.
pub async fn refresh(issuer: &Issuer, refresh: &Secret) -> Result<Tokens, SignInError> {
    let form = Form::new().with("grant_type", "refresh_token").with("refresh_token", refresh.reveal());
    let mut tokens = ask(issuer, form, None).await?.map_err(Denied::told)?;
    // A provider that does not rotate them gives no new one.
    tokens.refresh = tokens.refresh.or_else(|| Some(refresh.clone()));
    Ok(tokens)
}

fn take(granted: Granted, issuer: &Issuer, nonce: Option<&str>) -> Result<Tokens, SignInError> {
    if let Some(id_token) = &granted.id_token {
        check(&claims(id_token).ok_or(SignInError::Mismatch("its ID token cannot be read"))?, issuer, nonce)?;
    } else if nonce.is_some() || issuer.said.id_token {
        return Err(SignInError::Mismatch("there is no ID token"));
    }
    let token = if issuer.said.id_token { granted.id_token } else { granted.access_token };
    let token = token.ok_or(SignInError::Mismatch("there is no access token"))?;
    let by_itself = claims(&token).and_then(|claims| claims.get("exp")?.as_f64());
    let now = Timestamp::now();
    let expires = match (by_itself, granted.expires_in) {
        (Some(exp), _) => {
            SignedDuration::try_from_secs_f64(exp).ok().and_then(|at| Timestamp::from_duration(at).ok())
        }
        (None, Some(seconds)) => now.checked_add(SignedDuration::from_secs(seconds)).ok(),
        (None, None) => now.checked_add(UNTOLD).ok(),
    };
    Ok(Tokens { token, refresh: granted.refresh_token, expires: expires.unwrap_or(now) })
}

/// That the ID token is for this sign-in (OpenID Connect Core, 3.1.3.7). It came straight from the provider over TLS, which
/// stands for its signature there; the daemon checks that of what it is sent.
fn check(claims: &Map<String, Value>, issuer: &Issuer, nonce: Option<&str>) -> Result<(), SignInError> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(&issuer.provider.issuer) {
        return Err(SignInError::Mismatch("it is from another issuer"));
    }
    let client = issuer.said.client.as_str();
    let is_ours = match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().any(|one| one == client),
        one => one.and_then(Value::as_str) == Some(client),
    };
    if !is_ours {
        return Err(SignInError::Mismatch("it is for another client"));
    }
    if nonce.is_some() && text("nonce") != nonce {
        return Err(SignInError::Mismatch("it is from another sign-in"));
    }
    Ok(())
}

fn claims(token: &Secret) -> Option<Map<String, Value>> {
    let payload = token.reveal().split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}
