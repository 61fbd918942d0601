//! A daemon to talk to.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use hyper_util::rt::TokioIo;
use oam_proto::v1::{self, admin_client::AdminClient};
use tokio::{net::UnixStream, time};
use tokio_stream::StreamExt as _;
use tonic::transport::{Channel, Endpoint};

/// A real daemon on a folder of its own.
pub(crate) struct Daemon {
    process: Child,
    pub(crate) folder: tempfile::TempDir,
}

impl Daemon {
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// With more configuration.
    pub(crate) fn start_with(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("oamd.toml");
        let place = |name: &str| folder.path().join(name).display().to_string();
        let text = format!(
            "state = {:?}\nruntime = {:?}\n[http]\nlisten = \"off\"\n{more}",
            place("state"),
            place("run")
        );
        std::fs::write(&config, text).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_oamd"))
            .arg("--config")
            .arg(&config)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, folder }
    }

    pub(crate) fn socket(&self, name: &str) -> PathBuf {
        self.folder.path().join("run").join(name)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A connection, as soon as the daemon listens.
pub(crate) async fn connect(socket: &Path) -> Channel {
    for _ in 0..600 {
        let path = socket.to_owned();
        let connector = tower::service_fn(move |_| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        });
        match Endpoint::from_static("http://oamd").connect_with_connector(connector).await {
            Ok(channel) => return channel,
            Err(_) => time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("the daemon does not listen at {}", socket.display());
}

pub(crate) async fn import(channel: &Channel, file: &str) {
    let opening = v1::ImportOpening { file_name: "directory.json".into(), ..Default::default() };
    let steps = [
        v1::import_snapshot_request::Step::Opening(opening),
        v1::import_snapshot_request::Step::Chunk(file.as_bytes().to_vec()),
    ];
    let messages = steps.map(|step| v1::ImportSnapshotRequest { step: Some(step) });
    let answers =
        AdminClient::new(channel.clone()).import_snapshot(tokio_stream::iter(messages)).await.unwrap();
    let answers: Vec<_> = answers.into_inner().collect().await;
    let last = answers.last().unwrap().as_ref().unwrap().step.as_ref().unwrap();
    assert!(matches!(last, v1::import_snapshot_response::Step::Done(_)), "{last:?}");
}
