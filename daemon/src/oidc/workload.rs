use std::fmt;

use jiff::Timestamp;
use oam_policy::Digest;
use serde_json::{Map, Value};

use super::{Compact, TokenError};

/// How SPIFFE names whoever is in a trust domain.
const SPIFFE: &str = "spiffe://";

/// What an issuer says of a job, checked in every respect. Only [`Issuers`](super::Issuers) makes one.
#[derive(Clone)]
pub struct WorkloadToken {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) expires: Timestamp,
    pub(super) issued: Option<Timestamp>,
    pub(super) id: Digest,
    pub(super) claims: Map<String, Value>,
}

impl WorkloadToken {
    /// Who issued it, as a policy names them: `iss`, or the trust domain of SPIFFE.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The job, as the issuer numbers them.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Until when it is good.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Since when it is good, where it says so.
    pub fn issued(&self) -> Option<Timestamp> {
        self.issued
    }

    /// What tells it from every other: of one that has a `jti`, that and the issuer. A token cannot be made of it.
    pub fn id(&self) -> Digest {
        self.id
    }

    /// All that it says.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

#[cfg(test)]
impl WorkloadToken {
    /// As if an issuer had said so.
    pub(crate) fn sample(issuer: &str, jti: &str, expires: Timestamp, claims: &Value) -> Self {
        let claims = claims.as_object().cloned().unwrap_or_default();
        let id = Digest::of(jti.as_bytes());
        Self { issuer: issuer.into(), subject: "job".into(), expires, issued: None, id, claims }
    }

    /// The same, issued then.
    pub(crate) fn issued_at(self, issued: Timestamp) -> Self {
        Self { issued: Some(issued), ..self }
    }
}

/// Who it is of, and nothing else.
impl fmt::Debug for WorkloadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkloadToken")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// The trust domain of a subject of SPIFFE.
pub(super) fn trust_domain(subject: &str) -> Option<&str> {
    let (domain, _) = subject.strip_prefix(SPIFFE)?.split_once('/')?;
    Some(domain)
}

/// A trust domain as a policy names it.
pub(super) fn named(domain: &str) -> String {
    format!("{SPIFFE}{domain}")
}

/// See [`WorkloadToken::id`]. Without a `jti` it is what was signed: a signature may be written in more ways than one.
pub(super) fn id(token: &Compact<'_>, issuer: &str) -> Result<Digest, TokenError> {
    let text = match token.claims.get("jti") {
        Some(Value::String(jti)) => format!("jti\n{issuer}\n{jti}"),
        Some(_) => return Err(TokenError::Claim { claim: "jti", what: "is no text" }),
        None => {
            let signed = token.token.rsplit_once('.').map_or(token.token, |(signed, _)| signed);
            format!("token\n{issuer}\n{signed}")
        }
    };
    Ok(Digest::of(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{super::Compact, id, trust_domain};

    #[test]
    fn a_trust_domain_is_what_stands_before_the_path() {
        for (subject, domain) in [
            ("spiffe://example.org/ci/api", Some("example.org")),
            ("spiffe://example.org", None),
            ("spiffe:///ci", Some("")),
            ("SPIFFE://example.org/ci", None),
            ("example.org/ci", None),
        ] {
            assert_eq!(trust_domain(subject), domain, "{subject}");
        }
    }

    #[test]
    fn a_token_is_told_by_its_id_or_by_what_was_signed() {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
        let token = |claims: &str, signature: &str| {
            format!("{}.{}.{}", BASE64.encode("{}"), BASE64.encode(claims), BASE64.encode(signature))
        };
        let of = |text: &str, issuer: &str| id(&Compact::parse(text).unwrap(), issuer);
        let one = token(r#"{"jti":"a","n":1}"#, "x");
        assert_eq!(of(&one, "i"), of(&token(r#"{"jti":"a","n":2}"#, "y"), "i"));
        assert_ne!(of(&one, "i"), of(&one, "j"), "another issuer counts for itself");
        assert_ne!(of(&one, "i"), of(&token(r#"{"jti":"b"}"#, "x"), "i"));
        let bare = token(r#"{"n":1}"#, "x");
        assert_eq!(of(&bare, "i"), of(&token(r#"{"n":1}"#, "y"), "i"), "another signature of the same");
        assert_ne!(of(&bare, "i"), of(&token(r#"{"n":2}"#, "x"), "i"));
        assert!(of(&token(r#"{"jti":7}"#, "x"), "i").is_err());
    }
}
