//! What a request does to a group. Members are told apart from the rest: a group may have a hundred thousand of them, and
//! a request names a few.

use serde_json::{Map, Value};

use crate::{
    Filter,
    document::{MAX_TEXT, get, object},
    error::{Problem, ScimType},
    patch::{Operation, OperationKind, named, readable},
    path::Path,
    schema::Resource,
};

/// The most members that one request may name.
const MAX_MEMBERS: usize = 100_000;

/// What a request does to a group, in its order.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// It is called so.
    Name(String),
    /// Its id at the client is this.
    ExternalId(Option<String>),
    /// These come in.
    Add(Vec<String>),
    /// These go out.
    Remove(Vec<String>),
    /// Whoever is such goes out.
    RemoveSuch(Filter),
    /// All go out.
    RemoveAll,
}

/// What a whole group as a client sends it does to one that has nothing yet. A list of members that is left out says
/// nothing about members; an empty one says that there are none.
///
/// # Errors
/// When it is no object, or a value is of another type.
pub fn of_body(body: &Value) -> Result<Vec<Edit>, Problem> {
    let mut edits = Vec::new();
    for (name, value) in object(body)? {
        edit(OperationKind::Replace, name, value, &mut edits)?;
    }
    Ok(edits)
}

/// What operations do to a group.
///
/// # Errors
/// When one of them makes no sense.
pub fn of_patch(operations: &[Operation]) -> Result<Vec<Edit>, Problem> {
    let mut edits = Vec::new();
    for operation in operations {
        for (path, value) in operation.parts()? {
            edit(operation.kind, path, value, &mut edits)?;
        }
    }
    Ok(edits)
}

/// The edits of a whole group that can be read, where others cannot.
pub fn readable_of_body(body: &Value) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        // What cannot be read says nothing.
        let _ = edit(OperationKind::Replace, name, value, &mut edits);
    }
    edits
}

/// The edits of a PATCH that can be read, where others cannot.
pub fn readable_of_patch(body: &Value) -> Vec<Edit> {
    let mut edits = Vec::new();
    for operation in readable(body) {
        for (path, value) in operation.parts().unwrap_or_default() {
            // What cannot be read says nothing.
            let _ = edit(operation.kind, path, value, &mut edits);
        }
    }
    edits
}

fn edit(kind: OperationKind, path: &str, given: &Value, edits: &mut Vec<Edit>) -> Result<(), Problem> {
    let Path::Kept(target) = Path::parse(Resource::Group, path)? else { return Ok(()) };
    let removes = kind == OperationKind::Remove;
    match target.attribute.name {
        "displayName" if removes => {
            return Err(Problem::bad(ScimType::InvalidValue, "a group has a `displayName`"));
        }
        "displayName" => edits.push(Edit::Name(text("displayName", given)?.unwrap_or_default())),
        "externalId" => edits.push(Edit::ExternalId(if removes { None } else { text("externalId", given)? })),
        "members" => match (kind, target.filter, given) {
            (OperationKind::Remove, Some(filter), _) => edits.push(such(filter)),
            (OperationKind::Remove, None, Value::Null) => edits.push(Edit::RemoveAll),
            (OperationKind::Remove, None, given) => {
                edits.push(Edit::Remove(named(given).into_iter().map(str::to_owned).collect()));
            }
            // What is said of a member besides who it is, is not kept.
            (_, Some(_), _) => {}
            (OperationKind::Add, None, given) => edits.push(Edit::Add(members(given)?)),
            (OperationKind::Replace, None, given) => {
                // All goes first, whatever is wrong with what is to come: the request fails as a whole then.
                let members = members(given)?;
                edits.push(Edit::RemoveAll);
                edits.push(Edit::Add(members));
            }
        },
        _ => {}
    }
    Ok(())
}

/// Mostly a filter names one member.
fn such(filter: Filter) -> Edit {
    match filter.equalities().as_deref() {
        Some([("value", Value::String(id))]) => Edit::Remove(vec![id.clone()]),
        _ => Edit::RemoveSuch(filter),
    }
}

fn text(name: &str, given: &Value) -> Result<Option<String>, Problem> {
    match given {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) if text.len() <= MAX_TEXT => Ok(Some(text.clone())),
        _ => Err(Problem::bad(
            ScimType::InvalidValue,
            format!("`{name}` is a text of at most {MAX_TEXT} bytes"),
        )),
    }
}

