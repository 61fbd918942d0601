use thiserror::Error;

/// Why a token is not believed. Nothing of the token is repeated: it may still open a door elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TokenError {
    /// It is no token that could be read in one way only.
    #[error("it is no token: {0}")]
    Malformed(String),
    /// Its header says what is not taken.
    #[error("its header is not accepted: {0}")]
    Header(String),
    /// Nobody of that name is configured.
    #[error("its issuer is none of those that are configured")]
    Issuer,
    /// It is for somebody else.
    #[error("it was not issued for this service: its audience is another one")]
    Audience,
    /// No key of the issuer is the one that it was signed with.
    #[error("issuer `{issuer}` has no such key: {detail}")]
    Key {
        /// The issuer's name in the configuration.
        issuer: String,
        /// What was looked for.
        detail: String,
    },
    /// The signature is not that of the issuer.
    #[error("its signature is not that of issuer `{0}`")]
    Signature(String),
    /// It is over.
    #[error("it has expired")]
    Expired,
    /// It is not yet.
    #[error("it is not valid yet: compare the clocks of this host and of the issuer")]
    Early,
    /// A claim is missing or makes no sense.
    #[error("its claim `{claim}` {what}")]
    Claim {
        /// Which.
        claim: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The issuer's keys are not to be had: nobody can tell whether the token is good.
    #[error("the keys of issuer `{issuer}` are not to be had: {detail}")]
    Unavailable {
        /// The issuer's name in the configuration.
        issuer: String,
        /// Why.
        detail: String,
    },
}

impl TokenError {
    /// Every word that [`TokenError::code`] may give.
    pub const CODES: [&str; 10] = [
        "malformed",
        "header",
        "issuer",
        "audience",
        "key",
        "signature",
        "expired",
        "early",
        "claim",
        "unavailable",
    ];

    /// A word for it, for counting.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Header(_) => "header",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Key { .. } => "key",
            Self::Signature(_) => "signature",
            Self::Expired => "expired",
            Self::Early => "early",
            Self::Claim { .. } => "claim",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    /// What `jsonwebtoken` says of a token of this issuer.
    pub(super) fn of_check(issuer: &str, error: &jsonwebtoken::errors::Error) -> Self {
        use jsonwebtoken::errors::ErrorKind;
        match error.kind() {
            ErrorKind::InvalidSignature => Self::Signature(issuer.to_owned()),
            ErrorKind::ExpiredSignature => Self::Expired,
            ErrorKind::ImmatureSignature => Self::Early,
            ErrorKind::InvalidAudience => Self::Audience,
            ErrorKind::InvalidIssuer => Self::Issuer,
            // Its texts may quote the token.
            _ => Self::Malformed("it cannot be checked".to_owned()),
        }
    }

    /// Whether it is the daemon that cannot tell, and not the token that is wrong.
    pub fn is_undecided(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
