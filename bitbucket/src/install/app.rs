//! The hook by way of the app External Hooks: switched on for each project, before changes and after them.
//!
//! The app runs one executable for each of its hooks and each project. Where that is somebody else's, it stays.

use std::collections::BTreeMap;

use crate::{
    Bitbucket, Error, ProjectKey, When,
    error::Problem,
    external_hooks::{AppHook, Executable},
};

/// What the hook's file is called, wherever it lies.
const HOOK: &str = "oam-hook";
/// What tells the hook that it runs after a change, where the app does not.
const AFTERWARDS: &str = "applied";

/// What the app does for each project that was looked at.
pub type ByApp = BTreeMap<ProjectKey, BTreeMap<When, AppHook>>;

/// Where the hook lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookFile {
    /// At this path, on every host.
    Path(String),
    /// By this name below `external-hooks` in Bitbucket's shared home, as it must be in a cluster.
    Shared(String),
}

/// What is to be done, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppPlan {
    /// The steps; none when all is as it should be.
    pub steps: Vec<AppStep>,
    /// Where the app runs something of others, which stays.
    pub taken: Vec<(ProjectKey, When, String)>,
    /// How many things are as they should be already.
    pub unchanged: usize,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppStep {
    /// Have it run the hook for a project.
    Enable {
        /// Which project.
        project: ProjectKey,
        /// Before changes, or after them.
        when: When,
        /// What it is to run.
        executable: Executable,
        /// Whether it runs the hook already, otherwise.
        is_on: bool,
    },
    /// Have it run nothing any more.
    Disable(ProjectKey, When),
}

impl HookFile {
    fn executable(&self, when: When) -> Executable {
        let (exe, safe_path) = match self {
            Self::Path(path) => (path, false),
            Self::Shared(name) => (name, true),
        };
        let params = match when {
            When::Before => String::new(),
            When::After => AFTERWARDS.to_owned(),
        };
        Executable { exe: exe.clone(), params, safe_path }
    }
}

/// Looks at projects.
///
/// # Errors
/// When anything cannot be read, or the app is not there.
pub async fn see(bitbucket: &Bitbucket, projects: &[ProjectKey]) -> Result<ByApp, Error> {
    let mut seen = ByApp::new();
    for project in projects {
        let mut hooks = BTreeMap::new();
        for when in When::ALL {
            let hook = bitbucket.app_hook(project, when).await?.ok_or_else(|| Error {
                doing: format!("reading what External Hooks runs for {project}"),
                problem: Problem::NotFound("the app External Hooks is not installed".to_owned()),
            })?;
            hooks.insert(when, hook);
        }
        seen.insert(project.clone(), hooks);
    }
    Ok(seen)
}

/// Takes the steps of a plan, one after the other. What was done before a step that fails stays.
///
/// # Errors
/// The first step that fails.
pub async fn apply(
    bitbucket: &Bitbucket,
    plan: &AppPlan,
    progress: &mut dyn FnMut(&AppStep),
) -> Result<(), Error> {
    for step in &plan.steps {
        match step {
            AppStep::Enable { project, when, executable, .. } => {
                bitbucket.enable_app_hook(project, *when, executable).await?;
            }
            AppStep::Disable(project, when) => bitbucket.disable_app_hook(project, *when).await?,
        }
        progress(step);
    }
    Ok(())
}

impl AppPlan {
    /// From what was found to the hook being run for each project that was looked at.
    pub fn install(seen: &ByApp, file: &HookFile) -> Self {
        let mut plan = Self::default();
        for (project, when, hook) in each(seen) {
            let executable = file.executable(when);
            let project = project.clone();
            match foreign(hook, &executable) {
                Some(exe) => plan.taken.push((project, when, exe)),
                None if hook.is_on && hook.executable.as_ref() == Some(&executable) => plan.unchanged += 1,
                None => plan.steps.push(AppStep::Enable { project, when, executable, is_on: hook.is_on }),
            }
        }
        plan
    }

