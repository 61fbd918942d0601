use std::time::Duration;

use jiff::Timestamp;
use oam_audit::entry::{Event, SourceToken, TokenChange};
use oam_policy::{GroupName, Username, printable::Printable, snapshot::Person};
use oam_proto::v1;
use oam_scim::document;
use serde_json::Value;
use tonic::Status;

use super::{convert, unavailable};
use crate::{
    config::{SourceConfig, SourceKind, Upstream},
    directory::By,
    ldap, pull,
    service::Live,
    source::{CommitError, FeedStatus, Listed, NotSo, Request, Source, SourceReport, TokenError, TokenInfo},
};

/// The longest that a token may live.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

pub(super) fn list(live: &Live) -> v1::ListSourcesResponse {
    v1::ListSourcesResponse { sources: live.sources.all().iter().map(|source| told(source)).collect() }
}

pub(super) fn get(live: &Live, name: &str) -> Result<v1::Source, Status> {
    Ok(told(find(live, name)?))
}

pub(super) async fn sync(
    live: &Live,
    actor: String,
    request: v1::SyncSourceRequest,
) -> Result<v1::SyncSourceResponse, Status> {
    let source = find(live, &request.name)?;
    if request.complete {
        let by = By { actor, reason: convert::required_reason(&request.reason)? };
        live.sources.complete(source, &by).await.map_err(|error| status(&error))?;
        return Ok(v1::SyncSourceResponse { source: Some(told(source)), advice: String::new() });
    }
    let name = source.name();
    if source.config().kind.is_followed() {
        let reason = match request.reason.as_str() {
            "" if !request.accept_loss => None,
            reason => Some(convert::required_reason(reason)?),
        };
        source.feed().ask(Request { actor, reason, accept_loss: request.accept_loss });
        return Ok(v1::SyncSourceResponse { source: Some(told(source)), advice: String::new() });
    }
    if request.accept_loss {
        return Err(Status::invalid_argument(format!(
            "`{name}` holds nothing back: nobody is asked for what it says"
        )));
    }
    let advice = match source.config().kind {
        SourceKind::Scim => "the identity provider pushes by itself. To have everything pushed again: on Okta, \
                             Provisioning → Force Sync, and Push Groups → Push now; on Entra ID, Provisioning → Restart \
                             provisioning"
            .to_owned(),
        _ => format!("import a newer file: `oam snapshot import FILE --source {name}`"),
    };
    Ok(v1::SyncSourceResponse { source: Some(told(source)), advice })
}

pub(super) async fn forget(
    live: &Live,
    actor: String,
    request: v1::ForgetInSourceRequest,
) -> Result<v1::ForgetInSourceResponse, Status> {
    let by = By { actor, reason: convert::required_reason(&request.reason)? };
    let username =
        Username::parse(&request.username).map_err(|error| Status::invalid_argument(error.to_string()))?;
    let source = live.sources.all().iter().find(|source| source.name().as_str() == request.name);
    let source = source.ok_or_else(|| not_so(&NotSo::Unknown(Printable::new(&request.name).to_string())))?;
    live.sources.forget(source, username, &by).await.map_err(|error| status(&error))?;
    Ok(v1::ForgetInSourceResponse {})
}

pub(super) async fn rotate_token(
    live: &Live,
    actor: &str,
    request: &v1::RotateSourceTokenRequest,
) -> Result<v1::RotateSourceTokenResponse, Status> {
    let source = pushing(live, &request.name)?;
    let lifetime = match request.lifetime_millis {
        0 => None,
        millis => Some(Duration::from_millis(millis)),
    };
    if lifetime.is_some_and(|lifetime| lifetime > LONGEST) {
        return Err(Status::invalid_argument("a token lives ten years at most"));
    }
    let (token, info) = source.add_token(actor, lifetime).map_err(|error| of_token(&error))?;
    if let Err(error) = record(live, source, &info, TokenChange::Created, actor).await {
        // Nobody has it: it is taken back.
        let _ = source.revoke_token(&info.id);
        return Err(error);
    }
    Ok(v1::RotateSourceTokenResponse { token: token.reveal().to_owned(), info: Some(token_info(&info)) })
}

pub(super) async fn revoke_token(
    live: &Live,
    actor: &str,
    request: &v1::RevokeSourceTokenRequest,
) -> Result<v1::RevokeSourceTokenResponse, Status> {
    let source = pushing(live, &request.name)?;
    // Taking away is safe: it is done whether or not it can be recorded.
    let info = source.revoke_token(&request.id).map_err(|error| of_token(&error))?;
    record(live, source, &info, TokenChange::Revoked, actor).await?;
    Ok(v1::RevokeSourceTokenResponse { info: Some(token_info(&info)) })
}

