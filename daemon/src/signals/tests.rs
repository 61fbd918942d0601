//! When we are blind, as far as that needs no transmitter.

use std::{
    collections::BTreeMap,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use oam_fetch::Network;
use oam_policy::Digest;

use super::{Receiver, locked, told::Step};
use crate::{
    config::{Delivery, OnBlind, SignalsConfig, SourceName},
    oidc::Algorithms,
};

/// A transmitter whose stream we do not set up.
pub(super) fn by_hand() -> SignalsConfig {
    SignalsConfig {
        name: SourceName::parse("idp").unwrap(),
        issuer: "http://127.0.0.1:1".parse().unwrap(),
        audience: "oam".into(),
        source: SourceName::parse("corp").unwrap(),
        delivery: Delivery::Poll,
        token_file: None,
        algorithms: Algorithms::default(),
        subjects: BTreeMap::new(),
        subject_issuer: "idp".into(),
        events: BTreeMap::new(),
        leeway: Duration::ZERO,
        verify_every: Duration::from_secs(60),
        alarm_after: Duration::from_millis(1),
        on_blind: OnBlind::Alarm,
        network: Network::Loopback,
        ca: None,
    }
}

/// One whose stream we set up, and without whose signals nothing is to be decided.
fn undecided() -> SignalsConfig {
    SignalsConfig { token_file: Some("token".into()), on_blind: OnBlind::Undecided, ..by_hand() }
}

pub(super) fn receiver(config: &SignalsConfig, folder: &Path) -> Receiver {
    Receiver::open(config, folder).unwrap()
}

fn set_up(receiver: &Receiver) {
    locked(&receiver.stream).change(|stream| stream.id = Some("one".into())).unwrap();
}

/// Why we are blind when `alarm_after` has passed.
fn blind(receiver: &Receiver) -> Option<String> {
    sleep(Duration::from_millis(5));
    receiver.report(Timestamp::now()).blind
}

#[tokio::test]
async fn a_stream_that_is_not_set_up_makes_blind_where_nothing_is_to_be_decided_then() {
    let folder = tempfile::tempdir().unwrap();
    let missing = receiver(&undecided(), folder.path());
    let why = blind(&missing).unwrap();
    assert!(why.contains("its stream is not set up"), "{why}");
    // Once: as an alarm.
    assert_eq!(missing.warnings(Timestamp::now()), [""; 0]);
    set_up(&missing);
    assert_eq!(blind(&missing), None);

    for config in [
        SignalsConfig { on_blind: OnBlind::Alarm, ..undecided() },
        // Whether it is set up is not known here.
        SignalsConfig { token_file: None, ..undecided() },
    ] {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(blind(&receiver(&config, folder.path())), None, "{config:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn since_when_a_transmitter_does_not_answer_is_known_after_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let hour = SignalsConfig { alarm_after: Duration::from_secs(60 * 60), ..undecided() };
    let started = receiver(&hour, folder.path());
    set_up(&started);
    started.in_trouble("the connection broke".into());
    assert_eq!(blind(&started), None);
    // It has not been for an hour after a start, and is then.
    assert_eq!(blind(&receiver(&hour, folder.path())), None);
    let why = blind(&receiver(&undecided(), folder.path())).unwrap();
    assert!(why.contains("did not answer before the daemon was started"), "{why}");

    let again = receiver(&undecided(), folder.path());
    let since = locked(&again.stream).get().silent;
    again.in_trouble("the connection broke again".into());
    assert_eq!(locked(&again.stream).get().silent, since, "it does not begin anew");
    assert!(blind(&again).unwrap().contains("the connection broke again"));
    again.well();
    assert_eq!(blind(&again), None);
    assert_eq!(blind(&receiver(&undecided(), folder.path())), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_forward_makes_no_moment_without_an_answer_long() {
    let folder = tempfile::tempdir().unwrap();
    let hour = SignalsConfig { alarm_after: Duration::from_secs(60 * 60), ..undecided() };
    let started = receiver(&hour, folder.path());
    set_up(&started);
    started.in_trouble("the connection broke".into());
    let later = Timestamp::now().checked_add(Duration::from_secs(2 * 60 * 60)).unwrap();
    assert_eq!(started.report(later).blind, None);
    // Of what was before a start there is no other clock.
    let again = receiver(&hour, folder.path());
    again.in_trouble("the connection broke again".into());
    assert!(again.report(later).blind.is_some());
    // It answered, and what comes then is new.
    again.well();
    again.in_trouble("the connection broke once more".into());
    assert_eq!(again.report(later).blind, None);
}

#[tokio::test]
async fn events_that_cannot_be_taken_make_blind_until_one_is() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = receiver(&undecided(), folder.path());
    set_up(&receiver);
    assert_eq!(blind(&receiver), None);
    let later = |alarm_after| {
        let (event, why) = (Digest::of(b"a token"), "its keys are not to be had");
        locked(&receiver.told).later(event, why, Step::Arriving, alarm_after, Instant::now());
    };
    later(receiver.config.alarm_after);
    let why = blind(&receiver).unwrap();
    assert!(why.contains("could not be taken") && why.contains("its keys are not to be had"), "{why}");
    locked(&receiver.told).taken("another", Step::Arriving);
    assert_eq!(blind(&receiver), None);
    // One that came a moment ago may be taken when it comes again.
    let minute = Duration::from_secs(60);
    later(minute);
    assert_eq!(locked(&receiver.told).not_taken(minute, Instant::now()), None);
}
