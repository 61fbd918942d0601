//! `oam policy init`.

mod answers;
mod compose;
mod from_bitbucket;
mod interview;

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::Args;
use jiff::Timestamp;
use oam_policy::{
    Policy,
    file::{self, PolicySource},
};

use super::super::{Context, Ending};
use crate::{exit::Exit, failure::Failure, output::policy_init};
use interview::Interview;

/// `oam policy init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The file to write, or, without `.toml` at its end, a folder to make with a `policy.toml` in it
    #[arg(default_value = "policy.toml")]
    path: PathBuf,
    /// Ask nothing: what no option says is as it stands in brackets
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    given: interview::Given,
    #[command(flatten)]
    import: from_bitbucket::Import,
}

/// Asks, writes a policy and tells of it.
///
/// # Errors
/// When there is something at the path, when an answer makes no sense, when it cannot be written.
pub(super) async fn run(command: &Init, context: &mut Context) -> Ending {
    if let Some(url) = &command.import.from_bitbucket {
        return from_bitbucket::run(&command.import, url, command.given.source(), context).await;
    }
    // Before anybody answers questions for nothing.
    refuse_existing(&command.path)?;
    let asks = !command.yes && context.terminal.can_ask();
    let terminal = &context.terminal;
    let mut ask = |prompt: &str| terminal.ask(prompt);
    let answers = Interview::new(&command.given, asks.then_some(&mut ask)).answers()?;
    let text = compose::policy(&answers);
    let policy = checked(&text)?;
    let path = write(&command.path, &text)?;
    let written = policy_init::Written::new(&path, &policy);
    context.terminal.answer(&written, |page| written.text(page))?;
    Ok(Exit::Ok)
}

/// A policy that is written is one, and its tests pass.
fn checked(text: &str) -> Result<Policy, Failure> {
    let source = PolicySource { name: "policy.toml".into(), text: text.into() };
    let tested = file::parse_and_test(&[source], None, Timestamp::now());
    tested.and_then(file::Tested::passed).map_err(|faults| Failure::Usage {
        what: format!("these answers make no policy, and nothing was written:\n{faults}"),
        help: "give fewer or shorter answers, or write the policy by hand",
    })
}

fn refuse_existing(path: &Path) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Ok(_) => Err(Failure::write(path, io::Error::other("it exists, and is never overwritten"))),
        Err(_) => Ok(()),
    }
}

/// Writes a file that does not exist yet; its path.
fn write(path: &Path, text: &str) -> Result<PathBuf, Failure> {
    let file = if path.extension().is_some_and(|extension| extension == "toml") {
        path.to_owned()
    } else {
        fs::create_dir(path).map_err(|source| Failure::write(path, source))?;
        path.join("policy.toml")
    };
    let written = OpenOptions::new().write(true).create_new(true).open(&file);
    let written = written.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map(|()| file.clone()).map_err(|source| Failure::write(&file, source))
}

#[cfg(test)]
mod tests;
