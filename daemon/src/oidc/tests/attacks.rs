use ring::hmac;
use serde_json::{Value, json};

use super::provider::{Provider, Signer, configured, encoded};
use crate::oidc::{Issuers, LONGEST, TokenError};

struct Scene {
    signer: Signer,
    provider: Provider,
    verifier: Issuers,
}

impl Scene {
    async fn with(more: &str) -> Self {
        let signer = Signer::p256();
        let provider = Provider::start(&[signer.jwk("a"), Signer::p384().jwk("other")]).await;
        let verifier = provider.verifier(more);
        Self { signer, provider, verifier }
    }

    fn header() -> Value {
        json!({"alg": "ES256", "typ": "JWT", "kid": "a"})
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        self.signer.token(&header.to_string(), &claims.to_string())
    }

    /// The code of what is said to a token.
    async fn said(&self, token: &str) -> &'static str {
        match self.verifier.verify(token).await {
            Ok(_) => "accepted",
            Err(error) => {
                let text = error.to_string();
                let secret = token.split('.').any(|part| part.len() > 8 && text.contains(part));
                assert!(!secret, "{text}");
                error.code()
            }
        }
    }
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

#[tokio::test]
async fn a_good_token_says_who_somebody_is() {
    for signer in [Signer::ed(), Signer::p256(), Signer::p384()] {
        let provider = Provider::start(&[signer.jwk("a")]).await;
        let header = json!({"alg": signer.algorithm(), "kid": "a"});
        let token = signer.token(&header.to_string(), &provider.claims().to_string());
        let token = provider.verifier("").verify(&token).await.unwrap();
        assert_eq!((token.issuer(), token.subject()), ("corp", "00u1"));
        assert_eq!(token.username().unwrap().as_str(), "alice");
        assert_eq!(token.groups().has("admins"), Some(true));
        assert_eq!(token.warnings(), Vec::<String>::new());
        assert!(!format!("{token:?}").contains("admins"), "personal");
    }
}

#[tokio::test]
async fn what_real_providers_write_is_accepted() {
    let scene = Scene::with("").await;
    let claims = scene.provider.claims();
    let exp = claims["exp"].as_i64().unwrap();
    for (header, claims) in [
        (without(Scene::header(), "typ"), claims.clone()),
        (with(Scene::header(), "typ", json!("jwt")), claims.clone()),
        (Scene::header(), with(claims.clone(), "aud", json!(["oam"]))),
        (Scene::header(), with(claims.clone(), "aud", json!(["other", "oam"]))),
        (Scene::header(), with(claims.clone(), "exp", json!(f64::from(i32::try_from(exp).unwrap()) + 0.5))),
        (Scene::header(), without(claims.clone(), "iat")),
        (Scene::header(), without(claims.clone(), "preferred_username")),
        (Scene::header(), with(claims.clone(), "preferred_username", json!(["a"]))),
    ] {
        assert_eq!(scene.said(&scene.token(&header, &claims)).await, "accepted", "{header} {claims}");
    }
}

