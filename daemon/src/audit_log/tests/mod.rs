//! The log as its users see it, on a real disk.

mod appending;
mod faults;
mod opening;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use oam_audit::{
    Name,
    entry::{AdminDenied, Entry, Event},
    keys::VerifierKey,
    verify::{Report, verify_log},
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
    Event::AdminDenied(AdminDenied { actor: "mallory".into(), call: call.into() })
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
    let verifier: VerifierKey =
        fs::read_to_string(folder.join("checkpoint.pub")).unwrap().trim().parse().unwrap();
    let checkpoint = fs::read_to_string(folder.join("checkpoint")).unwrap();
    verify_log(&fs::read(folder.join("entries.jsonl")).unwrap()[..], &checkpoint, &verifier).unwrap()
}

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

/// Every file of a folder.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Copies a folder with what its files may do.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}
