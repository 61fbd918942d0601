//! What a transmitter of shared signals publishes of itself (OpenID Shared Signals Framework 1.0, 7).

use http::StatusCode;
use serde::Deserialize;

use crate::{
    Client, UrlError, WebUrl,
    openid::{DiscoveryError, some_url, url},
};

/// What the place is called: now, in drafts of the framework, and where only RISC is spoken.
const NAMES: [&str; 3] = ["ssf-configuration", "sse-configuration", "risc-configuration"];

/// What a transmitter says of itself, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
pub struct Transmitter {
    /// Its name, to the letter.
    pub issuer: String,
    /// Where its keys are.
    #[serde(deserialize_with = "url")]
    pub jwks_uri: WebUrl,
    /// Where a stream is set up.
    #[serde(default, deserialize_with = "some_url")]
    pub configuration_endpoint: Option<WebUrl>,
    /// Where it tells whether a stream flows.
    #[serde(default, deserialize_with = "some_url")]
    pub status_endpoint: Option<WebUrl>,
    /// Where it is asked for a sign of life.
    #[serde(default, deserialize_with = "some_url")]
    pub verification_endpoint: Option<WebUrl>,
    /// Whether a stream is about everybody from the start (`ALL`) or about nobody (`NONE`).
    #[serde(default)]
    pub default_subjects: Option<String>,
}

impl Transmitter {
    /// Asks the transmitter `issuer` what it says of itself, wherever it may say so.
    ///
    /// # Errors
    /// When it is not reached, or is another one.
    pub async fn discover(client: &Client, issuer: &WebUrl) -> Result<Self, DiscoveryError> {
        let mut missing = None;
        for place in places(issuer)? {
            let fault = |source| DiscoveryError::Fetch { url: place.to_string(), source };
            let answer = client.get(&place).await.map_err(fault)?;
            if answer.status == StatusCode::NOT_FOUND {
                // The first is where it should be: that is what is told when it is nowhere.
                missing = missing.or(Some((place, answer)));
                continue;
            }
            let transmitter: Self = answer.json().map_err(fault)?;
            if transmitter.issuer != issuer.as_str() {
                let says = transmitter.issuer.chars().take(200).collect();
                return Err(DiscoveryError::Issuer { asked: issuer.to_string(), says });
            }
            return Ok(transmitter);
        }
        let status = missing.as_ref().map_or(StatusCode::NOT_FOUND, |(_, answer)| answer.status);
        let url = missing.map_or_else(|| issuer.to_string(), |(place, _)| place.to_string());
        Err(DiscoveryError::Fetch { url, source: crate::FetchError::Status(status) })
    }
}

/// Where it may say so: between the host and the path of its name, as the framework has it, or after them, as OpenID has it.
fn places(issuer: &WebUrl) -> Result<Vec<WebUrl>, UrlError> {
    let scheme = if issuer.is_https() { "https" } else { "http" };
    let path = issuer.path_and_query().trim_end_matches('/');
    let mut places: Vec<WebUrl> = Vec::new();
    for name in NAMES {
        let between = format!("{scheme}://{}/.well-known/{name}{path}", issuer.authority()).parse()?;
        let after = issuer.below(&format!("/.well-known/{name}"))?;
        for place in [between, after] {
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn it_is_looked_for_where_the_framework_says_first() {
        let of = |issuer: &str| -> Vec<String> {
            places(&issuer.parse().unwrap()).unwrap().iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            of("https://tr.example.com"),
            [
                "https://tr.example.com/.well-known/ssf-configuration",
                "https://tr.example.com/.well-known/sse-configuration",
                "https://tr.example.com/.well-known/risc-configuration",
            ]
        );
        assert_eq!(of("https://tr.example.com/"), of("https://tr.example.com"));
        assert_eq!(
            of("https://tr.example.com:8443/realms/a/")[..2],
            [
                "https://tr.example.com:8443/.well-known/ssf-configuration/realms/a",
                "https://tr.example.com:8443/realms/a/.well-known/ssf-configuration",
            ]
        );
    }
}
