use jiff::Timestamp;
use oam_policy::{Username, name::UsernameKey};
use oam_scim::{Document, Problem, Resource, document, patch as changes, project::Projection};
use serde_json::{Value, json};
use tokio::task::block_in_place;
use uuid::Uuid;

use super::{
    Asked, Query,
    answer::{Answer, check_version, etag, has_version, problem},
};
use crate::source::{Change, Planned, Provisioned, Roster, StoredUser};

pub(super) fn get(asked: &Asked<'_>, id: &str) -> Result<Answer, Problem> {
    let roster = asked.source.roster();
    let users = provisioned(&roster)?;
    let user = users.user(id).ok_or_else(unknown)?;
    if has_version(&asked.headers, user.version) {
        return Ok(Answer::empty(304).version(user.version));
    }
    Ok(Answer::new(200, shown(asked, users, user, &asked.query.projection())).version(user.version))
}

pub(super) fn list(asked: &Asked<'_>) -> Result<Answer, Problem> {
    let page = asked.query.page()?;
    let (total, resources) = select(asked, &asked.query, page.start, page.count)?;
    Ok(Answer::new(200, page.response(total, &resources)))
}

/// Everybody whom a query finds.
pub(super) fn found(asked: &Asked<'_>, query: &Query) -> Result<Vec<Value>, Problem> {
    select(asked, query, 1, usize::MAX).map(|(_, resources)| resources)
}

/// How many a query finds, and a part of them.
fn select(
    asked: &Asked<'_>,
    query: &Query,
    start: usize,
    count: usize,
) -> Result<(usize, Vec<Value>), Problem> {
    let (filter, projection) = (query.filter()?, query.projection());
    let by_groups = query.filters_by("groups");
    let roster = asked.source.roster();
    let users = provisioned(&roster)?;
    let whole = Projection::parse(None, if by_groups { None } else { Some("groups") });
    let fits = |user: &StoredUser| {
        filter.as_ref().is_none_or(|filter| {
            shown(asked, users, user, &whole).as_object().is_some_and(|user| filter.matches(user))
        })
    };
    let named = filter
        .as_ref()
        .and_then(|filter| filter.must_equal(&|name| matches!(name, "id" | "username" | "externalid")));
    block_in_place(|| {
        let found: Vec<_> = match named {
            Some(("id", id)) => users.user(id).into_iter().filter(|user| fits(user)).collect(),
            Some(("username", name)) => {
                users.user_called(name).into_iter().filter(|user| fits(user)).collect()
            }
            Some((_, id)) => users.users_known_as(id).filter(|user| fits(user)).collect(),
            None => users.users().filter(|user| fits(user)).collect(),
        };
        let on_page = found.iter().skip(start.saturating_sub(1)).take(count);
        let resources: Vec<_> = on_page.map(|user| shown(asked, users, user, &projection)).collect();
        Ok((found.len(), resources))
    })
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
    let document = document::user(&asked.body)?;
    change(asked, id, 200, "replaced", |users, now| {
        let before = users.user(id).ok_or_else(unknown)?;
        let mut document = document;
        if let Some(active) = before.document().get("active") {
            // Saying nothing of it gives nobody access back.
            document.entry("active").or_insert_with(|| active.clone());
        }
        put(asked, users, before, &document, now)
    })
    .await
}

pub(super) async fn patch(asked: &Asked<'_>, id: &str) -> Result<Answer, Problem> {
    let operations = changes::parse(&asked.body)?;
    change(asked, id, 200, "changed", |users, now| {
        let before = users.user(id).ok_or_else(unknown)?;
        let document = changes::apply(&before.document(), &operations)?;
        put(asked, users, before, &document, now)
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
    let roster = asked.source.roster();
    let users = provisioned(&roster)?;
    // Deleted by another request meanwhile.
    let user = users.user(id).ok_or_else(unknown)?;
    let location = format!("{}/Users/{id}", asked.base);
    let body = shown(asked, users, user, &asked.query.projection());
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
        Err(taken) if before.is_active() && !next.is_active() => {
            let detail = format!("{}; that they may act no more is taken all the same", taken.detail);
            Ok(Wanted { user: Some(before.inactive(now)), but: Some(Problem { detail, ..taken }) })
        }
        Err(taken) => Err(taken),
    }
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

fn shown(asked: &Asked<'_>, users: &Provisioned, user: &StoredUser, projection: &Projection) -> Value {
    let mut document = user.document();
    let schemas = document::schemas(Resource::User, &document);
    document.insert("schemas".into(), schemas);
    document.insert("id".into(), user.id.as_ref().into());
    if !projection.leaves_out("groups") {
        let groups: Vec<_> = users
            .groups_of(&user.id)
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

pub(super) fn provisioned(roster: &Roster) -> Result<&Provisioned, Problem> {
    roster.provisioned().ok_or_else(|| Problem::other(404, "nothing is pushed to this source"))
}

fn unknown() -> Problem {
    Problem::other(404, "there is no user with this id")
}
