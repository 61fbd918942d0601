//! The JSON Schema of the language and the reader of policies, side by side.
//!
//! The law: what the reader accepts, the schema accepts. And where only the shape of one file is wrong (a key that is
//! not known, is missing, or has a value of another kind) both refuse.

#![cfg(feature = "regex")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests may fail loudly"
)]

mod change;

use std::sync::LazyLock;

use change::{Change, of_key, places};
use jsonschema::{Draft, Validator};
use oam_policy::file::{self, PolicySource, json_schema};
use proptest::prelude::*;
use serde_json::{Map, Value as Json};
use toml::{Table, Value};

const WHOLE: &str = include_str!("whole.toml");

fn whole() -> Table {
    WHOLE.parse().unwrap()
}

/// As editors do: a date-time is looked at, too. Some know drafts up to the fourth only.
static VALIDATORS: LazyLock<[Validator; 2]> = LazyLock::new(|| {
    [Draft::Draft7, Draft::Draft4].map(|draft| {
        let options = jsonschema::options().with_draft(draft).should_validate_formats(true);
        options.build(&json_schema()).expect("the schema is one")
    })
});

/// A TOML value as the language servers show it to a schema.
fn json(value: &Value) -> Json {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Boolean(boolean) => (*boolean).into(),
        Value::Datetime(moment) => moment.to_string().into(),
        Value::Array(list) => list.iter().map(json).collect(),
        Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), json(value))).collect(),
    }
}

/// What the reader says against a policy; nothing when it accepts it.
fn read(text: &str) -> Option<String> {
    let source = PolicySource { name: "policy.toml".into(), text: text.into() };
    file::parse(&[source]).err().map(|faults| faults.to_string())
}

/// What the schema says against it.
fn check(policy: &Table) -> Option<String> {
    let policy = json(&Value::Table(policy.clone()));
    let said = VALIDATORS.each_ref().map(|validator| {
        let errors: Vec<_> = validator.iter_errors(&policy).map(|error| error.to_string()).collect();
        errors.join("\n")
    });
    let [said, of_draft_4] = said;
    assert_eq!(
        said.is_empty(),
        of_draft_4.is_empty(),
        "the drafts disagree: {said:?}, {of_draft_4:?}\n{policy}"
    );
    (!said.is_empty()).then_some(said)
}

#[test]
fn it_is_a_schema_of_its_draft() {
    jsonschema::meta::validate(&json_schema()).unwrap();
    assert_eq!(json_schema()["$schema"], "http://json-schema.org/draft-07/schema#");
}

#[test]
fn editors_understand_all_of_it() {
    fn walk(schema: &Json) {
        match schema {
            Json::Object(entries) => {
                assert!(!entries.contains_key("$ref") || entries.len() == 1, "the rest is lost: {schema}");
                for key in ["allOf", "if", "const"] {
                    assert!(!entries.contains_key(key), "`{key}` is lost on some: {schema}");
                }
                entries.values().for_each(walk);
            }
            Json::Array(elements) => elements.iter().for_each(walk),
            _ => {}
        }
    }
    walk(&json_schema());
}

#[test]
fn the_starter_and_the_whole_language_are_accepted() {
    for text in [file::starter(), WHOLE] {
        assert_eq!(read(text), None);
        assert_eq!(check(&text.parse().unwrap()), None);
    }
}

/// So that no key is forgotten below.
#[test]
fn the_whole_language_is_whole() {
    fn walk(schema: &Json, values: &[&Json], place: &str) {
        let all = json_schema();
        let schema = match schema["$ref"].as_str() {
            Some(reference) => all.pointer(&reference[1..]).unwrap(),
            None => schema,
        };
        let is_told = |about: &str| about.ends_with('.') && about.chars().count() < 250;
        assert!(place.ends_with(']') || schema["description"].as_str().is_some_and(is_told), "{place}");
        if let Some(items) = schema.get("items") {
            let elements: Vec<_> = values.iter().filter_map(|value| value.as_array()).flatten().collect();
            walk(items, &elements, &format!("{place}[]"));
        }
        for (key, schema) in schema["properties"].as_object().unwrap_or(&Map::new()) {
            let place = format!("{place}.{key}");
            let values: Vec<_> = values.iter().filter_map(|value| value.get(key)).collect();
            assert!(!values.is_empty(), "`{place}` is not in whole.toml");
            walk(schema, &values, &place);
        }
    }
    walk(&json_schema(), &[&json(&Value::Table(whole()))], "");
}

