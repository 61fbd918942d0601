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

/// How far ahead the date of an event may be at most: it is delivered again until that time has come, and the others wait.
const FAR_AHEAD: SignedDuration = SignedDuration::from_hours(24);

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

/// What a transmitter has signed, for us. Only [`EventIssuer`] makes one.
#[derive(Clone)]
pub struct SignedEvent {
    claims: Map<String, Value>,
    leeway: Duration,
}

/// What a transmitter says, checked but for what it means. Only [`SignedEvent`] makes one.
#[derive(Clone)]
pub struct VerifiedEvent {
    id: String,
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

    /// Checks whether a security event is from this transmitter and for us.
    ///
    /// # Errors
    /// When it is not, or nobody can tell.
    pub async fn verify(&self, token: &str) -> Result<SignedEvent, TokenError> {
        let token = Compact::parse(token)?;
        let header = header::check(&token.header, &self.algorithms, TokenType::SecurityEvent)?;
        if claims::issuer(&token.claims)? != self.issuer.as_str() {
            return Err(TokenError::Issuer);
        }
        if !claims::audiences(&token.claims)?.contains(&self.audience.as_str()) {
            return Err(TokenError::Audience);
        }
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
        Ok(SignedEvent { claims: token.claims, leeway: self.leeway })
    }

    /// Why its keys were not to be had when they were needed last.
    pub fn trouble(&self) -> Option<String> {
        self.keys.trouble().map(|why| why.as_ref().clone())
    }
}

impl SignedEvent {
    /// What the transmitter calls it, whatever else it says.
    pub fn id(&self) -> Option<&str> {
        self.claims.get("jti").and_then(Value::as_str)
    }

    /// Reads it as the security event that it should be.
    ///
    /// # Errors
    /// When it is none, or one of a time that has not come yet.
    pub fn read(self) -> Result<VerifiedEvent, TokenError> {
        let id = read(&self.claims, self.leeway, Timestamp::now())?;
        Ok(VerifiedEvent { id, claims: self.claims })
    }
}

/// The id of an event, which must not look like a token of somebody (RFC 8417, 2.2 and 4), nor be from the future. It may be
/// as old as it likes: what is told late is so all the same, and only takes.
fn read(claims: &Map<String, Value>, leeway: Duration, now: Timestamp) -> Result<String, TokenError> {
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
    let ahead = issued.duration_since(now);
    if ahead > FAR_AHEAD {
        return fault("iat", "is more than a day ahead");
    }
    if ahead > leeway {
        return Err(TokenError::Early);
    }
    Ok(id.to_owned())
}

impl VerifiedEvent {
    /// What the transmitter calls it (`jti`): no other event of it is called so.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it says.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

/// Which it is, and nothing else: what it says is about somebody.
impl fmt::Debug for VerifiedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedEvent").field("id", &self.id).finish_non_exhaustive()
    }
}

/// That there is one, and nothing else.
impl fmt::Debug for SignedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedEvent").finish_non_exhaustive()
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
        read(claims.as_object().unwrap(), Duration::from_secs(60), now)
    }

    #[test]
    fn an_event_has_an_id_and_a_time_and_neither_end_nor_subject() {
        let day = 86_400;
        let good = json!({"jti": "a", "iat": 10 * day});
        assert_eq!(at(&good, 10 * day), Ok("a".into()));
        assert_eq!(at(&good, 10 * day - 60), Ok("a".into()), "their clock may be ahead");
        assert_eq!(at(&good, 10 * day - 61), Err(TokenError::Early));
        assert_eq!(at(&good, 9 * day), Err(TokenError::Early));
        let far = at(&good, 9 * day - 1);
        assert!(
            matches!(far, Err(TokenError::Claim { claim: "iat", .. })),
            "it would come again for ever: {far:?}"
        );
        assert_eq!(at(&good, 400 * day), Ok("a".into()), "what is told late is so all the same");
        for (claim, value, now) in [
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