#[tokio::test]
async fn the_header_decides_nothing_that_is_not_configured() {
    let scene = Scene::with("").await;
    let (header, claims) = (Scene::header(), scene.provider.claims());
    let own = Signer::p256();
    for (header, code) in [
        (with(header.clone(), "alg", json!("none")), "header"),
        (with(header.clone(), "alg", json!("None")), "header"),
        (with(header.clone(), "alg", json!("nOnE")), "header"),
        (with(header.clone(), "alg", json!("")), "header"),
        (with(header.clone(), "alg", json!(["ES256"])), "header"),
        (without(header.clone(), "alg"), "header"),
        // Known, and not allowed here.
        (with(header.clone(), "alg", json!("PS256")), "header"),
        // Allowed, and not of this key.
        (with(header.clone(), "alg", json!("RS256")), "key"),
        // Such a key may have been published since: the keys were fetched for the one before.
        (with(header.clone(), "alg", json!("ES384")), "unavailable"),
        (with(header.clone(), "kid", json!("other")), "unavailable"),
        (with(header.clone(), "kid", json!("../../etc/passwd")), "unavailable"),
        (with(header.clone(), "kid", json!("a' OR '1'='1")), "unavailable"),
        (with(header.clone(), "kid", json!("")), "header"),
        (with(header.clone(), "kid", json!(["a"])), "header"),
        (with(header.clone(), "kid", json!("a".repeat(300))), "header"),
        (without(header.clone(), "kid"), "accepted"),
        // Other kinds of token.
        (with(header.clone(), "typ", json!("secevent+jwt")), "header"),
        (with(header.clone(), "typ", json!("at+jwt")), "header"),
        (with(header.clone(), "typ", json!("logout+jwt")), "header"),
        (with(header.clone(), "typ", json!(1)), "header"),
        // What must be understood is not.
        (with(header.clone(), "crit", json!(["exp"])), "header"),
        (with(header.clone(), "crit", json!([])), "header"),
        (with(header.clone(), "b64", json!(false)), "header"),
        (with(header.clone(), "zip", json!("DEF")), "header"),
        (with(header.clone(), "enc", json!("A128GCM")), "header"),
    ] {
        assert_eq!(scene.said(&scene.token(&header, &claims)).await, code, "{header}");
    }
    // Keys that a token brings along, or points to, are not looked at: with ours it is good, with its own it is not.
    let elsewhere = format!("{}/never", scene.provider.url);
    for (name, value) in [
        ("jwk", own.jwk("a")),
        ("jku", json!(elsewhere)),
        ("x5u", json!(elsewhere)),
        ("x5c", json!(["MIIB"])),
    ] {
        let header = with(header.clone(), name, value);
        assert_eq!(scene.said(&scene.token(&header, &claims)).await, "accepted", "{name}");
        let forged = own.token(&header.to_string(), &claims.to_string());
        assert_eq!(scene.said(&forged).await, "signature", "{name}");
    }
    assert_eq!(scene.provider.fetches(), 1, "the keys, and nothing else");
}

#[tokio::test]
async fn a_signature_is_of_the_key_and_over_every_byte() {
    let scene = Scene::with("").await;
    let (header, claims) = (Scene::header(), scene.provider.claims());
    let good = scene.token(&header, &claims);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (head, body) = message.split_once('.').unwrap();
    assert_eq!(scene.said(&good).await, "accepted");
    let other_body = encoded(with(claims.clone(), "sub", json!("root")).to_string());
    let other_head = encoded(with(header.clone(), "x", json!(1)).to_string());
    let long = [scene.signer.sign(message.as_bytes()), vec![0]].concat();
    let zero = encoded([0; 64]);
    for (token, code) in [
        (format!("{head}.{other_body}.{signature}"), "signature"),
        (format!("{other_head}.{body}.{signature}"), "signature"),
        (format!("{message}.{}", encoded(scene.signer.sign(b"another text"))), "signature"),
        // Both halves zero: accepted by Java in 2022.
        (format!("{message}.{zero}"), "signature"),
        (format!("{message}.{}", encoded(long)), "signature"),
        (format!("{message}.{}", encoded([1; 63])), "signature"),
        (Signer::p256().token(&header.to_string(), &claims.to_string()), "signature"),
        (format!("{message}."), "malformed"),
        (message.to_owned(), "malformed"),
    ] {
        assert_eq!(scene.said(&token).await, code, "{token}");
    }
}

#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    let scene = Scene::with("").await;
    let claims = scene.provider.claims().to_string();
    let jwk = scene.signer.jwk("a").to_string();
    for secret in [scene.signer.public(), jwk.into_bytes(), Vec::new()] {
        for (name, algorithm) in
            [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
        {
            let header = json!({"alg": name, "typ": "JWT", "kid": "a"}).to_string();
            let message = format!("{}.{}", encoded(header), encoded(&claims));
            let tag = hmac::sign(&hmac::Key::new(algorithm, &secret), message.as_bytes());
            assert_eq!(scene.said(&format!("{message}.{}", encoded(tag.as_ref()))).await, "header", "{name}");
        }
    }
}