/// Each single change of the shape of a policy: the two agree on every one.
#[test]
fn reader_and_schema_refuse_the_same_shapes() {
    let (mut accepted, mut refused, mut disagreements) = (0, 0, Vec::new());
    for place in places(&whole()) {
        for change in Change::ALL.into_iter().filter(|change| change.is_of_shape_alone(&place)) {
            let mut policy = whole();
            if !change.make(&place, &mut policy) {
                continue;
            }
            let text = toml::to_string(&policy).unwrap();
            let (reader, schema) = (read(&text), check(&policy));
            *if reader.is_none() { &mut accepted } else { &mut refused } += 1;
            if reader.is_some() != schema.is_some() {
                disagreements.push(format!("{change:?} at {place:?}: {reader:?} and {schema:?}"));
            }
        }
    }
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
    assert!(accepted > 50 && refused > 1_000, "{accepted} accepted, {refused} refused");
}

/// Values that are of the right kind and still wrong.
#[test]
fn wrong_values_are_refused_by_both() {
    for (key, value) in [
        ("version", "2"),
        ("change.approvals", "17"),
        ("change.approvals", "-1"),
        ("role.0.id", "\"Developer\""),
        ("role.0.any", "[\"eng\"]"),
        ("role.1.allow.0.lint", "\"exclusive-role\""),
        ("role.1.allow.0.reason", "\" \""),
        ("grant.0.on", "[\"PAY\"]"),
        ("grant.0.refs", "[\"main\"]"),
        ("grant.0.verbs", "[\"push\"]"),
        ("grant.0.paths", "[\"/docs/**\"]"),
        ("grant.0.mode", "\"off\""),
        ("grant.0.weekly.zone", "\"Europe/Berlim\""),
        ("grant.0.weekly.from", "\"Monday 08:00\""),
        ("grant.0.weekly.to", "\"Fri 24:00\""),
        ("block.0.verbs", "[\"read\"]"),
        ("block.0.from", "2026-12-20"),
        ("block.0.from", "2026-12-20T00:00:00"),
        ("require.0.via", "\"review\""),
        ("require.0.exclude", "[\"reviewers\"]"),
        ("require.0.approvals.1.count", "0"),
        ("require.0.approvals.1.count", "101"),
        ("require.1.commits.max_blob", "\"5MB\""),
        ("require.1.commits.message", "\"!x\""),
        ("require.1.commits.forbid_extensions", "[\".jar\"]"),
        ("waiver.0.max_time", "\"soon\""),
        ("test.0.push", "\"merge PAY/api refs/heads/main\""),
        ("test.0.push", "\"update PAY refs/heads/main\""),
        ("test.0.push", "\"update PAY/api main\""),
        ("test.0.channel", "\"email\""),
        ("test.0.paths", "[\"/x\"]"),
        ("test.0.expect", "\"refused:because\""),
        ("test.0.expect", "\"refused:no-grant:freeze\""),
        ("test.0.expect", "\"allowed\""),
    ] {
        let mut policy = whole();
        let value = format!("v = {value}").parse::<Table>().unwrap().remove("v").unwrap();
        *of_key(&mut policy, key) = value;
        assert!(read(&toml::to_string(&policy).unwrap()).is_some(), "the reader accepts {key}");
        assert!(check(&policy).is_some(), "the schema accepts {key}");
    }
}

#[test]
fn right_values_are_accepted_by_both() {
    for (key, value) in [
        ("grant.0.on", "[\"re:pay/.*\", \"{PAY/api,WEB/*}\", \"!**\"]"),
        ("grant.0.refs", "[\"refs/heads/{a,b}\", \"!re:refs/heads/x\"]"),
        ("grant.0.paths", "[\"re:/\", \"*\", \"{/,a}\"]"),
        ("grant.0.expires", "2099-01-01 00:00:00Z"),
        ("role.0.id", "\"developer\""),
        ("role.1.max_lease", "\"PT15M\""),
        ("waiver.0.max_time", "\"90 minutes\""),
        ("require.1.commits.max_blob", "\"0B\""),
        ("test.0.push", "\"  update   ~alice/api.x refs/x/y \""),
        ("test.0.expect", "\"refused:blocked:oam:replace-refs\""),
        ("test.0.expect", "\"permitted:topics\""),
        ("test.0.as", "[]"),
    ] {
        let mut policy = whole();
        *of_key(&mut policy, key) = format!("v = {value}").parse::<Table>().unwrap().remove("v").unwrap();
        assert_eq!(read(&toml::to_string(&policy).unwrap()), None, "{key} = {value}");
        assert_eq!(check(&policy), None, "{key} = {value}");
    }
}

proptest! {
    /// Whatever becomes of a policy: an editor never complains of what the reader accepts.
    #[test]
    fn what_the_reader_accepts_the_schema_accepts(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), proptest::sample::select(&Change::ALL[..])), 1..6),
    ) {
        let mut policy = whole();
        for (place, change) in changes {
            let places = places(&policy);
            if !places.is_empty() {
                change.make(&places[place.index(places.len())], &mut policy);
            }
        }
        let text = toml::to_string(&policy).unwrap();
        if read(&text).is_none() {
            prop_assert_eq!(check(&policy), None, "{}", text);
        }
    }
}
