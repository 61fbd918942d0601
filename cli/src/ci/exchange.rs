//! The token becomes a lease.

use std::path::Path;

use oam_fetch::{Client, Form, Secret, WebUrl};
use oam_policy::{ObjectId, RefName, Repository, RoleId, Verb};
use serde::Deserialize;

use super::{CiError, token::network};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:jwt";
/// What is asked for, where the lease is to be shown with the push.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// What is given where nothing need be shown; and by daemons of old.
const LEASE: &str = "urn:oam:params:oauth:token-type:lease";

/// What is asked for.
#[derive(Debug)]
pub struct Wanted {
    /// Where.
    pub repository: Repository,
    /// On which refs.
    pub refs: Vec<RefName>,
    /// To do what; none: whatever the workload allows.
    pub verbs: Vec<Verb>,
    /// What the refs must come to name.
    pub commit: Option<ObjectId>,
    /// Changes to these paths only, as patterns.
    pub paths: Vec<String>,
    /// Whether only pushes are to count that show its token.
    pub by_token: bool,
    /// Of what the workload allows.
    pub role: Option<RoleId>,
    /// For how many pushes.
    pub uses: Option<u32>,
    /// For how long.
    pub seconds: Option<u64>,
}

/// A lease, as the exchange tells it.
#[derive(Debug)]
pub struct Lease {
    /// Its id.
    pub id: String,
    /// What the push must show, where it must.
    pub token: Option<Secret>,
    /// For how many seconds.
    pub expires_in: u64,
    /// What it is for.
    pub scope: String,
    /// Who must push.
    pub principal: String,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    issued_token_type: String,
    lease: Option<String>,
    expires_in: u64,
    scope: String,
    principal: String,
}

impl From<Answer> for Lease {
    fn from(answer: Answer) -> Self {
        let Answer { access_token, issued_token_type, lease, expires_in, scope, principal } = answer;
        let (id, token) = match issued_token_type == ACCESS_TOKEN {
            true => (lease.unwrap_or_default(), Some(Secret::new(access_token))),
            false => (access_token, None),
        };
        Self { id, token, expires_in, scope, principal }
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Shows the token, and gets a lease.
///
/// # Errors
/// When the exchange is not reached, or gives none.
pub async fn exchange(
    url: &WebUrl,
    ca: Option<&Path>,
    token: &Secret,
    wanted: &Wanted,
) -> Result<Lease, CiError> {
    let client = Client::new(network(url), ca)?;
    let form = Form::new()
        .with("grant_type", GRANT_TYPE)
        .with("subject_token_type", TOKEN_TYPE)
        .with("subject_token", token.reveal())
        .with("requested_token_type", if wanted.by_token { ACCESS_TOKEN } else { LEASE })
        .with("scope", &scope(wanted));
    let answer = client.post(&url.below("/token")?, &form).await?;
    if answer.status.is_success() {
        let lease = Lease::from(answer.json::<Answer>()?);
        // Else its text would be taken for a push option.
        if wanted.by_token && lease.token.is_none() {
            let detail = "the exchange gave a lease without a token".to_owned();
            return Err(CiError::Refused { error: "invalid_request".to_owned(), detail });
        }
        return Ok(lease);
    }
    match answer.said::<Refusal>() {
        Ok(Refusal { error, error_description }) => {
            Err(CiError::Refused { error, detail: error_description })
        }
        Err(error) => Err(error.into()),
    }
}

fn scope(wanted: &Wanted) -> String {
    let mut parts = vec![format!("repository:{}", wanted.repository)];
    parts.extend(wanted.refs.iter().map(|name| format!("ref:{}", encoded(name.as_bytes()))));
    parts.extend(wanted.verbs.iter().map(|verb| format!("verb:{verb}")));
    parts.extend(wanted.commit.as_ref().map(|commit| format!("commit:{commit}")));
    parts.extend(wanted.paths.iter().map(|path| format!("path:{}", encoded(path.as_bytes()))));
    parts.extend(wanted.role.as_ref().map(|role| format!("role:{role}")));
    parts.extend(wanted.uses.map(|uses| format!("uses:{uses}")));
    parts.extend(wanted.seconds.map(|seconds| format!("seconds:{seconds}")));
    parts.join(" ")
}

/// What may not stand in a scope (RFC 6749, 3.3), and the sign itself, as `%XX`.
fn encoded(name: &[u8]) -> String {
    let sign = |byte: &u8| match byte {
        b'"' | b'\\' | b'%' => format!("%{byte:02X}"),
        0x21..=0x7e => char::from(*byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.iter().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::{Wanted, scope};

    #[test]
    fn a_scope_says_all_of_it() {
        let mut wanted = Wanted {
            repository: "PAY/api".parse().unwrap(),
            refs: vec![oam_policy::RefName::parse("refs/heads/ü%".as_bytes()).unwrap()],
            verbs: Vec::new(),
            commit: None,
            paths: Vec::new(),
            by_token: false,
            role: None,
            uses: None,
            seconds: None,
        };
        assert_eq!(scope(&wanted), "repository:PAY/api ref:refs/heads/%C3%BC%25");
        wanted.verbs = vec![oam_policy::Verb::Update];
        wanted.role = Some("bot".parse().unwrap());
        (wanted.uses, wanted.seconds) = (Some(2), Some(60));
        wanted.paths = vec!["a b/**".to_owned(), "!x".to_owned()];
        assert_eq!(
            scope(&wanted),
            "repository:PAY/api ref:refs/heads/%C3%BC%25 verb:update path:a%20b/** path:!x role:bot uses:2 seconds:60"
        );
    }

    #[test]
    fn a_token_is_kept_apart_from_the_id() {
        let read = |text: &str| super::Lease::from(serde_json::from_str::<super::Answer>(text).unwrap());
        let place = r#""expires_in":300,"scope":"s","principal":"svc""#;
        let found =
            read(&format!(r#"{{"access_token":"7k2m9x","issued_token_type":"{}",{place}}}"#, super::LEASE));
        assert!(found.id == "7k2m9x" && found.token.is_none());
        let kind = super::ACCESS_TOKEN;
        let with = read(&format!(
            r#"{{"access_token":"a.b.c","issued_token_type":"{kind}","lease":"7k2m9x",{place}}}"#
        ));
        assert_eq!(
            (with.id.as_str(), with.token.as_ref().map(oam_fetch::Secret::reveal)),
            ("7k2m9x", Some("a.b.c"))
        );
        assert!(!format!("{with:?}").contains("a.b.c"));
    }
}
