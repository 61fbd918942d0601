//! What any gRPC client finds at the daemon's sockets: health that is true, and reflection that names the services.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use hyper_util::rt::TokioIo;
use oam_proto::v1::{self, admin_client::AdminClient};
use tokio::{net::UnixStream, time};
use tokio_stream::StreamExt as _;
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

/// A real daemon on a folder of its own.
struct Daemon {
    process: Child,
    folder: tempfile::TempDir,
}

impl Daemon {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("oamd.toml");
        let place = |name: &str| folder.path().join(name).display().to_string();
        let text =
            format!("state = {:?}\nruntime = {:?}\n[http]\nlisten = \"off\"\n", place("state"), place("run"));
        std::fs::write(&config, text).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_oamd"))
            .arg("--config")
            .arg(&config)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, folder }
    }

    fn socket(&self, name: &str) -> PathBuf {
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
async fn connect(socket: &Path) -> Channel {
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

async fn health(channel: &Channel) -> ServingStatus {
    let request = HealthCheckRequest { service: "oam.v1.Authorizer".into() };
    HealthClient::new(channel.clone()).check(request).await.unwrap().into_inner().status()
}

async fn import(channel: &Channel) {
    let opening = v1::ImportOpening { file_name: "directory.json".into(), ..Default::default() };
    let file = br#"{"version": 1, "users": [{"username": "alice"}]}"#;
    let steps = [
        v1::import_snapshot_request::Step::Opening(opening),
        v1::import_snapshot_request::Step::Chunk(file.to_vec()),
    ];
    let messages = steps.map(|step| v1::ImportSnapshotRequest { step: Some(step) });
    let answers =
        AdminClient::new(channel.clone()).import_snapshot(tokio_stream::iter(messages)).await.unwrap();
    let answers: Vec<_> = answers.into_inner().collect().await;
    let last = answers.last().unwrap().as_ref().unwrap().step.as_ref().unwrap();
    assert!(matches!(last, v1::import_snapshot_response::Step::Done(_)), "{last:?}");
}

#[tokio::test]
async fn health_follows_whether_anything_can_be_permitted() {
    let daemon = Daemon::start();
    let (admin, hook) =
        (connect(&daemon.socket("admin.sock")).await, connect(&daemon.socket("hook.sock")).await);
    assert_eq!(health(&hook).await, ServingStatus::NotServing, "there is no directory");
    import(&admin).await;
    for _ in 0..100 {
        if health(&hook).await == ServingStatus::Serving {
            return;
        }
        time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it could permit, and does not say so");
}

#[tokio::test]
async fn reflection_names_the_services() {
    let daemon = Daemon::start();
    let channel = connect(&daemon.socket("hook.sock")).await;
    let question = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answers = ServerReflectionClient::new(channel)
        .server_reflection_info(tokio_stream::once(question))
        .await
        .unwrap();
    let answer = answers.into_inner().next().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}")
    };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    assert!(names.contains(&"oam.v1.Authorizer") && names.contains(&"grpc.health.v1.Health"), "{names:?}");
}

#[tokio::test]
async fn hooks_do_not_find_the_administrators_service() {
    let daemon = Daemon::start();
    let channel = connect(&daemon.socket("hook.sock")).await;
    let status = AdminClient::new(channel).get_status(v1::GetStatusRequest {}).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}
