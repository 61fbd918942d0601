//! Signals that are pushed.

use oam_audit::entry::{Event, SignalEffect, SnapshotCause};
use oam_tests::{Transmitter, Verdict, sample, transmitter::Pushed, wait};
use serde_json::json;

use super::Company;
use crate::{
    scim::for_a_while::{ON_CALL, as_alice, has_ended, on_call},
    two_in_the_morning::can_be_others,
};

fn accepted() -> Option<Pushed> {
    Some(Pushed { status: 202, err: String::new() })
}

#[test]
fn whoever_is_disabled_there_is_refused_on_the_next_push() {
    for idp in [Transmitter::start(), Transmitter::start().of_drafts()] {
        let company = Company::listening("push", idp);
        assert!(company.verified()["blind"].is_null());
        company.permits("alice");
        assert_eq!(company.idp.push(&company.idp.signed(&company.disabled("alice"))), accepted());
        // No waiting: the log on the disk has both.
        let log = company.daemon.audit();
        let events: Vec<_> = log.entries.iter().rev().take(2).map(|entry| &entry.event).collect();
        let [Event::SignalReceived(signal), Event::SnapshotChanged(changed)] = events[..] else {
            panic!("{events:?}")
        };
        assert_eq!((signal.person.as_deref(), signal.effect), (Some("alice"), SignalEffect::Deactivated));
        assert_eq!(signal.reason.as_deref(), Some("hijacking"));
        assert_eq!((changed.cause, changed.actor.as_str()), (SnapshotCause::UserDeactivated, "signals idp"));
        assert_eq!(changed.subject.as_deref(), Some("alice"));
        company.refuses("alice");
        company.permits("bob");

        // Enabled there, they are not let in here by that; an administrator does it.
        let enabled =
            company.idp.claims("risc/event-type/account-enabled", &company.subject("alice"), &json!({}));
        assert_eq!(company.idp.push(&company.idp.signed(&enabled)), accepted());
        company.refuses("alice");
        company.daemon.oam(["user", "reactivate", "alice", "--reason", "back"]).expect_success("reactivate");
        company.permits("alice");
        assert_eq!(company.idp.faults(), [""; 0]);
    }
}

#[test]
fn what_was_taken_is_taken_once_whatever_becomes_of_the_daemon() {
    let mut company = Company::listening("push", Transmitter::start());
    let first = company.idp.signed(&company.disabled("alice"));
    let purged = company.idp.claims("risc/event-type/account-purged", &company.subject("bob"), &json!({}));
    // Out of order, and again.
    let second = company.idp.signed(&purged);
    for token in [&second, &first, &first, &second] {
        assert_eq!(company.idp.push(token), accepted());
    }
    assert_eq!(company.effects(), [SignalEffect::Deactivated; 2]);
    company.daemon.oam(["user", "reactivate", "alice", "--reason", "a mistake"]).expect_success("reactivate");
    company.permits("alice");
    company.daemon.kill();
    company.daemon.spawn();
    company.idp.reach(&company.daemon);
    // Replayed, it does not cut them off again.
    assert_eq!(company.idp.push(&first), accepted());
    company.permits("alice");
    company.refuses("bob");
    assert_eq!(company.effects(), [SignalEffect::Deactivated; 2]);
    // Told anew, it does.
    assert_eq!(company.idp.push(&company.idp.signed(&company.disabled("alice"))), accepted());
    company.refuses("alice");
}

