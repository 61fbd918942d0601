//! Okta, by its own API: users and groups in lists with cursors, and those that changed by filters on when they did.

mod api;
mod object;
mod preview;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use oam_fetch::Form;

use super::{
    PullError,
    mirror::{Group, Mirror, View},
    session::{Api, attend},
    taking::Taking,
};
use crate::{
    config::{OktaConfig, PullConfig},
    follow::Touched,
    source::Poke,
};
use api::{Asking, Pages, is_id};
use object::{OktaGroup, OktaUser};

pub use preview::preview;

/// How far back changes are asked for, beyond where they were known to: what is written at one moment is seen a moment later.
const OVERLAP: SignedDuration = SignedDuration::from_mins(2);

/// An Okta organization.
pub(super) struct Okta {
    config: OktaConfig,
    asking: Option<Asking>,
}

impl Okta {
    pub(super) fn new(config: OktaConfig) -> Self {
        Self { config, asking: None }
    }

    fn asking(&mut self) -> Result<&mut Asking, PullError> {
        match &mut self.asking {
            Some(asking) => Ok(asking),
            none => Ok(none.insert(Asking::new(&self.config)?)),
        }
    }

    /// Takes every page of a list of users; gives those who were not known before.
    async fn users(
        &mut self,
        query: Form,
        taking: &mut Taking<'_>,
    ) -> Result<(Option<Timestamp>, Vec<Box<str>>), PullError> {
        let mut pages = self.asking()?.list("users", "/api/v1/users", query)?;
        let mut appeared = Vec::new();
        while let Some(users) = pages.next::<OktaUser>(self.asking()?).await? {
            taking
                .page(|mirror, touched| {
                    for user in users {
                        appeared.extend(user.appears_in(mirror));
                        user.put(mirror, touched);
                    }
                })
                .await?;
            self.breathe(taking).await?;
        }
        Ok((pages.asked_at(), appeared))
    }

    /// Takes every group of a list that is taken at all, with its members.
    async fn groups(&mut self, query: Form, taking: &mut Taking<'_>) -> Result<(), PullError> {
        let mut pages = self.asking()?.list("groups", "/api/v1/groups", query)?;
        let mut found = Vec::new();
        while let Some(groups) = pages.next::<OktaGroup>(self.asking()?).await? {
            found.extend(groups);
            self.breathe(taking).await?;
        }
        for group in found {
            let group = self.with_members(group, taking).await?;
            taking.page(|mirror, touched| group.put(mirror, touched)).await?;
            self.breathe(taking).await?;
        }
        Ok(())
    }

    /// Reads who is in a group, if it is one that is taken, and between its pages whatever somebody waits for.
    async fn with_members(
        &mut self,
        group: OktaGroup,
        taking: &mut Taking<'_>,
    ) -> Result<WithMembers, PullError> {
        let mut read = WithMembers::nobody_yet(group, taking.view());
        let Some(mut pages) = self.members(&read)? else { return Ok(read) };
        let mut attended = BTreeSet::new();
        while let Some(users) = pages.next::<OktaUser>(self.asking()?).await? {
            read.group.members.extend(users.into_iter().map(|user| user.id));
            attended.extend(self.breathe(taking).await?);
        }
        // What was read again meanwhile is newer than the pages before it.
        if attended.contains(&Poke::Group(read.id.clone())) {
            return self.with_members_at_once(read).await;
        }
        for poke in attended {
            let Poke::User(id) = poke else { continue };
            read.group.members.remove(&id);
            if is_id(&id) && self.is_in(&id, &read.id, taking).await? {
                read.group.members.insert(id);
            }
        }
        Ok(read)
    }

    /// Reads who is in a group, of which somebody waits for that.
    async fn with_members_at_once(&mut self, mut read: WithMembers) -> Result<WithMembers, PullError> {
        let Some(mut pages) = self.members(&read)? else { return Ok(read) };
        read.group.members.clear();
        while let Some(users) = pages.next::<OktaUser>(self.asking()?).await? {
            read.group.members.extend(users.into_iter().map(|user| user.id));
        }
        Ok(read)
    }

    /// The pages of who is in a group; `None`: it is none that is taken.
    fn members(&mut self, group: &WithMembers) -> Result<Option<Pages>, PullError> {
        if !group.is_taken {
            return Ok(None);
        }
        let path = format!("/api/v1/groups/{}/users", group.id);
        let what = format!("members of the group `{}`", group.group.name.escape_debug());
        self.asking()?.list(&what, &path, Form::new()).map(Some)
    }

    async fn user_again(&mut self, id: &str, taking: &mut Taking<'_>) -> Result<(), PullError> {
        let what = format!("the user `{id}`");
        let user = self.asking()?.one::<OktaUser>(&what, &format!("/api/v1/users/{id}")).await?;
        let Some(user) = user else {
            return taking.again(|mirror, touched| object::forget(id, mirror, touched)).await;
        };
        // First of all what may take everything.
        taking.again(|mirror, touched| user.clone().put(mirror, touched)).await?;
        self.groups_of(id, taking).await
    }

    /// Reads which groups a user is in.
    async fn groups_of(&mut self, id: &str, taking: &mut Taking<'_>) -> Result<(), PullError> {
        let groups = self.all_groups_of(id, taking).await?;
        taking.again(|mirror, touched| mirror.put_groups_of(id, &groups, touched)).await
    }

