use serde_json::{Value, json};

use super::{GraphServer, Tenant, calls, state::Subscription};
use crate::{
    assertion,
    http::Request,
    stand_in::{self, decoded, field, written},
};

/// What is asked of users, and nothing else.
const USERS: &str = "id,userPrincipalName,mailNickname,displayName,mail,employeeId,accountEnabled";
/// And of groups.
const GROUPS: &str = "id,displayName,members";

type Answer = (u16, Vec<String>, Value);

fn error(status: u16, code: &str, message: &str) -> Answer {
    (
        status,
        Vec::new(),
        json!({"error": {"code": code, "message": message, "innerError": {"request-id": "x"}}}),
    )
}

fn unheard_of(what: &str) -> Answer {
    error(400, "BadRequest", &format!("the stand-in for Graph does not know {what}"))
}

fn not_found() -> Answer {
    error(
        404,
        "Request_ResourceNotFound",
        "Resource does not exist or one of its queried reference-property objects are not present.",
    )
}

fn ok(value: Value) -> Answer {
    (200, Vec::new(), value)
}

impl stand_in::Api for Tenant {
    fn answer(&mut self, base: &str, request: &Request, _target: &str) -> Vec<u8> {
        let (status, headers, body) = if request.path.ends_with("/oauth2/v2.0/token") {
            self.token(base, request)
        } else {
            self.graph(base, request)
        };
        let body = if status == 204 { String::new() } else { body.to_string() };
        written(status, &headers, &body)
    }

    fn refusal(&self, status: u16) -> Vec<u8> {
        let (status, headers, body) = error(
            status,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        );
        written(status, &headers, &body.to_string())
    }
}

impl Tenant {
    fn token(&mut self, base: &str, request: &Request) -> Answer {
        let form = String::from_utf8_lossy(&request.body).into_owned();
        let is = |name: &str, value: &str| field(&form, name).as_deref() == Some(value);
        let is_right = request.method == "POST"
            && request.path == format!("/{}/oauth2/v2.0/token", GraphServer::TENANT)
            && is("grant_type", "client_credentials")
            && is("client_id", GraphServer::CLIENT)
            && is("scope", &format!("{base}/.default"));
        if !is_right {
            return (
                400,
                Vec::new(),
                json!({"error": "invalid_request", "error_description": "AADSTS900144"}),
            );
        }
        let refused =
            |why: &str| (401, Vec::new(), json!({"error": "invalid_client", "error_description": why}));
        match self.certificate.clone() {
            None if is("client_secret", GraphServer::SECRET) => {}
            None => return refused("AADSTS7000215"),
            Some(known) => {
                let shown = field(&form, "client_assertion").unwrap_or_default();
                let audience = format!("{base}{}", request.path);
                if !is("client_assertion_type", assertion::TYPE) || field(&form, "client_secret").is_some() {
                    return refused("AADSTS900144");
                }
                if let Err(why) = self.taken.check(&shown, &known, GraphServer::CLIENT, &audience) {
                    return refused(&format!("AADSTS700027: {why}"));
                }
            }
        }
        let token = format!("token-{}", self.tick());
        self.tokens.insert(token.clone());
        ok(json!({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token}))
    }

