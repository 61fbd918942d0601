//! Where a job's token is.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use oam_fetch::{Call, Client, Form, Method, Network, Secret, WebUrl};
use serde::Deserialize;

use super::CiError;

/// Where a projected token of Kubernetes is mounted, as the book says it.
const KUBERNETES: &str = "/var/run/secrets/oam/token";
/// The longest file that is read for a token.
const LONGEST: u64 = 64 << 10;

/// The environment of a job.
type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// Where the token is, by what the job's environment says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file: what was named, or a volume of Kubernetes.
    File(PathBuf),
    /// In a variable: GitLab, Bitbucket Pipelines, Jenkins.
    Variable(&'static str),
    /// GitHub gives it to whoever asks there with another token.
    Github {
        /// Where.
        url: String,
    },
}

impl Place {
    /// Where the token of this job is; `named` is a file that somebody named.
    ///
    /// # Errors
    /// When no system is known by its environment.
    pub fn find(named: Option<PathBuf>) -> Result<Self, CiError> {
        let variable = |name: &str| env::var(name).ok();
        Self::find_in(named, &variable, Path::new(KUBERNETES).exists())
    }

    fn find_in(
        named: Option<PathBuf>,
        environment: Environment<'_>,
        is_mounted: bool,
    ) -> Result<Self, CiError> {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        if let Some(path) = named {
            return Ok(Self::File(path));
        }
        // What somebody set on purpose comes before what a system sets of itself.
        for name in ["OAM_ID_TOKEN", "BITBUCKET_STEP_OIDC_TOKEN"] {
            if set(name).is_some() {
                return Ok(Self::Variable(name));
            }
        }
        if let (Some(url), Some(_)) =
            (set("ACTIONS_ID_TOKEN_REQUEST_URL"), set("ACTIONS_ID_TOKEN_REQUEST_TOKEN"))
        {
            return Ok(Self::Github { url });
        }
        if is_mounted { Ok(Self::File(KUBERNETES.into())) } else { Err(CiError::NoToken) }
    }

    /// The token. `audience` is whom GitHub is to issue it for; in other systems that stands in the job's definition.
    ///
    /// # Errors
    /// When it is not to be had.
    pub async fn read(&self, audience: &str) -> Result<Secret, CiError> {
        match self {
            Self::File(path) => {
                let fault = |source| CiError::File { path: path.clone(), source };
                if fs::metadata(path).map_err(fault)?.len() > LONGEST {
                    return Err(fault(std::io::Error::other("it is too long to be a token")));
                }
                Ok(Secret::new(fs::read_to_string(path).map_err(fault)?.trim()))
            }
            Self::Variable(name) => env::var(name).map(Secret::new).map_err(|_| CiError::NoToken),
            Self::Github { url } => {
                let bearer = env::var("ACTIONS_ID_TOKEN_REQUEST_TOKEN").map_err(|_| CiError::NoToken)?;
                github(url, Secret::new(bearer), audience).await
            }
        }
    }
}

#[derive(Deserialize)]
struct Issued {
    value: String,
}

async fn github(url: &str, bearer: Secret, audience: &str) -> Result<Secret, CiError> {
    let join = if url.contains('?') { '&' } else { '?' };
    let url: WebUrl = format!("{url}{join}{}", Form::new().with("audience", audience).encoded()).parse()?;
    // The environment names it, and whoever could change that has the job's secrets anyway.
    let client = Client::new(network(&url), None)?;
    let fault = |source| CiError::System { system: "GitHub", source };
    let answer = client.call(&Call::new(Method::GET, url).bearer(bearer)).await.map_err(fault)?;
    let issued: Issued = answer.json().map_err(fault)?;
    Ok(Secret::new(issued.value))
}

/// It may lie wherever this machine can go.
pub(super) fn network(url: &WebUrl) -> Network {
    if url.is_https() { Network::Private } else { Network::Loopback }
}

#[cfg(test)]
mod tests {
    use super::{CiError, KUBERNETES, Place};

    fn find(named: Option<&str>, variables: &[(&str, &str)], is_mounted: bool) -> Result<Place, CiError> {
        let variable = |name: &str| {
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        };
        Place::find_in(named.map(Into::into), &variable, is_mounted)
    }

    #[test]
    fn each_system_is_known_by_what_it_sets() {
        let github = [
            ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://x/t?api-version=2.0"),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "s"),
        ];
        for (variables, mounted, place) in [
            (&github[..], false, Place::Github { url: "https://x/t?api-version=2.0".into() }),
            (&[("OAM_ID_TOKEN", "a.b.c")], false, Place::Variable("OAM_ID_TOKEN")),
            (&[("BITBUCKET_STEP_OIDC_TOKEN", "a.b.c")], true, Place::Variable("BITBUCKET_STEP_OIDC_TOKEN")),
            (&[], true, Place::File(KUBERNETES.into())),
        ] {
            assert_eq!(find(None, variables, mounted).unwrap(), place);
            assert_eq!(find(Some("/t"), variables, mounted).unwrap(), Place::File("/t".into()), "named");
        }
        for variables in [&[][..], &[("OAM_ID_TOKEN", "")], &github[..1]] {
            assert!(matches!(find(None, variables, false), Err(CiError::NoToken)));
        }
    }
}
