//! Users and groups, and what users may act with.

use serde_json::{Value, json};

use super::{
    answer::Answer,
    ask::{Answered, Ask},
    company::CredentialKind,
    permissions::invalid,
    state::{Global, State},
};

pub(crate) fn user(state: &State, name: &str) -> Value {
    json!({
        "name": name,
        "slug": slug(name),
        "displayName": name,
        "emailAddress": format!("{name}@example.com"),
        "active": !state.company.inactive.contains(name),
        // Whoever stands in a pull request that a test tells of need not be there.
        "id": state.users.get(name).map_or(0, |user| user.id),
        "type": "NORMAL",
    })
}

pub(crate) fn slug(name: &str) -> String {
    name.to_lowercase().replace('@', "_")
}

pub(crate) fn users(ask: &Ask<'_>) -> Answered {
    ask.only(&["start", "limit", "filter"])?;
    ask.need_global(Global::Admin)?;
    let names: Vec<_> = ask.shared.state().users.keys().cloned().collect();
    ask.page_by(&names, |name| user(&ask.shared.state(), name))
}

pub(crate) fn groups(ask: &Ask<'_>) -> Answered {
    ask.only(&["start", "limit", "filter"])?;
    ask.need_global(Global::Admin)?;
    let names: Vec<_> = ask.shared.state().company.groups.keys().cloned().collect();
    let all: Vec<_> = names.iter().map(|name| json!({"name": name, "deletable": true})).collect();
    ask.page(&all)
}

/// The groups of a user.
pub(crate) fn groups_of(ask: &Ask<'_>) -> Answered {
    ask.only(&["start", "limit", "filter", "context"])?;
    ask.need_global(Global::Admin)?;
    let all: Vec<_> = {
        let state = ask.shared.state();
        let name = known(&state, ask.parameter("context").ok_or_else(|| invalid("context"))?)?;
        let groups = state.company.groups.iter().filter(|(_, members)| members.contains(&name));
        groups.map(|(group, _)| json!({"name": group, "deletable": true})).collect()
    };
    ask.page(&all)
}

/// The users of a group.
pub(crate) fn members(ask: &Ask<'_>) -> Answered {
    ask.only(&["start", "limit", "filter", "context"])?;
    ask.need_global(Global::Admin)?;
    let all: Vec<_> = {
        let state = ask.shared.state();
        let group = state.group(ask.parameter("context").ok_or_else(|| invalid("context"))?);
        let group = group.ok_or_else(|| Answer::not_found("The group"))?;
        state.company.groups[&group].iter().map(|name| user(&state, name)).collect()
    };
    ask.page(&all)
}

/// `{"context": user, "itemName": group}`
pub(crate) fn leave(ask: &Ask<'_>) -> Answered {
    ask.only(&[])?;
    ask.need_global(Global::Admin)?;
    let object = ask.object(&["context", "itemName"])?;
    let text = |name: &str| object.get(name).and_then(Value::as_str).ok_or_else(|| invalid(name));
    let mut state = ask.shared.state();
    let name = known(&state, text("context")?)?;
    let group = state.group(text("itemName")?).ok_or_else(|| Answer::not_found("The group"))?;
    if let Some(status) = state.company.read_only_groups.get(&group) {
        let message = "The directory of the group is read-only.";
        return Err(Answer::error(*status, message, "TestException"));
    }
    let before = state.global(&ask.user);
    if !state.company.groups.get_mut(&group).unwrap().remove(&name) {
        return Err(Answer::not_found("The membership"));
    }
    if state.global(&ask.user) < before {
        state.company.groups.get_mut(&group).unwrap().insert(name);
        return Err(Answer::error(
            409,
            "That would reduce your permission level.",
            "IllegalEntityStateException",
        ));
    }
    Ok(Answer::none())
}

