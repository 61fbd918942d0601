//! Installing the hook where the app External Hooks runs it.

use oam_bitbucket::{
    Bitbucket as Client, ProjectKey,
    install::{
        Chosen,
        app::{self, AppPlan, HookFile},
        below, drift as of_hooks,
    },
};
use oam_proto::v1::BitbucketState;

use crate::{
    command::{Context, Ending},
    exit::Exit,
    failure::Failure,
    output::{
        bitbucket::StatusJson,
        bitbucket_app::{AppAppliedJson, app_plan_text, app_status, app_step_done},
    },
};

/// Refuses another file for some of the projects than for the others: one is noted for all of them, and these would be an alarm.
pub(super) fn one_file(
    before: Option<&Chosen>,
    file: &HookFile,
    projects: &[ProjectKey],
    there: &[ProjectKey],
) -> Result<(), Failure> {
    let Some(before) = before.filter(|before| before.hook != file.0) else { return Ok(()) };
    let others = there.iter().filter(|project| before.has(project) && !projects.contains(project));
    let others: Vec<_> = others.map(ToString::to_string).collect();
    let Some(first) = others.first() else { return Ok(()) };
    let more = match others.len() {
        1 => String::new(),
        all => format!(" and {} more", all - 1),
    };
    let what = format!(
        "for {first}{more} the app runs the hook as `{}`, and all projects have the same file",
        before.hook
    );
    let help = "name that file with --safe-path; to change it, name all of these projects, or --all-projects, at once";
    Err(Failure::Usage { what, help })
}

pub(super) async fn install(
    client: &Client,
    projects: &[ProjectKey],
    file: &HookFile,
    apply: bool,
    context: &mut Context,
) -> Ending {
    let seen = app::see(client, projects).await?;
    carry_out(client, &AppPlan::install(&seen, file), apply, context).await
}

pub(super) async fn uninstall(
    client: &Client,
    file: &HookFile,
    apply: bool,
    context: &mut Context,
) -> Ending {
    let seen = app::see(client, &client.projects().await?).await?;
    carry_out(client, &AppPlan::uninstall(&seen, file), apply, context).await
}

/// How it is, and why not every repository was looked at, where that is so.
pub(super) async fn status(
    client: &Client,
    projects: &[ProjectKey],
    file: &HookFile,
    chosen: Option<&Chosen>,
    daemon: &BitbucketState,
) -> Result<(StatusJson, Option<Failure>), Failure> {
    let seen = app::see(client, projects).await?;
    let (mut found, mut failed) = (Vec::new(), None);
    if let Some(chosen) = chosen {
        let meant: Vec<_> = projects.iter().filter(|project| chosen.has(project)).cloned().collect();
        found = of_hooks::findings_by_app(&seen, chosen);
        let (below, unread) = below::see(client, &meant).await;
        found.extend(below::findings(&below, chosen));
        failed = unread.map(Failure::from);
    }
    Ok((app_status(&seen, &AppPlan::install(&seen, file), daemon).with_findings(&found), failed))
}

/// Shows the plan, and takes its steps where that is wanted. Where others stand in the way, it is a no.
async fn carry_out(client: &Client, plan: &AppPlan, apply: bool, context: &mut Context) -> Ending {
    let done = apply || plan.steps.is_empty();
    if apply {
        let terminal = &context.terminal;
        app::apply(client, plan, &mut |step| terminal.note(&app_step_done(step))).await?;
    }
    let json = AppAppliedJson::of(plan, done);
    context.terminal.answer(&json, |page| app_plan_text(plan, done, page))?;
    Ok(if plan.taken.is_empty() { Exit::Ok } else { Exit::No })
}