#[test]
fn nobody_is_guessed() {
    let company = Company::listening("push", Transmitter::start());
    let issuer = company.idp.issuer();
    for (subject, effect) in [
        (json!({"format": "iss_sub", "iss": issuer, "sub": "ext-nobody"}), SignalEffect::Unknown),
        (
            json!({"format": "iss_sub", "iss": "https://other.example.com", "sub": "ext-alice"}),
            SignalEffect::Unknown,
        ),
        // A format that the configuration does not take, be it that the text would find somebody.
        (json!({"format": "opaque", "id": "ext-alice"}), SignalEffect::Unknown),
        (json!({"format": "email", "email": "alice@example.org"}), SignalEffect::Unknown),
        (json!({"format": "phone_number", "phone_number": "+1"}), SignalEffect::Unknown),
        (
            json!({"format": "aliases", "identifiers": [{"format": "email", "email": "alice@example.com"},
                {"format": "iss_sub", "iss": issuer, "sub": "ext-bob"}]}),
            SignalEffect::Ambiguous,
        ),
        (
            json!({"format": "aliases", "identifiers": [{"format": "email", "email": "CAROL@example.com"},
                {"format": "iss_sub", "iss": issuer, "sub": "ext-carol"}]}),
            SignalEffect::Deactivated,
        ),
        (
            json!({"format": "complex", "user": {"format": "email", "email": "carol@example.com"},
                "session": {"format": "opaque", "id": "s"}}),
            SignalEffect::Already,
        ),
    ] {
        let claims = company.idp.claims("risc/event-type/account-disabled", &subject, &json!({}));
        assert_eq!(company.idp.push(&company.idp.signed(&claims)), accepted(), "{subject}");
        assert_eq!(company.effects().last(), Some(&effect), "{subject}");
    }
    // What is not configured to do anything is noted, and so is what nobody knows.
    for event in
        ["caep/event-type/session-revoked", "risc/event-type/credential-compromise", "x/event-type/y"]
    {
        let claims = company.idp.claims(event, &company.subject("bob"), &json!({}));
        assert_eq!(company.idp.push(&company.idp.signed(&claims)), accepted(), "{event}");
        assert_eq!(company.effects().last(), Some(&SignalEffect::Noted), "{event}");
    }
    company.permits("alice");
    company.permits("bob");
    company.refuses("carol");
    let metrics = company.status();
    assert_eq!(metrics["refused"], json!(0));
}

/// That nobody is found says nothing while nobody knows whom the source has: the signal is to come again.
#[test]
fn a_signal_about_somebody_of_a_source_that_is_not_loaded_or_lost_is_delivered_again() {
    let later = Some(503);
    let status = |told: Option<Pushed>| told.map(|told| told.status);
    let mut company = Company::of_nobody("push", Transmitter::start(), "");
    company.daemon.oam(["signals", "setup", "idp"]).expect_success("setup");
    let of_alice = company.idp.signed(&company.disabled("alice"));
    assert_eq!(status(company.idp.push(&of_alice)), later);
    assert_eq!(company.signals(), []);
    company.hire();
    company.permits("alice");
    assert_eq!(company.idp.push(&of_alice), accepted());
    company.refuses("alice");
    assert_eq!(company.effects(), [SignalEffect::Deactivated]);

    company.daemon.stop();
    std::fs::remove_dir_all(company.daemon.state().join("sources/okta")).unwrap();
    company.daemon.spawn();
    company.idp.reach(&company.daemon);
    assert!(company.daemon.oam(["status"]).stdout_text().contains("is lost"));
    let of_bob = company.idp.signed(&company.disabled("bob"));
    assert_eq!(status(company.idp.push(&of_bob)), later);
    company.hire();
    let complete = ["source", "sync", "okta", "--complete", "--reason", "it was told again"];
    company.daemon.oam(complete).expect_success("complete");
    assert_eq!(company.idp.push(&of_bob), accepted());
    company.refuses("bob");
}

#[test]
fn keys_are_rotated_and_a_dropped_one_is_worth_nothing() {
    let company = Company::listening("push", Transmitter::start());
    company.verified();
    let of_old_key = company.idp.signed(&company.disabled("alice"));
    company.idp.rotate("k2", false);
    // Its keys are not fetched again and again: the new one is found when it may be looked for. Until then the same signal is to
    // be delivered again.
    let of_bob = company.idp.signed(&company.disabled("bob"));
    wait::until("the new key is found", || {
        let told = company.idp.push(&of_bob).unwrap();
        assert!([202, 503].contains(&told.status), "{told:?}");
        (told.status == 202).then_some(())
    });
    company.refuses("bob");
    let told = wait::until("the keys are fetched again", || {
        company.idp.push(&of_old_key).filter(|told| told.status != 503)
    });
    assert_eq!(told, Pushed { status: 400, err: "invalid_key".into() });
    company.permits("alice");
}

/// Has the transmitter say how its stream is.
fn tell_of_stream(company: &Company, status: &str) {
    let subject = json!({"format": "opaque", "id": company.idp.stream().unwrap()});
    let details = json!({"status": status, "reason": "of a test"});
    let claims = company.idp.claims("ssf/event-type/stream-updated", &subject, &details);
    company.idp.set_status(status);
    assert_eq!(company.idp.push(&company.idp.signed(&claims)), accepted());
}

