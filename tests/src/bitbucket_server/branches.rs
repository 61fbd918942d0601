use serde_json::{Value, json};

use super::{
    Shared,
    answer::Answer,
    ask::{Answered, Ask},
    hooks::{self, Change},
    state::Permission,
};
use crate::{Finished, bitbucket::ZERO};

/// Newest first, as Bitbucket does; here: by name.
pub(crate) fn list(ask: &Ask<'_>, key: &str, slug: &str) -> Answered {
    ask.only(&["start", "limit", "filterText", "orderBy", "details", "base"])?;
    ask.need_in(key, slug, Permission::Read)?;
    let format = "--format=%(objectname) %(refname)";
    // What is only listed is an empty repository.
    let is_empty = !hooks::repository(ask.shared, key, slug).is_dir();
    let of_git = || git(ask.shared, key, slug, &["for-each-ref", format, "refs/heads"]).stdout_text();
    let all = if is_empty { String::new() } else { of_git() };
    let filter = ask.parameter("filterText").unwrap_or_default();
    let branches = all.lines().filter_map(|line| line.split_once(' '));
    let found: Vec<_> = branches
        .filter(|(_, name)| name.to_lowercase().contains(&filter.to_lowercase()))
        .map(|(id, name)| shown(name, id))
        .collect();
    ask.page(&found)
}

pub(crate) fn create(ask: &Ask<'_>, key: &str, slug: &str) -> Answered {
    ask.only(&[])?;
    ask.need_in(key, slug, Permission::Write)?;
    let object = ask.object(&["name", "startPoint", "message"])?;
    let (name, start) = (text(&object, "name")?, text(&object, "startPoint")?);
    let name = format!("refs/heads/{name}");
    if !git(ask.shared, key, slug, &["check-ref-format", &name]).success() {
        return Err(Answer::error(400, "not a valid branch name", "validation.ArgumentValidationException"));
    }
    let commit = format!("{start}^{{commit}}");
    let Some(tip) = resolved(ask.shared, key, slug, &commit) else {
        return Err(Answer::not_found(&format!("{start} in {key}/{slug}")));
    };
    if resolved(ask.shared, key, slug, &name).is_some() {
        let message = format!("A branch with the name '{name}' already exists.");
        return Err(Answer::error(409, &message, "DuplicateRefException"));
    }
    let line = format!("{ZERO} {tip} {name}\n");
    let change = Change { trigger: "branch-create", user: &ask.user, key, slug, lines: &line, more: &[] };
    change.apply(ask.shared, &["update-ref", &name, &tip, ZERO])?;
    Ok(Answer::json(200, &shown(&name, &tip)))
}

pub(crate) fn delete(ask: &Ask<'_>, key: &str, slug: &str) -> Answered {
    ask.only(&[])?;
    ask.need_in(key, slug, Permission::Write)?;
    let object = ask.object(&["name", "endPoint", "dryRun"])?;
    let name = text(&object, "name")?;
    let name = if name.starts_with("refs/") { name } else { format!("refs/heads/{name}") };
    if ask.shared.state().deletes_first {
        git(ask.shared, key, slug, &["update-ref", "-d", &name]).expect_success("git update-ref");
    }
    let Some(tip) = resolved(ask.shared, key, slug, &name) else {
        return Err(Answer::error(400, &format!("{name} does not exist"), "NoSuchBranchException"));
    };
    if object.get("endPoint").is_some_and(|end| end.as_str() != Some(&tip)) {
        return Err(Answer::error(400, &format!("{name} has moved"), "TestException"));
    }
    if object.get("dryRun") == Some(&Value::Bool(true)) {
        return Ok(Answer::none());
    }
    let line = format!("{tip} {ZERO} {name}\n");
    let change = Change { trigger: "branch-delete", user: &ask.user, key, slug, lines: &line, more: &[] };
    change.apply(ask.shared, &["update-ref", "-d", &name, &tip])?;
    Ok(Answer::none())
}

pub(crate) fn text(object: &serde_json::Map<String, Value>, name: &str) -> Result<String, Answer> {
    let text = object.get(name).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| {
        Answer::error(400, &format!("{name} is required"), "validation.ArgumentValidationException")
    })
}

pub(crate) fn git(shared: &Shared, key: &str, slug: &str, arguments: &[&str]) -> Finished {
    shared.git.run(&hooks::repository(shared, key, slug), arguments)
}

pub(crate) fn resolved(shared: &Shared, key: &str, slug: &str, name: &str) -> Option<String> {
    let found = git(shared, key, slug, &["rev-parse", "--verify", "--quiet", "--end-of-options", name]);
    found.success().then(|| found.stdout_text().trim().to_owned())
}

fn shown(name: &str, tip: &str) -> Value {
    let display = name.strip_prefix("refs/heads/").unwrap_or(name);
    let is_default = display == "main";
    json!({"id": name, "displayId": display, "type": "BRANCH", "latestCommit": tip, "latestChangeset": tip, "isDefault": is_default})
}
