//! Entra ID, by Microsoft Graph: users and groups by delta queries, which tell everything at first, and then what changed.

mod api;
mod object;
mod preview;
mod watch;

use oam_fetch::StatusCode;
use serde::{Deserialize, Serialize};

use super::{
    PullError,
    http::Trail,
    session::{Api, attend},
    taking::Taking,
};
use crate::{
    config::{EntraConfig, PullConfig},
    source::{Poke, Source},
};
use api::{Asking, GoingOn, is_id};
use object::{GraphGroup, GraphUser, Told};
use watch::Watch;

pub use preview::preview;

/// What is asked of users, and so what counts as a change of them.
const USERS: &str =
    "/v1.0/users/delta?$select=id,userPrincipalName,mailNickname,displayName,mail,employeeId,accountEnabled";
/// What is asked of groups.
const GROUPS: &str = "/v1.0/groups/delta?$select=id,displayName,members";
/// What is asked of one user.
const ONE_USER: &str =
    "?$select=id,userPrincipalName,mailNickname,displayName,mail,employeeId,accountEnabled";

/// A tenant of Entra ID.
pub(super) struct Entra {
    asking: Asking,
    watch: Watch,
}

/// From where Graph goes on telling what changed: addresses that it gave.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Links {
    users: String,
    groups: String,
}

impl Entra {
    pub(super) fn new(config: EntraConfig) -> Self {
        Self { asking: Asking::new(config), watch: Watch::default() }
    }

    fn config(&self) -> &EntraConfig {
        self.asking.config()
    }

    /// Takes every page of a delta; gives from where it goes on. A group may come again and again with more of its members.
    async fn delta<T: Told>(
        &mut self,
        what: &str,
        from: &str,
        taking: &mut Taking<'_>,
    ) -> Result<String, PullError> {
        let (mut next, mut trail) = (from.to_owned(), Trail::default());
        loop {
            let (told, going_on) = self.asking.page::<T>(what, &next, &mut trail).await?.parts(what)?;
            taking
                .page(|mirror, touched| {
                    for one in told {
                        one.put(mirror, touched);
                    }
                })
                .await?;
            attend(self, taking).await?;
            match going_on {
                GoingOn::Page(link) => next = link,
                GoingOn::Changes(link) => return Ok(link),
            }
        }
    }
}

impl Api for Entra {
    type Place = Links;

    const TELLS_OF_DELETIONS: bool = true;

    fn pull(&self) -> &PullConfig {
        &self.config().pull
    }

    fn nested(&self) -> bool {
        self.config().nested
    }

    fn server(&self) -> String {
        format!("{} of {}", self.config().graph, self.config().tenant)
    }

    fn identity(&self) -> String {
        let EntraConfig { graph, tenant, client_id, .. } = self.config();
        format!("{graph} {tenant} {client_id} {USERS} {GROUPS}")
    }

    fn begin(&mut self) -> Result<(), PullError> {
        self.asking.begin()
    }

    async fn load(&mut self, taking: &mut Taking<'_>) -> Result<Links, PullError> {
        let users = self.asking.place(USERS);
        let users = self.delta::<GraphUser>("users", &users, taking).await?;
        let groups = self.asking.place(GROUPS);
        Ok(Links { users, groups: self.delta::<GraphGroup>("groups", &groups, taking).await? })
    }

    async fn changes(&mut self, from: &Links, taking: &mut Taking<'_>) -> Result<Links, PullError> {
        let users = self.delta::<GraphUser>("users", &from.users, taking).await?;
        let groups = self.delta::<GraphGroup>("groups", &from.groups, taking).await?;
        // Afterwards: who is cut off does not wait for Graph to be ready to call.
        self.watch.keep_up(&mut self.asking, taking.source()).await;
        Ok(Links { users, groups })
    }

    async fn again(&mut self, poke: &Poke, taking: &mut Taking<'_>) -> Result<(), PullError> {
        // Who is in a group is told by what changed, which is asked for after this.
        let Poke::User(id) = poke else { return Ok(()) };
        // An id that is none is nobody's.
        if !is_id(id) {
            return Ok(());
        }
        let what = format!("the user `{id}`");
        let user: Option<GraphUser> = self.asking.one(&what, &format!("/v1.0/users/{id}{ONE_USER}")).await?;
        match user {
            Some(user) => taking.again(|mirror, touched| user.clone().put(mirror, touched)).await,
            None => taking.again(|mirror, touched| mirror.drop_user(id, touched)).await,
        }
    }

    /// Graph keeps places for some days, and gives them up earlier at times.
    fn is_lost(error: &PullError) -> bool {
        matches!(error, PullError::Refused { status, .. } if [StatusCode::GONE, StatusCode::BAD_REQUEST].contains(status))
    }
}

/// Whom a source asks, for those who make sure that it is called.
fn hook_of(base: &oam_fetch::WebUrl, source: &Source) -> String {
    format!("{base}/hooks/{}", source.name())
}
