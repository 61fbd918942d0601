//! Signals that are asked for.

use oam_audit::entry::SignalEffect;
use oam_tests::{Transmitter, wait};
use serde_json::json;

use super::Company;

#[test]
fn whoever_is_disabled_there_is_cut_off_and_each_signal_is_answered_for() {
    for idp in [Transmitter::start(), Transmitter::start().of_drafts()] {
        let company = Company::listening("poll", idp);
        company.verified();
        company.permits("alice");
        let good = company.disabled("alice");
        let mut foreign = company.disabled("bob");
        foreign["aud"] = json!("https://other.example.com");
        let misnamed = company.disabled("nobody");
        company.idp.offer(good["jti"].as_str().unwrap(), &company.idp.signed(&good));
        company.idp.offer(foreign["jti"].as_str().unwrap(), &company.idp.signed(&foreign));
        company.idp.offer("another-name", &company.idp.signed(&misnamed));
        wait::until("all are answered for", || {
            let acknowledged = company.idp.acknowledged().contains(&good["jti"].as_str().unwrap().to_owned());
            (acknowledged && company.idp.refused().len() == 2).then_some(())
        });
        company.refuses("alice");
        company.permits("bob");
        let refused = company.idp.refused();
        assert_eq!(refused[foreign["jti"].as_str().unwrap()]["err"], "invalid_audience");
        assert_eq!(refused["another-name"]["err"], "invalid_request");
        assert_eq!(company.idp.faults(), [""; 0]);
    }
}

#[test]
fn what_is_delivered_again_after_a_kill_is_acknowledged_and_not_done_again() {
    let mut company = Company::listening("poll", Transmitter::start());
    company.verified();
    let claims = company.disabled("alice");
    let (jti, token) = (claims["jti"].as_str().unwrap().to_owned(), company.idp.signed(&claims));
    company.idp.offer(&jti, &token);
    wait::until("it is taken", || company.idp.acknowledged().contains(&jti).then_some(()));
    company.daemon.kill();
    company.daemon.spawn();
    company.daemon.oam(["user", "reactivate", "alice", "--reason", "a mistake"]).expect_success("reactivate");
    company.idp.offer(&jti, &token);
    wait::until("it is acknowledged again", || {
        (company.idp.acknowledged().iter().filter(|one| **one == jti).count() == 2).then_some(())
    });
    assert_eq!(company.effects(), [SignalEffect::Deactivated]);
    company.permits("alice");
}

/// Nobody asks for the signals of a stream that there is no more: that it was not well is over with it. With `on_blind = "undecided"`
/// that there is none is a reason of its own.
#[test]
fn a_stream_that_is_removed_makes_nobody_blind() {
    let more = "alarm_after = \"1ms\"\nverify_every = \"1s\"";
    let company = Company::new("poll", Transmitter::start(), more);
    company.daemon.oam(["signals", "setup", "idp"]).expect_success("setup");
    company.verified();
    company.idp.fail_polls();
    wait::until("trouble", || company.status()["trouble"].is_string().then_some(()));
    company.daemon.oam(["signals", "remove", "idp"]).expect_success("remove");
    wait::until("it is over", || {
        let status = company.status();
        (status["trouble"].is_null() && status["blind"].is_null()).then_some(())
    });
}
