//! Tokens of leases, as a push shows them: none counts that the daemon did not sign, and each is told for what it is.
#![no_main]

use std::sync::LazyLock;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use oam_daemon::oidc::{LeaseClaims, OwnTokens};
use oam_policy::facts::LeaseFault;

/// With a token that it signed, which is good for ever.
static OWN: LazyLock<(OwnTokens, String)> = LazyLock::new(|| {
    let file = std::env::temp_dir().join(format!("oam-fuzz-lease-keys-{}", std::process::id()));
    let own = OwnTokens::open(file.clone(), "https://oam.example.com".into(), Timestamp::UNIX_EPOCH).unwrap();
    let _ = std::fs::remove_file(file);
    let claims = LeaseClaims {
        id: "7k2m9x".parse().unwrap(),
        subject: "svc".into(),
        client: "api".into(),
        scope: String::new(),
        from: Timestamp::UNIX_EPOCH,
        to: Timestamp::MAX,
    };
    let token = own.issue(&claims, Timestamp::UNIX_EPOCH).unwrap().reveal().to_owned();
    (own, token)
});

fuzz_target!(|data: &[u8]| {
    let (own, token) = &*OWN;
    let verify = |token: &[u8]| own.verify(token, Timestamp::UNIX_EPOCH);
    assert!(matches!(verify(data), Err(LeaseFault::Malformed | LeaseFault::NotOurs)));
    // The parts of a good one with others in their places.
    assert_eq!(verify(token.as_bytes()).unwrap().as_str(), "7k2m9x");
    let parts: Vec<&[u8]> = token.split('.').map(str::as_bytes).collect();
    for place in 0..3 {
        let mut mixed = parts.clone();
        if mixed[place] != data {
            mixed[place] = data;
            assert!(verify(&mixed.join(&b'.')).is_err());
        }
    }
});
