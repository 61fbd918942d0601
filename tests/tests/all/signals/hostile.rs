//! What is no signal for us.

use oam_tests::{Transmitter, transmitter::now, wait};
use serde_json::{Value, json};

use super::Company;

#[test]
fn what_is_not_from_them_for_us_and_now_is_refused() {
    let company = Company::listening("push", Transmitter::start());
    company.verified();
    let before = company.signals().len();
    let with = |claim: &str, value: Value| {
        let mut claims = company.disabled("alice");
        claims[claim] = value;
        company.idp.signed(&claims)
    };
    let without = |claim: &str| {
        let mut claims = company.disabled("alice");
        claims.as_object_mut().unwrap().remove(claim);
        company.idp.signed(&claims)
    };
    let good = company.disabled("alice");
    let as_header = |header: Value| company.idp.signed_as(&header, &good);
    let stranger = Transmitter::start();
    let forged = stranger.signed(&company.disabled("alice"));
    let mut bent = company.idp.signed(&good);
    bent.truncate(bent.len() - 2);
    for (what, token, err) in [
        ("issuer", with("iss", json!("https://other.example.com")), "invalid_issuer"),
        ("a list of issuers", with("iss", json!([company.idp.issuer()])), "invalid_request"),
        ("no issuer", without("iss"), "invalid_request"),
        ("audience", with("aud", json!("https://other.example.com")), "invalid_audience"),
        ("no audience", without("aud"), "invalid_request"),
        ("exp", with("exp", json!(now() + 600)), "invalid_request"),
        ("sub", with("sub", json!("ext-alice")), "invalid_request"),
        ("no jti", without("jti"), "invalid_request"),
        ("no iat", without("iat"), "invalid_request"),
        ("a day that is far ahead", with("iat", json!(now() + 2 * 24 * 60 * 60)), "invalid_request"),
        ("no event", with("events", json!({})), "invalid_request"),
        ("no subject", without("sub_id"), "invalid_request"),
        ("an ID token", as_header(json!({"typ": "JWT"})), "invalid_request"),
        ("an access token", as_header(json!({"typ": "at+jwt"})), "invalid_request"),
        ("no type", as_header(json!({"typ": null})), "invalid_request"),
        ("none", as_header(json!({"typ": "secevent+jwt", "alg": "none"})), "invalid_request"),
        ("algorithm", as_header(json!({"typ": "secevent+jwt", "alg": "RS256"})), "invalid_request"),
        ("critical", as_header(json!({"typ": "secevent+jwt", "crit": ["x"]})), "invalid_request"),
        ("forged", forged, "invalid_key"),
        ("bent", bent, "invalid_key"),
        ("no token", "a.b".into(), "invalid_request"),
        ("nothing", String::new(), "invalid_request"),
        ("too long", "x".repeat(100_000), "invalid_request"),
    ] {
        // A daemon that hangs up before all of it is sent has not taken it either.
        if let Some(told) = company.idp.push(&token) {
            assert_eq!((told.status, told.err.as_str()), (400, err), "{what}");
        }
    }
    // A sign of life that nobody asked for, and one of another stream.
    let stream = company.idp.stream().unwrap();
    for (id, state, err) in
        [(stream.as_str(), "guessed", "invalid_state"), ("stream-9", "guessed", "invalid_request")]
    {
        let subject = json!({"format": "opaque", "id": id});
        let claims = company.idp.claims("ssf/event-type/verification", &subject, &json!({"state": state}));
        assert_eq!(company.idp.push(&company.idp.signed(&claims)).unwrap().err, err);
        let claims =
            company.idp.claims("ssf/event-type/stream-updated", &subject, &json!({"status": "closed"}));
        assert_eq!(company.idp.push(&company.idp.signed(&claims)).unwrap().err, "invalid_request");
    }
    assert_eq!(company.signals().len(), before);
    assert!(company.status()["refused"].as_u64().unwrap() > 18);
    company.permits("alice");
    stranger.end();
    // It is signed by them, and cannot be taken: somebody may be disabled there, and is not cut off here.
    let alarms = company.alarms();
    assert!(alarms.contains("A signal that `idp` has signed was not taken"), "{alarms}");
    // By a key that they may have published a moment ago, and have not.
    let unknown = as_header(json!({"typ": "secevent+jwt", "kid": "k9"}));
    let told = wait::until("the keys are fetched again", || {
        company.idp.push(&unknown).filter(|told| told.status != 503)
    });
    assert_eq!((told.status, told.err.as_str()), (400, "invalid_key"));
}