    fn graph(&mut self, base: &str, request: &Request) -> Answer {
        let shown = request.header("authorization").and_then(|shown| shown.strip_prefix("Bearer "));
        if !shown.is_some_and(|shown| self.tokens.contains(shown)) {
            return error(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.");
        }
        if self.slow.0 > 0 {
            self.slow.0 -= 1;
            let (status, mut headers, body) = error(429, "TooManyRequests", "Please retry again later.");
            headers.push(format!("Retry-After: {}", self.slow.1));
            return (status, headers, body);
        }
        let path = &request.path;
        let Some(rest) = path.strip_prefix("/v1.0/") else { return unheard_of(path) };
        // Each step for itself: one may hold what looks like two.
        let parts: Vec<String> = rest.split('/').map(decoded).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["users", "delta"]) => self.delta(base, request, "users", USERS),
            ("GET", ["groups", "delta"]) => self.delta(base, request, "groups", GROUPS),
            ("GET", ["users"]) => self.listed_users(),
            ("GET", ["users", id]) => self.one_user(id, request),
            ("GET", ["groups"]) => self.listed_groups(),
            ("GET", ["groups", id, "members" | "transitiveMembers", "microsoft.graph.user"]) => {
                self.members(id)
            }
            ("GET", ["subscriptions"]) => self.listed_subscriptions(),
            ("POST", ["subscriptions"]) => self.subscribe(request),
            ("PATCH", ["subscriptions", id]) if self.subscriptions.contains_key(*id) => ok(json!({"id": id})),
            ("DELETE", ["subscriptions", id]) => match self.subscriptions.remove(*id) {
                Some(_) => (204, Vec::new(), Value::Null),
                None => not_found(),
            },
            ("PATCH", ["subscriptions", _]) => not_found(),
            _ => unheard_of(&format!("{} {path}", request.method)),
        }
    }

    /// A page of a delta: the first by what is selected, others by the token that the one before gave.
    fn delta(&self, base: &str, request: &Request, resource: &str, select: &str) -> Answer {
        let token = |name: &str| field(&request.query, name);
        let (since, until, from) = match (token("$select"), token("$skiptoken"), token("$deltatoken")) {
            (Some(selected), None, None) if selected == select => (None, self.now, 0),
            (None, Some(skip), None) => {
                let numbers: Vec<_> = skip.split('_').map(str::parse::<u64>).collect();
                let [since, Ok(until), Ok(from)] = numbers.as_slice() else { return unheard_of(&skip) };
                (since.clone().ok(), *until, usize::try_from(*from).unwrap())
            }
            (None, None, Some(delta)) => match delta.parse::<u64>() {
                Ok(since) if since >= self.oldest_place => (Some(since), self.now, 0),
                Ok(_) => {
                    let (status, mut headers, body) =
                        error(410, "syncStateNotFound", "The sync state generation is not found");
                    headers.push(format!("Location: {base}{}?$deltatoken=", request.path));
                    return (status, headers, body);
                }
                Err(_) => return unheard_of(&delta),
            },
            _ => return unheard_of(&request.query),
        };
        let all = match resource {
            _ if self.shows_nothing || (self.hides_from_loads && since.is_none()) => Vec::new(),
            "users" => self.users_since(since),
            _ => self.groups_since(since),
        };
        let page: Vec<_> = all.iter().skip(from).take(self.per_page).cloned().collect();
        let mut body = json!({"@odata.context": format!("{base}/v1.0/$metadata#{resource}"), "value": page});
        let place = format!("/v1.0/{resource}/delta");
        if from + self.per_page < all.len() {
            let since = since.map_or_else(|| "all".to_owned(), |since| since.to_string());
            let host = self.next_base.as_deref().unwrap_or(base);
            // Round and round, once there is a second page.
            let from = if self.goes_round && from > 0 { 0 } else { from };
            let skip = format!("{since}_{until}_{}", from + self.per_page);
            body["@odata.nextLink"] = json!(format!("{host}{place}?$skiptoken={skip}"));
        } else {
            body["@odata.deltaLink"] = json!(format!("{base}{place}?$deltatoken={until}"));
        }
        ok(body)
    }

    fn one_user(&self, id: &str, request: &Request) -> Answer {
        if field(&request.query, "$select").as_deref() != Some(USERS) {
            return unheard_of(&request.query);
        }
        let mut there = self.users.iter().filter(|(_, user)| !user.is_deleted);
        let found = there.find(|(known, user)| *known == id || user.principal == id);
        found.map_or_else(not_found, |(id, user)| ok(user.json(id)))
    }

    fn listed_users(&self) -> Answer {
        let there = self.users.iter().filter(|(_, user)| !user.is_deleted);
        ok(json!({"value": there.map(|(id, user)| user.json(id)).collect::<Vec<_>>()}))
    }

    fn listed_groups(&self) -> Answer {
        let there = self.groups.iter().filter(|(_, group)| !group.is_deleted);
        let listed: Vec<_> = there.map(|(id, group)| json!({"id": id, "displayName": group.name})).collect();
        ok(json!({"value": listed}))
    }

    fn members(&self, group: &str) -> Answer {
        let Some(group) = self.groups.get(group) else { return not_found() };
        let users = group.members.iter().filter(|id| self.users.contains_key(*id));
        ok(json!({"value": users.map(|id| json!({"id": id})).collect::<Vec<_>>()}))
    }

    fn listed_subscriptions(&self) -> Answer {
        let all = self.subscriptions.iter();
        let listed: Vec<_> = all
            .map(|(id, one)| json!({"id": id, "resource": one.resource, "notificationUrl": one.place}))
            .collect();
        ok(json!({"value": listed}))
    }

    /// Makes a subscription, once whoever is to be called has shown that they are there.
    fn subscribe(&mut self, request: &Request) -> Answer {
        let wanted: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let text = |name: &str| wanted[name].as_str().map(str::to_owned);
        let (Some(resource), Some(place), Some(state)) =
            (text("resource"), text("notificationUrl"), text("clientState"))
        else {
            return error(400, "InvalidRequest", "Required property missing");
        };
        let is_right = wanted["changeType"] == "updated,deleted"
            && ["users", "groups"].contains(&resource.as_str())
            && state.len() <= 128
            && text("expirationDateTime").is_some();
        if !is_right {
            return error(400, "ExtensionError", "the subscription is none that is known here");
        }
        let (status, head, body) =
            calls::post(&self.door, &place, "?validationToken=Validation%3A%20Testing%20%22it%22", "");
        if status != 200 || !head.contains("content-type: text/plain") || body != "Validation: Testing \"it\""
        {
            return error(
                400,
                "ValidationError",
                &format!("Subscription validation request failed: {status} {body}"),
            );
        }
        let id = self.next_id();
        self.subscriptions.insert(id.clone(), Subscription { resource, place, state });
        (201, Vec::new(), json!({"id": id, "expirationDateTime": wanted["expirationDateTime"]}))
    }
}