#[test]
fn a_stream_that_is_paused_makes_us_blind_and_that_is_an_alarm() {
    let mut company = Company::listening("push", Transmitter::start());
    company.verified();
    tell_of_stream(&company, "paused");
    assert_eq!(company.effects().last(), Some(&SignalEffect::Blind));
    assert!(company.status()["blind"].as_str().unwrap().contains("has paused its stream (of a test)"));
    let alarms = company.alarms();
    assert!(alarms.contains("whoever is disabled there is not cut off here by it"), "{alarms}");
    assert_ne!(company.daemon.oam(["signals", "list"]).code, 0);
    // So it is after a start, and decisions go on.
    company.daemon.stop();
    company.daemon.spawn();
    company.idp.reach(&company.daemon);
    assert!(company.status()["blind"].is_string());
    company.permits("alice");
    tell_of_stream(&company, "enabled");
    assert_eq!(company.effects().last(), Some(&SignalEffect::Flowing));
    assert!(company.status()["blind"].is_null());
}

/// Whoever is disabled there would not be cut off here.
#[test]
fn where_it_is_wished_nothing_is_decided_by_a_source_while_its_stream_is_paused() {
    let policy = sample::POLICY.replace("\"okta:eng\"", "\"okta:eng\", \"other:eng\"");
    let more = "on_blind = \"undecided\"\n\n[source.other]\nkind = \"scim\"";
    let mut company = Company::of_nobody_by(&policy, "push", Transmitter::start(), more);
    company.hire();
    company.hire_elsewhere("other", &["dora"]);
    company.daemon.oam(["signals", "setup", "idp"]).expect_success("setup");
    company.verified();
    let others = |company: &Company| {
        company.permits("dora");
        // Whom nobody knows may be anybody's.
        assert_eq!(company.push("nobody"), (Verdict::Undecided, "signals-blind".into()));
    };
    company.permits("alice");
    tell_of_stream(&company, "paused");
    // No waiting: it is so when that is answered.
    assert_eq!(company.push("alice"), (Verdict::Undecided, "signals-blind".into()));
    others(&company);
    let status = company.alarms();
    assert!(status.contains("The signals of the transmitter `idp` do not reach the daemon"), "{status}");

    company.daemon.stop();
    company.daemon.spawn();
    company.idp.reach(&company.daemon);
    assert_eq!(company.push("alice"), (Verdict::Undecided, "signals-blind".into()));
    others(&company);
    tell_of_stream(&company, "enabled");
    company.permits("alice");
    assert_eq!(company.push("nobody").0, Verdict::Refused);
}

#[test]
fn where_it_is_wished_nothing_is_decided_while_no_sign_of_life_comes() {
    let idp = Transmitter::start();
    idp.set_mute(true);
    let company = Company::new("push", idp, "alarm_after = \"1ms\"\non_blind = \"undecided\"");
    let blind = (Verdict::Undecided, "signals-blind".to_owned());
    company.daemon.oam(["signals", "setup", "idp"]).expect_success("setup");
    wait::until("nothing is decided", || (company.push("alice") == blind).then_some(()));
    company.idp.set_mute(false);
    company.daemon.oam(["signals", "verify", "idp"]).expect_success("verify");
    wait::until("it is decided", || (company.push("alice").0 == Verdict::Permitted).then_some(()));
}

/// A sign of life that is lost is no reason to decide nothing until the next one is due.
#[test]
fn what_was_lost_before_a_pause_is_asked_for_again_when_signals_flow() {
    let idp = Transmitter::start();
    idp.set_mute(true);
    let company = Company::new("push", idp, "alarm_after = \"1ms\"\non_blind = \"undecided\"");
    company.daemon.oam(["signals", "setup", "idp"]).expect_success("setup");
    wait::until("a sign of life is asked for", || (company.idp.asks() > 0).then_some(()));
    tell_of_stream(&company, "paused");
    assert_eq!(company.push("alice"), (Verdict::Undecided, "signals-blind".into()));
    company.idp.set_mute(false);
    tell_of_stream(&company, "enabled");
    // Nobody asks for it by hand.
    wait::until("it is decided", || (company.push("alice").0 == Verdict::Permitted).then_some(()));
    assert!(company.status()["asked"].is_null());
}

#[test]
fn silence_is_no_sign_of_life() {
    let idp = Transmitter::start();
    idp.set_mute(true);
    let company = Company::new("push", idp, "alarm_after = \"1ms\"");
    assert!(company.alarms().contains("its stream is not set up"));
    company.daemon.oam(["signals", "setup", "idp"]).expect_success("setup");
    wait::until("an alarm", || company.alarms().contains("was asked for a sign of life").then_some(()));
    assert!(company.status()["verified"].is_null());
    company.idp.set_mute(false);
    let verified = company.daemon.oam(["--json", "signals", "verify", "idp"]).expect_success("verify");
    let verified: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(verified["verified"], json!(true));
    assert!(company.status()["blind"].is_null());
}

