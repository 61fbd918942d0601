use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    time::Duration,
};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Mode, PathSet, RefSet, RepositorySet, VerbSet};
use crate::name::{ClaimPath, RoleId, RuleId, Username};

/// Lets the jobs of a CI system have, for minutes, what is granted to a role: a job shows its own token, and what it
/// gets for it is a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Workload {
    /// The workload's id.
    pub id: RuleId,
    /// Whether it gives anything.
    pub mode: Mode,
    /// Who issues the tokens, to the letter: `iss`, or the trust domain of SPIFFE.
    pub issuer: String,
    /// Which system they come from.
    pub profile: Profile,
    /// What the tokens say, to the letter.
    pub claims: BTreeMap<ClaimPath, String>,
    /// The account of the git server that pushes for the job.
    pub principal: Username,
    /// The roles of which one may be leased.
    pub roles: BTreeSet<RoleId>,
    /// In which repositories.
    pub on: RepositorySet,
    /// On which refs.
    pub refs: RefSet,
    /// To do what.
    pub verbs: VerbSet,
    /// Changes to these paths only; `None`: whatever changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paths: Option<PathSet>,
    /// How long a lease may last at most.
    pub max_lease: Duration,
    /// How many pushes one lease may be good for at most.
    pub uses: NonZeroU32,
}

impl Workload {
    /// The longest that any lease lasts.
    pub const LONGEST: Duration = Duration::from_secs(15 * 60);
    /// How long one lasts, where nobody says.
    pub const USUAL: Duration = Duration::from_secs(5 * 60);
    /// The most pushes that any lease is good for.
    pub const MOST_USES: u32 = 100;

    /// Whether a token of `issuer` that says `claims` is one of its own.
    pub fn is_shown_by(&self, issuer: &str, claims: &Map<String, Value>) -> bool {
        self.issuer == issuer && self.claims.iter().all(|(path, wanted)| says(path.find(claims), wanted))
    }
}

/// Whether a claim is this text; of a number or a boolean, as JSON writes it.
fn says(claim: Option<&Value>, wanted: &str) -> bool {
    match claim {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Number(number)) => number.to_string() == wanted,
        Some(Value::Bool(is_so)) => wanted == if *is_so { "true" } else { "false" },
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => false,
    }
}

/// A system that gives its jobs tokens: which of their claims tell one job from another for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// GitHub Actions.
    Github,
    /// GitLab CI/CD.
    Gitlab,
    /// Bitbucket Pipelines.
    BitbucketPipelines,
    /// Jenkins, with the plug-in OpenID Connect Provider.
    Jenkins,
    /// A JWT-SVID of SPIFFE.
    Spiffe,
    /// A service account of Kubernetes.
    Kubernetes,
    /// Any other.
    Generic,
}

impl Profile {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Github,
        Self::Gitlab,
        Self::BitbucketPipelines,
        Self::Jenkins,
        Self::Spiffe,
        Self::Kubernetes,
        Self::Generic,
    ];

    /// The word for it in a policy.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::BitbucketPipelines => "bitbucket-pipelines",
            Self::Jenkins => "jenkins",
            Self::Spiffe => "spiffe",
            Self::Kubernetes => "kubernetes",
            Self::Generic => "generic",
        }
    }

    /// The one of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == word)
    }

    /// The claim by which a job is told for good: an id, which nobody can give to something else as they can a name.
    /// `None` where the system has no such claim that we know of.
    pub const fn id_claim(self) -> Option<&'static str> {
        match self {
            Self::Github => Some("repository_id"),
            Self::Gitlab => Some("project_id"),
            Self::BitbucketPipelines => Some("repositoryUuid"),
            Self::Jenkins | Self::Spiffe => Some("sub"),
            Self::Kubernetes => Some(r#""kubernetes.io".serviceaccount.uid"#),
            Self::Generic => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Profile, says};
    use crate::name::ClaimPath;

    #[test]
    fn a_claim_is_what_it_says_to_the_letter() {
        for (claim, wanted, is) in [
            (json!("1234"), "1234", true),
            (json!("1234"), "12345", false),
            (json!("Main"), "main", false),
            (json!(1234), "1234", true),
            (json!(1234.0), "1234", false),
            (json!(true), "true", true),
            (json!(null), "null", false),
            (json!(["1234"]), "1234", false),
            (json!({}), "{}", false),
        ] {
            assert_eq!(says(Some(&claim), wanted), is, "{claim} {wanted}");
        }
        assert!(!says(None, ""));
    }

    #[test]
    fn words_and_ids_are_what_they_are_read_as() {
        for profile in Profile::ALL {
            assert_eq!(Profile::parse(profile.as_str()), Some(profile));
            assert!(profile.id_claim().is_none_or(|claim| claim.parse::<ClaimPath>().is_ok()));
        }
        assert_eq!(Profile::parse("GitHub"), None);
    }
}