#[tokio::test]
async fn every_claim_that_counts_is_there_and_of_its_shape() {
    let scene = Scene::with("leeway = '30s'").await;
    let claims = scene.provider.claims();
    let url = scene.provider.url.clone();
    let now = claims["iat"].as_i64().unwrap();
    for (claim, value, code) in [
        ("iss", json!(null), "claim"),
        ("iss", json!([url]), "claim"),
        ("iss", json!(format!("{url}/")), "issuer"),
        ("iss", json!(url.to_uppercase()), "issuer"),
        ("iss", json!("https://evil.example"), "issuer"),
        ("iss", json!("corp"), "issuer"),
        ("aud", json!(null), "claim"),
        ("aud", json!([]), "audience"),
        ("aud", json!(""), "audience"),
        ("aud", json!("OAM"), "audience"),
        ("aud", json!("oam "), "audience"),
        ("aud", json!("oam-other"), "audience"),
        ("aud", json!(["other"]), "audience"),
        ("aud", json!({"oam": true}), "claim"),
        ("aud", json!(["oam", 1]), "claim"),
        ("exp", json!(null), "claim"),
        ("exp", json!((now + 3600).to_string()), "claim"),
        ("exp", json!(-1), "claim"),
        ("exp", json!(1e30), "claim"),
        ("exp", json!(0), "expired"),
        ("exp", json!(now - 60), "expired"),
        ("exp", json!(now - 5), "accepted"),
        ("nbf", json!(now + 60), "early"),
        ("nbf", json!(now + 5), "accepted"),
        ("nbf", json!("soon"), "claim"),
        ("nbf", json!(null), "claim"),
        ("iat", json!(now + 60), "early"),
        ("iat", json!([]), "claim"),
        ("sub", json!(null), "claim"),
        ("sub", json!(""), "claim"),
        ("sub", json!({"a": 1}), "claim"),
    ] {
        let claims = with(claims.clone(), claim, value.clone());
        assert_eq!(scene.said(&scene.token(&Scene::header(), &claims)).await, code, "{claim}: {value}");
    }
    for claim in ["iss", "aud", "exp", "sub"] {
        let claims = without(claims.clone(), claim);
        assert_eq!(scene.said(&scene.token(&Scene::header(), &claims)).await, "claim", "{claim}");
    }
}

