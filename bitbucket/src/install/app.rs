//! The hook by way of the app External Hooks: switched on for each project, before changes, at merges, and after changes.
//!
//! The app runs one executable for each of its hooks and each project. Where that is somebody else's, it stays.

use std::collections::BTreeMap;

use crate::{
    Bitbucket, Error, ProjectKey,
    error::Problem,
    external_hooks::{AppHook, AppHookKind, Executable},
};

/// What the hook's file is called, wherever it lies.
const HOOK: &str = "oam-hook";
/// What tells the hook that it runs after a change, where the app does not.
const AFTERWARDS: &str = "applied";

/// What the app does for each project that was looked at.
pub type ByApp = BTreeMap<ProjectKey, BTreeMap<AppHookKind, AppHook>>;

/// The hook's file below `external-hooks` in Bitbucket's shared home: on Data Center the app runs nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookFile(pub String);

/// What is to be done, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppPlan {
    /// The steps; none when all is as it should be.
    pub steps: Vec<AppStep>,
    /// Where the app runs something of others, which stands in the way.
    pub taken: Vec<(ProjectKey, AppHookKind, String)>,
    /// What the app goes on running when ours is gone: of others, or ours under a name that was not given.
    pub left: Vec<(ProjectKey, AppHookKind, String)>,
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
        /// Which of the app's hooks.
        kind: AppHookKind,
        /// What it is to run.
        executable: Executable,
        /// Whether it runs the hook already, otherwise.
        is_on: bool,
    },
    /// Have it run nothing any more.
    Disable(ProjectKey, AppHookKind),
}

impl HookFile {
    pub(super) fn executable(&self, kind: AppHookKind) -> Executable {
        let params = if kind.checks() { "" } else { AFTERWARDS };
        Executable { exe: self.0.clone(), params: params.to_owned(), safe_path: true }
    }
}

impl Default for HookFile {
    fn default() -> Self {
        Self(HOOK.to_owned())
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
        for kind in AppHookKind::ALL {
            let hook = bitbucket.app_hook(project, kind).await?.ok_or_else(|| Error {
                doing: format!("reading what External Hooks runs for {project}"),
                problem: Problem::NotFound("the app External Hooks is not installed".to_owned()),
            })?;
            hooks.insert(kind, hook);
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
            AppStep::Enable { project, kind, executable, .. } => {
                bitbucket.enable_app_hook(project, *kind, executable).await?;
            }
            AppStep::Disable(project, kind) => bitbucket.disable_app_hook(project, *kind).await?,
        }
        progress(step);
    }
    Ok(())
}

impl AppPlan {
    /// From what was found to the hook being run for each project that was looked at.
    pub fn install(seen: &ByApp, file: &HookFile) -> Self {
        let mut plan = Self::default();
        for (project, kind, hook) in each(seen) {
            let executable = file.executable(kind);
            let project = project.clone();
            match foreign(hook, &executable) {
                Some(exe) => plan.taken.push((project, kind, exe)),
                None if hook.is_on && hook.executable.as_ref() == Some(&executable) => plan.unchanged += 1,
                None => plan.steps.push(AppStep::Enable { project, kind, executable, is_on: hook.is_on }),
            }
        }
        plan
    }

    /// From what was found to the hook being run nowhere. What the app runs besides is told: it may be ours under another name.
    pub fn uninstall(seen: &ByApp, file: &HookFile) -> Self {
        let mut plan = Self::default();
        for (project, kind, hook) in each(seen).filter(|(_, _, hook)| hook.is_on) {
            match foreign(hook, &file.executable(kind)) {
                Some(exe) => plan.left.push((project.clone(), kind, exe)),
                None => plan.steps.push(AppStep::Disable(project.clone(), kind)),
            }
        }
        plan
    }
}

