//! Events of every kind, against the schema that OCSF publishes, by a program of others.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use oam_audit::entry::{Entry, Event};
use oam_export::{ocsf, row, syslog};
use serde_json::Value;

/// Events of every kind, as entries have them; of some kinds more than one.
const EVENTS: &str = include_str!("events.jsonl");

fn entries() -> Vec<(Vec<u8>, Entry)> {
    let lines = EVENTS.lines().filter(|line| !line.is_empty());
    let numbered = lines.zip(0u64..).map(|(event, seq)| {
        let line = format!(
            r#"{{"v":1,"seq":{seq},"time":"2026-11-23T17:21:14.000250Z","node":"oam.example.com/node-1","event":{event}}}"#
        );
        let entry = Entry::decode(line.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{line}"));
        (line.into_bytes(), entry)
    });
    numbered.collect()
}

fn events() -> Vec<Value> {
    entries().iter().map(|(line, entry)| ocsf::event(entry, line)).collect()
}

/// Where `.ci/run` puts the schema and what checks by it.
fn python() -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/ocsf/bin/python");
    installed.is_file().then_some(installed)
}

/// What is wrong with some events: the checker's lines, and whether it was content.
fn check(python: &Path, name: &str, events: &[Value]) -> (bool, String) {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.jsonl"));
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    fs::write(&file, lines).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ocsf.py");
    let output = Command::new(python).arg(script).arg(ocsf::VERSION).arg(&file).output().unwrap();
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr),
    )
}

#[test]
fn there_is_a_sample_of_every_kind() {
    let kinds: BTreeSet<_> = entries().iter().map(|(_, entry)| entry.event.kind()).collect();
    assert_eq!(kinds, BTreeSet::from(Event::KINDS));
}

#[test]
fn events_are_what_the_published_schema_says() {
    let Some(python) = python() else {
        assert!(std::env::var_os("OAM_NEEDS_OCSF").is_none(), "target/ocsf is not installed");
        eprintln!(
            "SKIPPED: the schema of OCSF is not installed. `.ci/run` does it: python3 -m venv target/ocsf && \
             target/ocsf/bin/pip install ocsf-json-schema==1.2.0 jsonschema==4.25.1"
        );
        return;
    };
    let events = events();
    let (fits, found) = check(&python, "events", &events);
    assert!(fits, "{found}");
    assert!(found.contains(&format!("{} events fit", events.len())), "{found}");

    // The check can fail: something that must be there is not, something that must not be there is, and a wrong type.
    for (name, break_it) in [
        ("missing", (|event| drop(event.remove("actor"))) as fn(&mut serde_json::Map<String, Value>)),
        ("unknown", |event| drop(event.insert("verdict".into(), "permitted".into()))),
        ("type", |event| drop(event.insert("time".into(), "now".into()))),
        ("class", |event| drop(event.insert("activity_id".into(), 42.into()))),
    ] {
        let mut broken = events[0].clone();
        break_it(broken.as_object_mut().unwrap());
        let (fits, found) = check(&python, name, &[broken]);
        assert!(!fits, "{name}: {found}");
    }
}

#[test]
fn each_event_says_which_entry_it_is() {
    for ((line, entry), event) in entries().iter().zip(events()) {
        assert_eq!(event["metadata"]["sequence"], entry.seq);
        assert_eq!(event["raw_data"].as_str().unwrap().as_bytes(), line);
        assert_eq!(event["type_uid"].as_u64().unwrap() / 100, event["class_uid"]);
    }
}

#[test]
fn verdicts_are_told_apart() {
    let of = |outcome: &str| {
        let found = events().into_iter().find(|event| {
            event["metadata"]["event_code"] == "decision"
                && event["raw_data"].as_str().unwrap().contains(&format!("\"outcome\":\"{outcome}\""))
        });
        let found = found.unwrap();
        (found["status_id"].as_u64().unwrap(), found["class_uid"].as_u64().unwrap())
    };
    assert_eq!(of("refused"), (2, 6003));
    assert_eq!(of("undecided"), (99, 6003));
    let permitted = events().into_iter().find(|event| event["status_id"] == 1 && event["class_uid"] == 6003);
    assert_eq!(permitted.unwrap()["actor"]["authorizations"][0]["decision"], "permitted");
}

#[test]
fn a_row_for_each_ref_and_no_formula_in_any() {
    let all: Vec<_> = entries().iter().flat_map(|(_, entry)| row::rows(entry)).collect();
    let refs: usize = entries()
        .iter()
        .map(|(_, entry)| match &entry.event {
            Event::Decision(decision) => decision.updates.len().max(1),
            Event::DecisionPart(part) => part.updates.len(),
            Event::RefsApplied(applied) => applied.updates.len(),
            Event::PermittedWhileUnavailable(permitted) => permitted.updates.len(),
            _ => 1,
        })
        .sum();
    assert_eq!(all.len(), refs);
    for cell in all.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@']) && !cell.chars().any(char::is_control), "{cell:?}");
    }
    assert!(all.iter().any(|row| row[6] == "'=cmd()"), "the hostile user is among them");
}

#[test]
fn a_syslog_message_is_as_long_as_it_says() {
    for (line, entry) in entries() {
        let framed = syslog::framed(&entry, str::from_utf8(&line).unwrap());
        let space = framed.iter().position(|byte| *byte == b' ').unwrap();
        let length: usize = str::from_utf8(&framed[..space]).unwrap().parse().unwrap();
        let message = str::from_utf8(&framed[space + 1..]).unwrap();
        assert_eq!(message.len(), length);
        let header: Vec<_> = message.splitn(8, ' ').collect();
        assert!(header[0].starts_with("<10") || header[0].starts_with("<11"), "{message}");
        assert!(header[0].ends_with(">1") && header[1].ends_with('Z'), "{message}");
        assert_eq!(header[2..7], ["oam.example.com/node-1", "oam", "-", entry.event.kind(), "-"]);
        assert_eq!(header[7].strip_prefix('\u{feff}').unwrap().as_bytes(), line);
    }
}
