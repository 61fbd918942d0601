use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use jsonwebtoken::Validation;
use oam_fetch::{Client, RootsError};
use oam_policy::Username;
use serde_json::Value;

use super::{
    Compact, Groups, TokenError, VerifiedToken, WorkloadToken, backend,
    cache::{KeyCache, Place},
    claims::{self, Registered},
    header,
    token::Id,
    workload,
};
use crate::config::{IssuerConfig, Purpose};

/// Everybody whose tokens are believed, each within what is configured.
#[derive(Debug, Default)]
pub struct Issuers(Vec<Issuer>);

#[derive(Debug)]
struct Issuer {
    name: String,
    config: IssuerConfig,
    keys: Arc<KeyCache>,
}

/// How an issuer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Its name in the configuration.
    pub issuer: String,
    /// Why its keys were not fetched.
    pub why: String,
}

impl Issuers {
    /// Those that are configured. Nobody is asked for keys yet: an issuer that is down keeps no daemon from starting.
    ///
    /// # Errors
    /// When there are no authorities of certificates to believe.
    pub fn new(configured: &BTreeMap<String, IssuerConfig>) -> Result<Self, RootsError> {
        backend::install();
        // Two entries for one issuer, of one kind, share its keys.
        let mut caches: Vec<(&IssuerConfig, Arc<KeyCache>)> = Vec::new();
        let mut issuers = Vec::new();
        for (name, config) in configured {
            let shared = caches.iter().find(|(other, _)| {
                (&other.url, &other.ca, other.network, other.keys)
                    == (&config.url, &config.ca, config.network, config.keys)
            });
            let keys = match shared {
                Some((_, keys)) => Arc::clone(keys),
                None => {
                    let client = Client::new(config.network, config.ca.as_deref())?;
                    Arc::new(KeyCache::new(config.url.clone(), Place::OpenId, client, config.keys))
                }
            };
            caches.push((config, Arc::clone(&keys)));
            issuers.push(Issuer { name: name.clone(), config: config.clone(), keys });
        }
        Ok(Self(issuers))
    }

    /// Whether nobody's tokens are believed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks a token of somebody in every respect.
    ///
    /// # Errors
    /// When it is not to be believed, or nobody can tell.
    pub async fn verify(&self, token: &str) -> Result<VerifiedToken, TokenError> {
        let token = Compact::parse(token)?;
        let named = claims::issuer(&token.claims)?;
        let is_it = |config: &IssuerConfig| config.url.as_str() == named;
        self.find(Purpose::People, &token, is_it)?.verify(token).await
    }

    /// Checks a token of a job in every respect.
    ///
    /// # Errors
    /// When it is not to be believed, or nobody can tell.
    pub async fn verify_workload(&self, token: &str) -> Result<WorkloadToken, TokenError> {
        let token = Compact::parse(token)?;
        // SPIFFE lets a token name no issuer: then the trust domain of its subject tells who made it.
        let named = match token.claims.get("iss") {
            Some(_) => Ok(claims::issuer(&token.claims)?),
            None => Err(workload::trust_domain(claims::subject(&token.claims)?).ok_or(TokenError::Issuer)?),
        };
        let names_issuer = named.is_ok();
        let is_it = |config: &IssuerConfig| match named {
            Ok(issuer) => config.url.as_str() == issuer,
            Err(domain) => config.trust_domain.as_deref() == Some(domain),
        };
        let issuer = self.find(Purpose::Workloads, &token, is_it)?;
        issuer.verify_workload(token, names_issuer).await
    }

    /// The one that the token says it is from and for. Nothing but this choice rests on what is not believed yet.
    fn find(
        &self,
        purpose: Purpose,
        token: &Compact<'_>,
        is_it: impl Fn(&IssuerConfig) -> bool,
    ) -> Result<&Issuer, TokenError> {
        let fits = |issuer: &&Issuer| issuer.config.purpose == purpose && is_it(&issuer.config);
        let mut of_that_name = self.0.iter().filter(fits).peekable();
        if of_that_name.peek().is_none() {
            return Err(TokenError::Issuer);
        }
        let audiences = claims::audiences(&token.claims)?;
        of_that_name
            .find(|issuer| audiences.contains(&issuer.config.audience.as_str()))
            .ok_or(TokenError::Audience)
    }

