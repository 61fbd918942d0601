use serde_json::{Map, Value};

use super::SetError;
use crate::config::SubjectFormat;

/// How long a text that names somebody may be.
const LONGEST: usize = 1_024;
/// By how many names one may be called.
const MOST_ALIASES: usize = 16;

/// Whom or what an event is about (RFC 9493, and the complex subjects of the framework).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// `acct:…`, with the scheme.
    Account(String),
    /// An e-mail address.
    Email(String),
    /// An issuer, and its name for them.
    IssSub {
        /// The issuer.
        iss: String,
        /// Its name for them.
        sub: String,
    },
    /// A text.
    Opaque(String),
    /// One by several names.
    Aliases(Vec<Self>),
    /// Something by which nobody can be found: the format's name.
    Other(String),
}

impl Subject {
    /// Reads a subject. Of a complex one it is the user: what is told of their device or session is about them.
    pub(super) fn read(subject: &Value) -> Result<Self, SetError> {
        let fields = subject.as_object().ok_or(SetError::Subject("is no object"))?;
        match format(fields)? {
            Some(format) if format == "complex" => Self::user_of(fields),
            Some(format) if format == "aliases" => {
                let names = fields.get("identifiers").and_then(Value::as_array);
                let names = names.ok_or(SetError::Subject("has no list of identifiers"))?;
                if names.is_empty() || names.len() > MOST_ALIASES {
                    return Err(SetError::Subject("has no identifier, or too many"));
                }
                let one = |name: &Value| {
                    let fields = name.as_object().ok_or(SetError::Subject("is no object"))?;
                    let format = self::format(fields)?.ok_or(SetError::Subject("names no format"))?;
                    Self::simple(&format, fields)
                };
                names.iter().map(one).collect::<Result<_, _>>().map(Self::Aliases)
            }
            Some(format) => Self::simple(&format, fields),
            // Complex subjects named no format in drafts.
            None => Self::user_of(fields),
        }
    }

    fn user_of(fields: &Map<String, Value>) -> Result<Self, SetError> {
        let Some(user) = fields.get("user") else {
            // An address or a device of nobody in particular.
            return Ok(Self::Other("complex".into()));
        };
        let user = user.as_object().ok_or(SetError::Subject("has a user that is no object"))?;
        let format = format(user)?.ok_or(SetError::Subject("names no format"))?;
        Self::simple(&format, user)
    }

    fn simple(format: &str, fields: &Map<String, Value>) -> Result<Self, SetError> {
        let text = |name: &str| {
            let text = fields.get(name).and_then(Value::as_str);
            let text = text.filter(|text| !text.is_empty() && text.len() <= LONGEST);
            text.map(str::to_owned).ok_or(SetError::Subject("lacks a part of its format, or it is no text"))
        };
        match format {
            "account" => text("uri").map(Self::Account),
            "email" => text("email").map(Self::Email),
            "iss_sub" => Ok(Self::IssSub { iss: text("iss")?, sub: text("sub")? }),
            "opaque" => text("id").map(Self::Opaque),
            other => Ok(Self::Other(other.to_owned())),
        }
    }

    /// Each format that a person may be found by, with the text to look for. An issuer and its name go together:
    /// `issuer` is the one whose names are known.
    pub(super) fn names<'a>(&'a self, issuer: &str) -> Vec<(SubjectFormat, &'a str)> {
        match self {
            Self::Account(uri) => vec![(SubjectFormat::Account, uri.strip_prefix("acct:").unwrap_or(uri))],
            Self::Email(email) => vec![(SubjectFormat::Email, email)],
            Self::IssSub { iss, sub } if iss == issuer => vec![(SubjectFormat::IssSub, sub)],
            Self::Opaque(id) => vec![(SubjectFormat::Opaque, id)],
            Self::Aliases(all) => all.iter().flat_map(|one| one.names(issuer)).collect(),
            Self::IssSub { .. } | Self::Other(_) => Vec::new(),
        }
    }
}

/// The name of the format: `format`, or `subject_type` in drafts, some of which wrote it with `-`.
fn format(fields: &Map<String, Value>) -> Result<Option<String>, SetError> {
    let named = fields.get("format").or_else(|| fields.get("subject_type"));
    let Some(named) = named else { return Ok(None) };
    let named = named.as_str().filter(|named| !named.is_empty() && named.len() <= 64);
    named.map(|named| Some(named.replace('-', "_"))).ok_or(SetError::Subject("names its format by no text"))
}

