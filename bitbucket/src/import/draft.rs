use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use oam_policy::{
    GroupName, Policy, Username,
    fault::Faults,
    file::{self, PolicySource},
    name::GroupNameError,
};

use super::{Found, Left, LeftKind, names::Ids, rules, tidy};
use crate::{
    GlobalLevel,
    permission::{Holder, Level, Place},
};

/// What an administrator has decided.
#[derive(Debug, Clone)]
pub struct Choices {
    source: String,
    services: BTreeSet<Holder>,
}

/// Why a choice makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum ChoicesError {
    /// The name of the source.
    #[error("{0}")]
    Source(#[from] GroupNameError),
    /// The name of a service.
    #[error("`{0}` is no username")]
    Service(String),
}

/// A policy that was made of what is in Bitbucket.
#[derive(Debug)]
pub struct Imported {
    /// Its files.
    pub files: Vec<PolicySource>,
    /// The policy.
    pub policy: Policy,
    /// What it does not say, the most pressing first.
    pub left: Vec<Left>,
}

/// A policy before it is written.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) roles: Vec<Role>,
    pub(super) grants: Vec<Grant>,
    pub(super) rules: Vec<rules::Rule>,
    pub(super) left: Vec<Left>,
    pub(super) role_ids: Ids,
    pub(super) rule_ids: Ids,
    by_holder: BTreeMap<Holder, String>,
}

#[derive(Debug)]
pub(super) struct Role {
    pub(super) id: String,
    /// Groups, or one account by name.
    pub(super) held_by: HeldBy,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum HeldBy {
    Groups(BTreeSet<String>),
    Service(String),
}

#[derive(Debug)]
pub(super) struct Grant {
    pub(super) id: String,
    pub(super) to: BTreeSet<String>,
    pub(super) on: BTreeSet<String>,
    pub(super) level: Level,
}

impl Choices {
    /// Groups have the same names in `source` as in Bitbucket, and these accounts are machines.
    ///
    /// # Errors
    /// When no source can be called so, or nobody.
    pub fn new(source: &str, services: &[String]) -> Result<Self, ChoicesError> {
        GroupName::parse(&format!("{source}:x"))?;
        let service = |name: &String| {
            let usable = Username::parse(name).ok().and_then(|_| Holder::user(name));
            usable.ok_or_else(|| ChoicesError::Service(name.clone()))
        };
        let services = services.iter().map(service).collect::<Result<_, _>>()?;
        Ok(Self { source: source.to_owned(), services })
    }

    /// A group of Bitbucket as the directory calls it; `None`: none there can be called so.
    pub(super) fn group(&self, group: &Holder) -> Option<GroupName> {
        GroupName::parse(&format!("{}:{}", self.source, group.name())).ok()
    }

    pub(super) fn is_service(&self, user: &Holder) -> bool {
        self.services.contains(user)
    }
}

impl Imported {
    /// The policy that says what was found, as far as it can be said.
    ///
    /// # Errors
    /// When it would be larger than a policy may be.
    pub fn of(found: &Found, choices: &Choices, now: Timestamp) -> Result<Self, Faults> {
        let mut draft = Draft::default();
        draft.grants(found, choices);
        rules::draft(&mut draft, found, choices);
        draft.note_what_is_left_to_bitbucket(found);
        let place = |kind| LeftKind::ALL.iter().position(|one| *one == kind);
        draft.left.sort_by_key(|left| (place(left.kind), left.place.clone(), left.holder.clone()));
        draft.left.dedup();
        let files = tidy::allowing_what_is_as_it_was(&draft, found, choices, now)?;
        Ok(Self { policy: file::parse(&files)?, files, left: draft.left })
    }
}

impl Draft {
    pub(super) fn leave(
        &mut self,
        kind: LeftKind,
        place: Option<&Place>,
        holder: Option<&Holder>,
        what: String,
    ) {
        self.left.push(Left { kind, place: place.cloned(), holder: holder.cloned(), what });
    }

