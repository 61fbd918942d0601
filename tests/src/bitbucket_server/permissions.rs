//! `…/permissions/users` and `…/permissions/groups`, of projects, of repositories and everywhere.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    answer::Answer,
    ask::{Answered, Ask},
    state::{Global, Permission, State},
};

/// Where something is given.
#[derive(Debug, Clone, Copy)]
pub(crate) enum At<'a> {
    Project(&'a str),
    Repository(&'a str, &'a str),
}

/// To whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Users,
    Groups,
}

impl Kind {
    pub(crate) fn of(collection: &str) -> Option<Self> {
        match collection {
            "users" => Some(Self::Users),
            "groups" => Some(Self::Groups),
            _ => None,
        }
    }

    fn known(self, state: &State, name: &str) -> Result<String, Answer> {
        let (found, what) = match self {
            Self::Users => (state.user(name), "NoSuchUserException"),
            Self::Groups => (state.group(name), "NoSuchGroupException"),
        };
        found.ok_or_else(|| Answer::error(404, &format!("{name} does not exist."), &format!("user.{what}")))
    }
}

impl At<'_> {
    fn admit(self, ask: &Ask<'_>) -> Result<(), Answer> {
        match self {
            Self::Project(key) => ask.need(key, Permission::Admin),
            Self::Repository(key, slug) => ask.need_in(key, slug, Permission::Admin),
        }
    }

    fn given(self, state: &mut State, kind: Kind) -> &mut BTreeMap<String, Permission> {
        match (self, kind) {
            (Self::Project(key), Kind::Users) => &mut state.projects.get_mut(key).unwrap().users,
            (Self::Project(key), Kind::Groups) => {
                state.company.in_projects.entry(key.to_owned()).or_default()
            }
            (Self::Repository(key, slug), kind) => {
                let given = state.company.in_repositories.entry(format!("{key}/{slug}")).or_default();
                if kind == Kind::Users { &mut given.users } else { &mut given.groups }
            }
        }
    }

    fn may(self, state: &State, user: &str) -> Option<Permission> {
        match self {
            Self::Project(key) => state.permission(user, key),
            Self::Repository(key, slug) => state.permission_in(user, key, slug),
        }
    }

    fn written(self, permission: Permission) -> &'static str {
        match (self, permission) {
            (Self::Project(_), Permission::Read) => "PROJECT_READ",
            (Self::Project(_), Permission::Write) => "PROJECT_WRITE",
            (Self::Project(_), Permission::Admin) => "PROJECT_ADMIN",
            (_, Permission::Create) => "REPO_CREATE",
            (Self::Repository(..), Permission::Read) => "REPO_READ",
            (Self::Repository(..), Permission::Write) => "REPO_WRITE",
            (Self::Repository(..), Permission::Admin) => "REPO_ADMIN",
        }
    }

    fn read(self, name: &str) -> Option<Permission> {
        let all = match self {
            Self::Project(_) => &Permission::ALL[..],
            Self::Repository(..) => &[Permission::Read, Permission::Write, Permission::Admin],
        };
        all.iter().copied().find(|permission| self.written(*permission) == name)
    }
}

pub(crate) fn list(ask: &Ask<'_>, at: At<'_>, kind: Kind) -> Answered {
    ask.only(&["start", "limit", "filter"])?;
    at.admit(ask)?;
    let filter = ask.parameter("filter").unwrap_or_default().to_lowercase();
    let all: Vec<_> = {
        let mut state = ask.shared.state();
        let mut given = at.given(&mut state, kind).clone();
        given.retain(|name, _| name.to_lowercase().contains(&filter));
        given.iter().map(|(name, one)| permitted(&state, kind, name, at.written(*one))).collect()
    };
    ask.page(&all)
}

pub(crate) fn set(ask: &Ask<'_>, at: At<'_>, kind: Kind) -> Answered {
    ask.only(&["name", "permission"])?;
    at.admit(ask)?;
    let permission = ask.parameter("permission").and_then(|name| at.read(name));
    let permission = permission.ok_or_else(|| invalid("permission"))?;
    change(ask, at, kind, Some(permission), 403)
}