/// What a user or a group would be, in whichever form the source sends them.
pub(super) async fn preview(
    live: &Live,
    request: &v1::PreviewSourceRequest,
) -> Result<v1::PreviewSourceResponse, Status> {
    let source = find(live, &request.name)?;
    if let Some(upstream) = &source.config().upstream {
        return preview_upstream(live, source.config(), upstream, request).await;
    }
    if !request.filter.is_empty() {
        return Err(Status::invalid_argument(
            "a filter is for sources that are asked: give a user or a group as JSON",
        ));
    }
    let json: Value = serde_json::from_slice(&request.json)
        .map_err(|error| Status::invalid_argument(format!("this is no JSON: {error}")))?;
    match source.config().kind {
        SourceKind::File => preview_file(live, source, &json),
        _ => preview_scim(live, source, &json),
    }
}

async fn preview_upstream(
    live: &Live,
    source: &SourceConfig,
    upstream: &Upstream,
    request: &v1::PreviewSourceRequest,
) -> Result<v1::PreviewSourceResponse, Status> {
    if !request.json.is_empty() {
        let detail = "this source is asked itself: leave the file out, and say `--filter` to see somebody";
        return Err(Status::invalid_argument(detail));
    }
    let previewed = match upstream {
        Upstream::Ldap(config) => ldap::preview(source, config, &request.filter).await,
        Upstream::Okta(config) => pull::preview_okta(source, config, &request.filter).await,
        Upstream::Entra(config) => pull::preview_entra(source, config, &request.filter).await,
    };
    let previewed = previewed.map_err(Status::unavailable)?;
    let mut response = v1::PreviewSourceResponse { problems: previewed.problems, ..Default::default() };
    for person in previewed.users {
        let one = self::previewed(live, person, Vec::new());
        response.users.extend(one.user);
    }
    let group = |(name, members): (GroupName, usize)| v1::PreviewedGroup {
        group: written(&name),
        members: members as u64,
    };
    response.groups = previewed.groups.into_iter().map(group).collect();
    Ok(response)
}

fn preview_scim(live: &Live, source: &Source, json: &Value) -> Result<v1::PreviewSourceResponse, Status> {
    let fault = |problem: oam_scim::Problem| Status::invalid_argument(problem.detail);
    let object = document::object(json).map_err(fault)?;
    let SourceConfig { name, mapping, .. } = source.config();
    if document::get(object, "userName").is_none() && document::get(object, "displayName").is_some() {
        let text = |name| document::get(object, name).and_then(Value::as_str);
        let display_name = text("displayName").unwrap_or_default();
        let group = mapping.group(name.as_str(), display_name, text("externalId"));
        let attribute = mapping.group.as_str();
        let problem = group.is_none().then(|| format!("`{attribute}` makes no name that a rule could write"));
        let group = group.map(|group| written(&group)).unwrap_or_default();
        let problems = problem.into_iter().collect();
        return Ok(v1::PreviewSourceResponse { group, problems, ..Default::default() });
    }
    let mut user = document::user(json).map_err(fault)?;
    user.entry("active").or_insert(Value::Bool(true));
    let Some(person) = mapping.person("", &user) else {
        let suffix = mapping.username_suffix.as_deref().map(|suffix| format!(" that ends with `{suffix}`"));
        let problem = format!(
            "`{}` holds no username{}: they would be nobody on Bitbucket",
            mapping.username.as_str(),
            suffix.unwrap_or_default()
        );
        return Ok(v1::PreviewSourceResponse { problems: vec![problem], ..Default::default() });
    };
    let mut problems = Vec::new();
    let roster = source.roster();
    let id = document::get(object, "id").and_then(Value::as_str);
    let others = roster.provisioned().into_iter().flat_map(|users| users.users_named(&person.username.key()));
    if let Some(other) = others.into_iter().find(|other| Some(*other) != id) {
        problems.push(format!("the user {other} of this source has the same Bitbucket username"));
    }
    Ok(previewed(live, person, problems))
}

fn preview_file(live: &Live, source: &Source, json: &Value) -> Result<v1::PreviewSourceResponse, Status> {
    let text = serde_json::json!({"version": 1, "users": [json]}).to_string();
    let faults = |faults: oam_policy::fault::Faults| {
        let told: Vec<_> = faults.iter().map(|fault| fault.message.clone()).collect();
        Status::invalid_argument(told.join("; "))
    };
    let directory = oam_policy::snapshot::file::parse_json("user", &text).map_err(faults)?;
    let listed = Listed::of(&directory).map_err(|error| not_so(&error.into()))?;
    live.sources.check(source, &listed).map_err(|error| not_so(&error))?;
    let person = directory.people.into_iter().next();
    let person = person.ok_or_else(|| Status::invalid_argument("this is no user of a directory file"))?;
    Ok(previewed(live, person, Vec::new()))
}

fn previewed(live: &Live, person: Person, mut problems: Vec<String>) -> v1::PreviewSourceResponse {
    let snapshot = live.snapshot();
    let already = snapshot.as_ref().and_then(|snapshot| snapshot.user(&person.username.key()));
    if person.active && already.is_some_and(|user| !user.is_active()) {
        problems.push(
            "somebody of this name is cut off: by command, or by another source, which wins".to_owned(),
        );
    }
    v1::PreviewSourceResponse {
        user: Some(v1::PreviewedUser {
            already: already.map(|user| user.username().as_str().to_owned()).unwrap_or_default(),
            username: person.username.as_str().to_owned(),
            id: person.id.unwrap_or_default(),
            display_name: person.display_name.unwrap_or_default(),
            emails: person.emails,
            active: person.active,
        }),
        problems,
        ..Default::default()
    }
}

