use super::{
    Shared, access_keys, accounts,
    answer::Answer,
    ask::{Answered, Ask},
    branches,
    company::CredentialKind,
    external_hooks, files, merges,
    permissions::{self, At, Kind},
    projects, pull_requests, restrictions, scripts,
};
use crate::http::Request;

/// What Bitbucket says.
pub(crate) fn answer(shared: &Shared, request: &Request) -> Answer {
    let ask = match Ask::of(shared, request) {
        Ok(ask) => ask,
        Err(refusal) => return refusal,
    };
    let answer = route(&ask).unwrap_or_else(|refusal| refusal);
    let tells = shared.state().tells_who_asked;
    if tells { answer.by(&ask.user) } else { answer }
}

fn route(ask: &Ask<'_>) -> Answered {
    let path: Vec<_> = ask.path().split('/').skip(1).collect();
    match path.as_slice() {
        ["rest", "api", "latest", path @ ..] => api(ask, path),
        ["rest", "access-tokens", "latest", path @ ..] => match (ask.method(), path) {
            ("GET", ["users", of]) => accounts::tokens(ask, of),
            ("GET", ["projects", key]) => access_keys::tokens(ask, key, None),
            ("GET", ["projects", key, "repos", slug]) => access_keys::tokens(ask, key, Some(slug)),
            ("DELETE", ["projects", key, id]) => access_keys::delete_token(ask, key, None, id),
            ("DELETE", ["projects", key, "repos", slug, id]) => {
                access_keys::delete_token(ask, key, Some(slug), id)
            }
            ("DELETE", ["users", of, id]) => accounts::delete(ask, CredentialKind::Token, Some(of), id),
            _ => unknown(ask),
        },
        ["rest", "branch-permissions", "latest", "projects", key, path @ ..] => match (ask.method(), path) {
            ("GET", ["restrictions"]) => restrictions::list(ask, key, None),
            ("GET", ["repos", slug, "restrictions"]) => restrictions::list(ask, key, Some(slug)),
            ("POST", ["restrictions"]) => restrictions::make(ask, key, None),
            ("POST", ["repos", slug, "restrictions"]) => restrictions::make(ask, key, Some(slug)),
            ("DELETE", ["restrictions", id]) => restrictions::delete(ask, key, None, id),
            ("DELETE", ["repos", slug, "restrictions", id]) => restrictions::delete(ask, key, Some(slug), id),
            _ => unknown(ask),
        },
        ["rest", "keys", "latest", "projects", key, path @ ..] => match (ask.method(), path) {
            ("GET", ["ssh"]) => access_keys::list(ask, key, None),
            ("GET", ["repos", slug, "ssh"]) => access_keys::list(ask, key, Some(slug)),
            ("DELETE", ["ssh", id]) => access_keys::delete(ask, key, None, id),
            ("DELETE", ["repos", slug, "ssh", id]) => access_keys::delete(ask, key, Some(slug), id),
            _ => unknown(ask),
        },
        ["rest", which @ ("ssh" | "gpg"), "latest", "keys", path @ ..] => {
            let kind = if *which == "ssh" { CredentialKind::Ssh } else { CredentialKind::Gpg };
            match (ask.method(), path) {
                ("GET", []) => accounts::keys(ask, kind),
                ("DELETE", [id]) => accounts::delete(ask, kind, None, id),
                _ => unknown(ask),
            }
        }
        ["rest", "branch-utils", "latest", "projects", key, "repos", slug, "branchmodel"] => {
            match ask.method() {
                "GET" => restrictions::model(ask, key, slug),
                _ => wrong_method(ask),
            }
        }
        ["rest", "branch-utils", "latest", "projects", key, "repos", slug, "branches"] => {
            match ask.method() {
                "DELETE" => branches::delete(ask, key, slug),
                _ => wrong_method(ask),
            }
        }
        _ => unknown(ask),
    }
}