/// As it is told and recorded.
impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Account(uri) => write!(f, "account {uri}"),
            Self::Email(email) => write!(f, "email {email}"),
            Self::IssSub { iss, sub } => write!(f, "iss_sub {iss} {sub}"),
            Self::Opaque(id) => write!(f, "opaque {id}"),
            Self::Aliases(all) => {
                let all: Vec<_> = all.iter().map(ToString::to_string).collect();
                f.write_str(&all.join(", "))
            }
            Self::Other(format) => write!(f, "{format}, by which nobody is found"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{SetError, Subject};
    use crate::config::SubjectFormat;

    #[test]
    fn every_format_of_both_dialects() {
        let email = || Subject::Email("a@b.example".into());
        let pair = || Subject::IssSub { iss: "https://i".into(), sub: "7".into() };
        for (subject, read) in [
            (json!({"format": "email", "email": "a@b.example"}), email()),
            (json!({"subject_type": "email", "email": "a@b.example"}), email()),
            (json!({"format": "iss_sub", "iss": "https://i", "sub": "7"}), pair()),
            (json!({"subject_type": "iss-sub", "iss": "https://i", "sub": "7"}), pair()),
            (json!({"format": "account", "uri": "acct:a@b"}), Subject::Account("acct:a@b".into())),
            (json!({"format": "opaque", "id": "x"}), Subject::Opaque("x".into())),
            (json!({"format": "phone_number", "phone_number": "+1"}), Subject::Other("phone_number".into())),
            (
                json!({"format": "complex", "user": {"format": "opaque", "id": "x"}}),
                Subject::Opaque("x".into()),
            ),
            (json!({"user": {"format": "email", "email": "a@b.example"}, "device": 7}), email()),
            (json!({"format": "complex", "device": {}}), Subject::Other("complex".into())),
            (
                json!({"format": "aliases", "identifiers": [{"format": "email", "email": "a@b.example"},
                    {"format": "iss_sub", "iss": "https://i", "sub": "7"}]}),
                Subject::Aliases(vec![email(), pair()]),
            ),
        ] {
            assert_eq!(Subject::read(&subject), Ok(read), "{subject}");
        }
    }

    #[test]
    fn what_is_no_subject_is_refused() {
        let many = vec![json!({"format": "opaque", "id": "x"}); 17];
        for subject in [
            json!(null),
            json!("alice"),
            json!({"format": 7}),
            json!({"format": ""}),
            json!({"format": "email"}),
            json!({"format": "email", "email": ["a@b.example"]}),
            json!({"format": "email", "email": ""}),
            json!({"format": "opaque", "id": "x".repeat(1_025)}),
            json!({"format": "iss_sub", "sub": "7"}),
            json!({"format": "aliases"}),
            json!({"format": "aliases", "identifiers": []}),
            json!({"format": "aliases", "identifiers": many}),
            json!({"format": "complex", "user": "alice"}),
            json!({"user": {"id": "x"}}),
        ] {
            assert!(matches!(Subject::read(&subject), Err(SetError::Subject(_))), "{subject}");
        }
        // Aliases and complex subjects are not nested.
        let nested = json!({"format": "aliases", "identifiers": [{"format": "aliases", "identifiers": []}]});
        let Ok(Subject::Aliases(names)) = Subject::read(&nested) else { panic!("{nested}") };
        assert_eq!(names, [Subject::Other("aliases".into())]);
    }

    #[test]
    fn the_name_of_another_issuer_finds_nobody() {
        let read = |subject: Value| Subject::read(&subject).unwrap();
        let pair = read(json!({"format": "iss_sub", "iss": "https://i", "sub": "7"}));
        assert_eq!(pair.names("https://i"), [(SubjectFormat::IssSub, "7")]);
        assert_eq!(pair.names("https://j"), []);
        let account = read(json!({"format": "account", "uri": "acct:alice"}));
        assert_eq!(account.names(""), [(SubjectFormat::Account, "alice")]);
    }
}
