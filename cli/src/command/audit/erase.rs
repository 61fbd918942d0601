//! `oam audit erase`: the audit log can tell no more who somebody was.

use clap::Args;
use oam_proto::v1::ErasePeopleRequest;

use crate::{
    command::{Context, Ending},
    exit::Exit,
    output::erased,
};

/// `oam audit erase`.
#[derive(Debug, Args)]
pub struct Erase {
    /// Whom: a username, or an actor as `oam audit tail` shows it, such as `uid 1000`; or an alias, such as `person:5f0c…`
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// Also when they may still act: with the next thing they do they stand in the log again, by another alias
    #[arg(long)]
    force: bool,
}

/// Has the daemon forget them.
pub(super) async fn run(command: Erase, context: &mut Context) -> Ending {
    let Erase { names, force } = command;
    let mut admin = context.address.connect().await?;
    let answer = admin.erase_people(ErasePeopleRequest { names, force }).await?.into_inner();
    context.terminal.answer(&erased::json(&answer), |_| erased::text(&answer))?;
    Ok(Exit::Ok)
}
