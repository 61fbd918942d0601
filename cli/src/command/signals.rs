//! `oam signals …`.

use clap::Subcommand;
use oam_proto::v1::{
    ListSignalsRequest, RemoveSignalsRequest, SetUpSignalsRequest, Transmitter, VerifySignalsRequest,
};

use super::{Context, Ending};
use crate::{
    exit::Exit,
    failure::Failure,
    output::{
        help,
        signals::{self, SetUpJson, TransmitterJson, VerifiedJson},
    },
};

/// `oam signals …`.
#[derive(Debug, Subcommand)]
pub enum Signals {
    /// List the transmitters of shared signals, and whether their signals reach us
    #[command(after_long_help = help::signals())]
    List,
    /// Show one transmitter: its stream, when it was last heard, what is wrong
    #[command(after_long_help = help::signals_status())]
    Status {
        /// The transmitter, as in `[signals.NAME]`
        name: String,
    },
    /// Set its stream up, or as it should be by now; where it pushes, with another token
    #[command(after_long_help = help::signals_setup())]
    Setup {
        /// The transmitter, as in `[signals.NAME]`
        name: String,
    },
    /// Ask it for a sign of life, and wait for it
    #[command(after_long_help = help::signals_verify())]
    Verify {
        /// The transmitter, as in `[signals.NAME]`
        name: String,
    },
    /// Remove its stream there and here: nobody is cut off by it any more
    #[command(after_long_help = help::signals_remove())]
    Remove {
        /// The transmitter, as in `[signals.NAME]`
        name: String,
    },
}

/// Runs one of them.
///
/// # Errors
/// When the daemon cannot be asked, or says no.
pub async fn run(command: Signals, context: &mut Context) -> Ending {
    let mut admin = context.address.connect().await?;
    match command {
        Signals::List => {
            let list = admin.list_signals(ListSignalsRequest {}).await?.into_inner().transmitters;
            let json: Vec<_> = list.iter().map(TransmitterJson::from).collect();
            context.terminal.answer(&json, |page| signals::list_text(&list, page))?;
            Ok(exit(list.iter().all(|one| one.blind.is_empty())))
        }
        Signals::Status { name } => {
            let list = admin.list_signals(ListSignalsRequest {}).await?.into_inner().transmitters;
            let found = list.into_iter().find(|one| one.name == name);
            let found = found.ok_or_else(|| {
                Failure::from(tonic::Status::not_found(format!(
                    "there is no transmitter `{name}`; `oam signals list` shows those that are configured"
                )))
            })?;
            told(&found, context)?;
            Ok(exit(found.blind.is_empty()))
        }
        Signals::Setup { name } => {
            let done = admin.set_up_signals(SetUpSignalsRequest { name }).await?.into_inner();
            context.terminal.answer(&SetUpJson::from(&done), |page| signals::set_up_text(&done, page))?;
            Ok(Exit::Ok)
        }
        Signals::Verify { name } => {
            let done = admin.verify_signals(VerifySignalsRequest { name }).await?.into_inner();
            context
                .terminal
                .answer(&VerifiedJson::from(&done), |page| signals::verified_text(&done, page))?;
            Ok(exit(done.verified))
        }
        Signals::Remove { name } => {
            let done = admin.remove_signals(RemoveSignalsRequest { name }).await?.into_inner();
            told(&done.transmitter.unwrap_or_default(), context)?;
            // It is removed as was asked, also where that makes us blind.
            Ok(Exit::Ok)
        }
    }
}

fn told(transmitter: &Transmitter, context: &mut Context) -> Result<(), Failure> {
    let json = TransmitterJson::from(transmitter);
    Ok(context.terminal.answer(&json, |page| signals::text(transmitter, page))?)
}

fn exit(well: bool) -> Exit {
    if well { Exit::Ok } else { Exit::No }
}
