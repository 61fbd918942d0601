//! Filters: `userName eq "alice"`, `emails[type eq "work" and value co "@"]`, and Entra's
//! `emails[type eq "work"].value eq "…"`. Operators and names in any case, as clients write them.

mod parse;

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::error::Problem;

/// Who is looked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of them hold.
    And(Vec<Filter>),
    /// One of them holds.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// An attribute has a value.
    Present(Name),
    /// An attribute compares so.
    Compare(Name, Operator, Value),
    /// One of an attribute's values is such; and, when given, a part of that value compares so.
    Among(Name, Box<Filter>, Option<(String, Operator, Value)>),
}

/// An attribute's name, without its schema; the parts behind `.` one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(pub Vec<String>);

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

/// These are compared exactly; everything else without regard to case.
const EXACT: [&str; 2] = ["id", "externalid"];

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// When it is none, or longer or deeper than any that a client writes.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        parse::parse(text)
    }

    /// Whether a resource, or a value of one of its attributes, is such.
    pub fn matches(&self, object: &Map<String, Value>) -> bool {
        match self {
            Self::And(all) => all.iter().all(|one| one.matches(object)),
            Self::Or(any) => any.iter().any(|one| one.matches(object)),
            Self::Not(one) => !one.matches(object),
            Self::Present(name) => name.values(object).into_iter().any(is_something),
            Self::Compare(name, operator, wanted) => name.compare(object, *operator, wanted),
            Self::Among(name, filter, behind) => {
                let such = |element: &&Map<String, Value>| filter.matches(element);
                let values = name.values(object);
                let mut elements =
                    values.into_iter().flat_map(each).filter_map(Value::as_object).filter(such);
                elements.any(|element| match behind {
                    None => true,
                    Some((sub, operator, wanted)) => {
                        Name(vec![sub.clone()]).compare(element, *operator, wanted)
                    }
                })
            }
        }
    }

    /// An attribute that must be equal to a text for the filter to hold at all, so that it can be looked up: of
    /// several the first. The name is in lower case.
    pub fn must_equal(&self, is_indexed: &dyn Fn(&str) -> bool) -> Option<(&str, &str)> {
        match self {
            Self::Compare(Name(parts), Operator::Eq, Value::String(text)) => match parts.as_slice() {
                [name] if is_indexed(name) => Some((name, text)),
                _ => None,
            },
            Self::And(all) => all.iter().find_map(|one| one.must_equal(is_indexed)),
            _ => None,
        }
    }

    /// What a value must have to be such, where the filter says no more than that; for making one.
    pub fn equalities(&self) -> Option<Vec<(&str, &Value)>> {
        match self {
            Self::Compare(Name(parts), Operator::Eq, value) => match parts.as_slice() {
                [name] => Some(vec![(name, value)]),
                _ => None,
            },
            Self::And(all) => {
                let each: Option<Vec<_>> = all.iter().map(Self::equalities).collect();
                Some(each?.concat())
            }
            _ => None,
        }
    }
}

impl Name {
    /// The values that the name leads to.
    fn values<'a>(&self, object: &'a Map<String, Value>) -> Vec<&'a Value> {
        let mut parts = self.0.iter();
        let Some(first) = parts.next() else { return Vec::new() };
        let mut found: Vec<&Value> = get(object, first).into_iter().collect();
        for part in parts {
            let objects = found.into_iter().flat_map(each).filter_map(Value::as_object);
            found = objects.filter_map(|object| get(object, part)).collect();
        }
        found
    }

    fn compare(&self, object: &Map<String, Value>, operator: Operator, wanted: &Value) -> bool {
        let values = self.values(object).into_iter().flat_map(each);
        // Of a value with parts, the one that is called so is meant.
        let plain = |value: &'_ Value| match value {
            Value::Object(object) => get(object, "value").cloned(),
            other => Some(other.clone()),
        };
        let mut values = values.filter_map(plain).filter(|value| !value.is_null()).peekable();
        if values.peek().is_none() {
            return match operator {
                Operator::Eq => wanted.is_null(),
                Operator::Ne => !wanted.is_null(),
                _ => false,
            };
        }
        let exact = self.0.last().is_some_and(|name| EXACT.contains(&name.as_str()));
        match operator {
            // None of them is it.
            Operator::Ne => values.all(|value| !holds(&value, Operator::Eq, wanted, exact)),
            _ => values.any(|value| holds(&value, operator, wanted, exact)),
        }
    }
}

