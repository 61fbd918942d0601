use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, Validation};
use oam_policy::{PrivilegeId, facts::LeaseFault};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{AUDIENCE, LeaseClaims, OwnKeyError, OwnTokens};
use crate::oidc::keys::KeySet;

const ISSUER: &str = "https://oam.example.com:8444";

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("lease-keys")
    }

    fn open(&self, now: Timestamp) -> OwnTokens {
        OwnTokens::open(self.file(), ISSUER.to_owned(), now).unwrap()
    }
}

fn now() -> Timestamp {
    "2026-11-26T10:00:00Z".parse().unwrap()
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

fn of(from: Timestamp) -> LeaseClaims {
    LeaseClaims {
        id: PrivilegeId::parse("7k2m9x").unwrap(),
        subject: "svc-release".into(),
        client: "api-release".into(),
        scope: "repository:PAY/api ref:refs/tags/v1".into(),
        from,
        to: from + minutes(5),
    }
}

fn issued(own: &OwnTokens, now: Timestamp) -> String {
    own.issue(&of(now), now).unwrap().reveal().to_owned()
}

fn verified(own: &OwnTokens, token: &str, now: Timestamp) -> Result<String, LeaseFault> {
    own.verify(token.as_bytes(), now).map(|id| id.to_string())
}

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn a_token_says_which_lease_it_is_of_until_that_is_over() {
    let place = Place::new();
    let own = place.open(now());
    let token = issued(&own, now());
    assert_eq!(verified(&own, &token, now()), Ok("7k2m9x".into()));
    let last = now() + minutes(5) - SignedDuration::from_nanos(1);
    assert_eq!(verified(&own, &token, last), Ok("7k2m9x".into()));
    assert_eq!(verified(&own, &token, now() + minutes(5)), Err(LeaseFault::Expired));
    // After a restart it is as good as before.
    assert_eq!(verified(&place.open(now()), &token, now()), Ok("7k2m9x".into()));
    assert_eq!(part(&token, 0), json!({"typ": "at+jwt", "alg": "ES256", "kid": part(&token, 0)["kid"]}));
    assert_eq!(
        part(&token, 1),
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "svc-release", "client_id": "api-release", "jti": "7k2m9x",
            "iat": now().as_second(), "exp": now().as_second() + 300, "scope": "repository:PAY/api ref:refs/tags/v1",
        })
    );
}

#[test]
fn others_can_check_it_by_what_is_published() {
    let own = Place::new().open(now());
    let token = issued(&own, now());
    let published = own.published(now());
    assert!(!published.to_string().contains("\"d\""), "{published}");
    let keys = KeySet::parse(published.to_string().as_bytes()).unwrap();
    let kid = part(&token, 0)["kid"].as_str().unwrap().to_owned();
    let key = keys.find(Some(&kid), Algorithm::ES256).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[AUDIENCE]);
    validation.validate_exp = false;
    assert!(jsonwebtoken::decode::<Value>(&token, key, &validation).is_ok());
    let metadata = own.metadata("/token", "/jwks");
    assert_eq!(
        (&metadata["issuer"], &metadata["jwks_uri"]),
        (&json!(ISSUER), &json!(format!("{ISSUER}/jwks")))
    );
}

