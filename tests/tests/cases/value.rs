//! The values in a case, parsed where they are read.

use std::{fmt, marker::PhantomData};

use jiff::Timestamp;
use oam_policy::{Channel, RefName, Repository, Username, Verb};
use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer as _, SeqAccess, Visitor, value::SeqAccessDeserializer},
};

use crate::answer::Reason;

/// A username.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pusher(pub(crate) Username);

/// One line of a push.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Line {
    pub(crate) verb: Verb,
    pub(crate) repository: Repository,
    pub(crate) name: RefName,
}

/// A moment, with its time zone.
#[derive(Debug, Deserialize)]
#[serde(try_from = "toml::value::Datetime")]
pub(crate) struct At(pub(crate) Timestamp);

/// A way in, by its name in the policy language.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Way(pub(crate) Channel);

/// What a rule in evaluate mode would have done.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Mark(pub(crate) Reason);

/// What can be wrong with the history of what is pushed.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum History {
    /// The hook is shown no objects.
    Unreadable,
}

/// One of something, or a list of them.
#[derive(Debug)]
pub(crate) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

/// By hand, because what serde derives would say that nothing fits, and not why.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(text.into_deserializer()).map(OneOrMany::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(OneOrMany::Many)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<T> OneOrMany<T> {
    /// All of them.
    pub(crate) fn all(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl TryFrom<String> for Pusher {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Username::parse(&text).map(Self).map_err(|error| error.to_string())
    }
}

impl TryFrom<String> for Way {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Channel::parse(&text).map(Self).ok_or_else(|| format!("`{text}` is no channel"))
    }
}

impl TryFrom<String> for Mark {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mark = Reason::parse(&text, &["granted", "blocked"])?;
        if mark.rule.is_some() { Ok(Self(mark)) } else { Err(format!("`{text}` names no rule")) }
    }
}

impl TryFrom<toml::value::Datetime> for At {
    type Error = String;

    fn try_from(moment: toml::value::Datetime) -> Result<Self, String> {
        moment.to_string().parse().map(Self).map_err(|error| format!("`{moment}`: {error}"))
    }
}

impl TryFrom<String> for Line {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts: Vec<_> = text.split(' ').collect();
        let &[verb, repository, name] = parts.as_slice() else {
            return Err(format!("`{text}` is not `verb PROJECT/slug refs/…`"));
        };
        let on_refs = [Verb::Create, Verb::Update, Verb::Force, Verb::Delete];
        let known = Verb::parse(verb).filter(|verb| on_refs.contains(verb));
        let verb = known.ok_or_else(|| format!("`{verb}` is none of create, update, force, delete"))?;
        let repository = Repository::parse(repository).map_err(|error| error.to_string())?;
        let name = RefName::parse(name.as_bytes()).map_err(|error| format!("`{name}`: {error}"))?;
        if verb == Verb::Update && name.is_tag() {
            return Err("a tag is never updated: moving it is `force`".into());
        }
        Ok(Self { verb, repository, name })
    }
}