/// A clock that is wrong is no reason to lose a signal: what is refused is not delivered again.
#[test]
fn what_is_told_late_is_so_and_what_is_told_early_is_told_again() {
    for delivery in ["push", "poll"] {
        let company = Company::listening(delivery, Transmitter::start());
        company.verified();
        assert!(!company.alarms().contains("was not taken"));
        let (mut late, mut early) = (company.disabled("alice"), company.disabled("bob"));
        late["iat"] = json!(now() - 400 * 24 * 60 * 60);
        early["iat"] = json!(now() + 3600);
        let ids = [&late, &early].map(|claims| claims["jti"].as_str().unwrap().to_owned());
        let tokens = [&late, &early].map(|claims| company.idp.signed(claims));
        if delivery == "push" {
            assert_eq!(company.idp.push(&tokens[0]).unwrap().status, 202);
            assert_eq!(company.idp.push(&tokens[1]).unwrap().status, 503);
        } else {
            for (id, token) in ids.iter().zip(&tokens) {
                company.idp.offer(id, token);
            }
            wait::until("the one is taken", || company.idp.acknowledged().contains(&ids[0]).then_some(()));
            // It was delivered with the other one, or is now.
            let polls = company.idp.polls();
            wait::until("it is asked again", || (company.idp.polls() > polls + 1).then_some(()));
            assert!(!company.idp.acknowledged().contains(&ids[1]), "it is delivered again");
            assert!(company.idp.refused().is_empty());
        }
        company.refuses("alice");
        company.permits("bob");
        let alarms = company.alarms();
        assert!(alarms.contains("has signed was not taken") && alarms.contains("clocks"), "{alarms}");
    }
}

/// It was of a time that had not come yet, and is taken as soon as that has.
#[test]
fn what_was_told_early_and_is_taken_later_is_no_alarm_any_more() {
    let company = Company::listening("push", Transmitter::start());
    company.verified();
    let mut early = company.disabled("alice");
    early["iat"] = json!(now() + 60 + 3);
    let token = company.idp.signed(&early);
    wait::until("it is taken", || company.idp.push(&token).filter(|told| told.status == 202));
    company.refuses("alice");
    let alarms = company.alarms();
    assert!(!alarms.contains("was not taken"), "{alarms}");
}

/// The daemon that took one gives the same answer when it comes again, however old it is.
#[test]
fn what_was_told_late_is_taken_once() {
    let mut company = Company::listening("push", Transmitter::start());
    company.verified();
    let mut late = company.disabled("alice");
    late["iat"] = json!(now() - 400 * 24 * 60 * 60);
    let token = company.idp.signed(&late);
    assert_eq!(company.idp.push(&token).unwrap().status, 202);
    company.daemon.oam(["user", "reactivate", "alice", "--reason", "a mistake"]).expect_success("reactivate");
    assert_eq!(company.idp.push(&company.idp.signed(&company.disabled("bob"))).unwrap().status, 202);
    company.daemon.stop();
    company.daemon.spawn();
    company.idp.reach(&company.daemon);
    assert_eq!(company.idp.push(&token).unwrap().status, 202);
    company.permits("alice");
    company.refuses("bob");
}

#[test]
fn nobody_pushes_without_the_token() {
    let company = Company::listening("push", Transmitter::start());
    let token = company.idp.signed(&company.disabled("alice"));
    for (place, authorization) in [
        ("/signals/idp", ""),
        ("/signals/idp", "Bearer oamssf_00"),
        ("/signals/idp", "Basic oamssf_00"),
        ("/signals/other", "Bearer oamssf_00"),
    ] {
        let told = company.idp.push_to(place, authorization, &token).unwrap();
        assert_eq!(
            (told.status, told.err.as_str()),
            (401, "authentication_failed"),
            "{place} {authorization}"
        );
    }
    // Whoever guesses is told to wait, and holds up nobody who need not guess.
    let statuses: Vec<_> =
        (0..20).map(|_| company.idp.push_to("/signals/idp", "Bearer x", &token).unwrap().status).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    company.permits("alice");
    assert_eq!(company.idp.push(&token).unwrap().status, 202);
    company.refuses("alice");
    let tokens = std::fs::read_to_string(company.daemon.state().join("signals/idp/tokens")).unwrap();
    assert!(tokens.contains("digest") && !tokens.contains("oamssf_"), "only its hash is kept");
}

#[test]
fn while_its_keys_are_not_to_be_had_nothing_is_refused() {
    let idp = Transmitter::start();
    // Without a sign of life nobody has asked for its keys yet.
    idp.set_mute(true);
    let company = Company::listening("push", idp);
    let token = company.idp.signed(&company.disabled("alice"));
    company.idp.end();
    for _ in 0..2 {
        assert_eq!(company.idp.push(&token).unwrap().status, 503, "it is to be delivered again");
    }
    assert_eq!(company.signals(), []);
}
