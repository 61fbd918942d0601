use oam_policy::printable::Printable;
use serde_json::{Map, Value};
use thiserror::Error;

use super::{EventKind, Subject};

/// How long the address of an event may be.
const LONGEST_ADDRESS: usize = 256;
/// How much of the transmitter's reason is kept, in characters.
const LONGEST_REASON: usize = 256;

/// Why the claims are those of no event that we take. What stands there is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SetError {
    /// Not one event.
    #[error("`events` does not hold exactly one event, which is an object")]
    Events,
    /// The address is too long.
    #[error("the address of its event is empty or longer than {LONGEST_ADDRESS} bytes")]
    Address,
    /// The subject.
    #[error("its subject {0}")]
    Subject(&'static str),
    /// Two subjects.
    #[error("it names one subject in `sub_id` and another one in the event")]
    Subjects,
    /// None.
    #[error("it names no subject, neither in `sub_id` nor in the event")]
    Nobody,
}

/// What the claims of a security event say (RFC 8417, 2.2): one thing, about one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityEvent {
    /// What.
    pub kind: EventKind,
    /// About whom or what; a sign of life need not say.
    pub subject: Option<Subject>,
    /// What more it says.
    details: Map<String, Value>,
}

impl SecurityEvent {
    /// Reads the claims, in both dialects: the subject is `sub_id`, or in drafts `subject` within the event.
    ///
    /// # Errors
    /// When they do not say one thing about one subject.
    pub fn read(claims: &Map<String, Value>) -> Result<Self, SetError> {
        let events = claims.get("events").and_then(Value::as_object).filter(|events| events.len() == 1);
        let (address, details) = events.and_then(|events| events.iter().next()).ok_or(SetError::Events)?;
        let details = details.as_object().ok_or(SetError::Events)?;
        if address.is_empty() || address.len() > LONGEST_ADDRESS {
            return Err(SetError::Address);
        }
        let kind = EventKind::parse(address);
        let subject = match (claims.get("sub_id"), details.get("subject")) {
            (Some(one), Some(other)) if one != other => return Err(SetError::Subjects),
            (Some(subject), _) | (None, Some(subject)) => Some(Subject::read(subject)?),
            (None, None) if matches!(kind, EventKind::Verification | EventKind::StreamUpdated) => None,
            (None, None) => return Err(SetError::Nobody),
        };
        Ok(Self { kind, subject, details: details.clone() })
    }

    /// A text that it says.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.details.get(name).and_then(Value::as_str)
    }

    /// Why, in the transmitter's words: a text, or one for each language, of which English is taken where it is there.
    pub(super) fn reason(&self) -> Option<String> {
        let told = ["reason_admin", "reason"].iter().find_map(|name| self.details.get(*name))?;
        let text = match told {
            Value::String(text) => text,
            Value::Object(texts) => {
                texts.get("en").or_else(|| texts.values().next()).and_then(Value::as_str)?
            }
            _ => return None,
        };
        let text: String = text.chars().take(LONGEST_REASON).collect();
        Some(Printable::new(&text).to_string()).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{EventKind, SecurityEvent, SetError, Subject};
    use crate::signals::PersonEvent;

    const DISABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";

    fn read(claims: &Value) -> Result<SecurityEvent, SetError> {
        SecurityEvent::read(claims.as_object().unwrap())
    }

    #[test]
    fn both_dialects_say_the_same() {
        let subject = json!({"format": "opaque", "id": "x"});
        let new = read(&json!({"sub_id": subject, "events": {DISABLED: {"reason": "hijacking"}}})).unwrap();
        let old = read(&json!({"events": {DISABLED: {"subject": subject, "reason": "hijacking"}}})).unwrap();
        let both = read(
            &json!({"sub_id": subject, "events": {DISABLED: {"subject": subject, "reason": "hijacking"}}}),
        );
        for event in [&new, &old, &both.unwrap()] {
            assert_eq!(event.kind, EventKind::Person(PersonEvent::AccountDisabled));
            assert_eq!(event.subject, Some(Subject::Opaque("x".into())));
            assert_eq!(event.reason().as_deref(), Some("hijacking"));
        }
    }

    #[test]
    fn reasons_come_in_languages_and_are_bounded() {
        let with = |reason: Value| {
            let subject = json!({"format": "opaque", "id": "x"});
            read(&json!({"sub_id": subject, "events": {DISABLED: {"reason_admin": reason}}}))
                .unwrap()
                .reason()
        };
        assert_eq!(with(json!({"de": "weg", "en": "left"})).as_deref(), Some("left"));
        assert_eq!(with(json!({"de": "weg"})).as_deref(), Some("weg"));
        assert_eq!(with(json!("a\u{1b}[2Jb")).as_deref(), Some("a\\x1b[2Jb"));
        assert_eq!(with(json!("x".repeat(10_000))).unwrap().len(), 256);
        for none in [json!(7), json!({}), json!({"en": 7}), json!(""), json!(null)] {
            assert_eq!(with(none.clone()), None, "{none}");
        }
    }

    #[test]
    fn it_is_one_thing_about_one_subject() {
        let subject = json!({"format": "opaque", "id": "x"});
        let other = json!({"format": "opaque", "id": "y"});
        for (claims, error) in [
            (json!({"sub_id": subject}), SetError::Events),
            (json!({"sub_id": subject, "events": []}), SetError::Events),
            (json!({"sub_id": subject, "events": {}}), SetError::Events),
            (json!({"sub_id": subject, "events": {DISABLED: null}}), SetError::Events),
            (json!({"sub_id": subject, "events": {DISABLED: {}, "urn:other": {}}}), SetError::Events),
            (json!({"sub_id": subject, "events": {"": {}}}), SetError::Address),
            (json!({"sub_id": subject, "events": {"x".repeat(257): {}}}), SetError::Address),
            (json!({"events": {DISABLED: {}}}), SetError::Nobody),
            (json!({"sub_id": subject, "events": {DISABLED: {"subject": other}}}), SetError::Subjects),
        ] {
            assert_eq!(read(&claims), Err(error), "{claims}");
        }
        let alive = json!({"events": {"https://schemas.openid.net/secevent/risc/event-type/verification": {"state": "s"}}});
        assert_eq!(read(&alive).unwrap().text("state"), Some("s"));
    }
}
