use std::collections::BTreeSet;

use jiff::Timestamp;
use oam_scim::{
    Problem, ScimType,
    group::{Edit, of_body, of_patch},
    patch as changes,
    project::Projection,
    schema,
};
use serde_json::{Map, Value, json};
use tokio::task::block_in_place;
use uuid::Uuid;

use super::{
    Asked, Query,
    answer::{Answer, check_version, etag, has_version, problem},
    user::provisioned,
};
use crate::source::{Change, Planned, Provisioned, Roster, StoredGroup};

/// A group with more members is not shown after a change, unless it is asked for.
const SHOWN_MEMBERS: usize = 1_000;

pub(super) fn get(asked: &Asked<'_>, id: &str) -> Result<Answer, Problem> {
    let roster = asked.source.roster();
    let groups = provisioned(&roster)?;
    let group = groups.group(id).ok_or_else(unknown)?;
    if has_version(&asked.headers, group.version) {
        return Ok(Answer::empty(304).version(group.version));
    }
    Ok(Answer::new(200, shown(asked, groups, group, &asked.query.projection())).version(group.version))
}

pub(super) fn list(asked: &Asked<'_>) -> Result<Answer, Problem> {
    let page = asked.query.page()?;
    let (total, resources) = select(asked, &asked.query, page.start, page.count)?;
    Ok(Answer::new(200, page.response(total, &resources)))
}

/// Every group that a query finds.
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
    let by_members = query.filters_by("members");
    let roster = asked.source.roster();
    let groups = provisioned(&roster)?;
    let whole = Projection::parse(None, if by_members { None } else { Some("members") });
    let fits = |group: &StoredGroup| {
        filter.as_ref().is_none_or(|filter| {
            shown(asked, groups, group, &whole).as_object().is_some_and(|group| filter.matches(group))
        })
    };
    let named = filter.as_ref().and_then(|filter| filter.must_equal(&|name| name == "id"));
    block_in_place(|| {
        let found: Vec<_> = match named {
            Some((_, id)) => groups.group(id).into_iter().filter(|group| fits(group)).collect(),
            None => groups.groups().filter(|group| fits(group)).collect(),
        };
        let on_page = found.iter().skip(start.saturating_sub(1)).take(count);
        let resources: Vec<_> = on_page.map(|group| shown(asked, groups, group, &projection)).collect();
        Ok((found.len(), resources))
    })
}

pub(super) async fn create(asked: &Asked<'_>) -> Result<Answer, Problem> {
    let edits = of_body(&asked.body)?;
    let id = Uuid::now_v7().to_string();
    change(asked, &id, 201, |groups, now| {
        let head = StoredGroup {
            id: id.as_str().into(),
            created: now,
            modified: now,
            version: 1,
            display_name: "".into(),
            external_id: None,
        };
        carry_out(groups, head, true, &edits, now)
    })
    .await
}

pub(super) async fn replace(asked: &Asked<'_>, id: &str) -> Result<Answer, Problem> {
    let edits = of_body(&asked.body)?;
    if !edits.iter().any(|edit| matches!(edit, Edit::Name(_))) {
        return Err(Problem::bad(ScimType::InvalidValue, "a group has a `displayName`"));
    }
    change(asked, id, 200, |groups, now| edit(asked, groups, id, &edits, now)).await
}