    /// The role of a group, or of an account that is a machine; `None` where there can be none, which is then told.
    pub(super) fn role(
        &mut self,
        found: &Found,
        choices: &Choices,
        holder: &Holder,
        (kind, place, what): (LeftKind, Option<&Place>, &str),
    ) -> Option<String> {
        if let Some(known) = self.by_holder.get(holder) {
            return Some(known.clone());
        }
        let held_by = match holder.as_user() {
            Some(name) if choices.is_service(holder) => HeldBy::Service(name.to_owned()),
            Some(_) => {
                self.leave(kind, place, Some(holder), what.to_owned());
                return None;
            }
            None => {
                let there = found.group(holder.name());
                let named = there.as_ref().and_then(|group| choices.group(group));
                let Some(named) = named else {
                    let why = if there.is_some() {
                        "no group of a directory can be called so"
                    } else {
                        "Bitbucket has no such group"
                    };
                    self.leave(LeftKind::Group, place, Some(holder), format!("{what}: {why}"));
                    return None;
                };
                HeldBy::Groups([written(&named)].into())
            }
        };
        let id = self.role_ids.fresh(holder.name());
        self.by_holder.insert(holder.clone(), id.clone());
        self.roles.push(Role { id: id.clone(), held_by });
        Some(id)
    }

    /// What was given, by who has the same of it.
    fn grants(&mut self, found: &Found, choices: &Choices) {
        let mut given: BTreeMap<(Level, String), BTreeSet<String>> = BTreeMap::new();
        let mut give = |level, on: String, role| given.entry((level, on)).or_default().insert(role);
        for one in &found.seen.everywhere.is {
            if one.level >= GlobalLevel::Admin {
                let told = (LeftKind::Person, None, "administers Bitbucket, by name");
                if let Some(role) = self.role(found, choices, &one.holder, told) {
                    give(Level::Admin, "**".to_owned(), role);
                }
            } else if one.level == GlobalLevel::ProjectCreate {
                self.leave(LeftKind::Creating, None, Some(&one.holder), "may make projects".to_owned());
            }
        }
        for (place, known) in &found.seen.permissions {
            let above = found.seen.permissions.get(&Place::Project(place.project()));
            for (holder, level) in &known.is {
                let more = |(one, most): &(Holder, Level)| one == holder && most >= level;
                let has_more = matches!(place, Place::Repository(_))
                    && above.is_some_and(|above| above.is.iter().any(more));
                if has_more {
                    continue;
                }
                if *level == Level::Create {
                    let what = "may make repositories; the policy gives write".to_owned();
                    self.leave(LeftKind::Creating, Some(place), Some(holder), what);
                }
                let what = format!("has {level}, by name");
                if let Some(role) = self.role(found, choices, holder, (LeftKind::Person, Some(place), &what))
                {
                    give(plain(*level), on(place), role);
                }
            }
        }
        for (project, level) in &found.around.everybody {
            let place = Place::Project(project.clone());
            for role in self.everybody(found, choices) {
                give(plain(*level), on(&place), role);
            }
        }
        let mut alike: BTreeMap<(Level, BTreeSet<String>), BTreeSet<String>> = BTreeMap::new();
        for ((level, on), to) in given {
            alike.entry((level, to)).or_default().insert(on);
        }
        for ((level, to), on) in alike {
            let first = to.first().map(String::as_str).unwrap_or_default();
            let id = self.rule_ids.fresh(&format!("{level}-{first}"));
            self.grants.push(Grant { id, to, on, level });
        }
    }

    /// The roles of everybody who uses Bitbucket.
    fn everybody(&mut self, found: &Found, choices: &Choices) -> Vec<String> {
        let what = "uses Bitbucket by name, and has what everybody has who uses it";
        // Administrators have more anyway.
        let all = found.seen.everywhere.is.iter().filter(|one| one.level < GlobalLevel::Admin);
        all.filter_map(|one| self.role(found, choices, &one.holder, (LeftKind::Person, None, what))).collect()
    }

    fn note_what_is_left_to_bitbucket(&mut self, found: &Found) {
        let what = "whoever may write may push other refs than branches and tags too, such as `refs/notes/x`; the policy gives none";
        self.leave(LeftKind::OtherRefs, None, None, what.to_owned());
        if found.personal > 0 {
            let what = format!("{} projects are somebody's own, and were not looked at", found.personal);
            self.leave(LeftKind::PersonalProjects, None, None, what);
        }
        for account in &found.seen.accounts.is {
            if account.active && Username::parse(&account.name).is_err() {
                let holder = account.holder();
                let what = "no user of a directory can be called so: whatever they do is refused".to_owned();
                self.leave(LeftKind::Name, None, holder.as_ref(), what);
            }
        }
    }
}

pub(super) fn written(group: &GroupName) -> String {
    format!("{}:{}", group.source(), group.name())
}

/// Making repositories is nothing that a policy gives.
fn plain(level: Level) -> Level {
    if level == Level::Create { Level::Write } else { level }
}

/// The repositories of a place, as a rule names them.
pub(super) fn on(place: &Place) -> String {
    match place {
        Place::Project(project) => format!("{project}/*"),
        Place::Repository(repository) => repository.to_string(),
    }
}