/// `{"group": group, "users": [user, …]}`
pub(crate) fn join(ask: &Ask<'_>) -> Answered {
    ask.only(&[])?;
    ask.need_global(Global::Admin)?;
    let object = ask.object(&["group", "users"])?;
    let mut state = ask.shared.state();
    let group = object.get("group").and_then(Value::as_str).and_then(|name| state.group(name));
    let group = group.ok_or_else(|| Answer::not_found("The group"))?;
    for user in object.get("users").and_then(Value::as_array).ok_or_else(|| invalid("users"))? {
        let name = known(&state, user.as_str().unwrap_or_default())?;
        state.company.groups.get_mut(&group).unwrap().insert(name);
    }
    Ok(Answer::none())
}

/// The keys of the user whom the query names.
pub(crate) fn keys(ask: &Ask<'_>, kind: CredentialKind) -> Answered {
    ask.only(&["start", "limit", "user"])?;
    let name = ask.parameter("user").unwrap_or(&ask.user).to_owned();
    list(ask, kind, &name)
}

/// The tokens of a user, by their slug.
pub(crate) fn tokens(ask: &Ask<'_>, of: &str) -> Answered {
    ask.only(&["start", "limit"])?;
    let name = by_slug(ask, of)?;
    list(ask, CredentialKind::Token, &name)
}

fn list(ask: &Ask<'_>, kind: CredentialKind, name: &str) -> Answered {
    let all: Vec<_> = {
        let state = ask.shared.state();
        let name = known(&state, name)?;
        let credentials = state.company.credentials.iter();
        let own = credentials.filter(|one| one.kind == kind && one.user == name);
        own.map(|one| {
            let (id, label, expiry, used) = (one.id, &one.label, one.expiry_days, one.used);
            match kind {
                CredentialKind::Token => json!({
                    "id": id.to_string(), "name": label, "createdDate": 1_700_000_000_000_u64, "expiryDays": expiry,
                    "permissions": ["REPO_WRITE"], "user": user(&state, &name), "lastAuthenticated": used,
                }),
                CredentialKind::Ssh => {
                    json!({"id": id, "label": label, "text": "ssh-ed25519 AAAA", "createdDate": "2026-01-01", "expiryDays": expiry, "lastAuthenticated": used})
                }
                CredentialKind::Gpg => {
                    json!({"id": format!("{id:X}"), "fingerprint": format!("{id:040X}"), "emailAddress": label, "text": "", "subKeys": []})
                }
            }
        })
        .collect()
    };
    own_or_admin(ask, name)?;
    ask.page(&all)
}

pub(crate) fn delete(ask: &Ask<'_>, kind: CredentialKind, of: Option<&str>, id: &str) -> Answered {
    ask.only(&[])?;
    let name = of.map(|of| by_slug(ask, of)).transpose()?;
    let found = {
        let state = ask.shared.state();
        let is_it = |one: &&super::company::Credential| {
            let its_id =
                if kind == CredentialKind::Gpg { format!("{:X}", one.id) } else { one.id.to_string() };
            one.kind == kind && its_id == id && name.as_ref().is_none_or(|name| one.user == *name)
        };
        state.company.credentials.iter().find(is_it).cloned()
    };
    let found = found.ok_or_else(|| Answer::not_found("It"))?;
    own_or_admin(ask, &found.user)?;
    let mut state = ask.shared.state();
    state.company.credentials.retain(|one| (one.kind, one.id) != (found.kind, found.id));
    if let Some(secret) = found.secret {
        state.tokens.remove(&secret);
    }
    Ok(Answer::none())
}

fn own_or_admin(ask: &Ask<'_>, name: &str) -> Result<(), Answer> {
    if ask.user == name { Ok(()) } else { ask.need_global(Global::Admin) }
}

fn by_slug(ask: &Ask<'_>, of: &str) -> Result<String, Answer> {
    let state = ask.shared.state();
    let found = state.users.keys().find(|name| slug(name) == of).cloned();
    found.ok_or_else(|| Answer::not_found(&format!("The user {of}")))
}

fn known(state: &State, name: &str) -> Result<String, Answer> {
    state.user(name).ok_or_else(|| {
        Answer::error(404, &format!("User {name} does not exist."), "user.NoSuchUserException")
    })
}