#[tokio::test]
async fn there_is_one_way_to_write_a_token() {
    let scene = Scene::with("").await;
    let (header, claims) = (Scene::header().to_string(), scene.provider.claims().to_string());
    let good = scene.signer.token(&header, &claims);
    let [head, body, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
    // Signed as they are written, so that nothing but the writing is wrong.
    let signed = |head: &str, body: &str| {
        let message = format!("{head}.{body}");
        format!("{message}.{}", encoded(scene.signer.sign(message.as_bytes())))
    };
    let padded = |text: &str| format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4));
    let filled = encoded(format!("{claims:<100}?>~\u{ff}"));
    // JSON that does not end with a whole group of base64, and so could be padded.
    let open =
        |text: &str| encoded(if text.len().is_multiple_of(3) { format!("{text} ") } else { text.to_owned() });
    // The last character of such a part has bits that nobody reads.
    let loose = |text: &str| {
        let mut text = text.to_owned();
        let last = text.pop().unwrap();
        text.push(char::from_u32(u32::from(last) + 1).unwrap());
        text
    };
    for (what, token) in [
        ("padding in the header", signed(&padded(&open(&header)), body)),
        ("padding in the claims", signed(head, &padded(&open(&claims)))),
        ("padding in the signature", format!("{head}.{body}.{}", padded(signature))),
        ("white space in the header", signed(&format!("{head}\n"), body)),
        ("white space in the claims", signed(head, &format!("{body} "))),
        ("white space around", format!(" {good}")),
        ("a line end", format!("{good}\n")),
        ("loose bits", signed(&loose(&open(&header)), body)),
        ("loose bits in the signature", format!("{head}.{body}.{}", loose(signature))),
        ("the other alphabet", signed(head, &filled.replace('-', "+").replace('_', "/"))),
        ("other characters", signed(head, &format!("{body}\u{e9}"))),
        ("four parts", format!("{good}.{signature}")),
        ("five parts", format!("{good}.a.b")),
        ("two parts", format!("{head}.{body}")),
        ("one part", head.to_owned()),
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        (
            "JSON serialization",
            json!({"protected": head, "payload": body, "signature": signature}).to_string(),
        ),
        ("too long", scene.signer.token(&header, &format!("{claims:<LONGEST$}"))),
        ("two objects", scene.signer.token(&header, &format!("{claims}{claims}"))),
        ("a list", scene.signer.token(&header, &format!("[{claims}]"))),
        ("a text", scene.signer.token(&header, "\"x\"")),
        ("nothing in it", scene.signer.token(&header, "")),
        ("a byte order mark", scene.signer.token(&header, &format!("\u{feff}{claims}"))),
        ("a name twice", scene.signer.token(&header, &claims.replacen('{', r#"{"sub":"root","#, 1))),
        (
            "a name twice, escaped",
            scene.signer.token(&header, &claims.replacen('{', r#"{"s\u0075b":"root","#, 1)),
        ),
        (
            "a name twice in the header",
            scene.signer.token(&header.replacen('{', r#"{"alg":"none","#, 1), &claims),
        ),
        (
            "nested",
            scene.signer.token(
                &header,
                &claims.replacen('{', &format!(r#"{{"x":{}1{},"#, "[".repeat(50), "]".repeat(50)), 1),
            ),
        ),
    ] {
        assert_eq!(scene.said(&token).await, "malformed", "{what}");
    }
    let latin = [&b"{\"sub\":\""[..], b"\xe9\"}"].concat();
    assert_eq!(scene.said(&format!("{head}.{}.{signature}", encoded(latin))).await, "malformed", "not UTF-8");
}

#[tokio::test]
async fn one_issuer_does_not_speak_for_another() {
    let (one, other) = (Signer::ed(), Signer::ed());
    let first = Provider::start(&[one.jwk("a")]).await;
    let second = Provider::start(&[other.jwk("a"), other.jwk("b")]).await;
    let issuer = |name: &str, provider: &Provider, more: &str| {
        format!(
            "[issuer.{name}]\nurl = '{}'\nalgorithms = ['EdDSA']\nnetwork = 'loopback'\n{more}\n",
            provider.url
        )
    };
    let text = issuer("first", &first, "audience = 'oam'")
        + &issuer("second", &second, "audience = 'oam'")
        + &issuer("access", &second, "audience = 'https://oam'\ntype = 'at+jwt'");
    let verifier = Issuers::new(&configured(&text)).unwrap();
    let token = |signer: &Signer, kind: &str, kid: &str, claims: &Value| {
        signer.token(&json!({"alg": "EdDSA", "typ": kind, "kid": kid}).to_string(), &claims.to_string())
    };
    let who = |token: String| {
        let verifier = &verifier;
        async move { verifier.verify(&token).await.map(|token| token.issuer().to_owned()) }
    };
    assert_eq!(who(token(&one, "JWT", "a", &first.claims())).await.unwrap(), "first");
    assert_eq!(who(token(&other, "JWT", "a", &second.claims())).await.unwrap(), "second");
    // Its own key, another's name.
    assert!(matches!(who(token(&other, "JWT", "a", &first.claims())).await, Err(TokenError::Signature(_))));
    assert!(matches!(
        who(token(&other, "JWT", "b", &first.claims())).await,
        Err(TokenError::Unavailable { .. })
    ));
    // One issuer, two uses: by their audience, and neither in the place of the other.
    let access = with(second.claims(), "aud", json!("https://oam"));
    assert_eq!(who(token(&other, "at+jwt", "a", &access)).await.unwrap(), "access");
    assert!(matches!(who(token(&other, "JWT", "a", &access)).await, Err(TokenError::Header(_))));
    assert!(matches!(who(token(&other, "at+jwt", "a", &second.claims())).await, Err(TokenError::Header(_))));
}

#[tokio::test]
async fn tokens_that_are_good_for_long_or_for_many_are_remarked_upon() {
    let scene = Scene::with("").await;
    let claims = scene.provider.claims();
    let later = json!(claims["iat"].as_i64().unwrap() + 7 * 24 * 3600);
    for (claims, part) in [
        (with(claims.clone(), "exp", later), "168 hours"),
        (with(claims.clone(), "aud", json!(["oam", "a", "b"])), "3 services"),
        (without(claims.clone(), "iat"), "does not say when"),
    ] {
        let token = scene.verifier.verify(&scene.token(&Scene::header(), &claims)).await.unwrap();
        assert!(token.warnings().join("\n").contains(part), "{:?}", token.warnings());
        let [(code, _)] = token.remarks()[..] else { panic!("{:?}", token.remarks()) };
        assert!(crate::oidc::REMARKS.contains(&code), "{code}");
    }
}

/// A logout token says who is signed out. Nobody is signed in by it.
#[tokio::test]
async fn what_tells_of_somebody_is_nobodys_token() {
    let scene = Scene::with("").await;
    let claims = scene.provider.claims();
    for events in [json!({"http://schemas.openid.net/event/backchannel-logout": {}}), json!({}), json!(null)]
    {
        let claims = with(claims.clone(), "events", events);
        assert_eq!(scene.said(&scene.token(&Scene::header(), &claims)).await, "claim", "{claims}");
    }
}
