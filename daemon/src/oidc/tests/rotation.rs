use std::sync::Arc;

use serde_json::json;

use super::provider::{Provider, Signer};
use crate::oidc::TokenError;

fn token(signer: &Signer, kid: &str, provider: &Provider) -> String {
    let header = json!({"alg": signer.algorithm(), "typ": "JWT", "kid": kid});
    signer.token(&header.to_string(), &provider.claims().to_string())
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it_and_the_old_one_lives_on_beside_it() {
    let (old, new) = (Signer::ed(), Signer::p256());
    let provider = Provider::start(&[old.jwk("old")]).await;
    let verifier = provider.verifier("jwks_retry = '0s'");
    verifier.verify(&token(&old, "old", &provider)).await.unwrap();
    verifier.verify(&token(&old, "old", &provider)).await.unwrap();
    assert_eq!(provider.fetches(), 1, "keys are kept");
    provider.publish(&[old.jwk("old"), new.jwk("new")]);
    verifier.verify(&token(&new, "new", &provider)).await.unwrap();
    verifier.verify(&token(&old, "old", &provider)).await.unwrap();
    assert_eq!(provider.fetches(), 2);
}

#[tokio::test]
async fn a_dropped_key_dies_with_the_next_fetch() {
    let (stolen, new) = (Signer::ed(), Signer::ed());
    let provider = Provider::start(&[stolen.jwk("a")]).await;
    let verifier = provider.verifier("jwks_retry = '0s'");
    let old = token(&stolen, "a", &provider);
    verifier.verify(&old).await.unwrap();
    provider.publish(&[new.jwk("b")]);
    verifier.verify(&token(&new, "b", &provider)).await.unwrap();
    assert!(matches!(verifier.verify(&old).await, Err(TokenError::Key { .. })));
    // With no other token to tell of it, by the age of the keys.
    let provider = Provider::start(&[stolen.jwk("a")]).await;
    let verifier = provider.verifier("jwks_retry = '0s'\njwks_max_age = '0s'");
    let old = token(&stolen, "a", &provider);
    verifier.verify(&old).await.unwrap();
    provider.publish(&[new.jwk("b")]);
    assert!(matches!(verifier.verify(&old).await, Err(TokenError::Key { .. })));
}

#[tokio::test]
async fn a_key_that_changed_under_its_name_is_the_new_one() {
    let (old, new) = (Signer::ed(), Signer::ed());
    let provider = Provider::start(&[old.jwk("a")]).await;
    let verifier = provider.verifier("jwks_retry = '0s'\njwks_max_age = '0s'");
    verifier.verify(&token(&old, "a", &provider)).await.unwrap();
    provider.publish(&[new.jwk("a")]);
    verifier.verify(&token(&new, "a", &provider)).await.unwrap();
    assert!(matches!(verifier.verify(&token(&old, "a", &provider)).await, Err(TokenError::Signature(_))));
}

#[tokio::test]
async fn made_up_names_of_keys_cost_one_fetch() {
    let signer = Signer::ed();
    let provider = Provider::start(&[signer.jwk("a")]).await;
    let verifier = Arc::new(provider.verifier("jwks_retry = '1h'"));
    verifier.verify(&token(&signer, "a", &provider)).await.unwrap();
    let asked: Vec<_> = (0..50)
        .map(|number| {
            let (verifier, token) = (Arc::clone(&verifier), token(&signer, &format!("x{number}"), &provider));
            tokio::spawn(async move { verifier.verify(&token).await })
        })
        .collect();
    for answer in asked {
        // It may be newer than the keys: nobody can tell.
        assert!(answer.await.unwrap().unwrap_err().is_undecided());
    }
    assert_eq!(provider.fetches(), 1, "one, when the first token came");
    verifier.verify(&token(&signer, "a", &provider)).await.unwrap();
}

/// Whoever is told "no" for good does not come again.
#[tokio::test]
async fn a_token_with_a_new_key_is_not_refused_for_good_because_keys_were_fetched_a_moment_ago() {
    let (old, new) = (Signer::ed(), Signer::ed());
    let provider = Provider::start(&[old.jwk("a")]).await;
    let verifier = provider.verifier("jwks_retry = '2s'");
    verifier.verify(&token(&old, "a", &provider)).await.unwrap();
    provider.publish(&[new.jwk("b")]);
    let (same, unknown) = (token(&new, "b", &provider), token(&old, "x", &provider));
    let mut tries = 0;
    while let Err(error) = verifier.verify(&same).await {
        assert!(error.is_undecided() && tries < 1_000, "{error}");
        tries += 1;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(provider.fetches(), 2);
    // One that nobody has is told so in the end.
    while matches!(verifier.verify(&unknown).await, Err(error) if error.is_undecided()) {
        assert!(tries < 1_000);
        tries += 1;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(matches!(
        verifier.verify(&unknown).await,
        Err(TokenError::Key { .. } | TokenError::Unavailable { .. })
    ));
    assert!(provider.fetches() >= 3);
}

#[tokio::test]
async fn many_at_once_cost_one_fetch() {
    let signer = Signer::ed();
    let provider = Provider::start(&[signer.jwk("a")]).await;
    let verifier = Arc::new(provider.verifier("jwks_retry = '0s'"));
    let token = token(&signer, "a", &provider);
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let (verifier, token) = (Arc::clone(&verifier), token.clone());
            tokio::spawn(async move { verifier.verify(&token).await })
        })
        .collect();
    for answer in asked {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(provider.fetches(), 1);
}

#[tokio::test]
async fn while_the_provider_is_down_known_keys_are_good_for_a_while_and_nobody_is_refused_for_it() {
    let signer = Signer::ed();
    let provider = Provider::start(&[signer.jwk("a")]).await;
    let stale = provider.verifier("jwks_retry = '0s'\njwks_max_age = '0s'\njwks_max_stale = '1h'");
    let over = provider.verifier("jwks_retry = '0s'\njwks_max_age = '0s'\njwks_max_stale = '0s'");
    let never = provider.verifier("");
    let known = token(&signer, "a", &provider);
    for verifier in [&stale, &over] {
        verifier.verify(&known).await.unwrap();
        assert_eq!(verifier.troubles(), []);
    }
    provider.break_down();
    stale.verify(&known).await.unwrap();
    assert_eq!(stale.troubles()[0].issuer, "corp");
    for (verifier, token) in
        [(&stale, token(&signer, "b", &provider)), (&over, known.clone()), (&never, known.clone())]
    {
        let error = verifier.verify(&token).await.unwrap_err();
        assert!(error.is_undecided() && error.to_string().contains("503"), "{error}");
    }
    provider.publish(&[signer.jwk("a")]);
    for verifier in [&stale, &over] {
        verifier.verify(&known).await.unwrap();
        assert_eq!(verifier.troubles(), [], "it is over");
    }
}
