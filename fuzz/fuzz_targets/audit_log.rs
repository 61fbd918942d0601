//! A whole log: what is in order stays so however it is read, and not without its last entry.
#![no_main]

use std::io::BufReader;

use libfuzzer_sys::fuzz_target;
use oam_audit::{
    checkpoint::SignedCheckpoint,
    keys::SigningKey,
    merkle::TreeHash,
    verify::{VerifyError, verify_log},
};

fuzz_target!(|log: &[u8]| {
    let key = SigningKey::from_seed("oam.example.com/node-1".parse().unwrap(), &[1; 32]);
    let signed = |size, root| SignedCheckpoint::sign(size, root, &key).to_string();
    let verify = |log: &[u8], checkpoint: &str| verify_log(log, checkpoint, key.verifier());
    let nothing = signed(0, TreeHash::empty());

    let report = match verify(log, &nothing) {
        Ok(report) => report,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
    let whole: Vec<&[u8]> = lines.iter().copied().filter(|line| line.ends_with(b"\n")).collect();
    assert_eq!(report.entries, whole.len() as u64);
    assert_eq!(report.beyond_checkpoint, report.entries);
    assert_eq!(report.torn_tail_bytes as usize, log.len() - whole.concat().len());
    let in_drops = verify_log(BufReader::with_capacity(7, log), &nothing, key.verifier());
    assert_eq!(in_drops.unwrap(), report);

    let checkpoint = signed(report.entries, report.root);
    assert_eq!(verify(log, &checkpoint).unwrap().beyond_checkpoint, 0);
    if let Some((_, before)) = whole.split_last() {
        let cut = verify(&before.concat(), &checkpoint);
        assert!(matches!(cut, Err(VerifyError::Short { .. })), "{cut:?}");
    }
});
