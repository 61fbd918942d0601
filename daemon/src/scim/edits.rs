//! What a request does to a group, and what is different by that.

use std::collections::BTreeSet;

use jiff::Timestamp;
use oam_scim::{Problem, ScimType, group::Edit};
use serde_json::{Map, Value};

use crate::source::{Change, Provisioned, StoredGroup};

/// What a request does to a group.
pub(super) struct Asks {
    pub(super) edits: Vec<Edit>,
    /// What is wrong with the rest of it.
    pub(super) fault: Option<Problem>,
}

impl Asks {
    /// All of it, or else what can be read.
    pub(super) fn of(whole: Result<Vec<Edit>, Problem>, readable: impl FnOnce() -> Vec<Edit>) -> Self {
        match whole {
            Ok(edits) => Self { edits, fault: None },
            Err(fault) => Self { edits: readable(), fault: Some(fault) },
        }
    }
}

/// What becomes of a group by a request.
pub(super) struct Wanted {
    pub(super) changes: Vec<Change>,
    /// How many are to come in whom we do not know.
    pub(super) unknown: usize,
    /// Why not all of it is done.
    pub(super) but: Option<Problem>,
}

/// What is different by these edits. Whoever goes out by them does so whatever is wrong with the rest.
pub(super) fn carry_out(
    groups: &Provisioned,
    mut head: StoredGroup,
    is_new: bool,
    Asks { edits, fault }: Asks,
    now: Timestamp,
) -> Result<Wanted, Problem> {
    let before = head.clone();
    let Membership { come, go } = membership(groups, &head.id, &edits);
    for edit in edits {
        match edit {
            Edit::Name(name) => head.display_name = name.into(),
            Edit::ExternalId(id) => head.external_id = id.map(Into::into),
            _ => {}
        }
    }
    let id = head.id.clone();
    let mut changes = Vec::new();
    if !go.is_empty() {
        changes.push(Change::Leave { group: id.clone(), users: go });
    }
    if let Some(fault) = fault.or_else(|| check_name(groups, &head).err()) {
        if changes.is_empty() {
            return Err(fault);
        }
        changes.push(Change::TouchGroup { group: id, at: now });
        let detail = format!("{}; whoever is to go out of the group is out all the same", fault.detail);
        return Ok(Wanted { changes, unknown: 0, but: Some(Problem { detail, ..fault }) });
    }
    // The others are who they are also where one of them is not known (yet).
    let (come, strangers): (Vec<_>, Vec<_>) = come.into_iter().partition(|id| groups.user(id).is_some());
    if is_new {
        changes.push(Change::PutGroup(head));
    } else if head != before {
        changes.push(Change::PutGroup(StoredGroup { version: head.version + 1, modified: now, ..head }));
    } else if !changes.is_empty() || !come.is_empty() {
        changes.push(Change::TouchGroup { group: id.clone(), at: now });
    }
    if !come.is_empty() {
        changes.push(Change::Join { group: id, users: come });
    }
    Ok(Wanted { changes, unknown: strangers.len(), but: None })
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
        return Err(nameless());
    }
    match groups.group_called(&head.display_name) {
        Some(other) if other.id != head.id => {
            Err(Problem::taken(format!("the group {} has this `displayName`", other.id)))
        }
        _ => Ok(()),
    }
}

pub(super) fn nameless() -> Problem {
    Problem::bad(ScimType::InvalidValue, "a group has a `displayName`")
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
