//! Branch restrictions, and what everybody may do in a project.

use serde_json::{Value, json};

use super::{
    accounts,
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

/// What a list of them is sent as.
const BULK: &str = "application/vnd.atl.bitbucket.bulk+json";

/// Makes them, each in the stead of one of the same kind on the same refs of that place.
pub(crate) fn make(ask: &Ask<'_>, key: &str, slug: Option<&str>) -> Answered {
    ask.only(&[])?;
    admit(ask, key, slug)?;
    if ask.header("content-type") != Some(BULK) {
        return Err(Answer::error(415, "Unsupported Media Type", "TestException"));
    }
    let Ok(Value::Array(all)) = serde_json::from_slice(ask.body()) else {
        return Err(Answer::unheard_of("such a body"));
    };
    let place = slug.map_or(key.to_owned(), |slug| format!("{key}/{slug}"));
    let mut made = Vec::new();
    for one in &all {
        let mut restriction = asked(ask, &place, one)?;
        let mut state = ask.shared.state();
        let all = &mut state.company.restrictions;
        let same = |known: &Restriction| {
            let key = |one: &Restriction| {
                (one.place.clone(), one.kind.clone(), one.matcher.clone(), one.on.clone())
            };
            key(known) == key(&restriction)
        };
        let known = all.iter().find(|known| same(known)).map(|known| known.id);
        restriction.id = known.unwrap_or_else(|| all.iter().map(|one| one.id).max().unwrap_or(0) + 1);
        all.retain(|one| one.id != restriction.id);
        all.push(restriction.clone());
        made.push(shown(&restriction));
    }
    Ok(Answer::json(200, &json!(made)))
}

fn asked(ask: &Ask<'_>, place: &str, one: &Value) -> Result<Restriction, Answer> {
    let fields = ["type", "matcher", "userSlugs", "groupNames", "accessKeyIds"];
    let object = one.as_object().ok_or_else(|| Answer::unheard_of("such a restriction"))?;
    if let Some(name) = object.keys().find(|name| !fields.contains(&name.as_str())) {
        return Err(Answer::unheard_of(&format!("the field `{name}` of a restriction")));
    }
    let text = |pointer: &str| {
        let text = one.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        text.ok_or_else(|| Answer::error(400, pointer, "validation.ArgumentValidationException"))
    };
    let names = |field: &str| -> Vec<String> {
        let all = one[field].as_array().into_iter().flatten();
        all.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let kind = text("/type")?;
    let known = ["read-only", "no-deletes", "fast-forward-only", "pull-request-only", "no-creates"];
    if !known.contains(&kind.as_str()) || !names("accessKeyIds").is_empty() {
        return Err(Answer::error(400, "type", "validation.ArgumentValidationException"));
    }
    let state = ask.shared.state();
    let users = names("userSlugs").into_iter().map(|slug| {
        let found = state.users.keys().find(|name| accounts::slug(name) == slug);
        found.cloned().ok_or_else(|| Answer::error(404, &slug, "user.NoSuchUserException"))
    });
    let groups = names("groupNames")
        .into_iter()
        .map(|name| state.group(&name).ok_or_else(|| Answer::error(404, &name, "user.NoSuchGroupException")));
    Ok(Restriction {
        id: 0,
        place: place.to_owned(),
        kind,
        matcher: text("/matcher/type/id")?,
        on: text("/matcher/id")?,
        users: users.collect::<Result<_, _>>()?,
        groups: groups.collect::<Result<_, _>>()?,
        keys: Vec::new(),
    })
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
    let asked = of_everybody(permission)?;
    let permitted = ask.shared.state().company.everybody.get(key) >= Some(&asked);
    Ok(Answer::json(200, &json!({ "permitted": permitted })))
}

/// Gives everybody a permission, or takes it. Whether less is left then is not documented: here it is.
pub(crate) fn set_everybody(ask: &Ask<'_>, key: &str, permission: &str) -> Answered {
    ask.only(&["allow"])?;
    ask.need(key, Permission::Admin)?;
    ask.object(&[])?;
    let asked = of_everybody(permission)?;
    let mut state = ask.shared.state();
    let all = &mut state.company.everybody;
    let has = all.remove(key);
    let less = match asked {
        Permission::Admin => Some(Permission::Write),
        Permission::Write => Some(Permission::Read),
        Permission::Read | Permission::Create => None,
    };
    let now = match ask.parameter("allow") {
        Some("true") => has.max(Some(asked)),
        Some("false") if has == Some(asked) => less,
        Some("false") => has,
        _ => return Err(super::permissions::invalid("allow")),
    };
    all.extend(now.map(|now| (key.to_owned(), now)));
    Ok(Answer::none())
}

fn of_everybody(permission: &str) -> Result<Permission, Answer> {
    match permission {
        "PROJECT_READ" => Ok(Permission::Read),
        "PROJECT_WRITE" => Ok(Permission::Write),
        "PROJECT_ADMIN" => Ok(Permission::Admin),
        _ => Err(super::permissions::invalid("permission")),
    }
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
    let keys: Vec<_> = (1..)
        .zip(&one.keys)
        .map(|(id, label)| json!({"key": {"id": id, "text": "ssh-ed25519 AAAA", "label": label}}))
        .collect();
    let display = one.on.strip_prefix("refs/heads/").filter(|_| one.matcher == "BRANCH").unwrap_or(&one.on);
    json!({
        "id": one.id,
        "scope": {"type": kind, "resourceId": 1},
        "type": one.kind,
        "matcher": {"id": one.on, "displayId": display, "type": {"id": one.matcher, "name": one.matcher}, "active": true},
        "users": users,
        "groups": one.groups,
        "accessKeys": keys,
    })
}

/// The branching model of a repository, if it has one.
pub(crate) fn model(ask: &Ask<'_>, key: &str, slug: &str) -> Answered {
    ask.only(&[])?;
    ask.need_in(key, slug, Permission::Read)?;
    let state = ask.shared.state();
    let Some(model) = state.company.models.get(&format!("{key}/{slug}")) else {
        return Err(Answer::not_found("The branch model"));
    };
    let branch = |name: &Option<String>| {
        name.as_ref()
            .map(|name| json!({"id": name, "displayId": name.strip_prefix("refs/heads/"), "type": "BRANCH"}))
    };
    let types: Vec<_> = model
        .categories
        .iter()
        .map(|(id, prefix)| json!({"id": id, "displayName": id, "prefix": prefix}))
        .collect();
    let mut shown = json!({"types": types});
    for (field, name) in [("development", &model.development), ("production", &model.production)] {
        // What is not set is not there.
        if let Some(branch) = branch(name) {
            shown[field] = branch;
        }
    }
    Ok(Answer::json(200, &shown))
}
