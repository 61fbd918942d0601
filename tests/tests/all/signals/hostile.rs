//! What is no signal for us.

use oam_tests::{Transmitter, transmitter::now};
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
    let week = 7 * 24 * 60 * 60;
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
        ("too old", with("iat", json!(now() - week - 3600)), "invalid_request"),
        ("from the future", with("iat", json!(now() + 3600)), "invalid_request"),
        ("no event", with("events", json!({})), "invalid_request"),
        ("no subject", without("sub_id"), "invalid_request"),
        ("an ID token", as_header(json!({"typ": "JWT"})), "invalid_request"),
        ("an access token", as_header(json!({"typ": "at+jwt"})), "invalid_request"),
        ("no type", as_header(json!({"typ": null})), "invalid_request"),
        ("none", as_header(json!({"typ": "secevent+jwt", "alg": "none"})), "invalid_request"),
        ("algorithm", as_header(json!({"typ": "secevent+jwt", "alg": "RS256"})), "invalid_request"),
        ("critical", as_header(json!({"typ": "secevent+jwt", "crit": ["x"]})), "invalid_request"),
        ("key", as_header(json!({"typ": "secevent+jwt", "kid": "k9"})), "invalid_key"),
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
    assert!(company.status()["refused"].as_u64().unwrap() > 20);
    company.permits("alice");
    stranger.end();
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
