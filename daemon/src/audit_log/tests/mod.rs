//! The log as its users see it, on a real disk.

mod appending;
mod faults;
mod growth;
mod injected;
mod keeping;
mod killed;
mod opening;
mod people;
mod rotating;
mod sealing;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use oam_audit::{
    Name,
    entry::{AdminDenied, Entry, Event},
    files::{JOURNAL, Segment},
    keys::VerifierKey,
    verify::{Report, verify_files},
};

use super::*;

fn name() -> Name {
    "oam.example.com/node-1".parse().unwrap()
}

fn clock() -> Timestamp {
    Timestamp::from_second(1_763_918_474).unwrap()
}

fn open(folder: &Path) -> (AuditLog, OpenReport) {
    AuditLog::open_with_clock(folder, &name(), clock).unwrap()
}

fn refusal(folder: &Path) -> OpenError {
    AuditLog::open_with_clock(folder, &name(), clock).unwrap_err()
}

fn event(call: &str) -> Event {
    Event::AdminDenied(AdminDenied { actor: "mallory".into(), call: call.into(), times: 1 })
}

fn batch(call: &str) -> Batch {
    Batch::new(&event(call)).unwrap()
}

/// A closed log with these entries, all signed.
async fn closed_log(folder: &Path, calls: &[&str]) {
    let (log, _) = open(folder);
    for call in calls {
        log.append(batch(call)).await.unwrap();
    }
    log.close().await;
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(name)
}

/// What an auditor says of a folder.
fn audit(folder: &Path) -> Report {
    audit_by(folder, &public_key(folder))
}

fn public_key(folder: &Path) -> VerifierKey {
    fs::read_to_string(folder.join("checkpoint.pub")).unwrap().trim().parse().unwrap()
}

/// The same by a key that was kept.
fn audit_by(folder: &Path, verifier: &VerifierKey) -> Report {
    let checkpoint = fs::read_to_string(folder.join("checkpoint")).unwrap();
    let segments = fs::read_dir(folder.join(JOURNAL)).unwrap().map(|file| file.unwrap().file_name());
    let mut segments: Vec<_> = segments.map(|name| Segment::named(name.to_str().unwrap()).unwrap()).collect();
    segments.sort();
    let files = folder::files(folder);
    let journal = segments.iter().map(|one| (*one, files.open(&one.to_string()).unwrap())).collect();
    verify_files(&files, journal, &checkpoint, &[], verifier, 1).unwrap()
}

/// The first file of the journal, and for a small log the only one.
fn journal(folder: &Path) -> PathBuf {
    folder.join(FIRST_SEGMENT)
}

const FIRST_SEGMENT: &str = "journal/00000000000000000000.jsonl";

/// What was called, entry by entry.
fn calls(log: &AuditLog, from: u64) -> Vec<String> {
    log.entries(from).unwrap().map(|line| call(&line.unwrap())).collect()
}

fn call(line: &[u8]) -> String {
    match Entry::decode(line).unwrap().event {
        Event::AdminDenied(denied) => denied.call,
        other => panic!("{other:?}"),
    }
}

/// Every file of a folder, and of those in it.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}

/// Copies a folder with what its files may do.
fn copy(from: &Path, to: &Path) {
    for path in contents(from).into_keys() {
        let place = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(path, place).unwrap();
    }
}
