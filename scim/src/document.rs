//! A body as a document: what we keep of it, under canonical names, in the types of the schema.

use serde_json::{Map, Value};

use crate::{
    Document,
    error::{Problem, ScimType},
    patch,
    schema::{self, Attribute, ENTERPRISE, Kind, Resource, Written},
};

/// The longest text of an attribute, in bytes.
pub(crate) const MAX_TEXT: usize = 2_048;
/// The most values of an attribute that has many.
const MAX_VALUES: usize = 100;

/// Reads a user as a client sends one whole.
///
/// # Errors
/// When it is no object, lacks its name, or a value is of another type.
pub fn user(body: &Value) -> Result<Document, Problem> {
    let object = object(body)?;
    let mut document = Document::new();
    for (name, value) in object {
        patch::set(&mut document, name, value)?;
    }
    check(&document)?;
    Ok(document)
}

/// Whether a user as a client sends one whole is active, where it says so and that can be read, whatever is wrong with the rest.
pub fn is_active_in(body: &Value) -> Option<bool> {
    let mut document = Document::new();
    for (name, value) in body.as_object()? {
        // What cannot be read says nothing.
        let _ = patch::set(&mut document, name, value);
    }
    document.get("active").and_then(Value::as_bool)
}

/// The body of a request, which is an object.
///
/// # Errors
/// When it is something else.
pub fn object(body: &Value) -> Result<&Map<String, Value>, Problem> {
    body.as_object().ok_or_else(|| Problem::bad(ScimType::InvalidSyntax, "the body is no JSON object"))
}

/// The value of that name, in any case.
pub fn get<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// Makes sure that a user has what a user must have.
pub(crate) fn check(document: &Document) -> Result<(), Problem> {
    match document.get("userName").and_then(Value::as_str) {
        Some(_) => Ok(()),
        None => Err(Problem::bad(ScimType::InvalidValue, "a user has a `userName`")),
    }
}

/// What a value is to us; `None` when it is nothing.
///
/// # Errors
/// When it is of another type, too long or too many.
pub(crate) fn value(attribute: &'static Attribute, given: &Value) -> Result<Option<Value>, Problem> {
    if !attribute.many {
        return one(attribute, given);
    }
    let given = match given {
        Value::Null => return Ok(None),
        Value::Array(values) => values.as_slice(),
        single => std::slice::from_ref(single),
    };
    if given.len() > MAX_VALUES {
        return Err(fault(attribute, &format!("has at most {MAX_VALUES} values")));
    }
    let mut values = Vec::new();
    for given in given {
        if let Some(value) = one(attribute, given)?
            && !values.contains(&value)
        {
            values.push(value);
        }
    }
    keep_one_primary(&mut values);
    Ok((!values.is_empty()).then_some(Value::Array(values)))
}

/// One value.
pub(crate) fn one(attribute: &'static Attribute, given: &Value) -> Result<Option<Value>, Problem> {
    match (attribute.kind, given) {
        (_, Value::Null) => Ok(None),
        (Kind::Boolean, given) => boolean(attribute, given).map(Some),
        (Kind::Complex(sub), Value::Object(object)) => {
            let mut kept = Map::new();
            for attribute in sub.iter().filter(|sub| sub.written != Written::ByUs) {
                if let Some(value) =
                    get(object, attribute.name).map(|given| one(attribute, given)).transpose()?.flatten()
                {
                    kept.insert(attribute.name.to_owned(), value);
                }
            }
            Ok((!kept.is_empty()).then_some(Value::Object(kept)))
        }
        // The value alone, as Entra writes a manager.
        (Kind::Complex(sub), given) => match schema::find(sub, "value") {
            Some(attribute) if !given.is_array() => {
                let value = one(attribute, given)?;
                Ok(value.map(|value| Value::Object(Map::from_iter([("value".to_owned(), value)]))))
            }
            _ => Err(fault(attribute, "is an object")),
        },
        (_, Value::String(text)) if text.len() > MAX_TEXT => {
            Err(fault(attribute, &format!("is at most {MAX_TEXT} bytes long")))
        }
        (_, Value::String(text)) => Ok((!text.is_empty()).then(|| Value::String(text.clone()))),
        (_, Value::Number(number)) => Ok(Some(Value::String(number.to_string()))),
        (_, Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Err(fault(attribute, "is a text")),
    }
}

/// Entra writes a truth as a text.
fn boolean(attribute: &Attribute, given: &Value) -> Result<Value, Problem> {
    match given {
        Value::Bool(_) => Ok(given.clone()),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        _ => Err(fault(attribute, "is `true` or `false`")),
    }
}

fn fault(attribute: &Attribute, what: &str) -> Problem {
    Problem::bad(ScimType::InvalidValue, format!("`{}` {what}", attribute.name))
}

/// Of several values that are said to be the first to use, the last one said is.
pub(crate) fn keep_one_primary(values: &mut [Value]) {
    let is_primary = |value: &Value| value.get("primary") == Some(&Value::Bool(true));
    let Some(last) = values.iter().rposition(is_primary) else { return };
    for value in values.iter_mut().take(last) {
        if is_primary(value)
            && let Some(object) = value.as_object_mut()
        {
            object.insert("primary".into(), Value::Bool(false));
        }
    }
}

/// The schemas that a document is of.
pub fn schemas(resource: Resource, document: &Document) -> Value {
    let extension = document.contains_key(ENTERPRISE).then_some(ENTERPRISE);
    Value::from_iter([resource.schema()].into_iter().chain(extension))
}
