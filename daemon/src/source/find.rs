use oam_policy::{Username, name::UsernameKey};

use super::{Source, mapping::folded, roster::Content};
use crate::config::PersonAttribute;

/// Who is meant by a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The one with this Bitbucket username.
    One(Username),
    /// Nobody who has one.
    Nobody,
    /// More than one.
    Several,
}

impl Found {
    /// What several searches for the same one come to.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nobody, found) | (found, Self::Nobody) => found,
            (Self::One(one), Self::One(same)) if one.key() == same.key() => Self::One(one),
            _ => Self::Several,
        }
    }

    fn of(names: impl Iterator<Item = Username>) -> Self {
        names.map(Self::One).fold(Self::Nobody, Self::and)
    }
}

impl Source {
    /// The one person of this source of whom `text` is the attribute. It may take a second with half a million people; nobody
    /// waits for it.
    pub(crate) fn find(&self, attribute: PersonAttribute, text: &str) -> Found {
        let mapping = &self.config.mapping;
        let roster = self.roster();
        match (&roster.content, attribute) {
            (_, PersonAttribute::Username) => {
                let named = Username::parse(text).ok();
                let person =
                    named.as_ref().map(Username::key).and_then(|key: UsernameKey| roster.person(&key));
                Found::of(person.into_iter().map(|person| person.username))
            }
            (Content::Listed(listed), PersonAttribute::Id) => {
                let people = listed.users().filter(|user| user.id() == Some(text));
                Found::of(people.map(|user| user.username().clone()))
            }
            (Content::Listed(listed), PersonAttribute::Email) => {
                let wanted = folded(text);
                let is_theirs = |email: &str| folded(email) == wanted;
                let people = listed.users().filter(|user| user.emails().any(is_theirs));
                Found::of(people.map(|user| user.username().clone()))
            }
            (Content::Provisioned(users), PersonAttribute::Id) => {
                let known = users.user(text).into_iter().chain(users.users_known_as(text));
                Found::of(known.filter_map(|user| mapping.username(&user.document())))
            }
            (Content::Provisioned(users), PersonAttribute::Email) => {
                let wanted = folded(text);
                let all: Vec<_> = users.users().cloned().collect();
                // A change of the source would wait for us, and decisions for the change.
                drop(roster);
                let has = |user: &super::StoredUser| {
                    let document = user.document();
                    let emails = document.get("emails").and_then(serde_json::Value::as_array);
                    let mut emails =
                        emails.into_iter().flatten().filter_map(|email| email.get("value")?.as_str());
                    emails.any(|email| folded(email) == wanted).then(|| mapping.username(&document)).flatten()
                };
                Found::of(all.iter().filter_map(|user| has(user)))
            }
        }
    }
}
