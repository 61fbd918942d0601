use std::sync::Arc;

use jiff::Timestamp;
use oam_policy::{Username, name::UsernameKey};
use oam_scim::{Document, Problem, Resource, document, patch as changes, project::Projection};
use serde_json::{Value, json};
use tokio::task::block_in_place;
use uuid::Uuid;

use super::{
    Asked, Hit, Hits, Query,
    answer::{Answer, check_version, etag, has_version, problem},
};
use crate::source::{Change, Planned, Provisioned, Roster, StoredGroup, StoredUser};

pub(super) fn get(asked: &Asked<'_>, id: &str) -> Result<Answer, Problem> {
    let user = find(asked, id)?;
    if has_version(&asked.headers, user.version) {
        return Ok(Answer::empty(304).version(user.version));
    }
    Ok(Answer::new(200, shown(asked, &user, &asked.query.projection())).version(user.version))
}

pub(super) fn list(asked: &Asked<'_>) -> Result<Answer, Problem> {
    let mut hits = Hits::of(asked.query.page()?);
    search(asked, &asked.query, &mut hits)?;
    Ok(hits.answer(asked, &asked.query.projection()))
}

/// Adds everybody whom a query finds.
pub(super) fn search(asked: &Asked<'_>, query: &Query, hits: &mut Hits) -> Result<(), Problem> {
    let filter = query.filter()?;
    let whole = Projection::parse(None, if query.filters_by("groups") { None } else { Some("groups") });
    let fits = |user: &StoredUser| {
        filter.as_ref().is_none_or(|filter| {
            shown(asked, user, &whole).as_object().is_some_and(|user| filter.matches(user))
        })
    };
    let is_indexed = |name: &str| matches!(name, "id" | "username" | "externalid");
    let named = match filter.as_ref().and_then(|filter| filter.must_equal(&is_indexed)) {
        Some(named) => Some(those(provisioned(&asked.source.roster())?, named)),
        None => provisioned(&asked.source.roster()).map(|_| None)?,
    };
    let add = |user: Arc<StoredUser>| {
        if fits(&user) {
            hits.add(Hit::User(user));
        }
    };
    block_in_place(|| match named {
        Some(users) => users.into_iter().for_each(add),
        None => asked.source.each_user(add),
    });
    Ok(())
}

/// Those of whom this attribute is this text, and perhaps more.
fn those(users: &Provisioned, (name, text): (&str, &str)) -> Vec<Arc<StoredUser>> {
    match name {
        "id" => users.user(text).into_iter().cloned().collect(),
        "username" => users.user_called(text).into_iter().cloned().collect(),
        _ => users.users_known_as(text).cloned().collect(),
    }
}

fn find(asked: &Asked<'_>, id: &str) -> Result<Arc<StoredUser>, Problem> {
    provisioned(&asked.source.roster())?.user(id).cloned().ok_or_else(unknown)
}

pub(super) async fn create(asked: &Asked<'_>) -> Result<Answer, Problem> {
    let mut document = document::user(&asked.body)?;
    // As the standard has it: an account that nothing is said of is one to be used.
    document.entry("active").or_insert(Value::Bool(true));
    let id = Uuid::now_v7().to_string();
    change(asked, &id, 201, "created", |users, now| {
        check_unique(users, None, &document)?;
        Ok(Wanted::of(StoredUser::new(&id, now, now, 1, &document)))
    })
    .await
}

pub(super) async fn replace(asked: &Asked<'_>, id: &str) -> Result<Answer, Problem> {
    change(asked, id, 200, "replaced", |users, now| {
        let before = users.user(id).ok_or_else(unknown)?;
        let mut document = match document::user(&asked.body) {
            Ok(document) => document,
            Err(fault) => {
                let ends = document::is_active_in(&asked.body) == Some(false);
                return only_ended(asked, before, ends, fault, now);
            }
        };
        if let Some(active) = before.document().get("active") {
            // Saying nothing of it gives nobody access back.
            document.entry("active").or_insert_with(|| active.clone());
        }
        put(asked, users, before, &document, now)
    })
    .await
}

pub(super) async fn patch(asked: &Asked<'_>, id: &str) -> Result<Answer, Problem> {
    change(asked, id, 200, "changed", |users, now| {
        let before = users.user(id).ok_or_else(unknown)?;
        let is = before.document();
        match changes::parse(&asked.body).and_then(|operations| changes::apply(&is, &operations)) {
            Ok(document) => put(asked, users, before, &document, now),
            Err(fault) => {
                let ends = !changes::is_active_after(&is, &asked.body);
                only_ended(asked, before, ends, fault, now)
            }
        }
    })
    .await
}

pub(super) async fn delete(asked: &Asked<'_>, id: &str) -> Result<Answer, Problem> {
    let plan = |roster: &Roster, _: Timestamp| {
        let users = provisioned(roster)?;
        let user = users.user(id).ok_or_else(unknown)?;
        check_version(&asked.headers, user.version)?;
        let subject = users.mapping().username(&user.document());
        Ok::<_, Problem>(Planned {
            changes: vec![Change::DropUser(id.into())],
            subject,
            what: "SCIM: user deleted".to_owned(),
            answer: (),
        })
    };
    asked.live.sources.change(asked.source, &asked.actor, plan).await.map_err(problem)?;
    Ok(Answer::empty(204))
}

/// What becomes of a user by a request.
#[derive(Default)]
struct Wanted {
    /// The user as they are then; `None`: as they are.
    user: Option<StoredUser>,
    /// Why not all of it is done.
    but: Option<Problem>,
}

