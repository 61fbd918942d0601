//! `oam completions` and `oam man`.

use std::{fs, path::PathBuf};

use clap_complete::Shell;

use super::{Context, Ending};
use crate::{exit::Exit, failure::Failure};

/// Prints the completion script for `shell`.
///
/// # Errors
/// When it cannot be printed.
pub fn completions(shell: Shell, context: &mut Context) -> Ending {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::command(), "oam", &mut script);
    context.terminal.print(&script)?;
    Ok(Exit::Ok)
}

/// Writes a man page for `oam` and one for each of its commands into `folder`.
///
/// # Errors
/// When a page cannot be written.
pub fn man(folder: &PathBuf, context: &mut Context) -> Ending {
    let failed = |source| Failure::write(folder, source);
    fs::create_dir_all(folder).map_err(failed)?;
    // `help` has no page of its own.
    let command = crate::command().disable_help_subcommand(true);
    clap_mangen::generate_to(command, folder).map_err(failed)?;
    let name = crate::output::shown(folder.as_os_str().as_encoded_bytes());
    context.terminal.note(&format!("man pages written to `{name}`"));
    Ok(Exit::Ok)
}