    /// Whether a user is in a group. One who cannot be read is in none until they can be: they are gone, or put aside.
    async fn is_in(&mut self, user: &str, group: &str, taking: &Taking<'_>) -> Result<bool, PullError> {
        match self.all_groups_of(user, taking).await {
            Ok(groups) => Ok(groups.contains(group)),
            Err(error) if error.is_of_one() => {
                taking.source().feed().put_aside(Poke::User(user.into()), error.to_string());
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Which groups that are taken a user is in.
    async fn all_groups_of(
        &mut self,
        id: &str,
        taking: &Taking<'_>,
    ) -> Result<BTreeSet<Box<str>>, PullError> {
        let path = format!("/api/v1/users/{id}/groups");
        let mut pages = self.asking()?.list(&format!("groups of the user `{id}`"), &path, Form::new())?;
        let mut groups = BTreeSet::new();
        while let Some(page) = pages.next::<OktaGroup>(self.asking()?).await? {
            groups
                .extend(page.into_iter().filter(|group| group.is_taken(taking.view())).map(|group| group.id));
        }
        Ok(groups)
    }

    async fn group_again(&mut self, id: &str, taking: &mut Taking<'_>) -> Result<(), PullError> {
        let what = format!("the group `{id}`");
        let group = self.asking()?.one::<OktaGroup>(&what, &format!("/api/v1/groups/{id}")).await?;
        match group {
            None => taking.again(|mirror, touched| mirror.drop_group(id, touched)).await,
            Some(group) => {
                let group = WithMembers::nobody_yet(group, taking.view());
                let group = self.with_members_at_once(group).await?;
                taking.again(|mirror, touched| group.put(mirror, touched)).await
            }
        }
    }

    /// Between two pages: reads again what somebody waits for, and waits where too much was asked already. The last tenth of
    /// what may be asked is left to those who wait, and to others. Tells what was read again.
    async fn breathe(&mut self, taking: &mut Taking<'_>) -> Result<BTreeSet<Poke>, PullError> {
        let mut attended = BTreeSet::new();
        loop {
            attended.extend(attend(self, taking).await?);
            let asking = self.asking()?;
            tokio::select! {
                () = asking.pause() => return Ok(attended),
                () = taking.source().feed().poked() => {}
            }
        }
    }
}

/// A group, with all who are in it.
struct WithMembers {
    id: Box<str>,
    is_taken: bool,
    group: Group,
}

impl WithMembers {
    /// A group of whose members none is read yet.
    fn nobody_yet(group: OktaGroup, view: &View) -> Self {
        let is_taken = group.is_taken(view) && is_id(&group.id);
        let (id, name) = (group.id, group.profile.name);
        Self { id, is_taken, group: Group { name, members: BTreeSet::new() } }
    }

    fn put(&self, mirror: &mut Mirror, touched: &mut Touched) {
        if self.is_taken {
            mirror.put_group(self.id.clone(), self.group.clone(), touched);
        } else {
            mirror.drop_group(&self.id, touched);
        }
    }
}

impl Api for Okta {
    type Place = Timestamp;

    // Who and what was deleted is in no list.
    const TELLS_OF_DELETIONS: bool = false;

    fn pull(&self) -> &PullConfig {
        &self.config.pull
    }

    fn nested(&self) -> bool {
        // Groups of Okta hold users only.
        false
    }

    fn server(&self) -> String {
        self.config.url.to_string()
    }

    fn identity(&self) -> String {
        format!("{} {:?}", self.config.url, self.config.pull.groups)
    }

    fn begin(&mut self) -> Result<(), PullError> {
        self.asking = Some(Asking::new(&self.config)?);
        Ok(())
    }

    async fn load(&mut self, taking: &mut Taking<'_>) -> Result<Timestamp, PullError> {
        // Without a filter those are left out who are deactivated: whoever is not told of is gone.
        let (asked_at, _) = self.users(Form::new(), taking).await?;
        self.groups(Form::new(), taking).await?;
        known_until("users", asked_at)
    }

    async fn changes(&mut self, from: &Timestamp, taking: &mut Taking<'_>) -> Result<Timestamp, PullError> {
        let since = from.saturating_sub(OVERLAP).unwrap_or(Timestamp::UNIX_EPOCH);
        let since = since.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
        // Those first who may lose everything. Whether the other filter tells of them, too, is not written down.
        let gone = format!("status eq \"DEPROVISIONED\" and lastUpdated gt \"{since}\"");
        let (asked_at, _) = self.users(Form::new().with("filter", &gone), taking).await?;
        let others = format!("lastUpdated gt \"{since}\"");
        let (_, appeared) = self.users(Form::new().with("filter", &others), taking).await?;
        // Whoever is activated again may be in groups that have not changed for long.
        for id in appeared.iter().filter(|id| is_id(id)) {
            self.groups_of(id, taking).await?;
        }
        let groups = format!("lastUpdated gt \"{since}\" or lastMembershipUpdated gt \"{since}\"");
        self.groups(Form::new().with("filter", &groups), taking).await?;
        known_until("users that changed", asked_at)
    }

    async fn again(&mut self, poke: &Poke, taking: &mut Taking<'_>) -> Result<(), PullError> {
        match poke {
            // An id that is none is nobody's.
            Poke::User(id) if is_id(id) => self.user_again(id, taking).await,
            Poke::Group(id) if is_id(id) => self.group_again(id, taking).await,
            _ => Ok(()),
        }
    }
}

/// By the clock over there: from when on changes are to be asked for.
fn known_until(what: &str, asked_at: Option<Timestamp>) -> Result<Timestamp, PullError> {
    asked_at.ok_or_else(|| PullError::Strange { what: what.to_owned(), detail: "the answer has no `Date`" })
}
