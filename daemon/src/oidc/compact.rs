use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{TokenError, json::strict};

/// How long a token may be, in bytes.
pub const LONGEST: usize = 16 * 1024;

/// A token in its three parts (RFC 7515, compact serialization), read and not yet believed.
#[derive(Debug, Clone)]
pub struct Compact<'a> {
    /// The token, as it came.
    pub(super) token: &'a str,
    /// What it says of itself.
    pub header: Map<String, Value>,
    /// What it says of somebody.
    pub claims: Map<String, Value>,
}

impl<'a> Compact<'a> {
    /// Takes a token apart. The alphabet of base64 is that for URLs, without padding, white space or loose bits: there
    /// is one way to write each token.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Malformed(format!("it is longer than {LONGEST} bytes")));
        }
        let parts: Vec<_> = token.split('.').collect();
        let [header, claims, signature] = parts.as_slice() else {
            let what = if parts.len() == 5 { "it is encrypted" } else { "it has not three parts" };
            return Err(TokenError::Malformed(what.to_owned()));
        };
        let header = object("header", header)?;
        let claims = object("claims", claims)?;
        if bytes("signature", signature)?.is_empty() {
            return Err(TokenError::Malformed("it has no signature".to_owned()));
        }
        Ok(Self { token, header, claims })
    }
}

fn bytes(part: &str, text: &str) -> Result<Vec<u8>, TokenError> {
    let decoded = URL_SAFE_NO_PAD.decode(text);
    decoded.map_err(|_| TokenError::Malformed(format!("its {part} is not base64 for URLs without padding")))
}

fn object(part: &str, text: &str) -> Result<Map<String, Value>, TokenError> {
    match strict(&bytes(part, text)?) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(TokenError::Malformed(format!("its {part} is no JSON object"))),
        Err(error) => Err(TokenError::Malformed(format!("its {part} cannot be read: {error}"))),
    }
}
