//! PATCH: the operations of a body, and what they make of a user. Operators in any case, with and without a path, with
//! names that are paths themselves: as Entra in both of its dialects and Okta write them.

use serde_json::{Map, Value};

use crate::{
    Document,
    document::{check, get, keep_one_primary, object, one, value},
    error::{Problem, ScimType},
    path::{Path, Target},
    schema::{self, ENTERPRISE, Resource, Written},
};

/// The most operations of one request.
const MAX_OPERATIONS: usize = 1_000;

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// What is done.
    pub kind: OperationKind,
    /// To what; `None`: to all that the value names.
    pub path: Option<String>,
    /// With what.
    pub value: Value,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// Adds.
    Add,
    /// Puts in the place of what is there, or adds.
    Replace,
    /// Takes away.
    Remove,
}

/// Reads the body of a PATCH.
///
/// # Errors
/// When it has no operations, too many, or one is none.
pub fn parse(body: &Value) -> Result<Vec<Operation>, Problem> {
    let syntax = |what: &str| Problem::bad(ScimType::InvalidSyntax, what.to_owned());
    let operations = get(object(body)?, "Operations").and_then(Value::as_array);
    let operations = operations.ok_or_else(|| syntax("a PATCH has a list of `Operations`"))?;
    if operations.len() > MAX_OPERATIONS {
        return Err(syntax("a PATCH has at most 1000 operations"));
    }
    operations.iter().map(operation).collect()
}

fn operation(given: &Value) -> Result<Operation, Problem> {
    let syntax = |what: &str| Problem::bad(ScimType::InvalidSyntax, what.to_owned());
    let given = given.as_object().ok_or_else(|| syntax("an operation is an object"))?;
    let kind = get(given, "op").and_then(Value::as_str).map(str::to_ascii_lowercase);
    let kind = match kind.as_deref() {
        Some("add") => OperationKind::Add,
        Some("replace") => OperationKind::Replace,
        Some("remove") => OperationKind::Remove,
        _ => return Err(syntax("`op` is `add`, `replace` or `remove`")),
    };
    let path = match get(given, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) => Some(path.clone()).filter(|path| !path.trim().is_empty()),
        Some(_) => return Err(Problem::bad(ScimType::InvalidPath, "`path` is a text")),
    };
    if path.is_none() && kind == OperationKind::Remove {
        return Err(Problem::bad(ScimType::NoTarget, "`remove` needs a `path`"));
    }
    Ok(Operation { kind, path, value: get(given, "value").cloned().unwrap_or(Value::Null) })
}

/// The user after these operations.
///
/// # Errors
/// When one of them makes no sense; then none is carried out.
pub fn apply(before: &Document, operations: &[Operation]) -> Result<Document, Problem> {
    let mut document = before.clone();
    for operation in operations {
        for (path, value) in operation.parts()? {
            change(&mut document, operation.kind, path, value)?;
        }
    }
    check(&document)?;
    Ok(document)
}

/// Whether a user is active after a PATCH, as far as it can be read: whatever else is wrong with it is no reason that somebody
/// who is to go stays.
pub fn is_active_after(before: &Document, body: &Value) -> bool {
    let mut document = before.clone();
    for operation in readable(body) {
        for (path, value) in operation.parts().unwrap_or_default() {
            // What cannot be read says nothing.
            let _ = change(&mut document, operation.kind, path, value);
        }
    }
    document.get("active") == Some(&Value::Bool(true))
}

/// The operations of a PATCH that can be read, whatever is wrong with the others.
pub(crate) fn readable(body: &Value) -> impl Iterator<Item = Operation> {
    let operations = body.as_object().and_then(|body| get(body, "Operations")).and_then(Value::as_array);
    operations.into_iter().flatten().filter_map(|given| operation(given).ok())
}

impl Operation {
    /// What it is about, and the value for each.
    ///
    /// # Errors
    /// When nothing says what it is about.
    pub(crate) fn parts(&self) -> Result<Vec<(&str, &Value)>, Problem> {
        if let Some(path) = &self.path {
            return Ok(vec![(path, &self.value)]);
        }
        let given = self.value.as_object().ok_or_else(|| {
            Problem::bad(ScimType::InvalidValue, "without a `path`, the value is an object")
        })?;
        Ok(given.iter().map(|(name, value)| (name.as_str(), value)).collect())
    }
}

/// Sets one attribute, named as in a body: by its name, its schema and name, or a path.
pub(crate) fn set(document: &mut Document, name: &str, given: &Value) -> Result<(), Problem> {
    change(document, OperationKind::Replace, name, given)
}

fn change(document: &mut Document, kind: OperationKind, path: &str, given: &Value) -> Result<(), Problem> {
    match Path::parse(Resource::User, path)? {
        Path::Other => Ok(()),
        Path::Extension if kind == OperationKind::Remove || given.is_null() => {
            document.remove(ENTERPRISE);
            Ok(())
        }
        Path::Extension => {
            for (name, given) in object(given)? {
                if let Some(attribute) = schema::find(&schema::ENTERPRISE_ATTRIBUTES, name) {
                    let target = Target { in_extension: true, attribute, filter: None, sub: None };
                    at(document, kind, &target, given)?;
                }
            }
            Ok(())
        }
        Path::Kept(target) if target.attribute.written == Written::ByUs => Ok(()),
        Path::Kept(target) => at(document, kind, &target, given),
    }
}