impl Wanted {
    fn of(user: StoredUser) -> Self {
        Self { user: Some(user), but: None }
    }
}

/// Changes one user, and answers with what they are then.
async fn change(
    asked: &Asked<'_>,
    id: &str,
    status: u16,
    what: &str,
    plan: impl FnOnce(&Provisioned, Timestamp) -> Result<Wanted, Problem>,
) -> Result<Answer, Problem> {
    let plan = |roster: &Roster, now: Timestamp| {
        let users = provisioned(roster)?;
        let was_active = users.user(id).is_some_and(|user| user.is_active());
        let Wanted { user, but } = plan(users, now)?;
        let (mut subject, mut what) = (None, what);
        if let Some(user) = &user {
            subject = users.mapping().username(&user.document());
            what = match (was_active, user.is_active()) {
                (true, false) => "deactivated",
                (false, true) if users.user(id).is_some() => "activated",
                _ => what,
            };
        }
        let what = format!("SCIM: user {what}");
        let changes = user.into_iter().map(Change::PutUser).collect();
        Ok::<_, Problem>(Planned { changes, subject, what, answer: but })
    };
    let but = asked.live.sources.change(asked.source, &asked.actor, plan).await.map_err(problem)?;
    if let Some(but) = but {
        return Err(but);
    }
    // Deleted by another request meanwhile, where there is none.
    let user = find(asked, id)?;
    let location = format!("{}/Users/{id}", asked.base);
    let body = shown(asked, &user, &asked.query.projection());
    Ok(Answer::new(status, body).version(user.version).location(location))
}

/// The change from a user to a document; nothing when they are so already. That they may act no more is so whatever else of it
/// cannot be done.
fn put(
    asked: &Asked<'_>,
    users: &Provisioned,
    before: &StoredUser,
    document: &Document,
    now: Timestamp,
) -> Result<Wanted, Problem> {
    check_version(&asked.headers, before.version)?;
    if before.document() == *document {
        return Ok(Wanted::default());
    }
    let next = StoredUser::new(&before.id, before.created, now, before.version + 1, document);
    match check_unique(users, Some(&before.id), document) {
        Ok(()) => Ok(Wanted::of(next)),
        Err(taken) => only_ended(asked, before, !next.is_active(), taken, now),
    }
}

/// Of a request with which something is wrong: that a user may act no more is so whatever else of it cannot be done.
fn only_ended(
    asked: &Asked<'_>,
    before: &StoredUser,
    ends: bool,
    fault: Problem,
    now: Timestamp,
) -> Result<Wanted, Problem> {
    if !ends || !before.is_active() {
        return Err(fault);
    }
    check_version(&asked.headers, before.version)?;
    let detail = format!("{}; that they may act no more is taken all the same", fault.detail);
    Ok(Wanted { user: Some(before.inactive(now)), but: Some(Problem { detail, ..fault }) })
}

/// Nobody else may be called so, at the provider or on Bitbucket. Whoever keeps a name that was theirs is let be.
fn check_unique(users: &Provisioned, id: Option<&str>, document: &Document) -> Result<(), Problem> {
    let before = id.and_then(|id| users.user(id)).map(|user| user.document());
    let user_name = document.get("userName").and_then(Value::as_str).unwrap_or_default();
    let is_other = |other: &str| id != Some(other);
    if let Some(other) = users.user_called(user_name)
        && is_other(&other.id)
    {
        return Err(Problem::taken(format!("the user {} has this `userName`", other.id)));
    }
    let key = |document: &Document| -> Option<UsernameKey> {
        users.mapping().username(document).as_ref().map(Username::key)
    };
    let Some(name) = key(document) else { return Ok(()) };
    if before.as_ref().and_then(key).as_ref() == Some(&name) {
        return Ok(());
    }
    match users.users_named(&name).find(|other| is_other(other)) {
        Some(other) => Err(Problem::taken(format!("the user {other} has the same Bitbucket username"))),
        None => Ok(()),
    }
}

/// A user as answers have them. Whoever calls this holds no roster.
pub(super) fn shown(asked: &Asked<'_>, user: &StoredUser, projection: &Projection) -> Value {
    let mut document = user.document();
    let schemas = document::schemas(Resource::User, &document);
    document.insert("schemas".into(), schemas);
    document.insert("id".into(), user.id.as_ref().into());
    if !projection.leaves_out("groups") {
        let groups: Vec<_> = groups_of(asked, &user.id)
            .into_iter()
            .map(|group| {
                let address = format!("{}/Groups/{}", asked.base, group.id);
                json!({"value": group.id, "$ref": address, "display": group.display_name, "type": "direct"})
            })
            .collect();
        if !groups.is_empty() {
            document.insert("groups".into(), groups.into());
        }
    }
    let meta = json!({
        "resourceType": "User",
        "created": user.created.to_string(),
        "lastModified": user.modified.to_string(),
        "location": format!("{}/Users/{}", asked.base, user.id),
        "version": etag(user.version),
    });
    document.insert("meta".into(), meta);
    let mut shown = Value::Object(document);
    projection.apply(&mut shown);
    shown
}

fn groups_of(asked: &Asked<'_>, id: &str) -> Vec<Arc<StoredGroup>> {
    let roster = asked.source.roster();
    roster.provisioned().map(|users| users.groups_of(id).cloned().collect()).unwrap_or_default()
}

pub(super) fn provisioned(roster: &Roster) -> Result<&Provisioned, Problem> {
    roster.provisioned().ok_or_else(|| Problem::other(404, "nothing is pushed to this source"))
}

fn unknown() -> Problem {
    Problem::other(404, "there is no user with this id")
}
