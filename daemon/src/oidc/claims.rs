//! The registered claims (RFC 7519, 4.1) by our own strict reading. `jsonwebtoken` checks some of them once more, but lets
//! pass what is missing, and more shapes than there should be.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::TokenError;

/// How long the name of a subject may be (OpenID Connect Core 2 wants at most 255).
pub(super) const LONGEST_SUBJECT: usize = 255;

/// How long that of a job may be: some write the names of groups, projects and branches into it.
pub(super) const LONGEST_SUBJECT_OF_A_JOB: usize = 2_048;

/// What every token must say.
#[derive(Debug)]
pub(super) struct Registered {
    pub(super) subject: String,
    pub(super) expires: Timestamp,
    pub(super) issued: Option<Timestamp>,
    /// For how many it was issued.
    pub(super) audiences: usize,
}

/// The issuer that a token names: a text.
pub(super) fn issuer(claims: &Map<String, Value>) -> Result<&str, TokenError> {
    text(claims, "iss")
}

/// Whom it is about: a text.
pub(super) fn subject(claims: &Map<String, Value>) -> Result<&str, TokenError> {
    text(claims, "sub")
}

/// Those for whom a token was issued: a text, or a list of texts.
pub(super) fn audiences(claims: &Map<String, Value>) -> Result<Vec<&str>, TokenError> {
    let fault = |what| TokenError::Claim { claim: "aud", what };
    let audiences: Option<Vec<&str>> = match claims.get("aud") {
        None => return Err(fault("is missing")),
        Some(Value::String(one)) => Some(vec![one]),
        Some(Value::Array(all)) => all.iter().map(Value::as_str).collect(),
        Some(_) => None,
    };
    audiences.ok_or_else(|| fault("is neither a text nor a list of texts"))
}

pub(super) fn read(
    claims: &Map<String, Value>,
    leeway: Duration,
    now: Timestamp,
    longest_subject: usize,
) -> Result<Registered, TokenError> {
    let subject = subject(claims)?;
    if subject.is_empty() || subject.len() > longest_subject || subject.contains(char::is_control) {
        return Err(TokenError::Claim {
            claim: "sub",
            what: "is empty, too long, or has control characters",
        });
    }
    let expires = time(claims, "exp")?.ok_or(TokenError::Claim { claim: "exp", what: "is missing" })?;
    let leeway = SignedDuration::try_from(leeway).unwrap_or_default();
    let (earliest, latest) = (now.saturating_sub(leeway), now.saturating_add(leeway));
    let (Ok(earliest), Ok(latest)) = (earliest, latest) else { return Err(TokenError::Expired) };
    if expires <= earliest {
        return Err(TokenError::Expired);
    }
    let issued = time(claims, "iat")?;
    for begins in [time(claims, "nbf")?, issued].into_iter().flatten() {
        if begins > latest {
            return Err(TokenError::Early);
        }
    }
    Ok(Registered { subject: subject.to_owned(), expires, issued, audiences: audiences(claims)?.len() })
}

pub(super) fn text<'a>(claims: &'a Map<String, Value>, claim: &'static str) -> Result<&'a str, TokenError> {
    match claims.get(claim) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(TokenError::Claim { claim, what: "is no text" }),
        None => Err(TokenError::Claim { claim, what: "is missing" }),
    }
}

/// Seconds since 1970, whole or not: some issuers write fractions.
pub(super) fn time(
    claims: &Map<String, Value>,
    claim: &'static str,
) -> Result<Option<Timestamp>, TokenError> {
    let fault = || TokenError::Claim { claim, what: "is no time in seconds since 1970" };
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0).ok_or_else(fault)?;
    let since = SignedDuration::try_from_secs_f64(seconds).map_err(|_| fault())?;
    Timestamp::from_duration(since).map(Some).map_err(|_| fault())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use serde_json::{Map, Value, json};

    use super::{TokenError, read};

    fn at(claims: &Value, now: i64) -> Result<(), TokenError> {
        let claims: &Map<_, _> = claims.as_object().unwrap();
        read(claims, Duration::from_secs(30), Timestamp::from_second(now).unwrap(), 255).map(|_| ())
    }

    #[test]
    fn ends_and_beginnings_are_exact() {
        let token = json!({"sub": "a", "aud": "x", "exp": 1000, "nbf": 500, "iat": 400});
        for (now, answer) in [
            (469, Err(TokenError::Early)),
            (470, Ok(())),
            (1029, Ok(())),
            (1030, Err(TokenError::Expired)),
            (5000, Err(TokenError::Expired)),
        ] {
            assert_eq!(at(&token, now), answer, "{now}");
        }
        let issued_later = json!({"sub": "a", "aud": "x", "exp": 1000, "iat": 800});
        assert_eq!(at(&issued_later, 769), Err(TokenError::Early));
        assert_eq!(
            at(&json!({"sub": "a", "aud": "x", "exp": 1000.5, "nbf": 499.75}), 600),
            Ok(()),
            "fractions"
        );
    }

    #[test]
    fn what_must_be_there_must_make_sense() {
        let good = json!({"sub": "a", "aud": ["x"], "exp": 1000});
        assert_eq!(at(&good, 500), Ok(()));
        for (claim, value) in [
            ("sub", json!(null)),
            ("sub", json!("")),
            ("sub", json!(7)),
            ("sub", json!("a\nb")),
            ("sub", json!("a".repeat(256))),
            ("exp", json!("1000")),
            ("exp", json!(null)),
            ("exp", json!(-1)),
            ("exp", json!(1e300)),
            ("nbf", json!("0")),
            ("nbf", json!(null)),
            ("iat", json!(true)),
            ("aud", json!(null)),
            ("aud", json!(["x", 1])),
            ("aud", json!({"x": 1})),
        ] {
            let mut bad = good.clone();
            bad[claim] = value.clone();
            assert!(
                matches!(at(&bad, 500), Err(TokenError::Claim { claim: at, .. }) if at == claim),
                "{claim}: {value}"
            );
        }
        for claim in ["sub", "exp", "aud"] {
            let mut bad = good.clone();
            bad.as_object_mut().unwrap().remove(claim);
            assert!(
                matches!(at(&bad, 500), Err(TokenError::Claim { claim: at, .. }) if at == claim),
                "{claim}"
            );
        }
    }
}
