//! What of an installation is not as it was made: what somebody switched off, narrowed or replaced, and projects that came since.
//!
//! Canaries prove one trigger of eight, and only where it is their turn. This looks at every registration, and finds what lets
//! changes pass that nobody is asked about.

use std::collections::BTreeSet;

use super::{
    Chosen, Installed, Known, Plan, Step,
    app::{self, AppPlan, AppStep, ByApp, HookFile},
    below, see, see_repositories,
};
use crate::{
    Bitbucket, Error, ProjectKey, When,
    permission::Place,
    provision::{Finding, FindingKind},
};

/// What one can do about it.
const MEND: &str = "`oam bitbucket install` again";

/// Looks at what hook scripts were installed for, and tells what is not as it was made.
///
/// # Errors
/// When anything cannot be read: nothing is taken for missing that was not looked at.
pub async fn look(bitbucket: &Bitbucket, known: Known, chosen: &Chosen) -> Result<Vec<Finding>, Error> {
    let there = bitbucket.projects().await?;
    let mut seen = see(bitbucket, known, &meant(chosen, &there)).await?;
    see_repositories(bitbucket, &mut seen).await?;
    let mut all = findings(&seen, chosen);
    all.extend(gone(chosen, &there));
    Ok(all)
}

/// The same where the app External Hooks runs the hook. Beside it stands why not every repository was looked at, where that is so.
///
/// # Errors
/// When anything of projects cannot be read, or the app is not there.
pub async fn look_by_app(
    bitbucket: &Bitbucket,
    chosen: &Chosen,
) -> Result<(Vec<Finding>, Option<Error>), Error> {
    let there = bitbucket.projects().await?;
    let meant = meant(chosen, &there);
    let seen = app::see(bitbucket, &meant).await?;
    let mut all = findings_by_app(&seen, chosen);
    let (below, failed) = below::see(bitbucket, &meant).await;
    all.extend(below::findings(&below, chosen));
    all.extend(gone(chosen, &there));
    Ok((all, failed))
}

/// What of hook scripts that were seen is not as it was chosen.
pub fn findings(seen: &Installed, chosen: &Chosen) -> Vec<Finding> {
    if chosen.is_none() {
        return Vec::new();
    }
    let plan = Plan::install(seen, &chosen.hook, &chosen.version);
    plan.steps.iter().filter_map(|step| of_step(step, seen, chosen)).collect()
}

/// The same where the app External Hooks runs the hook.
pub fn findings_by_app(seen: &ByApp, chosen: &Chosen) -> Vec<Finding> {
    let plan = AppPlan::install(seen, &HookFile(chosen.hook.clone()));
    let steps = plan.steps.iter().filter_map(|step| match step {
        AppStep::Enable { project, .. } if !chosen.has(project) => None,
        AppStep::Enable { project, kind, is_on: false, .. } => {
            let what = format!("External Hooks does not run the hook as its {} hook any more", kind.as_str());
            Some(off(project, kind.as_str(), &what, chosen))
        }
        AppStep::Enable { project, kind, is_on: true, .. } => {
            let what =
                format!("External Hooks runs another {} hook than was installed: {MEND}", kind.as_str());
            Some(finding(FindingKind::HookReplaced, Some(place(project)), kind.as_str().to_owned(), what))
        }
        AppStep::Disable(..) => None,
    });
    let taken = plan.taken.iter().filter(|(project, ..)| chosen.has(project)).map(|(project, kind, exe)| {
        let what = format!("External Hooks runs `{exe}` as its {} hook, and not ours", kind.as_str());
        finding(FindingKind::HookReplaced, Some(place(project)), kind.as_str().to_owned(), what)
    });
    steps.chain(taken).collect()
}