fn api(ask: &Ask<'_>, path: &[&str]) -> Answered {
    match (ask.method(), path) {
        ("GET", ["projects"]) => projects::list(ask),
        ("GET", ["projects", key, "repos"]) => projects::repositories(ask, key),
        ("GET", ["projects", key, "hook-scripts"]) => scripts::enabled(ask, key),
        ("PUT", ["projects", key, "hook-scripts", id]) => scripts::enable(ask, key, id),
        ("DELETE", ["projects", key, "hook-scripts", id]) => scripts::disable(ask, key, id),
        ("GET", ["projects", key, "repos", slug, "hook-scripts"]) => scripts::enabled_in(ask, key, slug),
        ("PUT", ["projects", key, "repos", slug, "hook-scripts", id]) => {
            scripts::enable_in(ask, key, slug, id)
        }
        ("DELETE", ["projects", key, "repos", slug, "hook-scripts", id]) => {
            scripts::disable_in(ask, key, slug, id)
        }
        (_, ["projects", project, "settings", "hooks", path @ ..]) => {
            of_app(ask, external_hooks::At { project, slug: None }, path)
        }
        (_, ["projects", project, "repos", slug, "settings", "hooks", path @ ..]) => {
            of_app(ask, external_hooks::At { project, slug: Some(slug) }, path)
        }
        ("GET", ["projects", key, "repos", slug, "branches"]) => branches::list(ask, key, slug),
        ("POST", ["projects", key, "repos", slug, "branches"]) => branches::create(ask, key, slug),
        ("GET", ["projects", key, "permissions", permission, "all"]) => {
            restrictions::everybody(ask, key, permission)
        }
        ("POST", ["projects", key, "permissions", permission, "all"]) => {
            restrictions::set_everybody(ask, key, permission)
        }
        (_, ["projects", key, "permissions", collection]) => given(ask, At::Project(key), collection),
        (_, ["projects", key, "repos", slug, "permissions", collection]) => {
            given(ask, At::Repository(key, slug), collection)
        }
        (_, ["admin", path @ ..]) => admin(ask, path),
        ("PUT", ["projects", key, "repos", slug, "browse", path @ ..]) => files::edit(ask, key, slug, path),
        (_, ["projects", key, "repos", slug, "pull-requests", path @ ..]) => {
            pull_request(ask, (key, slug), path)
        }
        ("POST", ["hook-scripts"]) => scripts::upload(ask),
        ("GET", ["hook-scripts", id]) => scripts::get(ask, id),
        ("GET", ["hook-scripts", id, "content"]) => scripts::content(ask, id),
        ("PUT", ["hook-scripts", id]) => scripts::replace(ask, id),
        ("DELETE", ["hook-scripts", id]) => scripts::delete(ask, id),
        // There is no call that lists all scripts.
        (_, ["hook-scripts"] | ["hook-scripts", _]) => wrong_method(ask),
        _ => unknown(ask),
    }
}

fn of_app(ask: &Ask<'_>, at: external_hooks::At<'_>, path: &[&str]) -> Answered {
    match (ask.method(), path) {
        ("GET", []) => external_hooks::list(ask, at),
        ("GET", [hook]) => external_hooks::get(ask, at, hook),
        ("DELETE", [hook]) if at.slug.is_some() => external_hooks::inherit(ask, at, hook),
        ("GET", [hook, "settings"]) => external_hooks::settings(ask, at, hook),
        ("PUT", [hook, "enabled"]) => external_hooks::enable(ask, at, hook),
        ("DELETE", [hook, "enabled"]) => external_hooks::disable(ask, at, hook),
        _ => unknown(ask),
    }
}

fn given(ask: &Ask<'_>, at: At<'_>, collection: &str) -> Answered {
    let Some(kind) = Kind::of(collection) else { return unknown(ask) };
    match ask.method() {
        "GET" => permissions::list(ask, at, kind),
        "PUT" => permissions::set(ask, at, kind),
        "DELETE" => permissions::unset(ask, at, kind),
        _ => wrong_method(ask),
    }
}

fn admin(ask: &Ask<'_>, path: &[&str]) -> Answered {
    match (ask.method(), path) {
        ("GET", ["users"]) => accounts::users(ask),
        ("GET", ["users", "more-members"]) => accounts::groups_of(ask),
        ("POST", ["users", "remove-group"]) => accounts::leave(ask),
        ("GET", ["groups"]) => accounts::groups(ask),
        ("GET", ["groups", "more-members"]) => accounts::members(ask),
        ("POST", ["groups", "add-users"]) => accounts::join(ask),
        (method, ["permissions", collection]) => match (method, Kind::of(collection)) {
            ("GET", Some(kind)) => permissions::list_global(ask, kind),
            ("PUT", Some(kind)) => permissions::set_global(ask, kind),
            ("DELETE", Some(kind)) => permissions::unset_global(ask, kind),
            _ => unknown(ask),
        },
        _ => unknown(ask),
    }
}

fn pull_request(ask: &Ask<'_>, of: (&str, &str), path: &[&str]) -> Answered {
    let number = |number: &str| number.parse().map_err(|_| Answer::not_found("That pull request"));
    match (ask.method(), path) {
        ("POST", []) => pull_requests::open(ask, of),
        ("GET", [id]) => pull_requests::get(ask, of, number(id)?),
        ("GET", [id, "commits"]) => pull_requests::commits(ask, of, number(id)?),
        ("GET", [id, "participants"]) => pull_requests::participants(ask, of, number(id)?),
        ("PUT", [id, "participants", user]) => pull_requests::review(ask, of, number(id)?, user),
        ("GET", [id, "merge"]) => merges::look(ask, of, number(id)?),
        ("POST", [id, "merge"]) => merges::merge(ask, of, number(id)?),
        _ => unknown(ask),
    }
}

fn wrong_method(_: &Ask<'_>) -> Answered {
    Err(Answer::error(405, "HTTP 405 Method Not Allowed", "TestException"))
}

fn unknown(ask: &Ask<'_>) -> Answered {
    Err(Answer::error(404, &format!("nothing at {}", ask.path()), "NotFoundException"))
}