    /// Whose keys were not to be had when they were needed last.
    pub fn troubles(&self) -> Vec<Trouble> {
        let trouble = |issuer: &Issuer| {
            let why = issuer.keys.trouble()?.as_ref().clone();
            Some(Trouble { issuer: issuer.name.clone(), why })
        };
        self.0.iter().filter_map(trouble).collect()
    }
}

impl Issuer {
    async fn verify(&self, token: Compact<'_>) -> Result<VerifiedToken, TokenError> {
        let config = &self.config;
        let registered = self.check(&token, claims::LONGEST_SUBJECT, true).await?;
        let groups = match &config.groups {
            Some(path) => Groups::read(&token.claims, path, config.groups_cut_at),
            None => Groups::Unknown(format!("`issuer.{}.groups` is not configured", self.name)),
        };
        let username = config.username.find(&token.claims).and_then(Value::as_str);
        Ok(VerifiedToken {
            issuer: self.name.clone(),
            subject: registered.subject,
            expires: registered.expires,
            issued: registered.issued,
            audiences: registered.audiences,
            username: username.and_then(|name| Username::parse(name).ok()),
            id: Id::read(&token.claims, config.id.as_ref()),
            groups,
            claims: token.claims,
        })
    }

    async fn verify_workload(
        &self,
        token: Compact<'_>,
        names_issuer: bool,
    ) -> Result<WorkloadToken, TokenError> {
        let registered = self.check(&token, claims::LONGEST_SUBJECT_OF_A_JOB, names_issuer).await?;
        let issuer = match &self.config.trust_domain {
            None => self.config.url.as_str().to_owned(),
            // Who makes tokens of one domain says nothing of another.
            Some(domain) if workload::trust_domain(&registered.subject) == Some(domain) => {
                workload::named(domain)
            }
            Some(_) => return Err(TokenError::Claim { claim: "sub", what: "is of another trust domain" }),
        };
        let id = workload::id(&token, &issuer)?;
        let Registered { subject, expires, issued, .. } = registered;
        Ok(WorkloadToken { issuer, subject, expires, issued, id, claims: token.claims })
    }

    /// Whether the token is this issuer's, and good now.
    async fn check(
        &self,
        token: &Compact<'_>,
        longest_subject: usize,
        names_issuer: bool,
    ) -> Result<Registered, TokenError> {
        let config = &self.config;
        let header = header::check(&token.header, &config.algorithms, config.kind)?;
        // A logout token (OpenID Connect Back-Channel Logout 1.0, 2.4) or another security event tells of somebody, and is theirs
        // by nothing.
        if token.claims.contains_key("events") {
            return Err(TokenError::Claim {
                claim: "events",
                what: "is there: a security event is nobody's token",
            });
        }
        let registered = claims::read(&token.claims, config.leeway, Timestamp::now(), longest_subject)?;
        let key = self.keys.key(header.kid, header.algorithm).await.map_err(|no| no.of(&self.name))?;
        let validation = self.validation(header.algorithm, names_issuer);
        jsonwebtoken::decode::<Value>(token.token, &key, &validation)
            .map_err(|error| TokenError::of_check(&self.name, &error))?;
        Ok(registered)
    }

    /// What `jsonwebtoken` is to check, once more where we have: left to itself it lets pass what is missing.
    fn validation(&self, algorithm: jsonwebtoken::Algorithm, names_issuer: bool) -> Validation {
        let mut validation = Validation::new(algorithm);
        if names_issuer {
            validation.set_required_spec_claims(&["exp", "aud", "iss"]);
            validation.set_issuer(&[self.config.url.as_str()]);
        } else {
            validation.set_required_spec_claims(&["exp", "aud"]);
        }
        validation.set_audience(&[self.config.audience.as_str()]);
        validation.validate_nbf = true;
        validation.leeway = self.config.leeway.as_secs();
        validation
    }
}
