//! Tokens of jobs as each system documents them: a workload that names their id knows them, and no others.

use oam_policy::{
    Policy,
    file::{self, PolicySource},
};
use serde_json::{Value, json};

use super::provider::{Provider, Signer};
use crate::oidc::Issuers;

struct Scene {
    signer: Signer,
    provider: Provider,
    verifier: Issuers,
}

impl Scene {
    async fn with(more: &str) -> Self {
        let signer = Signer::p256();
        let provider = Provider::start(&[signer.jwk("a")]).await;
        let text = format!(
            "[issuer.ci]\nfor = 'workloads'\nurl = '{}'\naudience = 'oam'\nalgorithms = ['ES256']\n\
             network = 'loopback'\n{more}\n",
            provider.url
        );
        let verifier = Issuers::new(&super::provider::configured(&text)).unwrap();
        Self { signer, provider, verifier }
    }

    fn token(&self, claims: &Value) -> String {
        let header = json!({"alg": "ES256", "kid": "a", "typ": "JWT"});
        self.signer.token(&header.to_string(), &claims.to_string())
    }

    /// What every token has, and more.
    fn claims(&self, more: &Value) -> Value {
        let mut claims = self.provider.claims();
        for name in ["preferred_username", "groups"] {
            claims.as_object_mut().unwrap().remove(name);
        }
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    }
}

fn policy(profile: &str, issuer: &str, claims: &str) -> Policy {
    let text = format!(
        "version = 1\n[[role]]\nid = 'bot'\nmax_lease = '5m'\n[[workload]]\nid = 'w'\nprofile = '{profile}'\n\
         issuer = '{issuer}'\nclaims = {{ {claims} }}\nprincipal = 'svc'\nroles = ['bot']\non = ['P/r']\nrefs = ['refs/**']\n"
    );
    file::parse(&[PolicySource { name: "policy.toml".into(), text }]).unwrap()
}

