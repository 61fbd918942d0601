//! An entry of the audit log: it has one spelling, and no other one is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oam_audit::entry::Entry;

fuzz_target!(|line: &[u8]| {
    match Entry::decode(line) {
        Ok(entry) => {
            assert!(!line.contains(&b'\n'));
            assert_eq!(entry.encode().unwrap(), line);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
