//! Nothing is decided, where that is wished, while signals would not reach us.

use oam_tests::{Transmitter, Verdict, wait};
use serde_json::json;

use super::Company;

/// What the alarm says.
const NOT_TAKEN: &str = "came and could not be taken";

fn blind() -> (Verdict, String) {
    (Verdict::Undecided, "signals-blind".into())
}

/// Whoever is disabled there is told to nobody here.
#[test]
fn where_it_is_wished_nothing_is_decided_without_a_stream() {
    let company = Company::new("push", Transmitter::start(), "on_blind = \"undecided\"");
    assert_eq!(company.push("alice"), blind());
    assert!(company.alarms().contains("its stream is not set up"));
    company.daemon.oam(["signals", "setup", "idp"]).expect_success("setup");
    // No waiting, neither time.
    company.permits("alice");
    company.daemon.oam(["signals", "remove", "idp"]).expect_success("remove");
    assert_eq!(company.push("alice"), blind());
}

/// The transmitter has another key, and nobody can fetch it: all else of its API is well.
#[test]
fn where_it_is_wished_nothing_is_decided_while_signals_come_and_cannot_be_taken() {
    let idp = Transmitter::start();
    let company = Company::new("push", idp, "alarm_after = \"1s\"\non_blind = \"undecided\"");
    company.daemon.oam(["signals", "setup", "idp"]).expect_success("setup");
    company.verified();
    let permitted = (Verdict::Permitted, String::new());
    wait::until("it is decided", || (company.push("alice") == permitted).then_some(()));
    company.idp.hide_keys(true);
    company.idp.rotate("k2", false);
    let of_alice = company.idp.signed(&company.disabled("alice"));
    assert_eq!(company.idp.push(&of_alice).unwrap().status, 503);
    wait::until("nothing is decided", || (company.push("alice") == blind()).then_some(()));
    let alarms = company.alarms();
    assert!(alarms.contains(NOT_TAKEN), "{alarms}");
    company.idp.hide_keys(false);
    wait::until("it is taken", || company.idp.push(&of_alice).filter(|told| told.status == 202));
    wait::until("it is decided", || (company.push("bob") == permitted).then_some(()));
    company.refuses("alice");
}

/// Its key may have been published a moment ago, and was not, as is known when the keys are fetched again.
#[test]
fn a_signal_that_is_refused_in_the_end_is_not_waited_for() {
    let company = Company::new("push", Transmitter::start(), "alarm_after = \"1s\"");
    company.daemon.oam(["signals", "setup", "idp"]).expect_success("setup");
    company.verified();
    let unknown =
        company.idp.signed_as(&json!({"typ": "secevent+jwt", "kid": "k9"}), &company.disabled("alice"));
    assert_eq!(company.idp.push(&unknown).unwrap().status, 503);
    wait::until("it is an alarm", || company.alarms().contains(NOT_TAKEN).then_some(()));
    wait::until("it is refused", || company.idp.push(&unknown).filter(|told| told.status == 400));
    let alarms = company.alarms();
    assert!(!alarms.contains(NOT_TAKEN), "{alarms}");
}

/// Nobody knows whom the source has, which a sign of life need not know.
#[test]
fn a_sign_of_life_does_not_hide_that_signals_cannot_be_carried_out() {
    let company = Company::of_nobody("push", Transmitter::start(), "alarm_after = \"1s\"");
    company.daemon.oam(["signals", "setup", "idp"]).expect_success("setup");
    company.verified();
    let of_alice = company.idp.signed(&company.disabled("alice"));
    assert_eq!(company.idp.push(&of_alice).unwrap().status, 503);
    company.daemon.oam(["signals", "verify", "idp"]).expect_success("verify");
    wait::until("it is an alarm", || company.alarms().contains(NOT_TAKEN).then_some(()));
    company.hire();
    assert_eq!(company.idp.push(&of_alice).unwrap().status, 202);
    let alarms = company.alarms();
    assert!(!alarms.contains(NOT_TAKEN), "{alarms}");
}