/// The value of that name, in any case.
fn get<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn each(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        one => std::slice::from_ref(one),
    }
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn holds(value: &Value, operator: Operator, wanted: &Value, exact: bool) -> bool {
    match (value, wanted) {
        (Value::Bool(is), Value::Bool(wanted)) => operator == Operator::Eq && is == wanted,
        // Entra writes a truth as a text.
        (Value::Bool(is), Value::String(wanted)) => {
            operator == Operator::Eq && wanted.eq_ignore_ascii_case(if *is { "true" } else { "false" })
        }
        (Value::String(is), Value::String(wanted)) if exact => compare(is, operator, wanted),
        (Value::String(is), Value::String(wanted)) => {
            compare(&is.to_lowercase(), operator, &wanted.to_lowercase())
        }
        _ => operator == Operator::Eq && value == wanted,
    }
}

fn compare(is: &str, operator: Operator, wanted: &str) -> bool {
    let order = is.cmp(wanted);
    match operator {
        Operator::Eq => order == Ordering::Equal,
        Operator::Ne => order != Ordering::Equal,
        Operator::Co => is.contains(wanted),
        Operator::Sw => is.starts_with(wanted),
        Operator::Ew => is.ends_with(wanted),
        Operator::Gt => order == Ordering::Greater,
        Operator::Ge => order != Ordering::Less,
        Operator::Lt => order == Ordering::Less,
        Operator::Le => order != Ordering::Greater,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Filter;

    fn matches(filter: &str) -> bool {
        let user = json!({
            "id": "Ab", "userName": "Alice@Example.com", "active": true, "externalId": "X1",
            "name": {"familyName": "Liddell"},
            "emails": [{"type": "work", "value": "alice@example.com"}, {"type": "home", "value": "a@home"}],
            "meta": {"lastModified": "2026-03-01T00:00:00Z"},
        });
        Filter::parse(filter)
            .unwrap_or_else(|problem| panic!("{filter}: {problem}"))
            .matches(user.as_object().unwrap())
    }

    #[test]
    fn who_is_found() {
        for filter in [
            "userName eq \"alice@example.com\"",
            "USERNAME EQ \"ALICE@EXAMPLE.COM\"",
            "userName sw \"ali\" and active eq true",
            "active eq \"True\"",
            "externalId eq \"X1\"",
            "name.familyName co \"dd\"",
            "emails[type eq \"work\" and value ew \".com\"]",
            "emails[type eq \"work\"].value eq \"alice@example.com\"",
            "emails.value eq \"a@home\"",
            "emails eq \"a@home\"",
            "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"alice@example.com\"",
            "title pr or userName pr",
            "not (title pr)",
            "title eq null",
            "title ne \"x\"",
            "meta.lastModified gt \"2026-01-01T00:00:00Z\"",
            "userName eq \"x\" or userName eq \"y\" or (active eq true and not (active eq false))",
        ] {
            assert!(matches(filter), "{filter}");
        }
        for filter in [
            "userName eq \"bob\"",
            "externalId eq \"x1\"",
            "id eq \"ab\"",
            "emails[type eq \"home\"].value eq \"alice@example.com\"",
            "emails[type eq \"home\" and value eq \"alice@example.com\"]",
            "title pr",
            "active eq false",
            "userName ne \"alice@example.com\"",
            "active gt true",
        ] {
            assert!(!matches(filter), "{filter}");
        }
    }

    #[test]
    fn what_is_no_filter() {
        for filter in [
            "",
            "userName",
            "userName eq",
            "userName eq alice",
            "userName zz \"a\"",
            "(userName pr",
            "userName pr)",
            "userName eq \"a",
            "and",
            "userName eq \"a\" and",
            "emails[type eq \"work\"",
            "not userName pr",
            "a..b pr",
            "userName eq \"\\q\"",
            &"(".repeat(5000),
            &format!("{}a pr{}", "(".repeat(50), ")".repeat(50)),
        ] {
            assert!(Filter::parse(filter).is_err(), "{filter}");
        }
    }

    #[test]
    fn what_can_be_looked_up() {
        let found = |text: &str| {
            let filter = Filter::parse(text).unwrap();
            filter.must_equal(&|name| name == "username").map(|(name, value)| format!("{name}={value}"))
        };
        assert_eq!(found("userName eq \"A\"").unwrap(), "username=A");
        assert_eq!(found("active eq true and userName eq \"A\"").unwrap(), "username=A");
        assert_eq!(found("active eq true or userName eq \"A\""), None);
        assert_eq!(found("not (userName eq \"A\")"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(?s).{0,80}", word in "[a-z()\\[\\]\"\\. ]{0,60}") {
            let object = json!({"a": 1, "userName": "x"});
            for text in [text, word] {
                if let Ok(filter) = Filter::parse(&text) {
                    filter.matches(object.as_object().unwrap());
                }
            }
        }
    }
}
