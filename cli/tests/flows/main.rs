//! The real `oam` against a server of the admin service on a temporary Unix socket: flows and exit codes.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail loudly")]

mod admin;
mod audit;
mod begin;
mod docs;
mod import;
mod reach;
mod replay;
mod task;
mod who;

use std::{
    fs,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use oam_cli::exit::Exit;
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt as _, net::UnixListener, process::Command};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;

use self::admin::Daemon;

/// A folder with a daemon's socket, and the daemon.
struct Scene {
    folder: TempDir,
    daemon: Daemon,
}

impl Scene {
    fn start(daemon: Daemon) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("admin.sock")).unwrap();
        let incoming = UnixListenerStream::new(listener);
        tokio::spawn(Server::builder().add_service(daemon.clone().service()).serve_with_incoming(incoming));
        Self { folder, daemon }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    async fn oam(&self, arguments: &[&str]) -> Ended {
        oam(self.folder.path(), arguments, b"").await
    }
}

/// How a run of `oam` ended, and what it printed.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    #[track_caller]
    fn with(self, exit: Exit) -> Self {
        assert_eq!(self.code, Some(exit.code().into()), "{self:#?}");
        self
    }

    #[track_caller]
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// `oam` in `folder`, with `admin.sock` there as the socket, and nothing of the caller's environment.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oam"));
    command.args(arguments).current_dir(folder).env_clear().env("OAM_SOCKET", folder.join("admin.sock"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn oam(folder: &Path, arguments: &[&str], stdin: &[u8]) -> Ended {
    let mut child = command(folder, arguments).spawn().unwrap();
    // It may well not read it.
    let _ = child.stdin.take().unwrap().write_all(stdin).await;
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.signal(), None);
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
