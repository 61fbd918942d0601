use std::collections::BTreeSet;

use oam_policy::Repository;

use super::{Installed, script};
use crate::{
    ProjectKey, ScriptId, When,
    script::{Upload, triggers},
};

/// What is to be done, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The steps; none when all is as it should be.
    pub steps: Vec<Step>,
    /// How many things are as they should be already.
    pub unchanged: usize,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Register a script.
    Upload(Upload),
    /// Give a script another file, under the same number, so that nothing is unchecked meanwhile.
    Replace(ScriptId, Upload),
    /// Switch a script on for a project.
    Enable {
        /// Which project.
        project: ProjectKey,
        /// Which script.
        when: When,
        /// The triggers that are missing now.
        missing: BTreeSet<String>,
        /// Whether it is switched on for others.
        is_on: bool,
    },
    /// Have a script run for a repository as for its project: it says itself when, and too little.
    Widen {
        /// Which repository.
        repository: Repository,
        /// Which script.
        when: When,
        /// The triggers that are missing there.
        missing: BTreeSet<String>,
    },
    /// Switch a script off for a project.
    Disable {
        /// Which project.
        project: ProjectKey,
        /// Which script.
        when: When,
        /// Its number.
        id: ScriptId,
    },
    /// Delete a script.
    Delete(When, ScriptId),
}

impl Plan {
    /// From what was found to an installation of this version on each project that was looked at.
    pub fn install(seen: &Installed, binary: &str, version: &str) -> Self {
        let mut plan = Self::default();
        for when in When::ALL {
            let wanted = script(when, binary, version);
            match seen.scripts.get(&when) {
                None => plan.steps.push(Step::Upload(wanted)),
                Some(place) if place.digest == wanted.digest() && place.description == wanted.description => {
                    plan.unchanged += 1;
                }
                Some(place) => plan.steps.push(Step::Replace(place.id, wanted)),
            }
        }
        let wanted = triggers();
        for (project, on) in &seen.projects {
            for when in When::ALL {
                let present = on.triggers.get(&when);
                let missing: BTreeSet<_> = match present {
                    Some(present) => wanted.difference(present).cloned().collect(),
                    None => wanted.clone(),
                };
                if missing.is_empty() {
                    plan.unchanged += 1;
                } else {
                    let (project, is_on) = (project.clone(), present.is_some());
                    plan.steps.push(Step::Enable { project, when, missing, is_on });
                }
            }
        }
        for (repository, own) in &seen.repositories {
            for (when, present) in own {
                let missing: BTreeSet<_> = wanted.difference(present).cloned().collect();
                if !missing.is_empty() {
                    let (repository, when) = (repository.clone(), *when);
                    plan.steps.push(Step::Widen { repository, when, missing });
                }
            }
        }
        plan
    }

    /// From what was found to nothing of it.
    pub fn uninstall(seen: &Installed) -> Self {
        let mut steps = Vec::new();
        for (project, on) in &seen.projects {
            for when in on.triggers.keys().copied() {
                if let Some(place) = seen.scripts.get(&when) {
                    steps.push(Step::Disable { project: project.clone(), when, id: place.id });
                }
            }
            for id in &on.strays {
                if let Some(when) = seen.strays.get(id) {
                    steps.push(Step::Disable { project: project.clone(), when: *when, id: *id });
                }
            }
        }
        // Last: as long as something is registered it can be found again.
        steps.extend(seen.strays.iter().map(|(id, when)| Step::Delete(*when, *id)));
        steps.extend(seen.scripts.iter().map(|(when, place)| Step::Delete(*when, place.id)));
        Self { steps, unchanged: 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use oam_policy::Repository;

    use super::{Plan, Step};
    use crate::{
        ScriptId, When,
        install::{Installed, OnProject, Place, script},
        script::triggers,
    };

    fn place(when: When, id: u64, version: &str) -> Place {
        let upload = script(when, "/hook", version);
        Place { id: ScriptId(id), digest: upload.digest(), description: upload.description }
    }

    fn whole(version: &str) -> Installed {
        let scripts = BTreeMap::from([
            (When::Before, place(When::Before, 1, version)),
            (When::After, place(When::After, 2, version)),
        ]);
        let triggers = When::ALL.map(|when| (when, triggers())).into();
        let on = OnProject { triggers, ..OnProject::default() };
        Installed {
            scripts,
            strays: BTreeMap::new(),
            projects: BTreeMap::from([("PAY".parse().unwrap(), on)]),
            repositories: BTreeMap::new(),
        }
    }

    #[test]
    fn what_is_whole_is_left_alone() {
        assert_eq!(Plan::install(&whole("1"), "/hook", "1"), Plan { steps: vec![], unchanged: 4 });
    }

    #[test]
    fn an_upgrade_keeps_the_numbers() {
        let plan = Plan::install(&whole("1"), "/hook", "2");
        let ids: Vec<_> = plan
            .steps
            .iter()
            .map(|step| match step {
                Step::Replace(id, upload) => (id.0, upload.when),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(ids, [(1, When::Before), (2, When::After)]);
    }

    #[test]
    fn what_is_missing_is_added_and_nothing_else() {
        let mut seen = whole("1");
        seen.scripts.remove(&When::After);
        let on = seen.projects.get_mut(&"PAY".parse().unwrap()).unwrap();
        on.triggers.remove(&When::After);
        on.triggers.get_mut(&When::Before).unwrap().remove("merge");
        let plan = Plan::install(&seen, "/hook", "1");
        assert_eq!(plan.unchanged, 1);
        let [
            Step::Upload(upload),
            Step::Enable { missing, is_on: true, .. },
            Step::Enable { is_on: false, .. },
        ] = plan.steps.as_slice()
        else {
            panic!("{plan:?}")
        };
        assert_eq!((upload.when, missing), (When::After, &BTreeSet::from(["merge".to_owned()])));
    }

    #[test]
    fn what_a_repository_says_itself_is_widened_and_what_it_leaves_to_its_project_is_not() {
        let mut seen = whole("1");
        let mut less = triggers();
        less.remove("push");
        let (own, none) = (Repository::parse("PAY/own").unwrap(), Repository::parse("PAY/none").unwrap());
        seen.repositories
            .insert(own.clone(), BTreeMap::from([(When::Before, less), (When::After, triggers())]));
        seen.repositories.insert(none.clone(), BTreeMap::new());
        let missing = BTreeSet::from(["push".to_owned()]);
        let steps = [Step::Widen { repository: own.clone(), when: When::Before, missing }];
        assert_eq!(Plan::install(&seen, "/hook", "1"), Plan { steps: steps.into(), unchanged: 4 });
        let runs = |repository, when| seen.triggers(repository, when).map(BTreeSet::len);
        assert_eq!((runs(&own, When::Before), runs(&none, When::Before)), (Some(7), Some(8)));
    }

    #[test]
    fn what_is_ours_is_taken_away_scripts_last() {
        let plan = Plan::uninstall(&whole("1"));
        let kinds: Vec<_> = plan.steps.iter().map(|step| matches!(step, Step::Delete(..))).collect();
        assert_eq!(kinds, [false, false, true, true]);
        assert_eq!(Plan::uninstall(&Installed::default()).steps, []);
    }
}
