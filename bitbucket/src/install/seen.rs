use std::collections::{BTreeMap, BTreeSet};

use oam_policy::Repository;
use serde::{Deserialize, Serialize};

use super::OURS;
use crate::{
    Bitbucket, Error, ProjectKey, Script, ScriptId, When,
    script::{Enabled, digest},
};

/// The numbers of our scripts, as they were noted at the installation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Of the script that runs before changes.
    pub before: Option<ScriptId>,
    /// Of the one that runs after them.
    pub after: Option<ScriptId>,
}

/// One of our scripts as it is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its number.
    pub id: ScriptId,
    /// The SHA-256 of its file, in hexadecimal.
    pub digest: String,
    /// What its description says that it is.
    pub description: String,
}

/// What makes each of our scripts run, of those that are switched on.
pub type Triggers = BTreeMap<When, BTreeSet<String>>;

/// What is switched on for one project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnProject {
    /// For each of our scripts that is switched on, what makes it run.
    pub triggers: Triggers,
    /// Which strays are switched on.
    pub strays: BTreeSet<ScriptId>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installed {
    /// Our scripts that are registered.
    pub scripts: BTreeMap<When, Place>,
    /// What is described as ours, and is none of these: of another installation, whose numbers nobody noted.
    pub strays: BTreeMap<ScriptId, When>,
    /// Where they are switched on: every project that was looked at.
    pub projects: BTreeMap<ProjectKey, OnProject>,
    /// Every repository that was looked at, with the scripts of which it says itself when they run.
    pub repositories: BTreeMap<Repository, Triggers>,
}

impl Known {
    /// The number of one of them.
    pub fn get(&self, when: When) -> Option<ScriptId> {
        match when {
            When::Before => self.before,
            When::After => self.after,
        }
    }

    /// Notes the number of one of them.
    pub fn set(&mut self, when: When, id: Option<ScriptId>) {
        match when {
            When::Before => self.before = id,
            When::After => self.after = id,
        }
    }
}

impl Installed {
    /// The numbers of our scripts that are registered.
    pub fn known(&self) -> Known {
        let id = |when| self.scripts.get(&when).map(|place| place.id);
        Known { before: id(When::Before), after: id(When::After) }
    }

    /// What makes a script of ours run for changes of a repository: what the repository says, or else its project.
    pub fn triggers(&self, repository: &Repository, when: When) -> Option<&BTreeSet<String>> {
        let own = self.repositories.get(repository).and_then(|own| own.get(&when));
        own.or_else(|| self.projects.get(&ProjectKey::of(repository))?.triggers.get(&when))
    }

    /// Those that are ours.
    fn ours(&self, enabled: Vec<Enabled>) -> Triggers {
        ours(enabled, &self.scripts)
    }
}

/// Looks at `projects`. Scripts are known by the numbers in `known`, or else found where they are switched on:
/// Bitbucket has no call that lists them all.
///
/// # Errors
/// When anything cannot be read: nothing is taken for missing that was not looked at.
pub async fn see(bitbucket: &Bitbucket, known: Known, projects: &[ProjectKey]) -> Result<Installed, Error> {
    let mut enabled = BTreeMap::new();
    for project in projects {
        enabled.insert(project.clone(), bitbucket.enabled_scripts(project).await?);
    }
    let mut scripts = BTreeMap::new();
    for when in When::ALL {
        let noted = match known.get(when) {
            Some(id) => bitbucket.script(id).await?.filter(|script| is_ours(script, when)),
            None => None,
        };
        let found = || enabled.values().flatten().map(|one| &one.script).find(|script| is_ours(script, when));
        if let Some(script) = noted.or_else(|| found().cloned()) {
            let digest = digest(&bitbucket.script_content(script.id).await?);
            let description = script.description.unwrap_or_default();
            scripts.insert(when, Place { id: script.id, digest, description });
        }
    }
    let is_known = |script: &Script| scripts.values().any(|place: &Place| place.id == script.id);
    let strays = enabled.values().flatten().map(|one| &one.script);
    let strays = strays.filter(|script| is_ours(script, script.when) && !is_known(script));
    let strays: BTreeMap<_, _> = strays.map(|script| (script.id, script.when)).collect();
    let on = |all| OnProject::of(all, &scripts, &strays);
    let projects = enabled.into_iter().map(|(key, all)| (key, on(all))).collect();
    Ok(Installed { scripts, strays, projects, repositories: BTreeMap::new() })
}

/// Looks at each repository of the projects that were looked at, too: what it says itself of our scripts may be less than what
/// its project says.
///
/// # Errors
/// When anything cannot be read.
pub async fn see_repositories(bitbucket: &Bitbucket, seen: &mut Installed) -> Result<(), Error> {
    let mut all = BTreeMap::new();
    for project in seen.projects.keys() {
        for repository in bitbucket.repositories(project).await? {
            let own = bitbucket.own_scripts(&repository).await?;
            all.insert(repository, seen.ours(own));
        }
    }
    seen.repositories = all;
    Ok(())
}

impl OnProject {
    fn of(enabled: Vec<Enabled>, scripts: &BTreeMap<When, Place>, strays: &BTreeMap<ScriptId, When>) -> Self {
        let stray = enabled.iter().map(|one| one.script.id).filter(|id| strays.contains_key(id)).collect();
        Self { triggers: ours(enabled, scripts), strays: stray }
    }
}

fn ours(enabled: Vec<Enabled>, scripts: &BTreeMap<When, Place>) -> Triggers {
    let one = |one: Enabled| {
        let when = one.script.when;
        let is_it = scripts.get(&when).is_some_and(|place| place.id == one.script.id);
        is_it.then_some((when, one.trigger_ids))
    };
    enabled.into_iter().filter_map(one).collect()
}

/// Whether we have uploaded it: a number that was noted may belong to something else by now.
fn is_ours(script: &Script, when: When) -> bool {
    let described = script.description.as_deref().is_some_and(|text| text.starts_with(OURS));
    script.when == when && described
}
