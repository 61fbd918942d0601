//! SSH keys of projects and repositories.

use serde_json::{Value, json};

use super::{
    answer::Answer,
    ask::{Answered, Ask},
    company::AccessKey,
    restrictions::admit,
};

/// Those of a project, or of a repository: there those of its project stand as well.
pub(crate) fn list(ask: &Ask<'_>, key: &str, slug: Option<&str>) -> Answered {
    ask.only(&["start", "limit", "filter", "permission"])?;
    admit(ask, key, slug)?;
    let place = slug.map(|slug| format!("{key}/{slug}"));
    let here = |one: &&AccessKey| one.place == key || place.as_ref() == Some(&one.place);
    let all: Vec<_> = ask.shared.state().company.access_keys.iter().filter(here).map(shown).collect();
    ask.page(&all)
}

/// The HTTP tokens of that very place.
pub(crate) fn tokens(ask: &Ask<'_>, key: &str, slug: Option<&str>) -> Answered {
    ask.only(&["start", "limit"])?;
    admit(ask, key, slug)?;
    let place = slug.map_or(key.to_owned(), |slug| format!("{key}/{slug}"));
    let shown = |one: &AccessKey| {
        json!({
            "id": one.id.to_string(), "name": one.label, "createdDate": 1_700_000_000_000_u64,
            "expiryDays": one.expiry_days, "permissions": ["REPO_WRITE"],
        })
    };
    let all: Vec<_> = {
        let state = ask.shared.state();
        state.company.tokens_of_places.iter().filter(|one| one.place == place).map(shown).collect()
    };
    ask.page(&all)
}

/// One of that very place: a repository has none of its project's to delete.
pub(crate) fn delete(ask: &Ask<'_>, key: &str, slug: Option<&str>, id: &str) -> Answered {
    ask.only(&[])?;
    admit(ask, key, slug)?;
    let place = slug.map_or(key.to_owned(), |slug| format!("{key}/{slug}"));
    without(&mut ask.shared.state().company.access_keys, &place, id)
}

/// An HTTP token of that very place.
pub(crate) fn delete_token(ask: &Ask<'_>, key: &str, slug: Option<&str>, id: &str) -> Answered {
    ask.only(&[])?;
    admit(ask, key, slug)?;
    let place = slug.map_or(key.to_owned(), |slug| format!("{key}/{slug}"));
    without(&mut ask.shared.state().company.tokens_of_places, &place, id)
}

fn without(all: &mut Vec<AccessKey>, place: &str, id: &str) -> Answered {
    let before = all.len();
    all.retain(|one| one.place != place || one.id.to_string() != id);
    match all.len() < before {
        true => Ok(Answer::none()),
        false => Err(Answer::not_found("It")),
    }
}

fn shown(one: &AccessKey) -> Value {
    let (of, scope) = if one.place.contains('/') { ("REPO", "repository") } else { ("PROJECT", "project") };
    let permission = format!("{of}_{}", if one.writes { "WRITE" } else { "READ" });
    let key = json!({
        "id": one.id, "label": one.label, "text": "ssh-ed25519 AAAA", "expiryDays": one.expiry_days,
        "createdDate": 1_700_000_000_000_u64,
    });
    let mut shown = json!({"key": key, "permission": permission});
    shown[scope] = json!({"id": 1});
    shown
}
