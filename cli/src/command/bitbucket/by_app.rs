//! Installing the hook where the app External Hooks runs it.

use oam_bitbucket::{
    Bitbucket as Client, ProjectKey,
    install::{
        Chosen,
        app::{self, AppPlan, HookFile},
        drift as of_hooks,
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

pub(super) async fn status(
    client: &Client,
    projects: &[ProjectKey],
    file: &HookFile,
    chosen: Option<&Chosen>,
    daemon: &BitbucketState,
) -> Result<StatusJson, Failure> {
    let seen = app::see(client, projects).await?;
    let found = chosen.map(|chosen| of_hooks::findings_by_app(&seen, chosen)).unwrap_or_default();
    Ok(app_status(&seen, &AppPlan::install(&seen, file), daemon).with_findings(&found))
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
