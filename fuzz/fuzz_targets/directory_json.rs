//! Directory files in JSON: what is read is written and read again, or refused with faults that lie in the file.
#![no_main]

use std::collections::BTreeMap;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use oam_fuzz::assert_plain;
use oam_policy::snapshot::{
    Snapshot,
    file::{parse_json, to_json},
};

fuzz_target!(|text: &str| {
    match parse_json("d", text) {
        Ok(directory) => {
            let written = to_json(&directory);
            let again = parse_json("d", &written).expect("what we write can be read");
            assert_eq!(to_json(&again), written);
            let snapshot = |directory| {
                Snapshot::of_directory(1, Timestamp::UNIX_EPOCH, directory, BTreeMap::new())
                    .expect("a reader lets no two people share a name")
            };
            assert_eq!(snapshot(&directory).version(), snapshot(&again).version());
        }
        Err(faults) => {
            assert_plain(&faults.to_string());
            for fault in faults.iter() {
                assert!(fault.line as usize <= text.matches('\n').count() + 1, "{fault}");
            }
        }
    }
});
