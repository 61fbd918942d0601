use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    Shared,
    answer::Answer,
    state::{Global, Permission},
};
use crate::http::Request;

/// A request by somebody who is known.
pub(crate) struct Ask<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) user: String,
    /// Whether they came with a token.
    pub(crate) by_token: bool,
    request: &'a Request,
    query: BTreeMap<String, String>,
}

pub(crate) type Answered = Result<Answer, Answer>;

impl<'a> Ask<'a> {
    /// Says who asks, if Bitbucket may be asked by them now.
    pub(crate) fn of(shared: &'a Shared, request: &'a Request) -> Result<Self, Answer> {
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let mut state = shared.state();
        let by_password = request.user().filter(|user| state.users.contains_key(user));
        let Some(user) = token.and_then(|token| state.tokens.get(token)).cloned().or(by_password) else {
            let message = "Authentication failed. Please check your credentials and try again.";
            return Err(Answer::error(401, message, "auth.AuthenticationException"));
        };
        token.into_iter().for_each(|token| state.came_in_with(token));
        if !state.may_ask(&user) {
            return Err(Answer::too_many(state.says_when));
        }
        if state.read_only && request.method != "GET" {
            let message = "This node serves nothing but reads now.";
            return Err(Answer::error(503, message, "ServiceUnavailableException"));
        }
        drop(state);
        let pairs = request.query.split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        });
        Ok(Self { shared, user, by_token: token.is_some(), request, query: query.collect() })
    }

    pub(crate) fn method(&self) -> &str {
        &self.request.method
    }

    pub(crate) fn path(&self) -> &str {
        &self.request.path
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.request.body
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.request.header(name)
    }

    /// No parameters but these.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Answer> {
        match self.query.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(Answer::unheard_of(&format!("the parameter `{name}` of {}", self.path()))),
            None => Ok(()),
        }
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A JSON object with no fields but these.
    pub(crate) fn object(&self, known: &[&str]) -> Result<Map<String, Value>, Answer> {
        if !self.header("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
            return Err(Answer::error(415, "Unsupported Media Type", "TestException"));
        }
        let fault = |what: &str| Err(Answer::unheard_of(what));
        let Ok(Value::Object(object)) = serde_json::from_slice(self.body()) else {
            return fault("such a body");
        };
        match object.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => fault(&format!("the field `{name}` of {}", self.path())),
            None => Ok(object),
        }
    }

    /// One page of `all`: 25 unless told otherwise.
    pub(crate) fn page(&self, all: &[Value]) -> Answered {
        self.page_by(all, Value::clone)
    }

    /// The same, where only what is on the page is made.
    pub(crate) fn page_by<T>(&self, all: &[T], shown: impl Fn(&T) -> Value) -> Answered {
        let number = |name, otherwise| match self.parameter(name).map(str::parse) {
            None => Ok(otherwise),
            Some(Ok(number)) => Ok(number),
            Some(Err(_)) => Err(Answer::error(400, "not a number", "ValidationException")),
        };
        // As everywhere in Bitbucket, more than 1000 are never given at once.
        let (start, limit): (usize, usize) = (number("start", 0)?, number("limit", 25)?.min(1000));
        let values: Vec<_> = all.iter().skip(start).take(limit).map(shown).collect();
        let next = start + values.len();
        let is_last = next >= all.len();
        let next = if is_last { Value::Null } else { json!(next) };
        let (size, values) = (values.len(), json!(values));
        Ok(Answer::json(
            200,
            &json!({"size": size, "limit": limit, "start": start, "isLastPage": is_last, "nextPageStart": next, "values": values}),
        ))
    }

    pub(crate) fn need_global(&self, least: Global) -> Result<(), Answer> {
        let has = self.shared.state().global(&self.user);
        if has >= Some(least) { Ok(()) } else { Err(Answer::not_permitted()) }
    }

    pub(crate) fn need(&self, project: &str, least: Permission) -> Result<(), Answer> {
        let state = self.shared.state();
        if !state.projects.contains_key(project) {
            return Err(Answer::not_found(&format!("Project {project}")));
        }
        let has = state.permission(&self.user, project);
        if has >= Some(least) { Ok(()) } else { Err(Answer::not_permitted()) }
    }

    pub(crate) fn need_in(&self, project: &str, slug: &str, least: Permission) -> Result<(), Answer> {
        let state = self.shared.state();
        let Some(known) = state.projects.get(project) else {
            return Err(Answer::not_found(&format!("Project {project}")));
        };
        if !known.repositories.contains(slug) {
            return Err(Answer::not_found(&format!("Repository {project}/{slug}")));
        }
        let has = state.permission_in(&self.user, project, slug);
        if has >= Some(least) { Ok(()) } else { Err(Answer::not_permitted()) }
    }
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'%' => {
                out.push(u8::from_str_radix(&text[at + 1..at + 3], 16).unwrap());
                at += 3;
            }
            byte => {
                out.push(if *byte == b'+' { b' ' } else { *byte });
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap()
}
