//! Files as they are edited in the browser.

use serde_json::json;

use super::{
    answer::Answer,
    ask::{Answered, Ask},
    branches::{git, resolved},
    hooks::{self, Change},
    multipart,
    state::Permission,
};
use crate::Run as _;

/// A new content of one file, as a commit upon a branch.
pub(crate) fn edit(ask: &Ask<'_>, key: &str, slug: &str, path: &[&str]) -> Answered {
    ask.only(&[])?;
    ask.need_in(key, slug, Permission::Write)?;
    let parts = multipart::parts(ask.header("content-type").unwrap_or_default(), ask.body());
    let Some(parts) = parts else { return Err(Answer::unheard_of("such a body")) };
    let known = ["content", "message", "branch", "sourceCommitId", "sourceBranch"];
    if let Some(name) = parts.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(Answer::unheard_of(&format!("the field `{name}` of a file")));
    }
    let text = |name: &str| parts.get(name).map(|value| String::from_utf8(value.clone()).unwrap());
    let (Some(content), Some(branch)) = (parts.get("content"), text("branch")) else {
        return Err(Answer::error(
            400,
            "content and branch are required",
            "validation.ArgumentValidationException",
        ));
    };
    let name = format!("refs/heads/{}", branch.strip_prefix("refs/heads/").unwrap_or(&branch));
    let Some(tip) = resolved(ask.shared, key, slug, &name) else {
        return Err(Answer::not_found(&name));
    };
    let path = path.join("/");
    let is_there = git(ask.shared, key, slug, &["cat-file", "-e", &format!("{tip}:{path}")]).success();
    if is_there && text("sourceCommitId") != Some(tip.clone()) {
        return Err(Answer::error(409, "The file has changed", "content.FileContentOutOfDateException"));
    }
    let repository = hooks::repository(ask.shared, key, slug);
    let run = |arguments: &[&str], input: &[u8]| {
        let mut command = ask.shared.git.command(&repository);
        command.args(arguments).env("GIT_INDEX_FILE", repository.join("browser.index"));
        let email = format!("{}@example.com", ask.user);
        command.env("GIT_AUTHOR_EMAIL", &email).env("GIT_COMMITTER_EMAIL", &email);
        command.run_with(input).expect_success("git").stdout_text().trim().to_owned()
    };
    let blob = run(&["hash-object", "-w", "--stdin"], content);
    run(&["read-tree", &tip], b"");
    run(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{path}")], b"");
    let tree = run(&["write-tree"], b"");
    let message = text("message").unwrap_or_else(|| format!("{path} edited online"));
    let made = run(&["commit-tree", &tree, "-p", &tip, "-m", &message], b"");
    let line = format!("{tip} {made} {name}\n");
    let change = Change { trigger: "file-edit", user: &ask.user, key, slug, lines: &line, more: &[] };
    change.apply(ask.shared, &["update-ref", &name, &made, &tip])?;
    Ok(Answer::json(200, &json!({"id": made, "displayId": &made[..11], "message": message})))
}
