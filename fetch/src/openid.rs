//! What an OpenID provider publishes of itself (OpenID Connect Discovery 1.0).

use serde::{Deserialize, Deserializer, de::Error as _};
use thiserror::Error;

use crate::{Client, FetchError, UrlError, WebUrl};

/// Where a provider says where everything is, after its issuer.
const PLACE: &str = "/.well-known/openid-configuration";

/// What a provider says of itself, as far as it matters here. That it offers the algorithm `none`, as some do, does not.
#[derive(Debug, Clone, Deserialize)]
pub struct Provider {
    /// Its name, to the letter.
    pub issuer: String,
    /// Where its keys are.
    #[serde(deserialize_with = "url")]
    pub jwks_uri: WebUrl,
    /// Where people sign in.
    #[serde(default, deserialize_with = "some_url")]
    pub authorization_endpoint: Option<WebUrl>,
    /// Where codes become tokens.
    #[serde(default, deserialize_with = "some_url")]
    pub token_endpoint: Option<WebUrl>,
    /// Where a device gets its code (RFC 8628).
    #[serde(default, deserialize_with = "some_url")]
    pub device_authorization_endpoint: Option<WebUrl>,
    /// Where a token is given back (RFC 7009).
    #[serde(default, deserialize_with = "some_url")]
    pub revocation_endpoint: Option<WebUrl>,
    /// Whether it names itself when it sends somebody back (RFC 9207).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// Why a provider is not known.
#[derive(Debug, Error)]
pub enum DiscoveryError {
    /// It was not reached, or does not answer as it should.
    #[error("`{url}`: {source}")]
    Fetch {
        /// What was asked for.
        url: String,
        /// What went wrong.
        source: FetchError,
    },
    /// The place is no URL.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// It has another name.
    #[error("the provider at `{asked}` calls itself `{}`: configure the issuer to the letter", .says.escape_debug())]
    Issuer {
        /// What was asked for.
        asked: String,
        /// What it says.
        says: String,
    },
}

impl Provider {
    /// Asks the provider at `issuer` what it says of itself.
    ///
    /// # Errors
    /// When it is not reached, or is another one.
    pub async fn discover(client: &Client, issuer: &WebUrl) -> Result<Self, DiscoveryError> {
        let place = issuer.below(PLACE)?;
        let fault = |source| DiscoveryError::Fetch { url: place.to_string(), source };
        let provider: Self = client.get(&place).await.map_err(fault)?.json().map_err(fault)?;
        if provider.issuer != issuer.as_str() {
            let says = provider.issuer.chars().take(200).collect();
            return Err(DiscoveryError::Issuer { asked: issuer.to_string(), says });
        }
        Ok(provider)
    }
}

pub(crate) fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<WebUrl, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

pub(crate) fn some_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<WebUrl>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}
