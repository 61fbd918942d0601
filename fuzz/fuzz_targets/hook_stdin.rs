//! The push as git writes it: what is read is exactly what was written, and nothing else is read at all.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oam_fuzz::{assert_plain, assert_told_plainly};
use oam_hook::stdin;
use oam_policy::{ObjectId, RefChange, RefUpdate};

fn written(update: &RefUpdate) -> Vec<u8> {
    let zero = |other: &ObjectId| "0".repeat(other.to_string().len());
    let ids = match &update.change {
        RefChange::Create { new } => format!("{} {new} ", zero(new)),
        RefChange::Move { old, new } => format!("{old} {new} "),
        RefChange::Delete { old } => format!("{old} {} ", zero(old)),
        RefChange::Merge { .. } => panic!("git writes no merge"),
    };
    [ids.as_bytes(), update.name.as_bytes(), b"\n"].concat()
}

fuzz_target!(|data: &[u8]| {
    match stdin::read(&mut &*data) {
        Ok(updates) => assert_eq!(updates.iter().map(written).collect::<Vec<_>>().concat(), data),
        Err(error) => {
            assert_plain(&error.to_string());
            assert_told_plainly(error);
        }
    }
});
