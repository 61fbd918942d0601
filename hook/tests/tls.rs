//! A daemon elsewhere: TCP with mutual TLS.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _};

use common::{Script, Setting, one_move};
use oam_proto::v1::authorizer_server::AuthorizerServer;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key, as PEM.
fn issue(authority: &Issuer, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// A daemon on a port of its own, whose certificate is `server`'s, that wants one from `clients`.
fn serve(setting: &Setting, server: &(String, String), clients: &Issuer) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let daemon = setting.daemon(Script::Permit);
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(&server.0, &server.1))
        .client_ca_root(Certificate::from_pem(clients.pem()));
    let _guard = setting.runtime.enter();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    setting.runtime.spawn(async move {
        let server = Server::builder().tls_config(tls).unwrap().add_service(AuthorizerServer::new(daemon));
        server.serve_with_incoming(TcpListenerStream::new(listener)).await.unwrap();
    });
    port
}

fn configure(setting: &Setting, port: u16, ca: &Issuer, client: &(String, String), more: &str) {
    fs::write(setting.path("ca.pem"), ca.pem()).unwrap();
    fs::write(setting.path("hook.pem"), &client.0).unwrap();
    fs::write(setting.path("hook.key"), &client.1).unwrap();
    fs::set_permissions(setting.path("hook.key"), fs::Permissions::from_mode(0o600)).unwrap();
    setting.configure(&format!(
        "endpoints = [\"https://127.0.0.1:{port}\"]\ndeadline = \"30s\"\n\
         [tls]\nca = \"DIR/ca.pem\"\ncertificate = \"DIR/hook.pem\"\nkey = \"DIR/hook.key\"\n{more}\n"
    ));
}

#[test]
fn both_sides_prove_themselves() {
    let setting = Setting::plain();
    let (ours, theirs) = (authority(), authority());
    let client = issue(&ours, "hook.example");
    let port = serve(&setting, &issue(&ours, "127.0.0.1"), &ours);
    configure(&setting, port, &ours, &client, "");
    setting.push(one_move()).assert_permitted();

    configure(&setting, port, &theirs, &client, "");
    setting.push(one_move()).assert_undecided("invalid peer certificate");

    configure(&setting, port, &ours, &issue(&theirs, "hook.example"), "");
    setting.push(one_move()).assert_undecided("could be asked");

    configure(&setting, port, &ours, &client, "server_name = \"oam.example\"");
    setting.push(one_move()).assert_undecided("not valid for name");

    configure(&setting, port, &ours, &client, "");
    fs::set_permissions(setting.path("hook.key"), fs::Permissions::from_mode(0o644)).unwrap();
    setting.push(one_move()).assert_undecided("everybody has access to the key");
}

#[test]
fn the_daemon_may_have_another_name() {
    let setting = Setting::plain();
    let ours = authority();
    let port = serve(&setting, &issue(&ours, "oam.example"), &ours);
    let client = issue(&ours, "hook.example");
    configure(&setting, port, &ours, &client, "server_name = \"oam.example\"");
    setting.push(one_move()).assert_permitted();
    configure(&setting, port, &ours, &client, "");
    setting.push(one_move()).assert_undecided("not valid for name");
}

#[test]
fn a_host_that_is_not_there() {
    let setting = Setting::plain();
    let ours = authority();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    configure(&setting, port, &ours, &issue(&ours, "hook.example"), "");
    setting.push(one_move()).assert_undecided("Connection refused");
}