fn of_step(step: &Step, seen: &Installed, chosen: &Chosen) -> Option<Finding> {
    let found = match step {
        Step::Upload(upload) => {
            let when = upload.when.as_str();
            let what = format!("the {when} script is not registered any more, and runs nowhere: {MEND}");
            finding(FindingKind::HookGone, None, when.to_owned(), what)
        }
        Step::Replace(id, upload) => {
            let when = upload.when.as_str();
            let what = format!("the {when} script {id} has another file than was installed: {MEND}");
            finding(FindingKind::HookReplaced, None, when.to_owned(), what)
        }
        Step::Enable { project, .. } if !chosen.has(project) => return None,
        Step::Widen { repository, .. } if !chosen.has(&ProjectKey::of(repository)) => return None,
        // What is not registered is on nowhere, as was said.
        Step::Enable { when, is_on: false, .. } if !seen.scripts.contains_key(when) => return None,
        // It is told once that a project has none of them.
        Step::Enable { project, when: When::After, is_on: false, .. }
            if chosen.is_new(project) && !has(seen, project, When::Before) =>
        {
            return None;
        }
        Step::Enable { project, when, is_on: false, .. } => {
            let when = when.as_str();
            off(project, when, &format!("the {when} script is not on any more"), chosen)
        }
        Step::Enable { project, when, missing, is_on: true } => {
            narrowed(place(project), *when, missing, "does not run")
        }
        Step::Widen { repository, when, missing } => narrowed(
            Place::Repository(repository.clone()),
            *when,
            missing,
            "is set otherwise than for its project, and does not run",
        ),
        Step::Disable { .. } | Step::Delete(..) => return None,
    };
    Some(found)
}

fn has(seen: &Installed, project: &ProjectKey, when: When) -> bool {
    seen.projects.get(project).is_some_and(|on| on.triggers.contains_key(&when))
}

fn off(project: &ProjectKey, thing: &str, what: &str, chosen: &Chosen) -> Finding {
    let (kind, what) = match chosen.is_new(project) {
        true => (
            FindingKind::HookNotYet,
            "was made after the hook was installed for every project, and does not have it",
        ),
        false => (FindingKind::HookOff, what),
    };
    finding(kind, Some(place(project)), thing.to_owned(), format!("{what}: {MEND}"))
}

/// What runs for less than before is another thing than what ran for less already.
fn narrowed(place: Place, when: When, missing: &BTreeSet<String>, how: &str) -> Finding {
    let (when, all) = (when.as_str(), missing.iter().map(String::as_str).collect::<Vec<_>>());
    let named: Vec<_> = all.iter().map(|trigger| format!("`{trigger}`")).collect();
    let what = format!("the {when} script {how} for {}: {MEND}", named.join(", "));
    finding(FindingKind::HookNarrowed, Some(place), format!("{when} {}", all.join(",")), what)
}

/// A project that was chosen and is not there: under another key nothing would look at it.
pub fn gone(chosen: &Chosen, there: &[ProjectKey]) -> Vec<Finding> {
    let missing = chosen.projects.iter().filter(|project| chosen.has(project) && !there.contains(project));
    let finding = |project| {
        let what = format!(
            "the project is not there any more: if it has another key now, {MEND} for that; if it was deleted, for any, and it is forgotten"
        );
        finding(FindingKind::HookOff, Some(place(project)), "project".to_owned(), what)
    };
    // Where it is meant for every project, what is there under another key is looked at.
    if chosen.every_project { Vec::new() } else { missing.map(finding).collect() }
}

/// The projects that are looked at: not those of persons, of whom nothing is told.
fn meant(chosen: &Chosen, there: &[ProjectKey]) -> Vec<ProjectKey> {
    there.iter().filter(|project| chosen.has(project)).cloned().collect()
}

fn place(project: &ProjectKey) -> Place {
    Place::Project(project.clone())
}

fn finding(kind: FindingKind, place: Option<Place>, thing: String, what: String) -> Finding {
    Finding { kind, place, holder: None, thing, what, mended: false }
}

#[cfg(test)]
mod tests;
