//! What is to be done in Bitbucket where the app External Hooks runs the hook, and how it is there.

use oam_bitbucket::{
    ProjectKey,
    external_hooks::AppHookKind,
    install::app::{AppPlan, AppStep, ByApp},
};
use oam_proto::v1::BitbucketState;
use serde::Serialize;

use super::{
    Page,
    bitbucket::{ProjectJson, StatusJson, StepJson, summed},
    shown,
};

/// What was done, or would be.
#[derive(Debug, Serialize)]
pub struct AppAppliedJson {
    /// Whether it was.
    pub done: bool,
    /// The steps.
    pub steps: Vec<StepJson>,
    /// Where the app runs something of others.
    pub taken: Vec<TakenJson>,
    /// What the app goes on running.
    pub left: Vec<TakenJson>,
    /// How many things were as they should be already.
    pub unchanged: usize,
}

/// Something of others, which stays.
#[derive(Debug, Serialize)]
pub struct TakenJson {
    project: String,
    script: &'static str,
    exe: String,
}

impl AppAppliedJson {
    /// Of a plan.
    pub fn of(plan: &AppPlan, done: bool) -> Self {
        let told = |all: &[(ProjectKey, AppHookKind, String)]| {
            let one = |(project, kind, exe): &(ProjectKey, AppHookKind, String)| TakenJson {
                project: project.to_string(),
                script: kind.as_str(),
                exe: exe.clone(),
            };
            all.iter().map(one).collect()
        };
        Self {
            done,
            steps: plan.steps.iter().map(step_json).collect(),
            taken: told(&plan.taken),
            left: told(&plan.left),
            unchanged: plan.unchanged,
        }
    }
}

fn step_json(step: &AppStep) -> StepJson {
    match step {
        AppStep::Enable { project, kind, .. } => StepJson::of_project("enable", kind.as_str(), project),
        AppStep::Disable(project, kind) => StepJson::of_project("disable", kind.as_str(), project),
    }
}

/// The steps, and whether they were taken.
pub fn app_plan_text(plan: &AppPlan, done: bool, page: &Page) -> String {
    let mut text = String::new();
    if !done {
        for step in &plan.steps {
            let sign = match step {
                AppStep::Enable { is_on: false, .. } => page.good("+"),
                AppStep::Enable { is_on: true, .. } => page.warn("~"),
                AppStep::Disable(..) => page.bad("-"),
            };
            text.push_str(&format!("  {sign} {}\n", what(step)));
        }
    }
    for (project, kind, exe) in &plan.taken {
        let taken = format!(
            "{project}: the app runs `{}` as its {} hook, and it runs only one: it is left alone",
            shown(exe),
            kind.as_str()
        );
        text.push_str(&format!("  {}\n", page.warn(&taken)));
    }
    for (project, kind, exe) in &plan.left {
        let left = format!(
            "{project}: the app runs `{}` as its {} hook, and goes on with it; if it is ours, name it by --safe-path",
            shown(exe),
            kind.as_str()
        );
        text.push_str(&format!("  {}\n", page.warn(&left)));
    }
    text + &summed(plan.steps.len(), plan.unchanged, done, page)
}

/// A step that was taken.
pub fn app_step_done(step: &AppStep) -> String {
    format!("done: {}", what(step))
}

fn what(step: &AppStep) -> String {
    match step {
        AppStep::Enable { project, kind, executable, is_on } => {
            let again = if *is_on { " in the stead of another" } else { "" };
            let params = executable.params.replace("\r\n", " ");
            let command = format!("{} {params}", executable.exe);
            format!(
                "{project}: have External Hooks run `{}`{again}, as its {} hook",
                shown(command.trim()),
                kind.as_str()
            )
        }
        AppStep::Disable(project, kind) => {
            format!("{project}: switch the {} hook of External Hooks off", kind.as_str())
        }
    }
}

/// How it is, of what was found, what would have to be done, and what the daemon says.
pub fn app_status(seen: &ByApp, wanted: &AppPlan, daemon: &BitbucketState) -> StatusJson {
    let state = |project, kind| {
        let is_on = seen.get(project).and_then(|hooks| hooks.get(&kind)).is_some_and(|hook| hook.is_on);
        let taken = wanted.taken.iter().any(|(key, which, _)| key == project && *which == kind);
        let missing = wanted.steps.iter().any(|step| match step {
            AppStep::Enable { project: key, kind: which, .. } => key == project && *which == kind,
            AppStep::Disable(..) => false,
        });
        match (is_on && !taken, missing) {
            (false, _) => "off",
            (true, true) => "partly",
            (true, false) => "on",
        }
    };
    // Pushes and merges are checked by two of its hooks: one of them is half of it.
    let before = |project| {
        let [pushes, merges] =
            [AppHookKind::PreReceive, AppHookKind::MergeCheck].map(|kind| state(project, kind));
        if pushes == merges { pushes } else { "partly" }
    };
    let projects =
        seen.keys().map(|key| ProjectJson::new(key, before(key), state(key, AppHookKind::PostReceive)));
    StatusJson::new(Vec::new(), projects.collect(), daemon)
}
