//! Signatures as a hook sends them, by keys as a directory gives them: whatever the bytes are, they are judged, quickly,
//! and no signature is good that nobody made. The input is three texts with a zero byte between them: a key, a
//! signature, and what it signs.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use oam_daemon::signature::{SignatureFiles, Signatures};
use oam_fuzz::assert_plain;
use oam_policy::{
    Snapshot,
    facts::SignatureState,
    printable::Printable,
    snapshot::{Directory, Keys, OpenPgpKey, Person, SshKey},
};
use oam_proto::v1;

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(3, |byte| *byte == 0);
    let mut next = || parts.next().unwrap_or_default();
    let (key, signature, payload) = (next(), next().to_vec(), next().to_vec());
    let key = String::from_utf8_lossy(key);
    let keys = Keys {
        ssh: SshKey::parse(&key).into_iter().collect(),
        openpgp: OpenPgpKey::parse(&key).into_iter().collect(),
    };
    for key in &keys.openpgp {
        assert_eq!(OpenPgpKey::parse(&key.armored()).as_ref(), Ok(key), "one form");
    }
    let ann = Person {
        username: "ann".parse().unwrap(),
        id: None,
        display_name: None,
        emails: vec!["ann@example.com".to_owned()],
        active: true,
        groups: Default::default(),
        keys,
    };
    let directory = Directory { people: vec![ann], groups: Default::default() };
    let snapshot = Snapshot::of_directory(1, Timestamp::UNIX_EPOCH, &directory, Default::default()).unwrap();
    let judge = Signatures::start(SignatureFiles::default()).judge(snapshot, Timestamp::UNIX_EPOCH);
    let signed = v1::Signed { signature, payload, too_large: false };
    let state = judge.judge(Some(&signed)).expect("no file is asked for");
    if let SignatureState::Bad { why, .. } = &state {
        assert_plain(&Printable::new(why).to_string());
        return;
    }
    // What is good of this is not of anything else.
    let other = v1::Signed { payload: [&signed.payload[..], b"\nmore"].concat(), ..signed };
    assert!(matches!(judge.judge(Some(&other)), Ok(SignatureState::Bad { .. })), "{state:?}");
});
