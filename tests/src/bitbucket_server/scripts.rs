use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt as _,
};

use serde_json::{Value, json};

use super::{
    Shared,
    answer::Answer,
    ask::{Answered, Ask},
    hooks, multipart, restrictions,
    state::{Global, Permission, Script},
};

/// All triggers, as Bitbucket calls them.
const TRIGGERS: [&str; 8] = [
    "push",
    "branch-create",
    "branch-delete",
    "tag-create",
    "tag-delete",
    "file-edit",
    "pull-request-merge",
    "merge",
];

/// How large a file may be.
const LARGEST: usize = 10 * 1024 * 1024;

pub(crate) fn upload(ask: &Ask<'_>) -> Answered {
    ask.need_global(Global::SysAdmin)?;
    let (fields, content) = form(ask, &["name", "type", "description", "content"])?;
    let (Some(content), Some(name), Some(kind)) = (content, fields.get("name"), fields.get("type")) else {
        return Err(invalid("content, name and type are required"));
    };
    if !["PRE", "POST"].contains(&kind.as_str()) {
        return Err(invalid("type"));
    }
    let description = fields.get("description").cloned().unwrap_or_default();
    let script = Script { name: name.clone(), description, kind: kind.clone(), version: 1 };
    let mut state = ask.shared.state();
    state.last_script += 1;
    let id = state.last_script;
    state.scripts.insert(id, script.clone());
    drop(state);
    write(ask.shared, id, &content);
    Ok(Answer::json(200, &shown(id, &script)))
}

pub(crate) fn replace(ask: &Ask<'_>, id: &str) -> Answered {
    ask.need_global(Global::SysAdmin)?;
    let id = known(ask, id)?;
    let (fields, content) = form(ask, &["name", "description", "content"])?;
    let mut state = ask.shared.state();
    let script = state.scripts.get_mut(&id).unwrap();
    for (name, value) in fields {
        match name.as_str() {
            "name" => script.name = value,
            _ => script.description = value,
        }
    }
    script.version += 1;
    let script = script.clone();
    drop(state);
    if let Some(content) = content {
        write(ask.shared, id, &content);
    }
    Ok(Answer::json(200, &shown(id, &script)))
}

pub(crate) fn get(ask: &Ask<'_>, id: &str) -> Answered {
    ask.only(&[])?;
    ask.need_global(Global::SysAdmin)?;
    let id = known(ask, id)?;
    let script = ask.shared.state().scripts[&id].clone();
    Ok(Answer::json(200, &shown(id, &script)))
}

pub(crate) fn content(ask: &Ask<'_>, id: &str) -> Answered {
    ask.only(&[])?;
    ask.need_global(Global::SysAdmin)?;
    let id = known(ask, id)?;
    match fs::read(hooks::file(ask.shared, id)) {
        Ok(content) => Ok(Answer::file(content)),
        Err(_) => Err(Answer::not_found("The content")),
    }
}

pub(crate) fn delete(ask: &Ask<'_>, id: &str) -> Answered {
    ask.only(&[])?;
    ask.need_global(Global::SysAdmin)?;
    let id = known(ask, id)?;
    let mut state = ask.shared.state();
    state.scripts.remove(&id);
    for project in state.projects.values_mut() {
        project.enabled.remove(&id);
        project.own.values_mut().for_each(|own| drop(own.remove(&id)));
    }
    drop(state);
    let _ = fs::remove_file(hooks::file(ask.shared, id));
    Ok(Answer::none())
}

pub(crate) fn enabled(ask: &Ask<'_>, key: &str) -> Answered {
    ask.only(&["start", "limit", "type"])?;
    ask.need(key, Permission::Admin)?;
    let all: Vec<_> = {
        let state = ask.shared.state();
        let config = |(id, triggers): (&u64, &BTreeSet<String>)| {
            config(("PROJECT", key), *id, &state.scripts[id], triggers)
        };
        state.projects[key].enabled.iter().map(config).collect()
    };
    ask.page(&all)
}

/// Those of a repository: what it says itself, and else what its project says.
pub(crate) fn enabled_in(ask: &Ask<'_>, key: &str, slug: &str) -> Answered {
    ask.only(&["start", "limit", "type"])?;
    restrictions::admit(ask, key, Some(slug))?;
    let all: Vec<_> = {
        let state = ask.shared.state();
        let project = &state.projects[key];
        let is_own = |id: &u64| project.own.get(slug).is_some_and(|own| own.contains_key(id));
        let config = |(id, triggers): (&u64, &BTreeSet<String>)| {
            let scope = if is_own(id) { ("REPOSITORY", slug) } else { ("PROJECT", key) };
            config(scope, *id, &state.scripts[id], triggers)
        };
        project.runs(slug).iter().map(config).collect()
    };
    ask.page(&all)
}

