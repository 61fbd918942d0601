//! What attributes of users and groups mean.

use oam_policy::{GroupName, Username, snapshot::Person};
use oam_scim::{Document, schema::ENTERPRISE};
use serde_json::Value;

use crate::config::{GroupAttribute, Mapping, UserAttribute};

impl Mapping {
    /// The Bitbucket username of a user, if they have one.
    pub fn username(&self, document: &Document) -> Option<Username> {
        let attribute = match self.username {
            UserAttribute::UserName => document.get("userName"),
            UserAttribute::ExternalId => document.get("externalId"),
            UserAttribute::NickName => document.get("nickName"),
            UserAttribute::DisplayName => document.get("displayName"),
            UserAttribute::Emails => primary_email(document),
            UserAttribute::EmployeeNumber => {
                document.get(ENTERPRISE).and_then(|extension| extension.get("employeeNumber"))
            }
        };
        let text = attribute.and_then(Value::as_str)?;
        let text = match &self.username_suffix {
            Some(suffix) => without_suffix(text, suffix)?,
            None => text,
        };
        Username::parse(text).ok()
    }

    /// Somebody as the directory has them, but for their groups; `None` when they have no Bitbucket username.
    pub fn person(&self, id: &str, document: &Document) -> Option<Person> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let name = document.get("name");
        let part = |part: &str| name.and_then(|name| name.get(part)).and_then(Value::as_str);
        let parts =
            || [part("givenName"), part("familyName")].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let display_name = text(document.get("displayName"))
            .or_else(|| part("formatted").map(str::to_owned))
            .or_else(|| Some(parts()).filter(|name| !name.is_empty()));
        let emails = document.get("emails").and_then(Value::as_array).into_iter().flatten();
        Some(Person {
            id: text(document.get("externalId")).or_else(|| Some(id.to_owned())),
            display_name,
            emails: emails.filter_map(|email| text(email.get("value"))).collect(),
            active: document.get("active") == Some(&Value::Bool(true)),
            ..Person::named(self.username(document)?)
        })
    }

    /// The group as rules name it; `None` when it has no name that can be written.
    pub fn group(&self, source: &str, display_name: &str, external_id: Option<&str>) -> Option<GroupName> {
        let name = match self.group {
            GroupAttribute::DisplayName => display_name,
            GroupAttribute::ExternalId => external_id?,
        };
        GroupName::parse(&format!("{source}:{name}")).ok()
    }
}

fn primary_email(document: &Document) -> Option<&Value> {
    let emails = document.get("emails")?.as_array()?;
    let primary = emails.iter().find(|email| email.get("primary") == Some(&Value::Bool(true)));
    primary.or_else(|| emails.first())?.get("value")
}

/// The text without its end, which is compared in any case, as e-mail domains are.
fn without_suffix<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let (start, end) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(start)
}

/// How `userName`s are compared.
pub(crate) fn folded(user_name: &str) -> Box<str> {
    user_name.to_lowercase().into()
}