pub(super) async fn patch(asked: &Asked<'_>, id: &str) -> Result<Answer, Problem> {
    let edits = of_patch(&changes::parse(&asked.body)?)?;
    change(asked, id, 200, |groups, now| edit(asked, groups, id, &edits, now)).await
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

/// Changes one group, and answers with what it is then.
async fn change(
    asked: &Asked<'_>,
    id: &str,
    status: u16,
    plan: impl FnOnce(&Provisioned, Timestamp) -> Result<Vec<Change>, Problem>,
) -> Result<Answer, Problem> {
    let plan = |roster: &Roster, now: Timestamp| {
        let groups = provisioned(roster)?;
        let changes = plan(groups, now)?;
        let what = in_words(groups, id, &changes);
        Ok::<_, Problem>(Planned { changes, subject: None, what, answer: () })
    };
    asked.live.sources.change(asked.source, &asked.actor, plan).await.map_err(problem)?;
    let roster = asked.source.roster();
    let groups = provisioned(&roster)?;
    let group = groups.group(id).ok_or_else(unknown)?;
    let projection = asked.query.projection();
    let is_large = groups.member_count(id) > SHOWN_MEMBERS && !projection.leaves_out("members");
    if is_large && status == 200 {
        return Ok(Answer::empty(204).version(group.version));
    }
    let location = format!("{}/Groups/{id}", asked.base);
    Ok(Answer::new(status, shown(asked, groups, group, &projection))
        .version(group.version)
        .location(location))
}

fn edit(
    asked: &Asked<'_>,
    groups: &Provisioned,
    id: &str,
    edits: &[Edit],
    now: Timestamp,
) -> Result<Vec<Change>, Problem> {
    let head = groups.group(id).ok_or_else(unknown)?;
    check_version(&asked.headers, head.version)?;
    carry_out(groups, head.clone(), false, edits, now)
}

/// What is different by these edits.
fn carry_out(
    groups: &Provisioned,
    mut head: StoredGroup,
    is_new: bool,
    edits: &[Edit],
    now: Timestamp,
) -> Result<Vec<Change>, Problem> {
    let before = head.clone();
    let members = membership(groups, &head.id, edits);
    for edit in edits {
        match edit {
            Edit::Name(name) => head.display_name = name.as_str().into(),
            Edit::ExternalId(id) => head.external_id = id.as_deref().map(Into::into),
            _ => {}
        }
    }
    check_name(groups, &head)?;
    if let Some(unknown) = members.come.iter().find(|id| groups.user(id).is_none()) {
        let shown = oam_policy::printable::Printable::new(unknown.as_ref()).to_string();
        return Err(Problem::bad(
            ScimType::InvalidValue,
            format!("there is no user `{shown}` to be a member"),
        ));
    }
    let id = head.id.clone();
    let is_other_head = head != before;
    let mut changes = Vec::new();
    if !members.go.is_empty() {
        changes.push(Change::Leave { group: id.clone(), users: members.go });
    }
    let moves = !changes.is_empty() || !members.come.is_empty();
    if is_new {
        changes.push(Change::PutGroup(head));
    } else if is_other_head {
        changes.push(Change::PutGroup(StoredGroup { version: head.version + 1, modified: now, ..head }));
    } else if moves {
        changes.push(Change::TouchGroup { group: id.clone(), at: now });
    }
    if !members.come.is_empty() {
        changes.push(Change::Join { group: id, users: members.come });
    }
    Ok(changes)
}

/// Who comes into a group, and who goes.
#[derive(Debug, Default)]
struct Membership {
    come: Vec<Box<str>>,
    go: Vec<Box<str>>,
}

/// What edits do to the members, in their order, without a look at those whom none of them is about.
fn membership(groups: &Provisioned, group: &str, edits: &[Edit]) -> Membership {
    let mut cleared = false;
    let (mut come, mut go) = (BTreeSet::<&str>::new(), BTreeSet::<&str>::new());
    for edit in edits {
        match edit {
            Edit::Add(ids) => {
                for id in ids {
                    go.remove(id.as_str());
                    come.insert(id);
                }
            }
            Edit::Remove(ids) => {
                for id in ids {
                    come.remove(id.as_str());
                    go.insert(id);
                }
            }
            Edit::RemoveSuch(filter) => {
                let is_such = |id: &&str| {
                    let member = [("value", *id), ("type", "User")];
                    let member: Map<_, _> = member
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), Value::from(value)))
                        .collect();
                    filter.matches(&member)
                };
                let such: Vec<&str> = groups.members(group).filter(is_such).collect();
                come.retain(|id| !is_such(id));
                go.extend(such);
            }
            Edit::RemoveAll => {
                cleared = true;
                come.clear();
                go.clear();
            }
            Edit::Name(_) | Edit::ExternalId(_) => {}
        }
    }
    let boxed = |id: &str| Box::<str>::from(id);
    Membership {
        go: if cleared {
            groups.members(group).filter(|id| !come.contains(id)).map(boxed).collect()
        } else {
            go.into_iter().filter(|id| groups.is_member(group, id)).map(boxed).collect()
        },
        come: come.into_iter().filter(|id| !groups.is_member(group, id)).map(boxed).collect(),
    }
}