fn written(group: &GroupName) -> String {
    format!("{}:{}", group.source(), group.name())
}

fn find<'a>(live: &'a Live, name: &str) -> Result<&'a Source, Status> {
    live.sources.get(name).map(AsRef::as_ref).map_err(|error| not_so(&error))
}

fn pushing<'a>(live: &'a Live, name: &str) -> Result<&'a Source, Status> {
    let source = find(live, name)?;
    match source.config().kind {
        SourceKind::Scim => Ok(source),
        _ => Err(not_so(&NotSo::NotPushed(source.name().clone()))),
    }
}

async fn record(
    live: &Live,
    source: &Source,
    info: &TokenInfo,
    change: TokenChange,
    actor: &str,
) -> Result<(), Status> {
    let (source, token) = (source.name().to_string(), info.id.clone());
    let event = Event::SourceToken(SourceToken { source, token, change, actor: actor.to_owned() });
    let batch = live.audit.batch(&event).map_err(|error| unavailable(&error))?;
    let recorded = live.audit.append(batch).await;
    live.audit_took_it(recorded.is_ok());
    recorded.map(|_| ()).map_err(|error| unavailable(&error))
}

fn told(source: &Source) -> v1::Source {
    let SourceReport {
        name,
        kind,
        retired,
        seen,
        max_age,
        is_stale,
        lost,
        users,
        groups,
        gone,
        unusable,
        feed,
        tokens,
        changes,
        ..
    } = source.report();
    let names_attributes = !matches!(kind, SourceKind::File | SourceKind::Ldap);
    let mapping = names_attributes.then(|| source.config().mapping.clone());
    let millis = |age: Duration| u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    v1::Source {
        kind: kind.as_str().to_owned(),
        retired,
        seen_micros: seen.map(convert::micros).unwrap_or_default(),
        max_age_millis: max_age.map(millis).unwrap_or_default(),
        stale: is_stale,
        lost,
        users: users as u64,
        groups: groups as u64,
        gone: gone as u64,
        unusable: unusable as u64,
        changes,
        username: mapping.as_ref().map(|mapping| mapping.username.as_str().to_owned()).unwrap_or_default(),
        username_suffix: mapping
            .as_ref()
            .and_then(|mapping| mapping.username_suffix.clone())
            .unwrap_or_default(),
        group: mapping.as_ref().map(|mapping| mapping.group.as_str().to_owned()).unwrap_or_default(),
        tokens: tokens.iter().map(token_info).collect(),
        feed: feed.map(fed),
        path: if kind == SourceKind::Scim { format!("/scim/v2/{name}") } else { String::new() },
        name: name.to_string(),
    }
}

fn fed(status: FeedStatus) -> v1::Feed {
    let micros = |at: Option<Timestamp>| at.map(convert::micros).unwrap_or_default();
    v1::Feed {
        server: status.server.unwrap_or_default(),
        last_event_micros: micros(status.last_event),
        last_load_micros: micros(status.last_load),
        cookie_micros: micros(status.cookie),
        trouble: status.trouble.unwrap_or_default(),
        held: status.held.unwrap_or_default(),
        shared_names: status.shared_names,
        reconnects: status.reconnects,
        reads_all: status.reads_all.unwrap_or_default(),
        not_called: status.not_called.unwrap_or_default(),
        unread: status.unread.unwrap_or_default(),
    }
}

pub(super) fn token_info(token: &TokenInfo) -> v1::SourceToken {
    v1::SourceToken {
        id: token.id.clone(),
        created_micros: convert::micros(token.created),
        created_by: token.created_by.clone(),
        expires_micros: convert::micros(token.expires),
        last_used_micros: token.last_used.map(convert::micros).unwrap_or_default(),
        expired: token.expires <= Timestamp::now(),
    }
}

/// Why a source cannot be worked with so.
pub(super) fn not_so(error: &NotSo) -> Status {
    match error {
        NotSo::Unknown(_) | NotSo::NotGone(_) => Status::not_found(error.to_string()),
        NotSo::Pushes(_) | NotSo::NotPushed(_) | NotSo::Fed(_) => {
            Status::failed_precondition(error.to_string())
        }
        NotSo::Which(_) | NotSo::OthersGroup(_) | NotSo::Directory(_) => {
            Status::invalid_argument(error.to_string())
        }
    }
}

/// Why what a source says is not in force.
pub(super) fn status(error: &CommitError<NotSo>) -> Status {
    match error {
        CommitError::Refused(refused) => not_so(refused),
        CommitError::Change(change) => convert::status(change),
        CommitError::Disk(_) => unavailable(error),
    }
}

fn of_token(error: &TokenError) -> Status {
    match error {
        TokenError::TooMany(..) => Status::failed_precondition(error.to_string()),
        TokenError::Unknown(_) => Status::not_found(error.to_string()),
        TokenError::Random(_) | TokenError::Disk(_) => unavailable(error),
    }
}
