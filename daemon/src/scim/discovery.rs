use oam_scim::{Problem, discovery};
use serde_json::Value;

use super::{Answer, Asked};

pub(super) fn config(asked: &Asked<'_>) -> Answer {
    Answer::new(200, discovery::service_provider_config(&asked.base))
}

pub(super) fn resource_types(asked: &Asked<'_>, id: Option<&str>) -> Result<Answer, Problem> {
    one_or_all(discovery::resource_types(&asked.base), id)
}

pub(super) fn schemas(asked: &Asked<'_>, id: Option<&str>) -> Result<Answer, Problem> {
    one_or_all(discovery::schemas(&asked.base), id)
}

fn one_or_all(all: Vec<(&'static str, Value)>, id: Option<&str>) -> Result<Answer, Problem> {
    let Some(id) = id else { return Ok(Answer::new(200, discovery::page(all))) };
    let found = all.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(id));
    let (_, body) = found.ok_or_else(|| Problem::other(404, "there is none of that name"))?;
    Ok(Answer::new(200, body))
}
