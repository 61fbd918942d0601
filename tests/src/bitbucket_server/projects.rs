use serde_json::{Value, json};

use super::{
    ask::{Answered, Ask},
    state::Permission,
};

/// Those that whoever asks may see.
pub(crate) fn list(ask: &Ask<'_>) -> Answered {
    ask.only(&["start", "limit"])?;
    let all: Vec<_> = {
        let state = ask.shared.state();
        let seen = state.projects.keys().filter(|key| state.permission(&ask.user, key).is_some());
        seen.enumerate().map(|(id, key)| project(id, key)).collect()
    };
    ask.page(&all)
}

pub(crate) fn repositories(ask: &Ask<'_>, key: &str) -> Answered {
    ask.only(&["start", "limit"])?;
    ask.need(key, Permission::Read)?;
    let slugs = ask.shared.state().projects[key].repositories.clone();
    let all: Vec<_> = slugs
        .iter()
        .enumerate()
        .map(|(id, slug)| json!({"id": id, "slug": slug, "name": slug, "scmId": "git", "state": "AVAILABLE", "project": project(0, key)}))
        .collect();
    ask.page(&all)
}

fn project(id: usize, key: &str) -> Value {
    let kind = if key.starts_with('~') { "PERSONAL" } else { "NORMAL" };
    json!({"id": id, "key": key, "name": key, "public": false, "type": kind})
}
