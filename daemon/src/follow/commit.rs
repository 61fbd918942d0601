//! What is different by what a server has now.

use std::{collections::BTreeSet, convert::Infallible};

use jiff::Timestamp;
use oam_policy::Username;
use oam_scim::Document;
use thiserror::Error;

use super::{Picture, Touched};
use crate::{
    config::SourceKind,
    source::{
        Change, CommitError, Planned, Provisioned, Request, Roster, Source, Sources, StoredGroup, StoredUser,
    },
};

/// More changes than this are stored and merged as a whole.
const MANY: usize = 2_000;
/// As few people may always lose everything by a load, or be let in by it.
const FEW: usize = 5;

/// Why what a server has is not what the source says.
#[derive(Debug, Error)]
pub(crate) enum CommitFault {
    /// It is not taken without somebody's word.
    #[error("{0}")]
    Held(String),
    /// It could not be kept, or put in force.
    #[error(transparent)]
    Commit(#[from] CommitError<Infallible>),
}

/// What is looked at.
pub(crate) enum Of<'a> {
    /// Everybody, after everything was read, as somebody wanted or not.
    All(Option<&'a Request>),
    /// Those whom a refresh concerned.
    Refreshed(&'a Touched),
    /// Those whom a change concerned.
    Changed(&'a Touched),
}

/// Changes, those first that only take.
#[derive(Default)]
struct Difference {
    takes: Vec<Change>,
    gives: Vec<Change>,
    users: BTreeSet<Box<str>>,
    groups: usize,
}

/// Makes what the source says that which the server has. When it returns, it is durable, in the audit log, and in force.
/// More than `max_loss` of a hundred people lose everything by a load, or are let in by one of a directory server who were not, only
/// when somebody says so.
pub(crate) async fn commit(
    sources: &Sources,
    source: &Source,
    max_loss: u8,
    picture: &impl Picture,
    of: Of<'_>,
) -> Result<(), CommitFault> {
    let (actor, why) = match &of {
        Of::All(Some(request)) => {
            let reason = request.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            (request.actor.clone(), format!("everything was read again, as wanted{reason}"))
        }
        Of::All(None) => (source.name().to_string(), "everything was read".to_owned()),
        Of::Refreshed(_) => {
            (source.name().to_string(), "what changed while the server was not heard".to_owned())
        }
        Of::Changed(_) => (source.name().to_string(), "the server told of a change".to_owned()),
    };
    let bound = match &of {
        Of::All(Some(request)) if request.accept_loss => None,
        Of::All(_) | Of::Refreshed(_) => Some(max_loss),
        Of::Changed(_) => None,
    };
    let difference = {
        let roster = source.roster();
        let difference = tokio::task::block_in_place(|| difference(picture, &roster, &of));
        if let Some(bound) = bound {
            // Whoever gives their word gives it for all of it, and is shown all of it.
            let mut why = Vec::from_iter(held(&difference, picture, &roster, bound));
            // What says who may act cannot be hidden from us elsewhere without everybody being inactive, or nothing read at all.
            if source.config().kind == SourceKind::Ldap {
                why.extend(held_limits(&difference, &roster, bound));
            }
            if !why.is_empty() {
                return Err(CommitFault::Held(why.join("; ")));
            }
        }
        difference
    };
    let subject = match difference.users.iter().collect::<Vec<_>>().as_slice() {
        [user] => subject(source, picture, user),
        _ => None,
    };
    let what =
        format!("{why}: {} users and {} groups are different", difference.users.len(), difference.groups);
    for changes in [difference.takes, difference.gives] {
        if changes.is_empty() {
            continue;
        }
        let (is_much, what, subject) = (changes.len() > MANY, what.clone(), subject.clone());
        let plan =
            |_: &Roster, _: Timestamp| Ok::<_, Infallible>(Planned { changes, subject, what, answer: () });
        if is_much && !matches!(of, Of::Changed(_)) {
            sources.change_much(source, &actor, plan).await?;
        } else {
            sources.change(source, &actor, plan).await?;
        }
    }
    if source.roster().lost && matches!(of, Of::All(_)) {
        let what = "everything was read after it was lost".to_owned();
        let plan = |_: &Roster, _: Timestamp| {
            Ok::<_, Infallible>(Planned { changes: vec![Change::Complete], subject: None, what, answer: () })
        };
        sources.change(source, &actor, plan).await?;
    }
    Ok(())
}

/// Whom and which groups a picture gives something that the source did not give before.
pub(crate) fn given(source: &Source, picture: &impl Picture) -> Touched {
    let mut touched = Touched::default();
    for change in difference(picture, &source.roster(), &Of::All(None)).gives {
        match change {
            Change::PutUser(user) => drop(touched.users.insert(user.id)),
            Change::PutGroup(group) => drop(touched.groups.insert(group.id)),
            Change::Join { group, .. } => drop(touched.groups.insert(group)),
            _ => {}
        }
    }
    touched
}

fn difference(picture: &impl Picture, roster: &Roster, of: &Of<'_>) -> Difference {
    let Some(known) = roster.provisioned() else { return Difference::default() };
    let now = Timestamp::now();
    let mut difference = Difference::default();
    let (users, groups): (BTreeSet<Box<str>>, BTreeSet<Box<str>>) = match of {
        Of::All(_) => {
            let (users, groups) = (picture.user_ids().into_iter(), picture.group_ids().into_iter());
            (
                users.chain(known.users().map(|user| user.id.clone())).collect(),
                groups.chain(known.groups().map(|group| group.id.clone())).collect(),
            )
        }
        Of::Refreshed(touched) | Of::Changed(touched) => (touched.users.clone(), touched.groups.clone()),
    };
    for id in users {
        let document = picture.user(&id, now);
        difference.user(id, document, known, now);
    }
    for id in groups {
        difference.group(id, picture, known, now);
    }
    difference
}

impl Difference {
    fn user(&mut self, id: Box<str>, document: Option<Document>, known: &Provisioned, now: Timestamp) {
        let before = known.user(&id);
        let Some(document) = document else {
            if before.is_some() {
                self.takes.push(Change::DropUser(id.clone()));
                self.users.insert(id);
            }
            return;
        };
        if before.is_some_and(|before| before.document() == document) {
            return;
        }
        let (created, version) = before.map_or((now, 1), |before| (before.created, before.version + 1));
        let stored = StoredUser::new(&id, created, now, version, &document);
        let part = if stored.is_active() { &mut self.gives } else { &mut self.takes };
        part.push(Change::PutUser(stored));
        self.users.insert(id);
    }

    fn group(&mut self, key: Box<str>, picture: &impl Picture, known: &Provisioned, now: Timestamp) {
        let before = known.group(&key);
        let Some(name) = picture.group(&key) else {
            if before.is_some() {
                self.takes.push(Change::DropGroup(key));
                self.groups += 1;
            }
            return;
        };
        let head = StoredGroup {
            id: key.clone(),
            created: before.map_or(now, |before| before.created),
            modified: now,
            version: before.map_or(1, |before| before.version + 1),
            display_name: name.into(),
            external_id: Some(key.clone()),
        };
        let is_renamed = before.is_none_or(|before| before.display_name != head.display_name);
        if is_renamed && before.is_some() {
            // Under the other name it is another group to rules: they leave the one before they are in the other.
            self.takes.push(Change::DropGroup(key.clone()));
        }
        let was: BTreeSet<&str> = if is_renamed { BTreeSet::new() } else { known.members(&key).collect() };
        let is = picture.members(&key);
        let left = was.iter().filter(|user| !is.contains(**user)).map(|user| Box::from(*user));
        let joined = is.iter().filter(|user| !was.contains(&***user)).cloned();
        let (left, joined): (Vec<Box<str>>, Vec<Box<str>>) = (left.collect(), joined.collect());
        self.groups += usize::from(is_renamed || !left.is_empty() || !joined.is_empty());
        if !left.is_empty() {
            self.takes.push(Change::Leave { group: key.clone(), users: left });
        }
        if is_renamed {
            self.gives.push(Change::PutGroup(head));
        }
        if !joined.is_empty() {
            self.gives.push(Change::Join { group: key, users: joined });
        }
    }
}

/// Makes sure that not too many lose everything at once: that looks more like a filter, a base or rights that are not
/// what they were than like people who leave.
fn held(difference: &Difference, picture: &impl Picture, roster: &Roster, bound: u8) -> Option<String> {
    let known = roster.provisioned()?;
    let has_something = |id: &str| {
        let is_active = known.user(id).is_some_and(|user| user.is_active());
        is_active && known.groups_of(id).next().is_some()
    };
    let having: Vec<&str> = known.users().map(|user| &*user.id).filter(|id| has_something(id)).collect();
    let dropped: BTreeSet<&str> = difference
        .takes
        .iter()
        .filter_map(|change| match change {
            Change::DropUser(id) => Some(&**id),
            Change::PutUser(user) => Some(&*user.id),
            _ => None,
        })
        .collect();
    let groups = picture.group_ids().into_iter().filter(|id| picture.group(id).is_some());
    let grouped: BTreeSet<Box<str>> = groups.flat_map(|group| picture.members(&group)).collect();
    let loses = |id: &&&str| dropped.contains(**id) || !grouped.contains(**id);
    let lost = having.iter().filter(loses).count();
    let all = having.len();
    are_many(lost, all, bound).then(|| {
        format!("{lost} of {all} people who have groups would lose everything, and `max_loss` is {bound}%")
    })
}

/// Makes sure that not too many are let in at once who may not act, nor too many without an end who may act only until a time:
/// where a right to read what says so was taken away, it looks as if nobody were limited. Each are counted against their own:
/// that many others have an end makes those no fewer who may not act and would.
fn held_limits(difference: &Difference, roster: &Roster, bound: u8) -> Vec<String> {
    let Some(known) = roster.provisioned() else { return Vec::new() };
    let now = Timestamp::now();
    // Who is not known was not limited.
    let given: Vec<(&StoredUser, &StoredUser)> = difference
        .gives
        .iter()
        .filter_map(|change| match change {
            Change::PutUser(user) => Some((&**known.user(&user.id)?, user)),
            _ => None,
        })
        .collect();
    let let_in = given.iter().filter(|(before, _)| before.is_barred(now)).count();
    let endless = given.iter().filter(|(before, after)| before.has_end() && !after.has_end()).count();
    let mut why = Vec::new();
    // Most loads let in nobody: nobody else is looked at for those.
    if let_in > FEW {
        let barred = known.users().filter(|user| user.is_barred(now)).count();
        why.extend(are_many(let_in, barred, bound).then(|| {
            format!("{let_in} of {barred} people who may not act would be let in, and `max_loss` is {bound}%")
        }));
    }
    if endless > FEW {
        let ending = known.users().filter(|user| user.has_end()).count();
        why.extend(are_many(endless, ending, bound).then(|| {
            format!(
                "{endless} of {ending} people who may act only until a time would be let in without an end, and \
                 `max_loss` is {bound}%"
            )
        }));
    }
    why
}

/// Why not even those are cut off whom a load shows as inactive that is not taken, if they are many: that looks like a right
/// that was taken away, too.
pub(crate) fn held_cut(source: &Source, cut_off: usize, bound: u8) -> Option<String> {
    let roster = source.roster();
    let active =
        roster.provisioned().map_or(0, |known| known.users().filter(|user| user.is_active()).count());
    are_many(cut_off, active, bound).then(|| {
        format!("nor is anybody cut off by it, since {cut_off} of {active} people who are active would be")
    })
}

/// Whether so many of all are more than may lose everything by a load.
fn are_many(lost: usize, all: usize, bound: u8) -> bool {
    lost > FEW && lost * 100 > all * usize::from(bound)
}

fn subject(source: &Source, picture: &impl Picture, user: &str) -> Option<Username> {
    let mapping = &source.config().mapping;
    let now = picture.user(user, Timestamp::now()).and_then(|document| mapping.username(&document));
    now.or_else(|| mapping.username(&source.roster().provisioned()?.user(user)?.document()))
}
