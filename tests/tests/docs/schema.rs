//! The JSON Schema of the policy language is the one that `oam` prints, fits every policy that people are shown, and
//! has the keys that the reference explains.

use std::{collections::BTreeSet, fs};

use jsonschema::Validator;
use oam_policy::file::{self, PolicySource, json_schema};
use oam_tests::{Run, binaries, binaries::workspace};
use serde_json::Value as Json;
use toml::Value;

use crate::{
    book::{Page, source},
    examples::is_file,
    snippets::marked,
};

fn validator() -> Validator {
    jsonschema::options().should_validate_formats(true).build(&json_schema()).unwrap()
}

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

fn fits(validator: &Validator, place: &str, policy: &str) {
    let policy = json(&Value::Table(policy.parse().unwrap_or_else(|error| panic!("{place}: {error}"))));
    let errors: Vec<_> = validator
        .iter_errors(&policy)
        .map(|error| format!("{place}: {}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

#[test]
fn the_schema_in_the_book_is_the_one_that_oam_prints() {
    let mut oam = std::process::Command::new(binaries::path("oam"));
    let said = oam.env_clear().args(["policy", "schema"]).run().expect_success("oam policy schema");
    is_file(&source().join("reference/policy.schema.json"), &said.stdout_text());
    let printed: Json = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(printed, json_schema());
}

#[test]
fn every_policy_that_people_are_shown_fits() {
    let validator = validator();
    fits(&validator, "the starter", file::starter());
    for block in marked("toml,policy") {
        fits(&validator, &block.place, &block.text);
    }
    let mut cases = 0;
    for entry in fs::read_dir(workspace().join("tests/cases")).unwrap() {
        let path = entry.unwrap().path();
        let file: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
        fits(&validator, &path.display().to_string(), file["policy"].as_str().unwrap());
        cases += 1;
    }
    assert!(cases > 20, "only {cases} files with cases were found");
}

/// Its other faults are told by the reader alone: an editor shows what it can.
#[test]
fn the_faulty_policy_of_the_guide_does_not_fit() {
    let text = fs::read_to_string(source().join("examples/faulty-policy.toml")).unwrap();
    let policy = json(&Value::Table(text.parse().unwrap()));
    assert!(!validator().is_valid(&policy));
    assert!(file::parse(&[PolicySource { name: "faulty-policy.toml".into(), text }]).is_err());
}

/// The keys in the first column of a section's tables: each cell is code, or several with commas between.
fn explained(heading: &str) -> BTreeSet<String> {
    let page = Page::read(&source().join("reference/policy.md"));
    let lines = page.prose.iter().map(|(_, line)| line.as_str());
    let section =
        lines.skip_while(|line| *line != heading).skip(1).take_while(|line| !line.starts_with("## "));
    let cells = section.filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let code = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    code.map(|key| key.split(" = ").next().unwrap_or(key).trim_matches(['[', ']']).to_owned()).collect()
}

fn keys(kind: &Json) -> BTreeSet<String> {
    kind["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn every_key_of_the_language_is_explained() {
    let schema = json_schema();
    let kinds = &schema["definitions"];
    let mut top = explained("## At the top");
    // They have sections of their own.
    top.extend(
        ["role", "grant", "block", "require", "waiver", "elevation", "workload", "test"].map(String::from),
    );
    assert_eq!(top, keys(&schema));
    assert_eq!(explained("## `[change]`"), keys(&kinds["change"]));
    for kind in ["role", "grant", "block", "waiver", "elevation", "workload", "test"] {
        assert_eq!(explained(&format!("## `[[{kind}]]`")), keys(&kinds[kind]), "{kind}");
    }
    let requires = ["require", "commits", "tags"].iter().flat_map(|kind| keys(&kinds[*kind])).collect();
    assert_eq!(explained("## `[[require]]`"), requires);
    // What stands in a cell of its table.
    let page = fs::read_to_string(source().join("reference/policy.md")).unwrap();
    for (kind, cell) in [
        ("allow", "`allow = [{ "),
        ("weekly", "| `weekly` |"),
        ("approvals", "| `approvals` | one"),
        ("commit", "| `commit` |"),
    ] {
        let row = page.lines().find(|line| line.starts_with(cell)).unwrap_or_else(|| panic!("no row {cell}"));
        for key in keys(&kinds[kind]) {
            assert!(row.contains(&key), "`{key}` of `{kind}` is not in: {row}");
        }
    }
}
