//! What is recorded of shared signals.

use serde::{Deserialize, Serialize};

/// A transmitter told of something that happened to somebody, or to its stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalReceived {
    /// The transmitter, by its name in the configuration.
    pub transmitter: String,
    /// What it calls this signal (`jti`).
    pub id: String,
    /// What happened: the name of the event, or its address where we know none.
    pub event: String,
    /// Whom it is about, as the transmitter names them; absent when it is about nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Who that is; absent when nobody can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// What followed from it.
    pub effect: SignalEffect,
    /// Why, in the transmitter's words; absent when it did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What followed from a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalEffect {
    /// The person is cut off.
    Deactivated,
    /// They were cut off before.
    Already,
    /// Their source is read again.
    Reread,
    /// Nothing.
    Noted,
    /// Nobody is known whom it could be about.
    Unknown,
    /// It could be about more than one.
    Ambiguous,
    /// No signals come any more.
    Blind,
    /// Signals come.
    Flowing,
}

impl SignalEffect {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Deactivated,
        Self::Already,
        Self::Reread,
        Self::Noted,
        Self::Unknown,
        Self::Ambiguous,
        Self::Blind,
        Self::Flowing,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deactivated => "deactivated",
            Self::Already => "already",
            Self::Reread => "reread",
            Self::Noted => "noted",
            Self::Unknown => "unknown",
            Self::Ambiguous => "ambiguous",
            Self::Blind => "blind",
            Self::Flowing => "flowing",
        }
    }
}

/// The stream of a transmitter is set up otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalStream {
    /// The transmitter, by its name in the configuration.
    pub transmitter: String,
    /// What happened to it.
    pub change: StreamChange,
    /// What the transmitter calls it; absent when it is set up there by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Who did it.
    pub actor: String,
}

/// What happened to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StreamChange {
    /// There is one.
    Created,
    /// It is as it should be again, with another token where signals are pushed.
    Updated,
    /// There is none any more.
    Removed,
    /// There is another token to push with.
    Token,
}

impl StreamChange {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Removed => "removed",
            Self::Token => "token",
        }
    }
}
