use std::sync::Arc;

use jiff::Timestamp;
use oam_scim::{
    Problem,
    group::{Edit, of_body, of_patch, readable_of_body, readable_of_patch},
    patch as changes,
    project::Projection,
    schema,
};
use serde_json::{Value, json};
use tokio::task::block_in_place;
use uuid::Uuid;

use super::{
    Asked, Hit, Hits, Query,
    answer::{Answer, check_version, etag, has_version, problem},
    edits::{Asks, Wanted, carry_out, nameless},
    user::provisioned,
};
use crate::source::{Change, Planned, Provisioned, Roster, StoredGroup};

/// A group with more members is not shown after a PATCH, unless somebody says which attributes are wanted: whoever
/// pushes to a large group does so member by member.
const SHOWN_AFTER_PATCH: usize = 20;
/// The same after all of it was sent.
const SHOWN_AFTER_PUT: usize = 1_000;

pub(super) fn get(asked: &Asked<'_>, id: &str) -> Result<Answer, Problem> {
    let projection = asked.query.projection();
    let Seen { group, members } = see(asked, id, &projection)?;
    if has_version(&asked.headers, group.version) {
        return Ok(Answer::empty(304).version(group.version));
    }
    Ok(Answer::new(200, shown(asked, &group, &members, &projection)).version(group.version))
}

pub(super) fn list(asked: &Asked<'_>) -> Result<Answer, Problem> {
    let mut hits = Hits::of(asked.query.page()?);
    search(asked, &asked.query, &mut hits)?;
    Ok(hits.answer(asked, &asked.query.projection()))
}

/// Adds every group that a query finds.
pub(super) fn search(asked: &Asked<'_>, query: &Query, hits: &mut Hits) -> Result<(), Problem> {
    let filter = query.filter()?;
    let whole = Projection::parse(None, if query.filters_by("members") { None } else { Some("members") });
    let fits = |group: &StoredGroup| {
        filter.as_ref().is_none_or(|filter| {
            let members = members(asked, &group.id, &whole);
            shown(asked, group, &members, &whole).as_object().is_some_and(|group| filter.matches(group))
        })
    };
    let is_indexed = |name: &str| matches!(name, "id" | "displayname");
    let named: Option<Vec<_>> = match filter.as_ref().and_then(|filter| filter.must_equal(&is_indexed)) {
        Some(("id", id)) => {
            Some(provisioned(&asked.source.roster())?.group(id).into_iter().cloned().collect())
        }
        Some((_, name)) => Some(provisioned(&asked.source.roster())?.groups_called(name).cloned().collect()),
        None => provisioned(&asked.source.roster()).map(|_| None)?,
    };
    let add = |group: Arc<StoredGroup>| {
        if fits(&group) {
            hits.add(Hit::Group(group));
        }
    };
    block_in_place(|| match named {
        Some(groups) => groups.into_iter().for_each(add),
        None => asked.source.each_group(add),
    });
    Ok(())
}

/// A group at one moment.
struct Seen {
    group: Arc<StoredGroup>,
    members: Vec<Box<str>>,
}

/// The group of this id, with its members where they are to be shown. What others change waits for nobody who looks at them.
fn see(asked: &Asked<'_>, id: &str, projection: &Projection) -> Result<Seen, Problem> {
    let roster = asked.source.roster();
    let groups = provisioned(&roster)?;
    let group = Arc::clone(groups.group(id).ok_or_else(unknown)?);
    Ok(Seen { group, members: members_of(groups, id, projection) })
}

/// The members of a group, where they are to be shown.
pub(super) fn members(asked: &Asked<'_>, id: &str, projection: &Projection) -> Vec<Box<str>> {
    let roster = asked.source.roster();
    roster.provisioned().map(|groups| members_of(groups, id, projection)).unwrap_or_default()
}

fn members_of(groups: &Provisioned, id: &str, projection: &Projection) -> Vec<Box<str>> {
    if projection.leaves_out("members") {
        return Vec::new();
    }
    groups.members(id).map(Into::into).collect()
}

pub(super) async fn create(asked: &Asked<'_>) -> Result<Answer, Problem> {
    let asks = Asks { edits: of_body(&asked.body)?, fault: None };
    let id = Uuid::now_v7().to_string();
    let answer = change(asked, &id, |groups, now| {
        let head = StoredGroup {
            id: id.as_str().into(),
            created: now,
            modified: now,
            version: 1,
            display_name: "".into(),
            external_id: None,
        };
        carry_out(groups, head, true, asks, now)
    });
    answer.await?;
    let projection = asked.query.projection();
    let Seen { group, members } = see(asked, &id, &projection)?;
    Ok(answered(asked, 201, &group, shown(asked, &group, &members, &projection)))
}

pub(super) async fn replace(asked: &Asked<'_>, id: &str) -> Result<Answer, Problem> {
    let whole = of_body(&asked.body).and_then(|edits| {
        let is_named = edits.iter().any(|edit| matches!(edit, Edit::Name(_)));
        if is_named { Ok(edits) } else { Err(nameless()) }
    });
    let asks = Asks::of(whole, || readable_of_body(&asked.body));
    change(asked, id, |groups, now| edit(asked, groups, id, asks, now)).await?;
    shown_up_to(asked, id, SHOWN_AFTER_PUT)
}

