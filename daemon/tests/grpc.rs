//! What any gRPC client finds at the daemon's sockets: health that is true, and reflection that names the services.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::time::Duration;

use common::{Daemon, connect, import};
use oam_proto::v1::{self, admin_client::AdminClient};
use tokio::time;
use tokio_stream::StreamExt as _;
use tonic::{Code, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

async fn health(channel: &Channel) -> ServingStatus {
    let request = HealthCheckRequest { service: "oam.v1.Authorizer".into() };
    HealthClient::new(channel.clone()).check(request).await.unwrap().into_inner().status()
}

#[tokio::test]
async fn health_follows_whether_anything_can_be_permitted() {
    let daemon = Daemon::start();
    let (admin, hook) =
        (connect(&daemon.socket("admin.sock")).await, connect(&daemon.socket("hook.sock")).await);
    assert_eq!(health(&hook).await, ServingStatus::NotServing, "there is no directory");
    import(&admin, r#"{"version": 1, "users": [{"username": "alice"}]}"#).await;
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
