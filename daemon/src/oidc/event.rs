use std::{fmt, path::Path, time::Duration};

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::Validation;
use oam_fetch::{Client, Network, RootsError, WebUrl};
use serde_json::{Map, Value};

use super::{
    Algorithms, Compact, KeyTimes, TokenError, TokenType, backend,
    cache::{KeyCache, Place},
    claims, header,
};

/// How old a security event may be when it comes. Events are known again for as long.
pub const OLDEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A transmitter whose security events are believed (RFC 8417).
#[derive(Debug)]
pub struct EventIssuer {
    name: String,
    issuer: WebUrl,
    audience: String,
    algorithms: Algorithms,
    leeway: Duration,
    keys: KeyCache,
}

/// What a transmitter says, checked but for what it means. Only [`EventIssuer`] makes one.
#[derive(Clone)]
pub struct VerifiedEvent {
    id: String,
    issued: Timestamp,
    claims: Map<String, Value>,
}

impl EventIssuer {
    /// The transmitter `issuer`, which calls us `audience`. Nobody is asked for keys yet.
    ///
    /// # Errors
    /// When there are no authorities of certificates to believe.
    pub fn new(
        name: &str,
        issuer: &WebUrl,
        audience: &str,
        (algorithms, leeway): (Algorithms, Duration),
        (network, ca): (Network, Option<&Path>),
    ) -> Result<Self, RootsError> {
        backend::install();
        let client = Client::new(network, ca)?;
        let keys = KeyCache::new(issuer.clone(), Place::SharedSignals, client, KeyTimes::default());
        let (name, audience) = (name.to_owned(), audience.to_owned());
        Ok(Self { name, issuer: issuer.clone(), audience, algorithms, leeway, keys })
    }

    /// Checks a security event in every respect that does not depend on what it is about.
    ///
    /// # Errors
    /// When it is not to be believed, or nobody can tell.
    pub async fn verify(&self, token: &str) -> Result<VerifiedEvent, TokenError> {
        let token = Compact::parse(token)?;
        let header = header::check(&token.header, &self.algorithms, TokenType::SecurityEvent)?;
        if claims::issuer(&token.claims)? != self.issuer.as_str() {
            return Err(TokenError::Issuer);
        }
        if !claims::audiences(&token.claims)?.contains(&self.audience.as_str()) {
            return Err(TokenError::Audience);
        }
        let (id, issued) = read(&token.claims, self.leeway, Timestamp::now())?;
        let key = self.keys.key(header.kid, header.algorithm).await.map_err(|no| no.of(&self.name))?;
        let mut validation = Validation::new(header.algorithm);
        validation.set_required_spec_claims(&["aud", "iss"]);
        validation.set_issuer(&[self.issuer.as_str()]);
        validation.set_audience(&[self.audience.as_str()]);
        // It has no end: what happened, happened.
        validation.validate_exp = false;
        validation.leeway = self.leeway.as_secs();
        jsonwebtoken::decode::<Value>(token.token, &key, &validation)
            .map_err(|error| TokenError::of_check(&self.name, &error))?;
        Ok(VerifiedEvent { id, issued, claims: token.claims })
    }

    /// Why its keys were not to be had when they were needed last.
    pub fn trouble(&self) -> Option<String> {
        self.keys.trouble().map(|why| why.as_ref().clone())
    }
}

/// The id and the time of an event, which must not look like a token of somebody (RFC 8417, 2.2 and 4).
fn read(
    claims: &Map<String, Value>,
    leeway: Duration,
    now: Timestamp,
) -> Result<(String, Timestamp), TokenError> {
    let fault = |claim, what| Err(TokenError::Claim { claim, what });
    if claims.contains_key("exp") {
        return fault("exp", "is there: a security event has none");
    }
    if claims.contains_key("sub") {
        return fault("sub", "is there: a security event names its subject otherwise");
    }
    let id = claims::text(claims, "jti")?;
    if id.is_empty() || id.len() > 256 || id.contains(char::is_control) {
        return fault("jti", "is empty, too long, or has control characters");
    }
    let Some(issued) = claims::time(claims, "iat")? else { return fault("iat", "is missing") };
    let leeway = SignedDuration::try_from(leeway).unwrap_or_default();
    let age = now.duration_since(issued);
    if age < -leeway {
        return Err(TokenError::Early);
    }
    if age > SignedDuration::try_from(OLDEST).unwrap_or_default() {
        return fault("iat", "is more than seven days ago");
    }
    Ok((id.to_owned(), issued))
}

impl VerifiedEvent {
    /// What the transmitter calls it (`jti`): no other event of it is called so.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it was issued.
    pub fn issued(&self) -> Timestamp {
        self.issued
    }

    /// What it says.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

/// Which it is, and nothing else: what it says is about somebody.
impl fmt::Debug for VerifiedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedEvent")
            .field("id", &self.id)
            .field("issued", &self.issued)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::{TokenError, read};

    fn at(claims: &Value, now: i64) -> Result<String, TokenError> {
        let now = Timestamp::from_second(now).unwrap();
        read(claims.as_object().unwrap(), Duration::from_secs(60), now).map(|(id, _)| id)
    }

    #[test]
    fn an_event_has_an_id_and_a_time_and_neither_end_nor_subject() {
        let day = 86_400;
        let good = json!({"jti": "a", "iat": 10 * day});
        assert_eq!(at(&good, 10 * day), Ok("a".into()));
        assert_eq!(at(&good, 10 * day - 60), Ok("a".into()), "their clock may be ahead");
        assert_eq!(at(&good, 10 * day - 61), Err(TokenError::Early));
        assert_eq!(at(&good, 17 * day), Ok("a".into()));
        for (claim, value, now) in [
            ("iat", json!(10 * day), 17 * day + 1),
            ("iat", json!(null), 10 * day),
            ("iat", json!("864000"), 10 * day),
            ("jti", json!(null), 10 * day),
            ("jti", json!(""), 10 * day),
            ("jti", json!(7), 10 * day),
            ("jti", json!("a\nb"), 10 * day),
            ("jti", json!("a".repeat(257)), 10 * day),
            ("exp", json!(20 * day), 10 * day),
            ("exp", json!(null), 10 * day),
            ("sub", json!("alice"), 10 * day),
        ] {
            let mut bad = good.clone();
            bad[claim] = value.clone();
            let said = at(&bad, now);
            assert!(
                matches!(said, Err(TokenError::Claim { claim: at, .. }) if at == claim),
                "{claim}: {value}: {said:?}"
            );
        }
    }
}
