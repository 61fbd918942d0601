use std::fmt;

/// What is told, by the last part of its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A sign of life.
    Verification,
    /// The stream flows, or does not.
    StreamUpdated,
    /// Something happened to somebody.
    Person(PersonEvent),
    /// Something that we do not know. It is noted.
    Other(String),
}

/// What all addresses of events begin with.
const SPACE: &str = "https://schemas.openid.net/secevent/";

/// Declares the events, so that each has a name.
macro_rules! events {
    ($($event:ident = $family:literal $name:literal,)*) => {
        /// What happens to people, as CAEP 1.0 and RISC 1.0 have it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "the two standards explain them")]
        pub enum PersonEvent { $($event,)* }

        impl PersonEvent {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$event,)*];

            /// Its name in its standard, which no event of the other one has.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$event => $name,)* }
            }

            const fn family(self) -> &'static str {
                match self { $(Self::$event => $family,)* }
            }
        }
    };
}

events! {
    SessionRevoked = "caep" "session-revoked",
    TokenClaimsChange = "caep" "token-claims-change",
    CredentialChange = "caep" "credential-change",
    AssuranceLevelChange = "caep" "assurance-level-change",
    DeviceComplianceChange = "caep" "device-compliance-change",
    SessionEstablished = "caep" "session-established",
    SessionPresented = "caep" "session-presented",
    RiskLevelChange = "caep" "risk-level-change",
    AccountCredentialChangeRequired = "risc" "account-credential-change-required",
    AccountPurged = "risc" "account-purged",
    AccountDisabled = "risc" "account-disabled",
    AccountEnabled = "risc" "account-enabled",
    IdentifierChanged = "risc" "identifier-changed",
    IdentifierRecycled = "risc" "identifier-recycled",
    CredentialCompromise = "risc" "credential-compromise",
    OptIn = "risc" "opt-in",
    OptOutInitiated = "risc" "opt-out-initiated",
    OptOutCancelled = "risc" "opt-out-cancelled",
    OptOutEffective = "risc" "opt-out-effective",
    RecoveryActivated = "risc" "recovery-activated",
    RecoveryInformationChanged = "risc" "recovery-information-changed",
    SessionsRevoked = "risc" "sessions-revoked",
}

impl PersonEvent {
    /// Those that cut somebody off unless told otherwise.
    pub const DEACTIVATING: [Self; 2] = [Self::AccountDisabled, Self::AccountPurged];
    /// Those after which the source is read again unless told otherwise.
    pub const REREADING: [Self; 5] = [
        Self::TokenClaimsChange,
        Self::IdentifierChanged,
        Self::IdentifierRecycled,
        Self::AccountEnabled,
        Self::SessionRevoked,
    ];

    /// The one with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.as_str() == name)
    }

    /// Its address.
    pub fn address(self) -> String {
        format!("{SPACE}{}/event-type/{}", self.family(), self.as_str())
    }
}

impl EventKind {
    /// What an address means. Before there was the framework its own events stood below `sse` and `risc`.
    pub(super) fn parse(address: &str) -> Self {
        let parts = address.strip_prefix(SPACE).and_then(|rest| rest.split_once("/event-type/"));
        match parts {
            Some(("ssf" | "sse" | "risc", "verification")) => Self::Verification,
            Some(("ssf" | "sse", "stream-updated")) => Self::StreamUpdated,
            Some((family, name)) => {
                let known = PersonEvent::parse(name).filter(|event| event.family() == family);
                known.map_or_else(|| Self::Other(address.to_owned()), Self::Person)
            }
            None => Self::Other(address.to_owned()),
        }
    }
}

/// As it is told and recorded: by its name where we know it, else by its address.
impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verification => f.write_str("verification"),
            Self::StreamUpdated => f.write_str("stream-updated"),
            Self::Person(event) => f.write_str(event.as_str()),
            Self::Other(address) => f.write_str(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{EventKind, PersonEvent};

    #[test]
    fn an_address_is_one_event() {
        let names: BTreeSet<_> = PersonEvent::ALL.iter().map(|event| event.as_str()).collect();
        assert_eq!(names.len(), PersonEvent::ALL.len());
        for event in PersonEvent::ALL {
            assert_eq!(EventKind::parse(&event.address()), EventKind::Person(*event));
        }
        for (address, kind) in [
            ("https://schemas.openid.net/secevent/ssf/event-type/verification", EventKind::Verification),
            ("https://schemas.openid.net/secevent/sse/event-type/verification", EventKind::Verification),
            ("https://schemas.openid.net/secevent/risc/event-type/verification", EventKind::Verification),
            ("https://schemas.openid.net/secevent/ssf/event-type/stream-updated", EventKind::StreamUpdated),
        ] {
            assert_eq!(EventKind::parse(address), kind);
        }
        for other in [
            "https://schemas.openid.net/secevent/caep/event-type/account-disabled",
            "https://schemas.openid.net/secevent/risc/event-type/account-disabled/",
            "https://schemas.openid.net/secevent/risc/event-type/Account-Disabled",
            "http://schemas.openid.net/secevent/risc/event-type/account-disabled",
            "account-disabled",
            "",
        ] {
            assert_eq!(EventKind::parse(other), EventKind::Other(other.to_owned()));
        }
    }
}
