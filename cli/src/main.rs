//! `oam`. Everything is in the library.

use std::process::ExitCode;

use clap::Parser as _;
use oam_cli::{Oam, exit::Exit};

fn main() -> ExitCode {
    let oam = Oam::parse();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Exit::Undecided.into();
    };
    let exit = runtime.block_on(oam.run());
    // A read of standard input that nobody waits for any more must not keep the shell waiting.
    runtime.shutdown_background();
    exit.into()
}
