use std::sync::Arc;

use oam_proto::v1::{self, identity_server::Identity};
use tonic::{Request, Response, Status};

use super::{Live, caller};
use crate::{
    access::Caller,
    config::{IssuerConfig, LoginConfig},
};

/// Tells people how to sign in, and who they are.
#[derive(Debug, Clone)]
pub struct IdentityService {
    live: Arc<Live>,
}

impl IdentityService {
    /// A service for everybody who can connect.
    pub fn new(live: Arc<Live>) -> Self {
        Self { live }
    }
}

#[tonic::async_trait]
impl Identity for IdentityService {
    async fn get_sign_in(&self, _: Request<v1::GetSignInRequest>) -> Result<Response<v1::SignIn>, Status> {
        let issuers = self.live.config.issuers.iter();
        let issuers =
            issuers.filter_map(|(name, issuer)| Some(sign_in(name, issuer, issuer.login.as_ref()?)));
        Ok(Response::new(v1::SignIn { issuers: issuers.collect() }))
    }

    async fn who_am_i(&self, request: Request<v1::WhoAmIRequest>) -> Result<Response<v1::Me>, Status> {
        let caller = caller::of(&request, &self.live).await?;
        let held = caller::held(&caller, &self.live);
        let mut me = v1::Me {
            actor: caller.to_string(),
            roles: held.roles.iter().map(ToString::to_string).collect(),
            username: held.username.map(|username| username.as_str().to_owned()).unwrap_or_default(),
            bar: held.bar.unwrap_or_default(),
            doubts: held.doubts,
            ..v1::Me::default()
        };
        if let Caller::Person(token) = &caller {
            me.issuer = token.issuer().to_owned();
            me.subject = token.subject().to_owned();
            me.expires_micros = token.expires().as_microsecond();
            me.warnings = token.warnings();
        }
        Ok(Response::new(me))
    }
}

fn sign_in(name: &str, issuer: &IssuerConfig, login: &LoginConfig) -> v1::SignInIssuer {
    v1::SignInIssuer {
        name: name.to_owned(),
        url: issuer.url.as_str().to_owned(),
        client: login.client.clone(),
        scopes: login.scopes.clone(),
        resource: login.resource.clone().unwrap_or_default(),
        // An ID token is for the client, an access token for the service.
        id_token: issuer.audience == login.client,
    }
}