fn members(given: &Value) -> Result<Vec<String>, Problem> {
    let given = match given {
        Value::Null => return Ok(Vec::new()),
        Value::Array(values) => values.as_slice(),
        one => std::slice::from_ref(one),
    };
    if given.len() > MAX_MEMBERS {
        return Err(Problem::bad(ScimType::InvalidValue, "one request names at most 100000 members"));
    }
    let fault = || Problem::bad(ScimType::InvalidValue, "a member is `{\"value\": \"<id of a user>\"}`");
    let member = |member: &Value| match member {
        Value::String(id) => Ok(id.clone()),
        Value::Object(member) => id_of(member).ok_or_else(fault),
        _ => Err(fault()),
    };
    given.iter().map(member).collect()
}

fn id_of(member: &Map<String, Value>) -> Option<String> {
    let is_user =
        get(member, "type").and_then(Value::as_str).is_none_or(|kind| kind.eq_ignore_ascii_case("user"));
    // A group within a group is not taken: the providers tell of everybody who is in one, however deep.
    get(member, "value").and_then(Value::as_str).filter(|_| is_user).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Edit, of_body, of_patch, readable_of_body, readable_of_patch};
    use crate::patch::parse;

    fn edits(operations: &Value) -> Vec<Edit> {
        of_patch(&parse(&json!({"Operations": operations})).unwrap()).unwrap()
    }

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn only_who_is_named_goes() {
        for operations in [
            json!([{"op": "Remove", "path": "members", "value": [{"value": "1"}]}]),
            json!([{"op": "remove", "path": "members[value eq \"1\"]"}]),
            json!([{"op": "remove", "path": "members", "value": {"value": "1"}}]),
        ] {
            assert_eq!(edits(&operations), [Edit::Remove(ids(&["1"]))], "{operations}");
        }
        assert_eq!(edits(&json!([{"op": "remove", "path": "members", "value": []}])), [Edit::Remove(vec![])]);
        assert_eq!(edits(&json!([{"op": "remove", "path": "members"}])), [Edit::RemoveAll]);
        assert!(matches!(
            edits(&json!([{"op": "remove", "path": "members[value eq \"1\" or value eq \"2\"]"}]))[..],
            [Edit::RemoveSuch(_)]
        ));
    }

    /// Whatever is wrong with the rest.
    #[test]
    fn whoever_goes_out_can_be_read() {
        let body = json!({"Operations": [
            {"op": "remove", "path": "members[value eq \"1\"]"},
            {"op": "add", "path": "members", "value": [{"value": "g", "type": "Group"}]},
            {"op": "twist"},
            {"op": "replace", "value": {"externalId": [7], "displayName": "n"}},
        ]});
        assert!(parse(&body).is_err());
        assert_eq!(readable_of_patch(&body), [Edit::Remove(ids(&["1"])), Edit::Name("n".into())]);
        let body = json!({"externalId": {"x": 1}, "members": [{"value": "2"}]});
        assert!(of_body(&body).is_err());
        assert_eq!(readable_of_body(&body), [Edit::RemoveAll, Edit::Add(ids(&["2"]))]);
        // Nobody knows who is to stay.
        assert_eq!(readable_of_body(&json!({"members": [{"value": "2"}, {}]})), []);
        assert_eq!(readable_of_patch(&json!([])), []);
    }

    #[test]
    fn what_providers_send() {
        let entra = json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": "1"}]}]);
        assert_eq!(edits(&entra), [Edit::Add(ids(&["1"]))]);
        let okta = json!([
            {"op": "remove", "path": "members[value eq \"1\"]"},
            {"op": "add", "path": "members", "value": [{"value": "2", "display": "b"}]},
        ]);
        assert_eq!(edits(&okta), [Edit::Remove(ids(&["1"])), Edit::Add(ids(&["2"]))]);
        let renamed = json!([{"op": "replace", "value": {"id": "7", "displayName": "new"}}]);
        assert_eq!(edits(&renamed), [Edit::Name("new".into())]);
        let all = json!([{"op": "replace", "path": "members", "value": [{"value": "3"}]}]);
        assert_eq!(edits(&all), [Edit::RemoveAll, Edit::Add(ids(&["3"]))]);
    }

    #[test]
    fn members_that_are_left_out_say_nothing() {
        assert_eq!(of_body(&json!({"displayName": "g"})).unwrap(), [Edit::Name("g".into())]);
        let emptied = of_body(&json!({"members": [], "schemas": []})).unwrap();
        assert_eq!(emptied, [Edit::RemoveAll, Edit::Add(vec![])]);
        for body in [
            json!({"members": [{}]}),
            json!({"members": [{"value": "g", "type": "Group"}]}),
            json!({"members": 7}),
        ] {
            assert!(of_body(&body).is_err(), "{body}");
        }
    }
}
