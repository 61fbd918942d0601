//! Tokens that this daemon issues itself: each is of one lease, by RFC 9068.
//!
//! A token says who may use which lease, and gives nothing by itself: the lease is what the audit log says, and is judged with
//! each push as any other is. So nothing of a token is believed but which lease it is of.

mod keys;

use std::{path::PathBuf, sync::Arc};

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use oam_fetch::Secret;
use oam_policy::{PrivilegeId, facts::LeaseFault};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Algorithms, Compact, TokenType, backend, header};
pub use keys::OwnKeyError;
use keys::{Key, Keys};

/// Whom tokens of leases are for: whoever decides pushes here, and nobody else. No exchange is called so, so none takes one
/// for that of a job.
const AUDIENCE: &str = "urn:oam:push";

/// Who issues tokens of leases, and knows them again.
#[derive(Debug)]
pub struct OwnTokens {
    issuer: String,
    keys: Keys,
    algorithms: Algorithms,
}

/// What a token says of its lease (RFC 9068, 2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseClaims {
    /// The lease.
    pub id: PrivilegeId,
    /// The account that pushes.
    pub subject: String,
    /// The workload that leased it.
    pub client: String,
    /// For what, as a scope.
    pub scope: String,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
}

/// What is read of a token: the rest is for others.
#[derive(Deserialize)]
struct Read {
    jti: String,
    exp: i64,
}

#[derive(Serialize)]
struct Written<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    client_id: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
    scope: &'a str,
}

impl OwnTokens {
    /// With the keys in the file at `path`, which is made where there is none. `issuer` is where the exchange is known to be.
    ///
    /// # Errors
    /// When the file cannot be read, is readable to others, or is damaged; or cannot be written.
    pub fn open(path: PathBuf, issuer: String, now: Timestamp) -> Result<Self, OwnKeyError> {
        backend::install();
        Ok(Self { issuer, keys: Keys::open(path, now)?, algorithms: Algorithms::own() })
    }

    /// The token of a lease.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn issue(&self, of: &LeaseClaims, now: Timestamp) -> Result<Secret, OwnKeyError> {
        let key = self.keys.signing(now)?;
        let header = json!({ "typ": TokenType::AccessToken.as_str(), "alg": "ES256", "kid": key.kid() });
        let claims = Written {
            iss: &self.issuer,
            aud: AUDIENCE,
            sub: &of.subject,
            client_id: &of.client,
            iat: of.from.as_second(),
            // Whole seconds, and never longer than the lease.
            exp: of.to.as_second(),
            jti: of.id.as_str(),
            scope: &of.scope,
        };
        key.sign(&header, &json!(claims)).map(Secret::new)
    }

    /// Which lease a token is of.
    ///
    /// # Errors
    /// Why it counts for nothing.
    pub fn verify(&self, token: &[u8], now: Timestamp) -> Result<PrivilegeId, LeaseFault> {
        let text = std::str::from_utf8(token).map_err(|_| LeaseFault::Malformed)?;
        let token = Compact::parse(text).map_err(|_| LeaseFault::Malformed)?;
        let header = header::check(&token.header, &self.algorithms, TokenType::AccessToken);
        let header = header.map_err(|_| LeaseFault::Malformed)?;
        let key = header.kid.and_then(|kid| self.keys.find(kid, now)).ok_or(LeaseFault::NotOurs)?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[AUDIENCE]);
        // By our own clock, which never goes back, and to the second.
        validation.validate_exp = false;
        let read = jsonwebtoken::decode::<Read>(text, &verifying(&key), &validation);
        let Read { jti, exp } = read.map_err(|_| LeaseFault::NotOurs)?.claims;
        if now.as_second() >= exp {
            return Err(LeaseFault::Expired);
        }
        PrivilegeId::parse(&jti).map_err(|_| LeaseFault::Malformed)
    }

    /// The public halves of the keys, for whoever wants to look at a token (RFC 7517).
    pub fn published(&self, now: Timestamp) -> Value {
        let keys: Vec<_> = self.keys.all(now).iter().map(|key| key.published()).collect();
        json!({ "keys": keys })
    }

    /// Where what is (RFC 8414).
    pub fn metadata(&self, token: &str, keys: &str) -> Value {
        let issuer = &self.issuer;
        json!({
            "issuer": issuer,
            "token_endpoint": format!("{issuer}{token}"),
            "jwks_uri": format!("{issuer}{keys}"),
            "grant_types_supported": ["urn:ietf:params:oauth:grant-type:token-exchange"],
            "token_endpoint_auth_methods_supported": ["none"],
            "response_types_supported": [],
        })
    }
}

fn verifying(key: &Arc<Key>) -> DecodingKey {
    DecodingKey::from_ec_der(key.public())
}

#[cfg(test)]
mod tests;
