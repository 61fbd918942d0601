//! The files that the daemon's directory is recovered from. The checksums are put right, so that what is behind them
//! is reached: a file that was damaged by chance does not get that far.
//!
//! The input is a floor, a base's content and records of a journal, with `\xff\xfe` between them.
#![no_main]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use libfuzzer_sys::fuzz_target;
use oam_daemon::store::Store;
use oam_fuzz::scratch;
use oam_policy::Digest;

const BETWEEN: &[u8] = b"\xff\xfe";
const TITLE: &[u8] = b"oam-recovery-base-v1\n";

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| scratch("daemon_store"));

fn parts(data: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(2).position(|window| window == BETWEEN) {
        parts.push(&rest[..at]);
        rest = &rest[at + 2..];
    }
    parts.push(rest);
    parts
}

fn write(state: &Path, data: &[u8]) {
    let recovery = state.join("recovery");
    fs::create_dir_all(&recovery).unwrap();
    let parts = parts(data);
    if let Some(floor) = parts.first().filter(|floor| !floor.is_empty()) {
        let sum = format!("sum {}\n", Digest::of(floor));
        fs::write(state.join("floor"), [floor, sum.as_bytes()].concat()).unwrap();
    }
    let Some(content) = parts.get(1) else { return };
    let body = [TITLE, content].concat();
    let mut chained = Digest::of(&body);
    fs::write(recovery.join(format!("base-{:020}", 1)), [&body[..], chained.as_bytes()].concat()).unwrap();
    let mut journal = Vec::new();
    for record in parts.iter().skip(2) {
        let length = u32::try_from(record.len()).unwrap().to_be_bytes();
        chained = Digest::of(&[chained.as_bytes(), &length[..], record].concat());
        journal.extend([&length[..], record, chained.as_bytes()].concat());
    }
    fs::write(recovery.join(format!("journal-{:020}", 1)), journal).unwrap();
}

/// The floor's generation, if it is a floor.
fn floor(data: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(parts(data).first()?).ok()?;
    let mut lines = text.strip_prefix("oam-floor-v1\ngeneration ")?.split('\n');
    let generation: u64 = lines.next()?.parse().ok()?;
    let digest: Digest = lines.next()?.strip_prefix("digest ")?.parse().ok()?;
    (text == format!("oam-floor-v1\ngeneration {generation}\ndigest {digest}\n")).then_some(generation)
}

fuzz_target!(|data: &[u8]| {
    let state = FOLDER.join("state");
    write(&state, data);
    let opened = Store::open(&state).expect("damage is no error");
    let version = opened.loaded.map(|loaded| loaded.snapshot.version());
    if let (Some(version), Some(floor)) = (version, floor(data)) {
        assert!(version.generation >= floor, "{version} is below the floor {floor}");
    }
    drop(opened.store);
    let again = Store::open(&state).expect("it was mended");
    assert_eq!(again.loaded.map(|loaded| loaded.snapshot.version()), version);
    assert!(again.report.healed.is_empty(), "{:?}", again.report);
    drop(again.store);
    fs::remove_dir_all(&state).unwrap();
});