/// A group has a name, and no other one has it: rules name groups, and two of one name would be one.
fn check_name(groups: &Provisioned, head: &StoredGroup) -> Result<(), Problem> {
    if head.display_name.trim().is_empty() {
        return Err(Problem::bad(ScimType::InvalidValue, "a group has a `displayName`"));
    }
    match groups.group_called(&head.display_name) {
        Some(other) if other.id != head.id => {
            Err(Problem::taken(format!("the group {} has this `displayName`", other.id)))
        }
        _ => Ok(()),
    }
}

fn in_words(groups: &Provisioned, id: &str, changes: &[Change]) -> String {
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
    let what = if words.is_empty() { "unchanged".to_owned() } else { words.join(", ") };
    format!("SCIM: group `{name}`: {what}")
}

fn shown(asked: &Asked<'_>, groups: &Provisioned, group: &StoredGroup, projection: &Projection) -> Value {
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
        let member = |id: &str| {
            let address = format!("{}/Users/{id}", asked.base);
            json!({"value": id, "$ref": address, "type": "User"})
        };
        let members: Vec<_> = groups.members(&group.id).map(member).collect();
        object.insert("members".into(), members.into());
    }
    projection.apply(&mut shown);
    shown
}

fn unknown() -> Problem {
    Problem::other(404, "there is no group with this id")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use oam_scim::{Filter, group::Edit};
    use proptest::{collection::vec, prelude::*};

    use super::membership;
    use crate::source::tests::{group_with, ids};

    fn edit() -> impl Strategy<Value = Edit> {
        let some = || vec(0..6_usize, 0..3).prop_map(|numbers| ids(&numbers));
        prop_oneof![
            some().prop_map(Edit::Add),
            some().prop_map(Edit::Remove),
            (0..6_usize).prop_map(|number| {
                let [id] = &ids(&[number])[..] else { panic!() };
                Edit::RemoveSuch(Filter::parse(&format!("value eq \"{id}\" or value eq \"x\"")).unwrap())
            }),
            Just(Edit::RemoveAll),
        ]
    }

    proptest! {
        /// One edit after the other on a plain set.
        #[test]
        fn edits_are_carried_out_in_their_order(before in vec(0..6_usize, 0..6), edits in vec(edit(), 0..6)) {
            let before: BTreeSet<String> = ids(&before).into_iter().collect();
            let groups = group_with(before.iter(), Timestamp::UNIX_EPOCH);
            let mut naive = before.clone();
            for edit in &edits {
                match edit {
                    Edit::Add(ids) => naive.extend(ids.iter().cloned()),
                    Edit::Remove(ids) => naive.retain(|id| !ids.contains(id)),
                    Edit::RemoveSuch(filter) => naive.retain(|id| {
                        let member = serde_json::json!({"value": id});
                        !filter.matches(member.as_object().unwrap())
                    }),
                    Edit::RemoveAll => naive.clear(),
                    _ => {}
                }
            }
            let moved = membership(&groups, "g", &edits);
            let mut after = before;
            for id in &moved.go {
                prop_assert!(after.remove(&**id), "nobody goes who was not there");
            }
            for id in &moved.come {
                prop_assert!(after.insert(id.to_string()), "nobody comes who was there");
            }
            prop_assert_eq!(after, naive);
        }
    }
}
