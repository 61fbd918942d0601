use jiff::Timestamp;
use serde_json::{Value, json};

use super::{OktaServer, Organization};
use crate::{
    assertion,
    http::Request,
    stand_in::{self, decoded, field, written},
};

/// A status, more headers, and a body.
type Answer = (u16, Vec<String>, Value);

fn error(status: u16, code: &str, summary: &str) -> Answer {
    (
        status,
        Vec::new(),
        json!({"errorCode": code, "errorSummary": summary, "errorLink": code, "errorCauses": []}),
    )
}

fn unheard_of(what: &str) -> Answer {
    error(400, "E0000031", &format!("the stand-in for Okta does not know {what}"))
}

fn not_found() -> Answer {
    error(404, "E0000007", "Not found: Resource not found")
}

impl stand_in::Api for Organization {
    fn answer(&mut self, base: &str, request: &Request, _target: &str) -> Vec<u8> {
        let now = Timestamp::now();
        if request.path == "/oauth2/v1/token" {
            let (status, headers, body) = self.token(base, request);
            return written(status, &headers, &body.to_string());
        }
        let (mut limits, is_too_much) = count(self, now);
        let shown = request.header("authorization").unwrap_or_default();
        let is_known = match &self.client {
            None => shown == format!("SSWS {}", OktaServer::TOKEN),
            Some(_) => shown.strip_prefix("Bearer ").is_some_and(|token| self.tokens.contains(token)),
        };
        let (status, mut headers, body) = if !is_known {
            error(401, "E0000011", "Invalid token provided")
        } else if is_too_much {
            self.too_many += 1;
            error(429, "E0000047", "API call exceeded rate limit due to too many requests.")
        } else if request.method != "GET" {
            error(405, "E0000022", "The endpoint does not support the provided HTTP method")
        } else {
            routed(base, self, request)
        };
        headers.append(&mut limits);
        headers.push(format!("date: {}", now.strftime("%a, %d %b %Y %H:%M:%S GMT")));
        written(status, &headers, &body.to_string())
    }

    fn refusal(&self, status: u16) -> Vec<u8> {
        let (status, headers, body) =
            error(status, "E0000006", "You do not have permission to perform the requested action");
        written(status, &headers, &body.to_string())
    }
}

impl Organization {
    /// Gives out a token for reading users and groups.
    fn token(&mut self, base: &str, request: &Request) -> Answer {
        let refused =
            |error: &str| (401, Vec::new(), json!({"error": "invalid_client", "error_description": error}));
        let Some(known) = self.client.clone() else { return refused("no application is known") };
        let form = String::from_utf8_lossy(&request.body).into_owned();
        let is = |name: &str, value: &str| field(&form, name).as_deref() == Some(value);
        let is_right = request.method == "POST"
            && is("grant_type", "client_credentials")
            && is("client_id", OktaServer::CLIENT)
            && is("scope", "okta.users.read okta.groups.read")
            && is("client_assertion_type", assertion::TYPE)
            && field(&form, "client_secret").is_none();
        if !is_right {
            return (400, Vec::new(), json!({"error": "invalid_request", "error_description": form}));
        }
        let shown = field(&form, "client_assertion").unwrap_or_default();
        let audience = format!("{base}/oauth2/v1/token");
        if let Err(why) = self.taken.check(&shown, &known, OktaServer::CLIENT, &audience) {
            return refused(why);
        }
        let token = format!("token-{}", self.taken.count());
        self.tokens.insert(token.clone());
        let scope = "okta.users.read okta.groups.read";
        (
            200,
            Vec::new(),
            json!({"token_type": "Bearer", "expires_in": 3600, "access_token": token, "scope": scope}),
        )
    }
}

/// Counts a request; tells what the headers say of it, and whether it is one too many.
fn count(state: &mut Organization, now: Timestamp) -> (Vec<String>, bool) {
    let Some((most, seconds)) = state.limit else { return (Vec::new(), false) };
    let span = now.as_second() / seconds;
    if state.span.0 != span {
        state.span = (span, 0);
    }
    state.span.1 += 1;
    let remaining = most.saturating_sub(state.span.1);
    let headers = vec![
        format!("x-rate-limit-limit: {most}"),
        format!("x-rate-limit-remaining: {remaining}"),
        format!("x-rate-limit-reset: {}", (span + 1) * seconds),
    ];
    (headers, state.span.1 > most)
}