    /// From what was found to the hook being run nowhere.
    pub fn uninstall(seen: &ByApp, file: &HookFile) -> Self {
        let ours = |when, hook: &AppHook| hook.is_on && foreign(hook, &file.executable(when)).is_none();
        let steps = each(seen).filter(|(_, when, hook)| ours(*when, hook));
        Self {
            steps: steps.map(|(project, when, _)| AppStep::Disable(project.clone(), when)).collect(),
            ..Self::default()
        }
    }
}

fn each(seen: &ByApp) -> impl Iterator<Item = (&ProjectKey, When, &AppHook)> {
    seen.iter().flat_map(|(project, hooks)| hooks.iter().map(move |(when, hook)| (project, *when, hook)))
}

/// What the app runs for others; what is switched off is nobody's.
fn foreign(hook: &AppHook, wanted: &Executable) -> Option<String> {
    let there = hook.executable.as_ref().filter(|_| hook.is_on)?;
    let ours = there.exe == wanted.exe || there.file() == HOOK;
    (!ours).then(|| there.exe.clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{AppPlan, AppStep, ByApp, HookFile};
    use crate::{
        When,
        external_hooks::{AppHook, Executable},
    };

    fn seen(before: AppHook, after: AppHook) -> ByApp {
        let hooks = BTreeMap::from([(When::Before, before), (When::After, after)]);
        BTreeMap::from([("PAY".parse().unwrap(), hooks)])
    }

    fn on(exe: &str, params: &str) -> AppHook {
        let executable = Executable { exe: exe.into(), params: params.into(), safe_path: false };
        AppHook { is_on: true, executable: Some(executable) }
    }

    fn file() -> HookFile {
        HookFile::Path("/usr/bin/oam-hook".into())
    }

    #[test]
    fn what_is_missing_is_switched_on_and_what_is_whole_stays() {
        let plan = AppPlan::install(&seen(AppHook::default(), on("/usr/bin/oam-hook", "applied")), &file());
        let [AppStep::Enable { when: When::Before, executable, is_on: false, .. }] = plan.steps.as_slice()
        else {
            panic!("{plan:?}")
        };
        assert_eq!((executable.exe.as_str(), executable.params.as_str()), ("/usr/bin/oam-hook", ""));
        assert_eq!((plan.unchanged, plan.taken), (1, vec![]));
        // Our own at another place is brought to this one.
        let moved = AppPlan::install(&seen(on("/opt/oam-hook", ""), on("/usr/bin/oam-hook", "")), &file());
        assert!(moved.steps.iter().all(|step| matches!(step, AppStep::Enable { is_on: true, .. })));
        assert_eq!(moved.steps.len(), 2);
    }

    #[test]
    fn what_others_run_stays() {
        let theirs = seen(on("/opt/check-jira", ""), AppHook { is_on: false, ..on("/opt/check-jira", "") });
        let plan = AppPlan::install(&theirs, &file());
        assert_eq!(plan.taken, [("PAY".parse().unwrap(), When::Before, "/opt/check-jira".to_owned())]);
        assert!(matches!(plan.steps.as_slice(), [AppStep::Enable { when: When::After, is_on: false, .. }]));
        assert_eq!(AppPlan::uninstall(&theirs, &file()).steps, []);
        let ours = seen(on("/usr/bin/oam-hook", ""), on("/opt/check-jira", ""));
        assert_eq!(
            AppPlan::uninstall(&ours, &file()).steps,
            [AppStep::Disable("PAY".parse().unwrap(), When::Before)]
        );
    }

    #[test]
    fn a_cluster_has_it_in_its_shared_home() {
        let executable = HookFile::Shared("oam-hook".into()).executable(When::After);
        let wanted = Executable { exe: "oam-hook".into(), params: "applied".into(), safe_path: true };
        assert_eq!(executable, wanted);
    }
}