fn at(document: &mut Document, kind: OperationKind, target: &Target, given: &Value) -> Result<(), Problem> {
    if !target.in_extension {
        return if target.attribute.many {
            many(document, kind, target, given)
        } else {
            single(document, kind, target, given)
        };
    }
    let mut extension = match document.remove(ENTERPRISE) {
        Some(Value::Object(extension)) => extension,
        _ => Map::new(),
    };
    single(&mut extension, kind, target, given)?;
    if !extension.is_empty() {
        document.insert(ENTERPRISE.to_owned(), Value::Object(extension));
    }
    Ok(())
}

/// Changes an attribute that has one value.
fn single(object: &mut Document, kind: OperationKind, target: &Target, given: &Value) -> Result<(), Problem> {
    let attribute = target.attribute;
    let name = attribute.name;
    let removes = kind == OperationKind::Remove;
    if let Some(sub) = target.sub {
        let value = if removes { None } else { one(sub, given)? };
        let mut inner = match object.remove(name) {
            Some(Value::Object(inner)) => inner,
            _ => Map::new(),
        };
        put(&mut inner, sub.name, value);
        put(object, name, (!inner.is_empty()).then_some(Value::Object(inner)));
        return Ok(());
    }
    let value = if removes { None } else { one(attribute, given)? };
    match (value, object.get_mut(name)) {
        // The parts that are given; the others stay.
        (Some(Value::Object(given)), Some(Value::Object(there))) => there.extend(given),
        (value, _) => put(object, name, value),
    }
    Ok(())
}

/// Changes an attribute that has many values.
fn many(document: &mut Document, kind: OperationKind, target: &Target, given: &Value) -> Result<(), Problem> {
    let attribute = target.attribute;
    let mut values = match document.remove(attribute.name) {
        Some(Value::Array(values)) => values,
        _ => Vec::new(),
    };
    let is_meant = |value: &Value| match (&target.filter, value) {
        (None, _) => true,
        (Some(filter), Value::Object(value)) => filter.matches(value),
        (Some(_), _) => false,
    };
    match (kind, target.sub) {
        (OperationKind::Remove, Some(sub)) if sub.name != "value" => {
            for value in values.iter_mut().filter(|value| is_meant(value)) {
                if let Some(value) = value.as_object_mut() {
                    value.remove(sub.name);
                }
            }
        }
        (OperationKind::Remove, _) => {
            let named = named(given);
            let is_named = |value: &Value| {
                named.is_empty()
                    || value.get("value").and_then(Value::as_str).is_some_and(|value| named.contains(&value))
            };
            values.retain(|value| !(is_meant(value) && is_named(value)));
        }
        (_, Some(sub)) => {
            let value = one(sub, given)?;
            let mut found = false;
            for element in values.iter_mut().filter(|value| is_meant(value)) {
                found = true;
                if let Some(element) = element.as_object_mut() {
                    put(element, sub.name, value.clone());
                }
            }
            if !found && let Some(value) = value {
                let mut element = such(target)?;
                element.insert(sub.name.to_owned(), value);
                values.push(Value::Object(element));
            }
        }
        (OperationKind::Replace, None) if target.filter.is_none() => {
            values = list(value(attribute, given)?);
        }
        (_, None) => {
            let given = list(value(attribute, given)?);
            let mut found = false;
            if target.filter.is_some() {
                for element in values.iter_mut().filter(|value| is_meant(value)) {
                    found = true;
                    if let (Some(element), Some(Value::Object(given))) =
                        (element.as_object_mut(), given.first())
                    {
                        element.extend(given.clone());
                    }
                }
            }
            for given in given.into_iter().filter(|_| !found) {
                let mut element = such(target)?;
                if let Value::Object(given) = given {
                    element.extend(given);
                }
                let element = Value::Object(element);
                if !values.contains(&element) {
                    values.push(element);
                }
            }
        }
    }
    values.retain(|value| value.as_object().is_some_and(|value| !value.is_empty()));
    keep_one_primary(&mut values);
    // Looked at again as a whole: there may be too many by now.
    put(document, attribute.name, value(attribute, &Value::Array(values))?);
    Ok(())
}

/// A value that is such as the filter says, as far as that can be told from it.
fn such(target: &Target) -> Result<Map<String, Value>, Problem> {
    let mut element = Map::new();
    for (name, given) in target.filter.as_ref().and_then(crate::Filter::equalities).unwrap_or_default() {
        if let Some(sub) = schema::find(target.attribute.sub(), name)
            && let Some(value) = one(sub, given)?
        {
            element.insert(sub.name.to_owned(), value);
        }
    }
    Ok(element)
}

/// The values that are named to be taken away: `[{"value": "x"}]`, `{"value": "x"}`, `["x"]` or `"x"`.
pub(crate) fn named<'a>(given: &'a Value) -> Vec<&'a str> {
    let given = match given {
        Value::Array(values) => values.as_slice(),
        one => std::slice::from_ref(one),
    };
    let name = |value: &'a Value| match value {
        Value::Object(object) => get(object, "value").and_then(Value::as_str),
        other => other.as_str(),
    };
    given.iter().filter_map(name).collect()
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(values)) => values,
        _ => Vec::new(),
    }
}

fn put(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => {
            object.insert(name.to_owned(), value);
        }
        None => {
            object.remove(name);
        }
    }
}

#[cfg(test)]
mod tests;
