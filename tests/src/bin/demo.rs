//! `cargo demo`: Bitbucket OAM at work, on this machine, with real pushes. Every outcome is checked; the first that is
//! not as it should be ends the demo with exit code 1.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a demo is there to be read")]

use std::process::ExitCode;

use oam_tests::demo::{self, Options};

const HELP: &str = "\
Shows Bitbucket OAM at work, with real pushes on this machine.

Usage: cargo demo [--keep] [--folder DIR]

  --keep         Leave the playground running, to push by hand
  --folder DIR   Where to make the playground; `playground` by default
";

fn main() -> ExitCode {
    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--keep" => options.keep = true,
            "--folder" => match arguments.next() {
                Some(folder) => options.folder = folder.into(),
                None => return usage("`--folder` needs a folder"),
            },
            "--help" | "-h" => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            other => return usage(&format!("`{other}` is not known")),
        }
    }
    match demo::run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("\nThe demo FAILED: {failed}");
            ExitCode::FAILURE
        }
    }
}

fn usage(what: &str) -> ExitCode {
    eprintln!("{what}\n\n{HELP}");
    ExitCode::from(2)
}
