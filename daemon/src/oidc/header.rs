use std::fmt;

use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::{Algorithms, TokenError};

/// What a token is for, by the `typ` of its header (RFC 8725, 3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenType {
    /// `JWT`, or not said: an ID token, and the access tokens of many providers.
    #[default]
    Jwt,
    /// `at+jwt`: an access token by RFC 9068.
    AccessToken,
    /// `secevent+jwt`: a security event by RFC 8417. It gives nobody anything, and no issuer of tokens can be configured with it.
    SecurityEvent,
}

impl TokenType {
    /// Those that let somebody in.
    pub const ALL: [Self; 2] = [Self::Jwt, Self::AccessToken];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "JWT",
            Self::AccessToken => "at+jwt",
            Self::SecurityEvent => "secevent+jwt",
        }
    }

    /// The one with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// A media type, in any case, with or without `application/` (RFC 7515, 4.1.9).
    fn is_said_by(self, said: Option<&str>) -> bool {
        let Some(said) = said else { return self == Self::Jwt };
        let said = said.to_ascii_lowercase();
        said.strip_prefix("application/").unwrap_or(&said) == self.as_str().to_ascii_lowercase()
    }
}

impl fmt::Display for TokenType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is taken from a header: how the token is signed, and with which of the issuer's keys. Keys that it brings along
/// or points to (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.
#[derive(Debug)]
pub(super) struct Header<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<&'a str>,
}

pub(super) fn check<'a>(
    header: &'a Map<String, Value>,
    algorithms: &Algorithms,
    kind: TokenType,
) -> Result<Header<'a>, TokenError> {
    let refused = |what: &str| TokenError::Header(what.to_owned());
    let text = |name: &str| match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(TokenError::Header(format!("`{name}` is no text"))),
    };
    // What one must understand to read it at all: we understand none of that.
    for name in ["crit", "b64", "zip", "enc"] {
        if header.contains_key(name) {
            return Err(TokenError::Header(format!("`{name}` is not supported")));
        }
    }
    if !kind.is_said_by(text("typ")?) {
        return Err(TokenError::Header(format!("`typ` is not `{kind}`")));
    }
    let name = text("alg")?.ok_or_else(|| refused("it names no algorithm"))?;
    let algorithm =
        algorithms.allowed(name).ok_or_else(|| refused("its algorithm is not allowed for this issuer"))?;
    let kid = text("kid")?;
    if kid.is_some_and(|kid| kid.is_empty() || kid.len() > 256) {
        return Err(refused("`kid` is empty or longer than 256 bytes"));
    }
    Ok(Header { algorithm, kid })
}

#[cfg(test)]
mod tests {
    use super::TokenType;

    #[test]
    fn a_type_is_what_it_says() {
        use TokenType::{AccessToken, Jwt, SecurityEvent};
        for (said, is) in [
            (None, Some(Jwt)),
            (Some("JWT"), Some(Jwt)),
            (Some("jwt"), Some(Jwt)),
            (Some("application/jwt"), Some(Jwt)),
            (Some("at+jwt"), Some(AccessToken)),
            (Some("application/AT+JWT"), Some(AccessToken)),
            (Some("secevent+jwt"), Some(SecurityEvent)),
            (Some("application/secevent+jwt"), Some(SecurityEvent)),
            (Some("logout+jwt"), None),
            (Some("dpop+jwt"), None),
            (Some("application/application/jwt"), None),
            (Some(""), None),
        ] {
            for kind in [Jwt, AccessToken, SecurityEvent] {
                assert_eq!(kind.is_said_by(said), is == Some(kind), "{kind}: {said:?}");
            }
        }
        // No token of that kind lets anybody in.
        assert_eq!(TokenType::parse("secevent+jwt"), None);
    }
}
