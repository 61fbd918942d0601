use std::collections::BTreeSet;

use serde::Deserialize;

use crate::{
    follow::Touched,
    pull::mirror::{Mirror, User, View},
};

/// A user, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct OktaUser {
    pub(super) id: Box<str>,
    status: Box<str>,
    profile: Profile,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    login: Option<Box<str>>,
    email: Option<Box<str>>,
    nick_name: Option<Box<str>>,
    display_name: Option<Box<str>>,
    first_name: Option<Box<str>>,
    last_name: Option<Box<str>>,
    employee_number: Option<Box<str>>,
}

/// A group.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct OktaGroup {
    pub(super) id: Box<str>,
    #[serde(rename = "type")]
    kind: Box<str>,
    pub(super) profile: GroupProfile,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct GroupProfile {
    pub(super) name: Box<str>,
}

impl OktaUser {
    /// Takes them as they are. Who is deactivated is gone: lists leave them out.
    pub(super) fn put(self, mirror: &mut Mirror, touched: &mut Touched) {
        if self.is_gone() {
            forget(&self.id, mirror, touched);
        } else {
            let id = self.id.clone();
            mirror.put_user(id, self.user(), touched);
        }
    }

    /// The id, if it is that of somebody who is there and was not known.
    pub(super) fn appears_in(&self, mirror: &Mirror) -> Option<Box<str>> {
        (!self.is_gone() && !mirror.has_user(&self.id)).then(|| self.id.clone())
    }

    fn is_gone(&self) -> bool {
        &*self.status == "DEPROVISIONED"
    }

    /// Who may act: whoever could sign in, be it after setting another password. A status that nobody has heard of may not.
    fn is_active(&self) -> bool {
        matches!(&*self.status, "ACTIVE" | "PASSWORD_EXPIRED" | "RECOVERY")
    }

    pub(super) fn user(self) -> User {
        let active = self.is_active();
        let Profile { login, email, nick_name, display_name, first_name, last_name, employee_number } =
            self.profile;
        let parts = [first_name, last_name].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let display_name = display_name.or_else(|| (!parts.is_empty()).then(|| parts.into()));
        User { username: login, nick_name, display_name, email, employee_number, active }
    }
}

/// Takes out a user, who is in no group any more: whichever they are in when they come back is read then.
pub(super) fn forget(id: &str, mirror: &mut Mirror, touched: &mut Touched) {
    mirror.put_groups_of(id, &BTreeSet::new(), touched);
    mirror.drop_user(id, touched);
}

impl OktaGroup {
    /// Whether it is read who is in it. In Okta's own group `Everyone` is everyone: only where it is named.
    pub(super) fn is_taken(&self, view: &View) -> bool {
        match &*self.kind {
            "BUILT_IN" => view.names(&self.id, &self.profile.name),
            _ => view.takes(&self.id, &self.profile.name),
        }
    }
}
