use oam_scim::{Filter, Problem, document, list::Page, project::Projection};
use serde_json::Value;

/// What stands behind the `?` of an address. What is not known there is passed over, as Entra's flags are.
#[derive(Debug, Default)]
pub(super) struct Query {
    filter: Option<String>,
    start: Option<String>,
    count: Option<String>,
    only: Option<String>,
    without: Option<String>,
}

impl Query {
    pub(super) fn parse(text: Option<&str>) -> Self {
        let mut query = Self::default();
        for pair in text.unwrap_or_default().split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match decoded(name).to_ascii_lowercase().as_str() {
                "filter" => &mut query.filter,
                "startindex" => &mut query.start,
                "count" => &mut query.count,
                "attributes" => &mut query.only,
                "excludedattributes" => &mut query.without,
                _ => continue,
            };
            *place = Some(decoded(value));
        }
        query
    }

    /// Reads what a body asks for, as `/.search` has it.
    ///
    /// # Errors
    /// When it is no object.
    pub(super) fn of_body(body: &Value) -> Result<Self, Problem> {
        let object = document::object(body)?;
        let text = |name: &str| match document::get(object, name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Array(names) => Some(names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
            _ => None,
        };
        Ok(Self {
            filter: text("filter"),
            start: text("startIndex"),
            count: text("count"),
            only: text("attributes"),
            without: text("excludedAttributes"),
        })
    }

    pub(super) fn filter(&self) -> Result<Option<Filter>, Problem> {
        self.filter.as_deref().filter(|filter| !filter.trim().is_empty()).map(Filter::parse).transpose()
    }

    /// Whether the filter speaks of an attribute that is costly to make.
    pub(super) fn filters_by(&self, name: &str) -> bool {
        self.filter.as_deref().is_some_and(|filter| filter.to_ascii_lowercase().contains(name))
    }

    pub(super) fn page(&self) -> Result<Page, Problem> {
        Page::parse(self.start.as_deref(), self.count.as_deref())
    }

    /// Whether it says which attributes are wanted: then they are shown, however many there are.
    pub(super) fn asks(&self) -> bool {
        self.only.as_deref().is_some_and(|only| !only.trim().is_empty())
    }

    pub(super) fn projection(&self) -> Projection {
        Projection::parse(self.only.as_deref(), self.without.as_deref())
    }
}

/// A text of a query, with `%41` and `+` resolved. What is no UTF-8 then, has a sign that stands for nothing.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let escaped = behind.split_at_checked(2).and_then(|(digits, behind)| {
            let byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
            Some((byte, behind))
        });
        match (first, escaped) {
            (b'%', Some((byte, behind))) => {
                bytes.push(byte);
                rest = behind;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Query, decoded};

    #[test]
    fn what_clients_write() {
        assert_eq!(decoded("userName+eq+%22J%C3%BCrgen%22"), "userName eq \"Jürgen\"");
        for text in ["%", "%4", "%zz", "%ff", "a%"] {
            assert!(!decoded(text).is_empty(), "{text}");
        }
        let query =
            Query::parse(Some("aadOptscim062020&startIndex=2&COUNT=5&filter=members%5Bvalue+eq+%221%22%5D"));
        let page = query.page().unwrap();
        assert_eq!((page.start, page.count), (2, 5));
        assert!(query.filters_by("members") && query.filter().unwrap().is_some());
        assert!(Query::parse(None).filter().unwrap().is_none());
    }
}