#[test]
fn whatever_else_is_signed_is_none_of_ours() {
    let place = Place::new();
    let own = place.open(now());
    let token = issued(&own, now());
    let key = own.keys.signing(now()).unwrap();
    let (header, claims) = (part(&token, 0), part(&token, 1));
    let signed = |header: &Value, claims: &Value| key.sign(header, claims).unwrap();
    assert_eq!(verified(&own, &signed(&header, &claims), now()), Ok("7k2m9x".into()), "the same once more");
    let with = |of: &Value, name: &str, value: Value| {
        let mut of = of.clone();
        match value {
            Value::Null => drop(of.as_object_mut().unwrap().remove(name)),
            value => of[name] = value,
        }
        of
    };
    // All that is not as it should be is told at once.
    let mut wrong = Vec::new();
    let mut compare = |what: String, found: Result<String, LeaseFault>, fault| {
        if found != Err(fault) {
            wrong.push(format!("{what}: {found:?}"));
        }
    };
    for (name, value, fault) in [
        ("typ", json!("JWT"), LeaseFault::Malformed),
        ("typ", Value::Null, LeaseFault::Malformed),
        ("alg", json!("none"), LeaseFault::Malformed),
        ("alg", json!("HS256"), LeaseFault::Malformed),
        ("alg", json!("EdDSA"), LeaseFault::Malformed),
        ("crit", json!(["x"]), LeaseFault::Malformed),
        ("kid", json!("another"), LeaseFault::NotOurs),
        ("kid", Value::Null, LeaseFault::NotOurs),
    ] {
        let token = signed(&with(&header, name, value.clone()), &claims);
        compare(format!("{name}: {value}"), verified(&own, &token, now()), fault);
    }
    for (name, value, fault) in [
        ("iss", json!("https://another.example.com"), LeaseFault::NotOurs),
        ("iss", Value::Null, LeaseFault::NotOurs),
        ("aud", json!(ISSUER), LeaseFault::NotOurs),
        ("aud", Value::Null, LeaseFault::NotOurs),
        ("sub", Value::Null, LeaseFault::NotOurs),
        ("exp", Value::Null, LeaseFault::NotOurs),
        ("exp", json!("2027"), LeaseFault::NotOurs),
        ("jti", Value::Null, LeaseFault::NotOurs),
        ("jti", json!("../x"), LeaseFault::Malformed),
        ("exp", json!(now().as_second()), LeaseFault::Expired),
    ] {
        let token = signed(&header, &with(&claims, name, value.clone()));
        compare(format!("{name}: {value}"), verified(&own, &token, now()), fault);
    }
    // Signed by the key of another daemon, under the name of ours.
    let other = Place::new().open(now()).keys.signing(now()).unwrap().sign(&header, &claims).unwrap();
    compare("another key".into(), verified(&own, &other, now()), LeaseFault::NotOurs);
    assert_eq!(wrong, [""; 0]);
    assert_eq!(verified(&own, &issued(&Place::new().open(now()), now()), now()), Err(LeaseFault::NotOurs));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    for text in [
        String::new(),
        "a.b.c".to_owned(),
        signed.to_owned(),
        format!("{signed}."),
        format!("{token}."),
        format!("{token}="),
        format!(" {token}"),
        "a".repeat(1 << 20),
    ] {
        assert_eq!(verified(&own, &text, now()), Err(LeaseFault::Malformed), "{}", text.len());
    }
    assert_eq!(own.verify(b"\xff.\xff.\xff", now()), Err(LeaseFault::Malformed));
    let turned: String = signature.chars().rev().collect();
    assert!(verified(&own, &format!("{signed}.{turned}"), now()).is_err());
}

#[test]
fn a_key_is_followed_by_another_and_counts_as_long_as_its_tokens() {
    let place = Place::new();
    let own = place.open(now());
    let kid = |token: &str| part(token, 0)["kid"].clone();
    let later = now() + SignedDuration::from_hours(30 * 24);
    let before = issued(&own, later - minutes(1));
    assert_eq!(kid(&before), kid(&issued(&own, now())), "for a month it is the same");
    let after = issued(&own, later);
    assert_ne!(kid(&before), kid(&after));
    assert_eq!(own.published(later)["keys"].as_array().unwrap().len(), 2);
    for own in [&own, &place.open(later)] {
        assert_eq!(verified(own, &before, later), Ok("7k2m9x".into()), "the one before it still counts");
        assert_eq!(verified(own, &after, later), Ok("7k2m9x".into()));
    }
    // No lease is longer than a quarter of an hour, so then the key is nobody's, whatever its token says.
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "s", "jti": "7k2m9x", "exp": later.as_second() + 86_400,
    });
    let old = own.keys.find(kid(&before).as_str().unwrap(), later).unwrap();
    let long = old.sign(&part(&before, 0), &claims).unwrap();
    assert_eq!(verified(&own, &long, later + minutes(15)), Ok("7k2m9x".into()));
    let over = later + minutes(15) + SignedDuration::from_secs(1);
    assert_eq!(verified(&own, &long, over), Err(LeaseFault::NotOurs));
    assert_eq!(verified(&place.open(over), &long, over), Err(LeaseFault::NotOurs));
    assert_eq!(own.published(over)["keys"].as_array().unwrap().len(), 1);
    // A clock that was set back gives nothing back: the daemon's own never goes back.
}

#[test]
fn keys_that_are_thrown_away_sign_nothing_that_counts() {
    let place = Place::new();
    let token = issued(&place.open(now()), now());
    fs::remove_file(place.file()).unwrap();
    let own = place.open(now());
    assert_eq!(verified(&own, &token, now()), Err(LeaseFault::NotOurs));
    assert!(verified(&own, &issued(&own, now()), now()).is_ok());
}

#[test]
fn keys_are_for_this_user_only_and_are_not_printed() {
    let place = Place::new();
    let own = place.open(now());
    let mode = || fs::metadata(place.file()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    let text = fs::read_to_string(place.file()).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let private = file["keys"][0]["pkcs8"].as_str().unwrap();
    let printed = format!("{own:?} {:?}", own.issue(&of(now()), now()));
    assert!(!printed.contains(private) && printed.contains("***"), "{printed}");
    let opened = || OwnTokens::open(place.file(), ISSUER.to_owned(), now()).map(drop);
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(opened(), Err(OwnKeyError::Exposed { mode: 0o640, .. })));
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o600)).unwrap();
    for damaged in [
        String::new(),
        text.replace("keys", "key"),
        text.replace(private, "AAAA"),
        text.replace(private, "*"),
    ] {
        fs::write(place.file(), &damaged).unwrap();
        let error = opened().unwrap_err();
        assert!(
            matches!(error, OwnKeyError::Damaged { .. }) && !error.to_string().contains("AAAA"),
            "{damaged}"
        );
    }
}
