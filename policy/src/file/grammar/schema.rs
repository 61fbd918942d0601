//! The grammar as a JSON Schema.
//!
//! Of draft 7, with nothing that draft 4 would read otherwise, without `allOf`, and with nothing beside a `$ref`: the
//! language servers for TOML know no later draft for certain, and lose the rest.

use serde_json::{Map, Value, json};

use super::{Form, Key, Law, Shape, TOP, TableKind};
use crate::reason::RefusalReason;

/// A JSON Schema of policy files, for editors: what a file may hold, with what it means. It accepts whatever
/// [`parse`](crate::file::parse) does. The other way round it is weaker: what takes more than one file, a directory
/// or the rest of a pattern's syntax to know is left to the reader.
///
/// A date-time of TOML is a string to it.
pub fn json_schema() -> Value {
    let mut definitions = Map::new();
    let mut schema = of_table(&TOP, &mut definitions);
    schema.insert("definitions".into(), Value::Object(definitions));
    schema.insert("$schema".into(), json!("http://json-schema.org/draft-07/schema#"));
    schema.insert("title".into(), json!("Policy of Bitbucket OAM"));
    Value::Object(schema)
}

/// The schema of a table; those of the tables in it go to `definitions`.
fn of_table(kind: &TableKind, definitions: &mut Map<String, Value>) -> Map<String, Value> {
    let needed: Vec<_> = kind.keys.iter().filter(|key| key.needed).map(|key| key.name).collect();
    let properties: Map<_, _> =
        kind.keys.iter().map(|key| (key.name.to_owned(), of_key(key, definitions))).collect();
    let mut schema = Map::new();
    schema.insert("description".into(), json!(kind.about));
    schema.insert("type".into(), json!("object"));
    schema.insert("additionalProperties".into(), json!(false));
    schema.insert("properties".into(), Value::Object(properties));
    if !needed.is_empty() {
        schema.insert("required".into(), json!(needed));
    }
    for law in kind.laws {
        obey(law, &mut schema);
    }
    schema
}

/// A table has at most one law of each kind but `With`: two lists of alternatives would take an `allOf`.
fn obey(law: &Law, schema: &mut Map<String, Value>) {
    let one_each = |keys: &[&str]| keys.iter().map(|key| json!({ "required": [key] })).collect::<Vec<_>>();
    match law {
        Law::OneOf(keys) => schema.insert("oneOf".into(), json!(one_each(keys))),
        Law::AnyOf(keys) => schema.insert("anyOf".into(), json!(one_each(keys))),
        Law::Unless { key, list, only } => {
            let exception = json!({ "properties": { *list: { "items": { "enum": only() } } } });
            schema.insert("anyOf".into(), json!([{ "required": [key] }, exception]))
        }
        Law::With(key, others) => {
            let dependencies = schema.entry("dependencies").or_insert_with(|| json!({}));
            dependencies.as_object_mut().and_then(|all| all.insert((*key).into(), json!(others)))
        }
        Law::NotEmpty => schema.insert("minProperties".into(), json!(1)),
    };
}

fn of_key(key: &Key, definitions: &mut Map<String, Value>) -> Value {
    let mut schema = of_shape(&key.shape, definitions);
    if let (Some(entries), false) = (schema.as_object_mut(), matches!(key.shape, Shape::Table(_))) {
        entries.insert("description".into(), json!(key.about));
    }
    schema
}

fn of_shape(shape: &Shape, definitions: &mut Map<String, Value>) -> Value {
    match shape {
        Shape::Table(kind) => {
            if !definitions.contains_key(kind.name) {
                let table = of_table(kind, definitions);
                definitions.insert(kind.name.into(), Value::Object(table));
            }
            json!({ "$ref": format!("#/definitions/{}", kind.name) })
        }
        Shape::Text(form) => of_form(form),
        Shape::Version => json!({ "type": "integer", "enum": [1] }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Number { from, to } => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Shape::Word(words) => json!({ "type": "string", "enum": words() }),
        Shape::Expectation => expectation(),
        Shape::Moment => json!({ "type": "string", "format": "date-time" }),
        Shape::List { of, may_be_empty: true } => {
            json!({ "type": "array", "items": of_shape(of, definitions) })
        }
        Shape::List { of, may_be_empty: false } => {
            json!({ "type": "array", "items": of_shape(of, definitions), "minItems": 1 })
        }
        Shape::Texts => {
            let text = json!({ "type": "string", "minLength": 1 });
            json!({ "type": "object", "additionalProperties": text, "minProperties": 1 })
        }
        Shape::Either(shapes) => {
            let each: Vec<_> = shapes.iter().map(|shape| of_shape(shape, definitions)).collect();
            json!({ "anyOf": each })
        }
    }
}

fn of_form(form: &Form) -> Value {
    let mut schema = json!({ "type": "string", "minLength": 1, "examples": [form.example] });
    let more =
        [("maxLength", form.most.map(|most| json!(most))), ("pattern", form.pattern.map(|all| json!(all)))];
    if let Some(entries) = schema.as_object_mut() {
        entries.extend(more.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    }
    schema
}

/// The words that stand alone, which editors complete, and a pattern for those with a rule's id.
fn expectation() -> Value {
    const ID: &str = "(oam:)?[a-z0-9][a-z0-9._-]{0,63}";
    let (alone, with_rule): (Vec<_>, Vec<_>) =
        RefusalReason::CODES.into_iter().partition(|code| RefusalReason::WITHOUT_RULE.contains(code));
    let codes = alone.iter().chain(&with_rule).map(|code| format!("refused:{code}"));
    let words: Vec<_> = ["permitted".to_owned(), "refused".into()].into_iter().chain(codes).collect();
    let pattern = format!("^(permitted|refused:({})):{ID}$", with_rule.join("|"));
    json!({ "type": "string", "anyOf": [{ "enum": words }, { "pattern": pattern }] })
}