/// Says for one repository when a script runs.
pub(crate) fn enable_in(ask: &Ask<'_>, key: &str, slug: &str, id: &str) -> Answered {
    ask.only(&[])?;
    restrictions::admit(ask, key, Some(slug))?;
    let (id, triggers) = (known(ask, id)?, listed(ask)?);
    let mut state = ask.shared.state();
    let shown = config(("REPOSITORY", slug), id, &state.scripts[&id], &triggers);
    state.projects.get_mut(key).unwrap().own.entry(slug.to_owned()).or_default().insert(id, triggers);
    drop(state);
    Ok(Answer::json(200, &shown))
}

/// Leaves it to the project again.
pub(crate) fn disable_in(ask: &Ask<'_>, key: &str, slug: &str, id: &str) -> Answered {
    ask.only(&[])?;
    restrictions::admit(ask, key, Some(slug))?;
    let id = known(ask, id)?;
    if let Some(own) = ask.shared.state().projects.get_mut(key).unwrap().own.get_mut(slug) {
        own.remove(&id);
    }
    Ok(Answer::none())
}

/// The triggers that are asked for.
fn listed(ask: &Ask<'_>) -> Result<BTreeSet<String>, Answer> {
    let object = ask.object(&["triggerIds"])?;
    let Some(Value::Array(listed)) = object.get("triggerIds") else { return Err(invalid("triggerIds")) };
    let text = |one: &Value| one.as_str().filter(|one| TRIGGERS.contains(one)).map(str::to_owned);
    let triggers: Option<BTreeSet<_>> = listed.iter().map(text).collect();
    triggers.filter(|triggers| !triggers.is_empty()).ok_or_else(|| invalid("triggerIds"))
}

pub(crate) fn enable(ask: &Ask<'_>, key: &str, id: &str) -> Answered {
    ask.only(&[])?;
    ask.need(key, Permission::Admin)?;
    let (id, triggers) = (known(ask, id)?, listed(ask)?);
    let mut state = ask.shared.state();
    let shown = config(("PROJECT", key), id, &state.scripts[&id], &triggers);
    state.projects.get_mut(key).unwrap().enabled.insert(id, triggers);
    drop(state);
    Ok(Answer::json(200, &shown))
}

pub(crate) fn disable(ask: &Ask<'_>, key: &str, id: &str) -> Answered {
    ask.only(&[])?;
    ask.need(key, Permission::Admin)?;
    let id = known(ask, id)?;
    ask.shared.state().projects.get_mut(key).unwrap().enabled.remove(&id);
    Ok(Answer::none())
}

fn known(ask: &Ask<'_>, id: &str) -> Result<u64, Answer> {
    let found = id.parse().ok().filter(|id| ask.shared.state().scripts.contains_key(id));
    found.ok_or_else(|| Answer::not_found(&format!("Hook script {id}")))
}

type Form = (BTreeMap<String, String>, Option<Vec<u8>>);

/// The fields of a form, and its file.
fn form(ask: &Ask<'_>, known: &[&str]) -> Result<Form, Answer> {
    ask.only(&[])?;
    if ask.header("x-atlassian-token") != Some("no-check") {
        return Err(Answer::error(403, "XSRF check failed", "TestException"));
    }
    let kind = ask.header("content-type").unwrap_or_default();
    let Some(mut parts) = multipart::parts(kind, ask.body()) else { return Err(invalid("no form")) };
    if let Some(name) = parts.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(Answer::unheard_of(&format!("the field `{name}` of a hook script")));
    }
    let content = parts.remove("content");
    if content.as_ref().is_some_and(|content| content.is_empty() || content.len() > LARGEST) {
        return Err(invalid("content"));
    }
    let fields: BTreeMap<_, _> =
        parts.into_iter().map(|(name, value)| (name, String::from_utf8(value).unwrap())).collect();
    if fields.values().any(|value| value.len() > 255) {
        return Err(invalid("at most 255 characters"));
    }
    Ok((fields, content))
}

fn invalid(what: &str) -> Answer {
    Answer::error(400, what, "validation.ArgumentValidationException")
}

fn write(shared: &Shared, id: u64, content: &[u8]) {
    let (file, draft) = (hooks::file(shared, id), shared.scripts().join("draft"));
    fs::write(&draft, content).unwrap();
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(draft, file).unwrap();
}

fn shown(id: u64, script: &Script) -> Value {
    json!({
        "id": id,
        "name": script.name,
        "description": script.description,
        "type": script.kind,
        "version": script.version,
        "pluginKey": "com.atlassian.bitbucket.server.bitbucket-hook-scripts",
        "createdDate": 1_700_000_000_000_u64,
        "updatedDate": 1_700_000_000_000_u64,
    })
}

fn config((scope, of): (&str, &str), id: u64, script: &Script, triggers: &BTreeSet<String>) -> Value {
    json!({"scope": {"type": scope, "resourceId": of}, "script": shown(id, script), "triggerIds": triggers})
}
