//! `oam policy init --from-bitbucket`: a first policy from what is in Bitbucket, with what it does not say, and a comparison.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use jiff::Timestamp;
use oam_bitbucket::import::{self, Bounds, Choices, Imported};
use oam_fetch::WebUrl;
use oam_policy::lint::Lint;
use oam_proto::v1::CheckPolicyRequest;

use super::super::{files, replay};
use crate::{
    command::{
        Context, Ending,
        bitbucket::server::{Way, url},
    },
    exit::Exit,
    failure::Failure,
    output::policy_import::{ImportJson, import_text},
};

/// From which Bitbucket, and into what.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// Ask nothing: make the policy of what is in the Bitbucket at this address, as in `https://bitbucket.example.com`
    #[arg(long, value_name = "URL", value_parser = url, requires_all = ["into", "token_file", "source"],
        conflicts_with_all = ["path", "contact", "developers", "maintainers", "project", "protect", "tags_are_forever", "pull_requests"])]
    pub(super) from_bitbucket: Option<WebUrl>,
    /// A folder to make, with the policy of Bitbucket in it; `--source` says in which source groups have the names that they have in Bitbucket
    #[arg(long, value_name = "FOLDER", requires = "from_bitbucket")]
    into: Option<PathBuf>,
    /// A file with an HTTP access token of a system administrator of Bitbucket
    #[arg(long, value_name = "FILE", requires = "from_bitbucket")]
    token_file: Option<PathBuf>,
    /// A user of Bitbucket who is a machine, and has a role by its name; may be given again
    #[arg(long, value_name = "USER", requires = "from_bitbucket")]
    service: Vec<String>,
    #[command(flatten)]
    way: Way,
    /// Do not ask the daemon which of the groups its directory knows
    #[arg(long, requires = "from_bitbucket")]
    offline: bool,
    /// Also decide by it what the daemon has recorded in the last 30 days, as `oam policy replay` does
    #[arg(long, requires = "from_bitbucket", conflicts_with = "offline")]
    replay: bool,
}

/// Reads Bitbucket, writes the policy, and tells what it does not say and where it decides otherwise.
///
/// # Errors
/// When Bitbucket cannot be read, the folder is there already, or what comes out is larger than a policy may be.
pub(super) async fn run(
    command: &Import,
    url: &WebUrl,
    source: Option<&str>,
    context: &mut Context,
) -> Ending {
    let (Some(into), Some(token_file), Some(source)) = (&command.into, &command.token_file, source) else {
        return Err(missing());
    };
    super::refuse_existing(into)?;
    let choices = Choices::new(source, &command.service).map_err(|error| Failure::Usage {
        what: error.to_string(),
        help: "`--source okta` for groups that the policy calls `okta:…`, `--service` for usernames of machines",
    })?;
    let client = command.way.open(url, token_file)?;
    let found = import::read(&client).await?;
    let now = Timestamp::now();
    let imported = Imported::of(&found, &choices, now).map_err(|faults| Failure::Usage {
        what: format!("what is in Bitbucket makes no policy, and nothing was written:\n{faults}"),
        help: "it is larger than a policy may be: merge restrictions in Bitbucket first, or write the policy by hand",
    })?;
    let compared = import::compare(&found, &choices, &imported, now, Bounds::default());
    write(into, &imported)?;
    let unknown = match command.offline {
        true => None,
        // What was found is told whether or not there is a daemon.
        false => unknown_groups(into, context)
            .await
            .map_err(|failure| context.terminal.note(&failure.to_string()))
            .ok(),
    };
    let json = ImportJson::of(into, client.requests(), &imported, &compared, unknown.as_deref());
    context.terminal.answer(&json, |page| import_text(&json, page))?;
    let ended = if json.is_whole() { Exit::Ok } else { Exit::No };
    match command.replay {
        true => {
            let replayed = replay::run(replay::Replay::of(into.clone()), context).await?;
            Ok(if ended == Exit::Ok { replayed } else { ended })
        }
        false => Ok(ended),
    }
}

/// Clap asks for them by the names of their options.
fn missing() -> Failure {
    Failure::Usage {
        what: "where to and as whom is not said".to_owned(),
        help: "give `--into`, `--token-file` and `--source` with `--from-bitbucket`",
    }
}

/// Writes the files into a new folder.
fn write(folder: &Path, imported: &Imported) -> Result<(), Failure> {
    fs::create_dir(folder).map_err(|source| Failure::write(folder, source))?;
    for file in &imported.files {
        let path = folder.join(&file.name);
        let written = OpenOptions::new().write(true).create_new(true).open(&path);
        let written: io::Result<()> =
            written.and_then(|mut out| out.write_all(file.text.as_bytes()).and_then(|()| out.sync_all()));
        written.map_err(|source| Failure::write(&path, source))?;
    }
    Ok(())
}

/// What the daemon says of groups that its directory does not know.
async fn unknown_groups(folder: &Path, context: &Context) -> Result<Vec<String>, Failure> {
    let request = CheckPolicyRequest { files: files::read(folder)? };
    let response = context.address.connect().await?.check_policy(request).await?.into_inner();
    let warnings = response.warnings.unwrap_or_default().warnings;
    let unknown = warnings.into_iter().filter(|one| one.lint == Lint::UnknownGroup.id());
    Ok(unknown.map(|one| one.message).collect())
}