fn routed(base: &str, state: &Organization, request: &Request) -> Answer {
    let path = decoded(&request.path);
    let Some(rest) = path.strip_prefix("/api/v1/") else { return unheard_of(&path) };
    let parts: Vec<_> = rest.split('/').collect();
    let is_shown = !state.shows_nothing;
    match *parts.as_slice() {
        ["users"] => {
            let filter = field(&request.query, "filter");
            let mut found = Vec::new();
            let is_shown = is_shown && (filter.is_some() || !state.hides_from_loads);
            for (id, user) in state.users.iter().filter(|_| is_shown) {
                match user.is_found(filter.as_deref()) {
                    Some(true) => found.push((id.clone(), user.json(id))),
                    Some(false) => {}
                    None => return unheard_of(&filter.unwrap_or_default()),
                }
            }
            paged(base, state, request, &["filter"], &found)
        }
        ["groups"] => {
            let filter = field(&request.query, "filter");
            let mut found = Vec::new();
            for (id, group) in state.groups.iter().filter(|_| is_shown) {
                match group.is_found(filter.as_deref()) {
                    Some(true) => found.push((id.clone(), group.json(id))),
                    Some(false) => {}
                    None => return unheard_of(&filter.unwrap_or_default()),
                }
            }
            paged(base, state, request, &["filter"], &found)
        }
        ["users", id] if request.query.is_empty() => {
            let found = state.users.iter().find(|(known, user)| *known == id || user.login == id);
            found.map_or_else(not_found, |(id, user)| (200, Vec::new(), user.json(id)))
        }
        ["groups", id] if request.query.is_empty() => {
            state.groups.get(id).map_or_else(not_found, |group| (200, Vec::new(), group.json(id)))
        }
        ["users", id, "groups"] => {
            if !state.users.contains_key(id) {
                return not_found();
            }
            let theirs = state.groups.iter().filter(|(_, group)| group.members.contains(id));
            let found: Vec<_> = theirs.map(|(id, group)| (id.clone(), group.json(id))).collect();
            paged(base, state, request, &[], &found)
        }
        ["groups", id, "users"] => {
            let Some(group) = state.groups.get(id) else { return not_found() };
            let member = |id: &String| Some((id.clone(), state.users.get(id)?.json(id)));
            let found: Vec<_> = group.members.iter().filter_map(member).collect();
            paged(base, state, request, &[], &found)
        }
        _ => unheard_of(&path),
    }
}

/// One page, with links to itself and to the next one.
fn paged(
    base: &str,
    state: &Organization,
    request: &Request,
    known: &[&str],
    all: &[(String, Value)],
) -> Answer {
    for pair in request.query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap();
        if !known.contains(&name) && !["limit", "after"].contains(&name) {
            return unheard_of(name);
        }
    }
    let limit = field(&request.query, "limit").and_then(|limit| limit.parse::<usize>().ok());
    let Some(limit) = limit.filter(|limit| (1..=200).contains(limit)) else {
        return error(400, "E0000001", "Api validation failed: limit");
    };
    let per_page = limit.min(state.per_page);
    let after = field(&request.query, "after");
    let rest: Vec<_> =
        all.iter().filter(|(id, _)| after.as_deref().is_none_or(|after| id.as_str() > after)).collect();
    let page: Vec<_> = rest.iter().take(per_page).collect();
    let address = format!("{}?{}", request.path, request.query);
    let mut headers = vec![format!("link: <{base}{address}>; rel=\"self\"")];
    if let (Some((last, _)), true) = (page.last(), rest.len() > per_page) {
        let others = request.query.split('&').filter(|pair| !pair.starts_with("after="));
        let query = others.collect::<Vec<_>>().join("&");
        let host = state.next_base.as_deref().unwrap_or(base);
        let after =
            if state.goes_round && after.is_some() { String::new() } else { format!("after={last}&") };
        headers.push(format!("link: <{host}{}?{after}{query}>; rel=\"next\"", request.path));
    }
    (200, headers, Value::Array(page.iter().map(|(_, value)| value.clone()).collect()))
}