pub(crate) fn unset(ask: &Ask<'_>, at: At<'_>, kind: Kind) -> Answered {
    ask.only(&["name"])?;
    at.admit(ask)?;
    change(ask, at, kind, None, 409)
}

/// Whoever asks must not have less afterwards.
fn change(ask: &Ask<'_>, at: At<'_>, kind: Kind, to: Option<Permission>, less: u16) -> Answered {
    let mut state = ask.shared.state();
    let name = kind.known(&state, ask.parameter("name").ok_or_else(|| invalid("name"))?)?;
    let before = at.may(&state, &ask.user);
    let given = at.given(&mut state, kind);
    let was = given.get(&name).copied();
    put(given, &name, to);
    if at.may(&state, &ask.user) < before {
        put(at.given(&mut state, kind), &name, was);
        let message = "The action would reduce the currently authenticated user's permission level.";
        return Err(Answer::error(less, message, "IllegalEntityStateException"));
    }
    Ok(Answer::none())
}

fn put<T>(given: &mut BTreeMap<String, T>, name: &str, to: Option<T>) {
    match to {
        Some(to) => drop(given.insert(name.to_owned(), to)),
        None => drop(given.remove(name)),
    }
}

pub(crate) fn list_global(ask: &Ask<'_>, kind: Kind) -> Answered {
    ask.only(&["start", "limit", "filter"])?;
    ask.need_global(Global::Admin)?;
    let all: Vec<_> = {
        let state = ask.shared.state();
        match kind {
            Kind::Users => {
                let users = state.users.iter().filter_map(|(name, user)| Some((name, user.global?)));
                users.map(|(name, one)| permitted(&state, kind, name, one.as_str())).collect()
            }
            Kind::Groups => {
                let groups = state.company.everywhere.iter();
                groups.map(|(name, one)| permitted(&state, kind, name, one.as_str())).collect()
            }
        }
    };
    ask.page(&all)
}

pub(crate) fn set_global(ask: &Ask<'_>, kind: Kind) -> Answered {
    ask.only(&["name", "permission"])?;
    let global = ask.parameter("permission").and_then(Global::read).ok_or_else(|| invalid("permission"))?;
    ask.need_global(global.max(Global::Admin))?;
    change_global(ask, kind, Some(global), 403)
}

pub(crate) fn unset_global(ask: &Ask<'_>, kind: Kind) -> Answered {
    ask.only(&["name"])?;
    ask.need_global(Global::Admin)?;
    change_global(ask, kind, None, 409)
}

fn change_global(ask: &Ask<'_>, kind: Kind, to: Option<Global>, less: u16) -> Answered {
    let mut state = ask.shared.state();
    let name = kind.known(&state, ask.parameter("name").ok_or_else(|| invalid("name"))?)?;
    let before = state.global(&ask.user);
    let (users, groups) = (state.users.clone(), state.company.everywhere.clone());
    match kind {
        Kind::Users => state.put_user(&name, to),
        Kind::Groups => put(&mut state.company.everywhere, &name, to),
    }
    let over = state.company.licence.is_some_and(|licence| state.licensed() > licence);
    let fault = match (state.global(&ask.user) < before, over) {
        (true, _) => Answer::error(
            less,
            "The action would reduce your permission level.",
            "IllegalEntityStateException",
        ),
        (_, true) => Answer::error(403, "You have exceeded your license.", "license.LicenseLimitException"),
        _ => return Ok(Answer::none()),
    };
    (state.users, state.company.everywhere) = (users, groups);
    Err(fault)
}

fn permitted(state: &State, kind: Kind, name: &str, permission: &str) -> Value {
    match kind {
        Kind::Users => json!({"user": super::accounts::user(state, name), "permission": permission}),
        Kind::Groups => json!({"group": {"name": name}, "permission": permission}),
    }
}

pub(crate) fn invalid(what: &str) -> Answer {
    Answer::error(400, &format!("{what} is required"), "validation.ArgumentValidationException")
}
