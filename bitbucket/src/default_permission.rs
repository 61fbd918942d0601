//! What everybody who is signed in may do in a project, whoever they are.

use oam_fetch::Method;
use serde::Deserialize;
use serde_json::json;

use crate::{
    ProjectKey,
    client::{Ask, Bitbucket},
    error::{Error, Problem},
    permission::Level,
    project,
};

/// What it can be, the most first, and as Bitbucket calls it.
const LEVELS: [(Level, &str); 3] =
    [(Level::Admin, "PROJECT_ADMIN"), (Level::Write, "PROJECT_WRITE"), (Level::Read, "PROJECT_READ")];

#[derive(Debug, Deserialize)]
struct Permitted {
    permitted: bool,
}

impl Bitbucket {
    /// The most that everybody who is signed in may do in a project.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn default_permission(&self, project: &ProjectKey) -> Result<Option<Level>, Error> {
        for (level, name) in LEVELS {
            let doing = format!("reading what everybody may do in {project}");
            if self.read::<Permitted>(Ask::get(doing, path(project, name))).await?.permitted {
                return Ok(Some(level));
            }
        }
        Ok(None)
    }

    /// Takes what everybody may do in a project, where that is `before` at most. Whether less is left where one of them is taken is
    /// not documented, so all of them are, and it is looked at afterwards.
    ///
    /// # Errors
    /// When Bitbucket does not.
    pub async fn revoke_default(&self, project: &ProjectKey, before: Level) -> Result<(), Error> {
        let doing = format!("taking what everybody may do in {project}");
        for (_, name) in LEVELS.into_iter().filter(|(level, _)| *level <= before) {
            let ask = Ask::by(Method::POST, doing.clone(), path(project, name)).with("allow", "false");
            self.done(ask.json(&json!({}))).await?;
        }
        match self.default_permission(project).await? {
            None => Ok(()),
            Some(level) => {
                let what = format!("it says that it is done, and everybody still has {level}");
                Err(Ask::get(doing, "").failed(Problem::Strange(what)))
            }
        }
    }
}

fn path(project: &ProjectKey, name: &str) -> String {
    format!("{}/permissions/{name}/all", project::path(project))
}