/// As the systems document them, shortened to what tells one job from another.
fn documented() -> Vec<(&'static str, Value, &'static str, (&'static str, Value))> {
    vec![
        (
            "github",
            json!({"jti": "e1f2", "sub": "repo:octo-org/octo-repo:environment:prod", "environment": "prod",
                "ref": "refs/heads/main", "sha": "1".repeat(40), "repository": "octo-org/octo-repo",
                "repository_id": "74", "repository_owner": "octo-org", "repository_owner_id": "65",
                "job_workflow_ref": "octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main",
                "run_id": "30", "event_name": "push", "ref_type": "branch", "runner_environment": "github-hosted"}),
            "repository_id = '74', ref = 'refs/heads/main', environment = 'prod'",
            ("/repository_id", json!("75")),
        ),
        (
            "gitlab",
            json!({"jti": "235b", "sub": "project_path:my-group/my-project:ref_type:branch:ref:main",
                "namespace_id": "72", "namespace_path": "my-group", "project_id": "20", "project_path": "my-group/my-project",
                "user_id": "1", "user_login": "sample-user", "pipeline_source": "web", "ref": "main", "ref_type": "branch",
                "ref_path": "refs/heads/main", "ref_protected": "true", "sha": "1".repeat(40)}),
            "project_id = '20', ref_protected = 'true', ref_type = 'branch', ref = 'main'",
            ("/project_id", json!("21")),
        ),
        (
            "bitbucket-pipelines",
            json!({"sub": "{c2e0}:{5a9f}", "repositoryUuid": "{c2e0}", "workspaceUuid": "{91d4}", "branchName": "main",
                "pipelineUuid": "{0b7e}", "stepUuid": "{5a9f}", "deploymentEnvironmentUuid": "{77aa}"}),
            "repositoryUuid = '{c2e0}', branchName = 'main'",
            ("/repositoryUuid", json!("{c2e1}")),
        ),
        (
            "jenkins",
            json!({"sub": "https://jenkins.example.com/job/api/job/main/", "build_number": 7}),
            "sub = 'https://jenkins.example.com/job/api/job/main/', build_number = '7'",
            ("/sub", json!("https://jenkins.example.com/job/api/job/other/")),
        ),
        (
            "kubernetes",
            json!({"jti": "ea28", "sub": "system:serviceaccount:ci:release", "kubernetes.io": {"namespace": "ci",
                "node": {"name": "n", "uid": "57"}, "pod": {"name": "p", "uid": "5e"},
                "serviceaccount": {"name": "release", "uid": "14ee"}}}),
            "'\"kubernetes.io\".serviceaccount.uid' = '14ee', '\"kubernetes.io\".namespace' = 'ci'",
            ("/kubernetes.io/serviceaccount/uid", json!("14ef")),
        ),
        (
            "generic",
            json!({"sub": "job-1", "nested": {"a": true}}),
            "sub = 'job-1', 'nested.a' = 'true'",
            ("/nested/a", json!(false)),
        ),
    ]
}

#[tokio::test]
async fn a_job_of_each_system_is_known_by_what_its_token_says_and_no_other_is() {
    let scene = Scene::with("").await;
    for (profile, documented, named, (pointer, other)) in documented() {
        let policy = policy(profile, &scene.provider.url, named);
        let is_known = async |claims: &Value| {
            let token = scene.verifier.verify_workload(&scene.token(claims)).await.unwrap();
            policy.workloads()[0].is_shown_by(token.issuer(), token.claims())
        };
        let mut claims = scene.claims(&documented);
        assert!(is_known(&claims).await, "{profile}");
        *claims.pointer_mut(pointer).unwrap() = other;
        assert!(!is_known(&claims).await, "{profile}: another {pointer}");
    }
}

#[tokio::test]
async fn a_policy_that_tells_a_job_by_a_name_alone_is_faulty() {
    for (profile, _, named, _) in documented() {
        if profile == "generic" {
            continue;
        }
        let id = named.split(", ").next().unwrap();
        let text = format!(
            "version = 1\n[[role]]\nid = 'bot'\nmax_lease = '5m'\n[[workload]]\nid = 'w'\nprofile = '{profile}'\n\
             issuer = 'https://ci'\nclaims = {{ {} }}\nprincipal = 'svc'\nroles = ['bot']\non = ['P/r']\nrefs = ['refs/**']\n",
            named.replace(id, "repository = 'octo-org/octo-repo'")
        );
        let faults =
            file::parse(&[PolicySource { name: "policy.toml".into(), text }]).unwrap_err().to_string();
        assert!(faults.contains("is told by the claim"), "{profile}: {faults}");
    }
}

#[tokio::test]
async fn spiffe_names_no_issuer_and_is_known_by_its_trust_domain() {
    let scene = Scene::with("trust_domain = 'example.org'").await;
    let policy = policy("spiffe", "spiffe://example.org", "sub = 'spiffe://example.org/ci/api'");
    let said = async |claims: &Value| match scene.verifier.verify_workload(&scene.token(claims)).await {
        Ok(token) => {
            assert_eq!(token.issuer(), "spiffe://example.org");
            if policy.workloads()[0].is_shown_by(token.issuer(), token.claims()) { "known" } else { "good" }
        }
        Err(error) => error.code(),
    };
    let mut claims = scene.claims(&json!({"sub": "spiffe://example.org/ci/api"}));
    assert_eq!(said(&claims).await, "known", "one that names the issuer besides");
    claims.as_object_mut().unwrap().remove("iss");
    assert_eq!(said(&claims).await, "known");
    for (sub, code) in [
        ("spiffe://example.org/ci/web", "good"),
        ("spiffe://example.com/ci/api", "issuer"),
        ("spiffe://example.org.evil/ci/api", "issuer"),
        ("system:serviceaccount:ci:api", "issuer"),
    ] {
        claims["sub"] = json!(sub);
        assert_eq!(said(&claims).await, code, "{sub}");
    }
    claims["iss"] = json!(scene.provider.url);
    claims["sub"] = json!("spiffe://example.com/ci/api");
    assert_eq!(said(&claims).await, "claim", "the issuer of one domain says nothing of another");
}

#[tokio::test]
async fn what_is_not_this_service_s_or_not_good_now_is_not_taken() {
    let scene = Scene::with("").await;
    let good = scene.claims(&json!({"sub": "job-1"}));
    let now = good["iat"].as_i64().unwrap();
    let said = async |claims: &Value| match scene.verifier.verify_workload(&scene.token(claims)).await {
        Ok(_) => "accepted",
        Err(error) => error.code(),
    };
    assert_eq!(said(&good).await, "accepted");
    for (name, value, code) in [
        ("aud", json!("other"), "audience"),
        ("iss", json!("https://other"), "issuer"),
        ("iss", json!(["x"]), "claim"),
        ("exp", json!(now - 31), "expired"),
        ("nbf", json!(now + 300), "early"),
        ("jti", json!(7), "claim"),
    ] {
        let mut claims = good.clone();
        claims[name] = value;
        assert_eq!(said(&claims).await, code, "{name}");
    }
    let mut token = scene.token(&good);
    token.replace_range(token.len() - 4.., "AAAA");
    assert_eq!(scene.verifier.verify_workload(&token).await.unwrap_err().code(), "signature");
}

#[tokio::test]
async fn a_token_of_a_job_is_none_of_a_person_and_the_other_way_round() {
    let scene = Scene::with("").await;
    // Whoever writes a job may choose what its token says.
    let claims = scene.claims(&json!({"preferred_username": "alice", "groups": ["admins"]}));
    assert_eq!(scene.verifier.verify(&scene.token(&claims)).await.unwrap_err().code(), "issuer");
    let people = scene.provider.verifier("");
    assert!(people.verify(&scene.token(&claims)).await.is_ok());
    assert_eq!(people.verify_workload(&scene.token(&claims)).await.unwrap_err().code(), "issuer");
}
