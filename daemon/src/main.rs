//! `oamd`, the policy daemon.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use oam_daemon::{
    config::{Config, Overrides},
    run, telemetry,
};

/// The policy daemon of Bitbucket OAM: decides pushes, and records every decision before it is given.
///
/// Without any configuration it keeps its state in `./oam-state` (or systemd's state folder), writes a starter policy
/// there, and listens on sockets in the runtime folder.
#[derive(Debug, Parser)]
#[command(name = "oamd", version)]
struct Arguments {
    /// The configuration file (TOML).
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// The folder of everything that must survive a restart.
    #[arg(long, global = true)]
    state: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the configuration that would be in force, and stops. Exit code 2 when it is faulty.
    CheckConfig,
    /// Gives the audit log another key to sign with, and stops. No daemon may be running. The log itself tells, signed with
    /// both keys.
    RotateKey {
        /// Why, in a few words; it is kept in the log.
        #[arg(long)]
        reason: String,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let overrides = Overrides { state: arguments.state };
    let config = match Config::load(arguments.config.as_deref(), overrides) {
        Ok(config) => config,
        Err(error) => return fail(&error, 2),
    };
    if matches!(arguments.command, Some(Command::CheckConfig)) {
        show(&config);
        return ExitCode::SUCCESS;
    }
    telemetry::start(config.log_format);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, 1),
    };
    if let Some(Command::RotateKey { reason }) = arguments.command {
        return match runtime.block_on(run::rotate_key(&config, reason)) {
            Ok(key) => {
                show(&key);
                ExitCode::SUCCESS
            }
            Err(error) => fail(&error, 1),
        };
    }
    match runtime.block_on(run::run(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

#[expect(clippy::print_stdout, reason = "the output layer of `oamd`")]
fn show(answer: &impl std::fmt::Display) {
    println!("{answer}");
}

#[expect(clippy::print_stderr, reason = "the output layer of `oamd`")]
fn fail(error: &dyn std::error::Error, code: u8) -> ExitCode {
    let mut told = error.to_string();
    eprintln!("oamd: {told}");
    let mut cause = error.source();
    while let Some(source) = cause {
        // Many an error tells its cause itself.
        let text = source.to_string();
        if !told.contains(&text) {
            eprintln!("  because: {text}");
        }
        told = text;
        cause = source.source();
    }
    ExitCode::from(code)
}
