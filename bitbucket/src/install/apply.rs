use super::{Known, Plan, Step};
use crate::{Bitbucket, Error, ScriptId, When, error::Problem, permission::Place};

/// Told of each step when it is done, with the numbers as they are then: they must be kept at once.
pub type Progress<'a> = &'a mut dyn FnMut(&Step, Known);

/// Takes the steps of a plan, one after the other; `known` are the numbers that were found. What was done before a step that fails
/// stays, and the next plan has only what is left.
///
/// # Errors
/// The first step that fails.
pub async fn apply(
    bitbucket: &Bitbucket,
    plan: &Plan,
    known: Known,
    progress: Progress<'_>,
) -> Result<(), Error> {
    let mut known = known;
    for step in &plan.steps {
        match step {
            Step::Upload(upload) => {
                let script = bitbucket.upload_script(upload).await?;
                known.set(upload.when, Some(script.id));
            }
            Step::Replace(id, upload) => {
                bitbucket.replace_script(*id, upload).await?;
                known.set(upload.when, Some(*id));
            }
            Step::Enable { project, when, .. } => {
                let place = Place::Project(project.clone());
                bitbucket.enable_script(&place, number(known, *when)?).await?;
            }
            Step::Widen { repository, when, .. } => {
                let place = Place::Repository(repository.clone());
                bitbucket.enable_script(&place, number(known, *when)?).await?;
            }
            Step::Disable { project, id, .. } => bitbucket.disable_script(project, *id).await?,
            Step::Delete(when, id) => {
                bitbucket.delete_script(*id).await?;
                if known.get(*when) == Some(*id) {
                    known.set(*when, None);
                }
            }
        }
        progress(step, known);
    }
    Ok(())
}

fn number(known: Known, when: When) -> Result<ScriptId, Error> {
    known.get(when).ok_or_else(|| Error {
        doing: "switching a hook script on".to_owned(),
        problem: Problem::Strange(format!("no {} script of ours is registered", when.as_str())),
    })
}
