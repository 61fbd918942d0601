//! Branch restrictions, and what everybody may do in a project.

use serde_json::{Value, json};

use super::{
    answer::Answer,
    ask::{Answered, Ask},
    company::Restriction,
    state::Permission,
};

/// Those of a project, or of a repository: there those of its project stand as well.
pub(crate) fn list(ask: &Ask<'_>, key: &str, slug: Option<&str>) -> Answered {
    ask.only(&["start", "limit", "type", "matcherType", "matcherId"])?;
    admit(ask, key, slug)?;
    let place = slug.map(|slug| format!("{key}/{slug}"));
    let state = ask.shared.state();
    let here = |one: &&Restriction| one.place == key || place.as_ref() == Some(&one.place);
    let all: Vec<_> = state.company.restrictions.iter().filter(here).map(shown).collect();
    drop(state);
    ask.page(&all)
}

/// One that is its project's is deleted for the whole project, also by way of a repository.
pub(crate) fn delete(ask: &Ask<'_>, key: &str, slug: Option<&str>, id: &str) -> Answered {
    ask.only(&[])?;
    admit(ask, key, slug)?;
    let mut state = ask.shared.state();
    let before = state.company.restrictions.len();
    state.company.restrictions.retain(|one| one.id.to_string() != id);
    match state.company.restrictions.len() < before {
        true => Ok(Answer::none()),
        false => Err(Answer::not_found("The restriction")),
    }
}

/// Whether everybody who is signed in has a permission.
pub(crate) fn everybody(ask: &Ask<'_>, key: &str, permission: &str) -> Answered {
    ask.only(&[])?;
    ask.need(key, Permission::Admin)?;
    let asked = match permission {
        "PROJECT_READ" => Permission::Read,
        "PROJECT_WRITE" => Permission::Write,
        "PROJECT_ADMIN" => Permission::Admin,
        _ => return Err(super::permissions::invalid("permission")),
    };
    let permitted = ask.shared.state().company.everybody.get(key) >= Some(&asked);
    Ok(Answer::json(200, &json!({ "permitted": permitted })))
}

pub(crate) fn admit(ask: &Ask<'_>, key: &str, slug: Option<&str>) -> Result<(), Answer> {
    match slug {
        Some(slug) => ask.need_in(key, slug, Permission::Admin),
        None => ask.need(key, Permission::Admin),
    }
}

fn shown(one: &Restriction) -> Value {
    let kind = if one.place.contains('/') { "REPOSITORY" } else { "PROJECT" };
    let users: Vec<_> =
        one.users.iter().map(|name| json!({"name": name, "slug": name, "active": true})).collect();
    json!({
        "id": one.id,
        "scope": {"type": kind, "resourceId": 1},
        "type": one.kind,
        "matcher": {"id": one.on, "displayId": one.on, "type": {"id": "PATTERN", "name": "Pattern"}, "active": true},
        "users": users,
        "groups": [],
        "accessKeys": [],
    })
}