fn each(seen: &ByApp) -> impl Iterator<Item = (&ProjectKey, AppHookKind, &AppHook)> {
    seen.iter().flat_map(|(project, hooks)| hooks.iter().map(move |(kind, hook)| (project, *kind, hook)))
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
    use crate::external_hooks::{AppHook, AppHookKind, Executable};

    fn seen(before: AppHook, merges: AppHook, after: AppHook) -> ByApp {
        let hooks = BTreeMap::from([
            (AppHookKind::PreReceive, before),
            (AppHookKind::MergeCheck, merges),
            (AppHookKind::PostReceive, after),
        ]);
        BTreeMap::from([("PAY".parse().unwrap(), hooks)])
    }

    fn on(exe: &str, params: &str) -> AppHook {
        let executable = Executable { exe: exe.into(), params: params.into(), safe_path: true };
        AppHook { is_on: true, executable: Some(executable) }
    }

    fn kinds(plan: &AppPlan) -> Vec<(AppHookKind, String, bool)> {
        let of = |step: &AppStep| match step {
            AppStep::Enable { kind, executable, is_on, .. } => (*kind, executable.params.clone(), *is_on),
            AppStep::Disable(_, kind) => (*kind, "-".to_owned(), true),
        };
        plan.steps.iter().map(of).collect()
    }

    #[test]
    fn what_is_missing_is_switched_on_and_what_is_whole_stays() {
        let file = HookFile::default();
        let none = AppHook::default;
        let plan = AppPlan::install(&seen(none(), none(), on("oam-hook", "applied")), &file);
        assert_eq!(
            kinds(&plan),
            [
                (AppHookKind::PreReceive, String::new(), false),
                (AppHookKind::MergeCheck, String::new(), false)
            ]
        );
        assert_eq!((plan.unchanged, plan.taken), (1, vec![]));
        // An installation that knew nothing of merges is not whole.
        let old = AppPlan::install(&seen(on("oam-hook", ""), none(), on("oam-hook", "applied")), &file);
        assert_eq!(kinds(&old), [(AppHookKind::MergeCheck, String::new(), false)]);
        // Our own at another place is brought to this one.
        let moved = AppPlan::install(
            &seen(on("/opt/oam-hook", ""), on("old/oam-hook", ""), on("oam-hook", "")),
            &file,
        );
        assert!(moved.steps.iter().all(|step| matches!(step, AppStep::Enable { is_on: true, .. })));
        assert_eq!(moved.steps.len(), 3);
    }

    #[test]
    fn what_others_run_stays_and_is_told() {
        let file = HookFile::default();
        let theirs = seen(
            on("check-jira", ""),
            on("check-builds", ""),
            AppHook { is_on: false, ..on("check-jira", "") },
        );
        let plan = AppPlan::install(&theirs, &file);
        let taken = [(AppHookKind::PreReceive, "check-jira"), (AppHookKind::MergeCheck, "check-builds")]
            .map(|(kind, exe)| ("PAY".parse().unwrap(), kind, exe.to_owned()));
        assert_eq!(plan.taken, taken);
        assert!(matches!(
            plan.steps.as_slice(),
            [AppStep::Enable { kind: AppHookKind::PostReceive, is_on: false, .. }]
        ));
        let none = AppPlan::uninstall(&theirs, &file);
        assert_eq!((none.steps, none.left), (vec![], taken.to_vec()));
        let ours = seen(on("/usr/bin/oam-hook", ""), on("oam-hook", ""), on("check-jira", ""));
        let plan = AppPlan::uninstall(&ours, &file);
        assert_eq!(plan.steps.len(), 2);
        assert_eq!(plan.left, [("PAY".parse().unwrap(), AppHookKind::PostReceive, "check-jira".into())]);
        // Under another name it is ours where that is said.
        let named = seen(on("bitbucket/guard", ""), on("bitbucket/guard", ""), AppHook::default());
        assert_eq!(AppPlan::uninstall(&named, &file).left.len(), 2);
        assert_eq!(AppPlan::uninstall(&named, &HookFile("bitbucket/guard".into())).steps.len(), 2);
    }

    #[test]
    fn it_lies_in_the_shared_home_and_is_told_when_it_reports() {
        let executable = |kind| HookFile::default().executable(kind);
        let wanted =
            |params: &str| Executable { exe: "oam-hook".into(), params: params.into(), safe_path: true };
        assert_eq!(executable(AppHookKind::PreReceive), wanted(""));
        assert_eq!(executable(AppHookKind::MergeCheck), wanted(""));
        assert_eq!(executable(AppHookKind::PostReceive), wanted("applied"));
    }
}
