use std::fmt;

use jsonwebtoken::Algorithm;

/// What may be allowed. Nothing with a shared secret: who can check such a signature can also make it.
const KNOWN: [(&str, Algorithm); 9] = [
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];

/// The signature algorithms that are taken from an issuer: some, and only asymmetric ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Algorithms(Vec<Algorithm>);

impl Default for Algorithms {
    /// What every provider signs with unless told otherwise.
    fn default() -> Self {
        Self(vec![Algorithm::RS256])
    }
}

impl Algorithms {
    /// What our own tokens are signed with.
    pub(super) fn own() -> Self {
        Self(vec![Algorithm::ES256])
    }

    /// Those with these names.
    ///
    /// # Errors
    /// When one is not known, cannot be allowed, or there is none.
    pub fn parse<T: AsRef<str>>(names: &[T]) -> Result<Self, String> {
        for name in names.iter().map(AsRef::as_ref) {
            known(name).ok_or_else(|| format!("`{}` is none of {}", name.escape_debug(), listed()))?;
        }
        if names.is_empty() {
            return Err(format!("at least one of {}", listed()));
        }
        // In our order, so that two configurations that mean the same are the same.
        let named = KNOWN.iter().filter(|(known, _)| names.iter().any(|name| name.as_ref() == *known));
        Ok(Self(named.map(|(_, algorithm)| *algorithm).collect()))
    }

    /// The algorithm that a token names, where it is allowed.
    pub(super) fn allowed(&self, name: &str) -> Option<Algorithm> {
        known(name).filter(|algorithm| self.0.contains(algorithm))
    }
}

/// The names, as in a configuration.
impl fmt::Display for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = KNOWN.iter().filter(|(_, algorithm)| self.0.contains(algorithm));
        let names: Vec<_> = names.map(|(name, _)| format!("\"{name}\"")).collect();
        write!(f, "[{}]", names.join(", "))
    }
}

/// To the letter: jsonwebtoken knows more names than we do.
pub(super) fn known(name: &str) -> Option<Algorithm> {
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
}

fn listed() -> String {
    KNOWN.map(|(name, _)| format!("`{name}`")).join(", ")
}

#[cfg(test)]
mod tests {
    use super::Algorithms;

    #[test]
    fn only_asymmetric_algorithms_can_be_allowed() {
        for name in
            ["none", "None", "HS256", "HS384", "HS512", "rs256", "ES512", "ES256K", "Ed25519", "RSA-OAEP", ""]
        {
            assert!(Algorithms::parse(&[name]).is_err(), "{name}");
        }
        assert!(Algorithms::parse::<&str>(&[]).is_err());
        let some = Algorithms::parse(&["ES256", "RS256"]).unwrap();
        assert_eq!(some.to_string(), r#"["RS256", "ES256"]"#);
        assert!(some.allowed("ES256").is_some() && some.allowed("PS256").is_none());
    }
}
