//! What a PATCH is about: `active`, `name.familyName`, `emails[type eq "work"].value`, and the same behind a schema's name.

use crate::{
    Filter,
    error::{Problem, ScimType},
    schema::{self, Attribute, Resource},
};

/// The longest path that is read.
const MAX_BYTES: usize = 2_048;

/// Where a change happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Path {
    /// An attribute that is kept.
    Kept(Target),
    /// The enterprise extension as a whole.
    Extension,
    /// Something that is not kept; a change to it changes nothing.
    Other,
}

/// An attribute that is kept, or a part of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Whether it lies in the enterprise extension.
    pub in_extension: bool,
    /// The attribute.
    pub attribute: &'static Attribute,
    /// Which of its values, where it has many.
    pub filter: Option<Filter>,
    /// The attribute within.
    pub sub: Option<&'static Attribute>,
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// When it is none, or its filter is none.
    pub fn parse(resource: Resource, text: &str) -> Result<Self, Problem> {
        let fault = |why: &str| Problem::bad(ScimType::InvalidPath, format!("the path is no path: {why}"));
        if text.len() > MAX_BYTES {
            return Err(fault("it is too long"));
        }
        let text = text.trim();
        let Some((in_extension, rest)) = without_schema(resource, text) else { return Ok(Self::Other) };
        if rest.is_empty() {
            return Ok(if in_extension { Self::Extension } else { Self::Other });
        }
        let (name, rest) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(fault("an attribute's name is letters, digits, `-`, `_` or `$`"));
        }
        let (filter, rest) = match rest.strip_prefix('[') {
            Some(rest) => {
                let end = end_of_filter(rest).ok_or_else(|| fault("`[` is not closed"))?;
                let (filter, rest) = rest.split_at(end);
                (Some(filter), rest.get(1..).unwrap_or_default())
            }
            None => (None, rest),
        };
        let sub = match rest.strip_prefix('.') {
            Some(sub) if !sub.is_empty() && sub.chars().all(is_name) => Some(sub),
            None if rest.is_empty() => None,
            _ => return Err(fault("behind an attribute stands `.` and the name of a part of it")),
        };
        let attributes =
            if in_extension { &schema::ENTERPRISE_ATTRIBUTES[..] } else { resource.attributes() };
        let Some(attribute) = schema::find(attributes, name) else { return Ok(Self::Other) };
        let filter = filter.map(Filter::parse).transpose()?;
        let sub = match sub.map(|sub| schema::find(attribute.sub(), sub)) {
            Some(None) => return Ok(Self::Other),
            Some(found) => found,
            None => None,
        };
        Ok(Self::Kept(Target { in_extension, attribute, filter, sub }))
    }
}

/// The path without its schema; `None` when it is one of which nothing is kept.
fn without_schema(resource: Resource, text: &str) -> Option<(bool, &str)> {
    if !text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:")) {
        return Some((false, text));
    }
    for (schema, in_extension) in [(resource.schema(), false), (schema::ENTERPRISE, true)] {
        if in_extension && resource == Resource::Group {
            continue;
        }
        let Some((start, rest)) = text.split_at_checked(schema.len()) else { continue };
        if start.eq_ignore_ascii_case(schema) {
            match rest.strip_prefix(':') {
                Some(rest) => return Some((in_extension, rest)),
                None if rest.is_empty() => return Some((in_extension, rest)),
                None => {}
            }
        }
    }
    None
}

/// Where the `]` is that ends a filter: none within quotation marks.
fn end_of_filter(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$')
}

#[cfg(test)]
mod tests {
    use super::Path;
    use crate::schema::Resource;

    fn shown(text: &str) -> String {
        match Path::parse(Resource::User, text) {
            Ok(Path::Kept(target)) => format!(
                "{}{}{}{}",
                if target.in_extension { "+" } else { "" },
                target.attribute.name,
                if target.filter.is_some() { "[]" } else { "" },
                target.sub.map(|sub| format!(".{}", sub.name)).unwrap_or_default()
            ),
            Ok(Path::Extension) => "+".into(),
            Ok(Path::Other) => "other".into(),
            Err(problem) => problem.detail,
        }
    }

    #[test]
    fn what_providers_write() {
        for (text, expected) in [
            ("active", "active"),
            ("Active", "active"),
            ("name.familyName", "name.familyName"),
            ("emails[type eq \"work\"].value", "emails[].value"),
            ("emails[type eq \"a]b\"]", "emails[]"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName", "userName"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "+department"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", "+manager.value"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "+"),
            ("urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User:tag", "other"),
            ("phoneNumbers[type eq \"mobile\"].value", "other"),
            ("roles[primary eq \"True\"].value", "roles[].value"),
            ("name.shoeSize", "other"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_path() {
        for text in ["emails[type eq \"work\"", "a b", ".value", "name.", "emails[]", "emails[type]x"] {
            assert!(Path::parse(Resource::User, text).is_err(), "{text}");
        }
    }
}