#[test]
fn what_somebody_has_for_a_while_ends_before_the_signal_is_answered() {
    if !can_be_others() {
        return;
    }
    let policy = format!("{}{ON_CALL}", sample::POLICY);
    let company = Company::of_nobody_by(&policy, "push", Transmitter::start(), &as_alice());
    company.hire();
    company.daemon.oam(["signals", "setup", "idp"]).expect_success("setup");
    company.verified();
    let held = on_call(&company.daemon);
    assert!(!has_ended(&company.daemon, &held));
    assert_eq!(company.idp.push(&company.idp.signed(&company.disabled("alice"))), accepted());
    // No waiting: it is over when that is answered.
    assert!(has_ended(&company.daemon, &held));
}

#[test]
fn a_sign_of_life_that_is_lost_is_asked_for_again() {
    let idp = Transmitter::start();
    idp.set_mute(true);
    let company = Company::new("push", idp, "verify_every = \"1s\"\nalarm_after = \"1ms\"");
    company.daemon.oam(["signals", "setup", "idp"]).expect_success("setup");
    wait::until("an alarm", || company.alarms().contains("was asked for a sign of life").then_some(()));
    company.idp.set_mute(false);
    // Nobody asks for it by hand.
    company.verified();
    assert!(
        !company.alarms().contains("was asked for a sign of life at")
            || company.status()["asked"].is_string()
    );
}

#[test]
fn the_token_in_use_is_kept_whatever_becomes_of_setting_a_stream_up() {
    let company = Company::listening("push", Transmitter::start());
    company.verified();
    let [of_alice, of_bob] = ["alice", "bob"].map(|user| company.idp.signed(&company.disabled(user)));
    let fails = || assert_ne!(company.daemon.oam(["signals", "setup", "idp"]).code, 0);
    // The transmitter does not take another token, three times: the old one is the one in use, and one that was never used goes.
    for _ in 0..3 {
        company.idp.fail_updates(Some(false));
        fails();
    }
    assert_eq!(company.idp.push(&of_alice), accepted());
    // It takes another one, and its answer is lost.
    company.idp.fail_updates(Some(true));
    fails();
    assert_eq!(company.idp.push(&of_bob), accepted());
    company.idp.fail_updates(None);
    let tokens = || company.status()["tokens"].as_array().unwrap().len();
    // It has the newest and no other, be it that none was used yet: whatever fails then, that one is kept.
    company.daemon.oam(["signals", "setup", "idp"]).expect_success("setup");
    assert_eq!(tokens(), 1);
    company.idp.refuse_updates(true);
    fails();
    assert_eq!(tokens(), 1, "the one that was refused is gone");
    company.idp.refuse_updates(false);
    company.idp.fail_updates(Some(false));
    for _ in 0..2 {
        fails();
    }
    assert_eq!(company.idp.push(&of_bob), accepted());
    company.idp.fail_updates(None);
    company.daemon.oam(["signals", "setup", "idp"]).expect_success("setup");
    assert_eq!(company.idp.push(&of_bob), accepted());
    assert_eq!(tokens(), 1);
}

#[test]
fn a_stream_is_set_up_again_and_removed() {
    let company = Company::listening("push", Transmitter::start());
    company.verified();
    let old = company.idp.signed(&company.disabled("alice"));
    let stream = company.idp.stream();
    for _ in 0..3 {
        company.daemon.oam(["signals", "setup", "idp"]).expect_success("setup");
        assert_eq!(company.idp.stream(), stream, "it is the same one");
    }
    assert_eq!(company.idp.push(&old), accepted(), "with the newest token");
    let tokens = company.status()["tokens"].as_array().unwrap().len();
    assert_eq!(tokens, 1, "the transmitter has the newest");
    company.daemon.oam(["signals", "remove", "idp"]).expect_success("remove");
    assert_eq!(company.idp.stream(), None);
    assert!(company.alarms().contains("its stream is not set up"));
    let refused = company.daemon.oam(["signals", "verify", "idp"]);
    assert!(refused.code != 0 && refused.stderr_text().contains("oam signals setup idp"), "{refused:?}");
    assert_eq!(company.idp.faults(), [""; 0]);
}