pub(super) async fn patch(asked: &Asked<'_>, id: &str) -> Result<Answer, Problem> {
    let whole = changes::parse(&asked.body).and_then(|operations| of_patch(&operations));
    let asks = Asks::of(whole, || readable_of_patch(&asked.body));
    change(asked, id, |groups, now| edit(asked, groups, id, asks, now)).await?;
    shown_up_to(asked, id, SHOWN_AFTER_PATCH)
}

/// The answer with the group, or without where it has more members and nobody wants to see them.
fn shown_up_to(asked: &Asked<'_>, id: &str, most: usize) -> Result<Answer, Problem> {
    let projection = asked.query.projection();
    let is_asked_for = asked.query.asks() || projection.leaves_out("members");
    if !is_asked_for {
        let roster = asked.source.roster();
        let groups = provisioned(&roster)?;
        if groups.member_count(id) > most {
            return Ok(Answer::empty(204).version(groups.group(id).ok_or_else(unknown)?.version));
        }
    }
    let Seen { group, members } = see(asked, id, &projection)?;
    Ok(answered(asked, 200, &group, shown(asked, &group, &members, &projection)))
}

fn answered(asked: &Asked<'_>, status: u16, group: &StoredGroup, body: Value) -> Answer {
    let location = format!("{}/Groups/{}", asked.base, group.id);
    Answer::new(status, body).version(group.version).location(location)
}

pub(super) async fn delete(asked: &Asked<'_>, id: &str) -> Result<Answer, Problem> {
    let plan = |roster: &Roster, _: Timestamp| {
        let group = provisioned(roster)?.group(id).ok_or_else(unknown)?;
        check_version(&asked.headers, group.version)?;
        Ok::<_, Problem>(Planned {
            changes: vec![Change::DropGroup(id.into())],
            subject: None,
            what: format!("SCIM: group `{}` deleted", group.display_name),
            answer: (),
        })
    };
    asked.live.sources.change(asked.source, &asked.actor, plan).await.map_err(problem)?;
    Ok(Answer::empty(204))
}

/// Changes one group.
async fn change(
    asked: &Asked<'_>,
    id: &str,
    plan: impl FnOnce(&Provisioned, Timestamp) -> Result<Wanted, Problem>,
) -> Result<(), Problem> {
    let plan = |roster: &Roster, now: Timestamp| {
        let groups = provisioned(roster)?;
        let Wanted { changes, unknown, but } = plan(groups, now)?;
        let what = in_words(groups, id, &changes, unknown);
        if unknown > 0 {
            tracing::warn!(source = %asked.source.name(), group = id, unknown, "{what}");
        }
        Ok::<_, Problem>(Planned { changes, subject: None, what, answer: but })
    };
    let but = asked.live.sources.change(asked.source, &asked.actor, plan).await.map_err(problem)?;
    but.map_or(Ok(()), Err)
}

fn edit(
    asked: &Asked<'_>,
    groups: &Provisioned,
    id: &str,
    asks: Asks,
    now: Timestamp,
) -> Result<Wanted, Problem> {
    let head = groups.group(id).ok_or_else(unknown)?;
    check_version(&asked.headers, head.version)?;
    carry_out(groups, StoredGroup::clone(head), false, asks, now)
}

fn in_words(groups: &Provisioned, id: &str, changes: &[Change], unknown: usize) -> String {
    let mut words = Vec::new();
    let mut name = groups.group(id).map(|group| group.display_name.to_string()).unwrap_or_default();
    for change in changes {
        match change {
            Change::PutGroup(head) if name.is_empty() => {
                name = head.display_name.to_string();
                words.push("created".to_owned());
            }
            Change::PutGroup(head) if *head.display_name != *name => {
                words.push(format!("renamed to `{}`", head.display_name));
            }
            Change::Join { users, .. } => words.push(format!("{} joined", users.len())),
            Change::Leave { users, .. } => words.push(format!("{} left", users.len())),
            _ => {}
        }
    }
    if unknown > 0 {
        words.push(format!("{unknown} passed over whom nobody knows here"));
    }
    let what = if words.is_empty() { "unchanged".to_owned() } else { words.join(", ") };
    format!("SCIM: group `{name}`: {what}")
}

/// A group as answers have it.
pub(super) fn shown(
    asked: &Asked<'_>,
    group: &StoredGroup,
    members: &[Box<str>],
    projection: &Projection,
) -> Value {
    let mut shown = json!({
        "schemas": [schema::GROUP],
        "id": group.id,
        "displayName": group.display_name,
        "meta": {
            "resourceType": "Group",
            "created": group.created.to_string(),
            "lastModified": group.modified.to_string(),
            "location": format!("{}/Groups/{}", asked.base, group.id),
            "version": etag(group.version),
        },
    });
    let Some(object) = shown.as_object_mut() else { return shown };
    if let Some(id) = &group.external_id {
        object.insert("externalId".into(), id.as_ref().into());
    }
    if !projection.leaves_out("members") {
        let members: Vec<_> = members
            .iter()
            .map(|id| {
                let address = format!("{}/Users/{id}", asked.base);
                json!({"value": id, "$ref": address, "type": "User"})
            })
            .collect();
        object.insert("members".into(), members.into());
    }
    projection.apply(&mut shown);
    shown
}

fn unknown() -> Problem {
    Problem::other(404, "there is no group with this id")
}
