use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer},
};

use super::{Client, FetchError};
use crate::{
    Call, ConnectError, Form, Method, Network, Secret, WebUrl,
    openid::{DiscoveryError, Provider},
};

/// A server on this machine that answers every connection with what `answer` makes of the request's text.
async fn server(answer: impl Fn(String) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&request[..length]).into_owned();
            let _ = stream.write_all(&answer(text)).await;
            let _ = stream.shutdown().await;
        }
    });
    format!("http://{address}")
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn redirect(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").into_bytes()
}

fn client(network: Network) -> Client {
    Client { network, tls: None, time: super::TIME, bytes: super::BYTES }
}

async fn get(network: Network, url: &str) -> Result<String, FetchError> {
    let answer = client(network).get(&url.parse().unwrap()).await?;
    Ok(String::from_utf8_lossy(&answer.body).into_owned())
}

#[tokio::test]
async fn an_answer_is_read_whole() {
    let base = server(|request| ok(request.lines().next().unwrap())).await;
    assert_eq!(get(Network::Loopback, &format!("{base}/a?b=c")).await.unwrap(), "GET /a?b=c HTTP/1.1");
}

#[tokio::test]
async fn a_form_is_sent_as_it_is() {
    let base = server(|request| ok(&request.to_lowercase())).await;
    let form = Form::new().with("grant_type", "refresh_token").with("refresh_token", "a b");
    let answer = client(Network::Loopback).post(&base.parse().unwrap(), &form).await.unwrap();
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(text.starts_with("post / http/1.1") && text.contains("x-www-form-urlencoded"), "{text}");
    assert!(text.ends_with("grant_type=refresh_token&refresh_token=a%20b"), "{text}");
}

#[tokio::test]
async fn a_call_is_sent_as_it_is_and_told_when_to_come_again() {
    let base = server(|request| {
        let body = request.to_lowercase();
        let length = body.len();
        format!("HTTP/1.1 429 Slow\r\nretry-after: 7\r\nlink: a\r\nLink: b\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
    })
    .await;
    let query = Form::new().with("name", "a&b");
    let url = base.parse::<WebUrl>().unwrap().below("/x").unwrap().with_query(&query).unwrap();
    let call = Call::new(Method::PUT, url).bearer(Secret::new("T0")).header("x-a", "b");
    let answer = client(Network::Loopback).call(&call.json(&["v"]).unwrap()).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.retry_after), (429, Some(Duration::from_secs(7))));
    assert_eq!(answer.header("link").collect::<Vec<_>>(), ["a", "b"]);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(text.starts_with("put /x?name=a%26b http/1.1"), "{text}");
    for part in ["authorization: bearer t0", "x-a: b", "content-type: application/json", "[\"v\"]"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Whoever is sent elsewhere does not take the token along.
    let away = server(|_| redirect("/elsewhere")).await;
    let call = Call::new(Method::GET, away.parse().unwrap()).bearer(Secret::new("T0"));
    let error = client(Network::Loopback).call(&call).await.unwrap_err();
    assert!(matches!(error, FetchError::Redirect(_)), "{error}");
}

#[tokio::test]
async fn nobody_is_asked_where_nobody_may_be() {
    let base = server(|_| panic!("a connection was made")).await;
    for network in [Network::Public, Network::Private] {
        let error = get(network, &base).await.unwrap_err();
        assert!(matches!(error, FetchError::Connect(ConnectError::Plain)), "{network:?}: {error}");
        let error = get(network, &base.replace("http:", "https:")).await.unwrap_err();
        assert!(matches!(error, FetchError::Connect(ConnectError::Guarded { .. })), "{network:?}: {error}");
    }
    // A name is no way around.
    let named = base.replace("127.0.0.1", "localhost").replace("http:", "https:");
    let error = get(Network::Private, &named).await.unwrap_err();
    assert!(matches!(error, FetchError::Connect(ConnectError::Guarded { .. })), "{error}");
    // Plain HTTP beyond this machine never.
    let error = get(Network::Loopback, "http://192.168.7.7/").await.unwrap_err();
    assert!(matches!(error, FetchError::Connect(ConnectError::Plain)), "{error}");
    let error = get(Network::Loopback, "https://169.254.169.254/latest/").await.unwrap_err();
    assert!(matches!(error, FetchError::Connect(ConnectError::Guarded { .. })), "{error}");
}

#[tokio::test]
async fn redirects_are_followed_on_the_same_host_only() {
    let other = server(|_| panic!("it was followed")).await;
    let base = server(move |request| match request.split(' ').nth(1).unwrap() {
        "/here" => redirect("/there"),
        "/there" => ok("found"),
        "/away" => redirect(&other),
        "/file" => redirect("file:///etc/passwd"),
        _ => redirect("/round"),
    })
    .await;
    assert_eq!(get(Network::Loopback, &format!("{base}/here")).await.unwrap(), "found");
    for place in ["/away", "/file"] {
        let error = get(Network::Loopback, &format!("{base}{place}")).await.unwrap_err();
        assert!(matches!(error, FetchError::Redirect(_)), "{error}");
    }
    let error = get(Network::Loopback, &format!("{base}/round")).await.unwrap_err();
    assert!(matches!(error, FetchError::Redirects), "{error}");
    let url: WebUrl = format!("{base}/here").parse().unwrap();
    let error = client(Network::Loopback).post(&url, &Form::new().with("code", "x")).await.unwrap_err();
    assert!(matches!(error, FetchError::Redirect(_)), "a form is not sent on: {error}");
}

#[tokio::test]
async fn size_is_bounded_whatever_is_announced() {
    let body = "x".repeat(600 * 1024);
    let (announced, silent) = (ok(&body), [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), body.into_bytes()].concat());
    for answer in [announced, silent] {
        let base = server(move |_| answer.clone()).await;
        let error = get(Network::Loopback, &base).await.unwrap_err();
        assert!(matches!(error, FetchError::Size(_)), "{error}");
        let wide = client(Network::Loopback).bounded(Duration::from_secs(30), 1 << 20);
        assert_eq!(wide.get(&base.parse().unwrap()).await.unwrap().body.len(), 600 * 1024);
    }
}

#[tokio::test(start_paused = true)]
async fn time_is_bounded() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Accepts, and never answers.
    tokio::spawn(async move {
        let _open = listener.accept().await;
        tokio::time::sleep(Duration::from_secs(3600)).await;
    });
    let error = get(Network::Loopback, &url).await.unwrap_err();
    assert!(matches!(error, FetchError::Time(_)), "{error}");
}

#[tokio::test]
async fn what_is_no_http_is_an_error() {
    let base = server(|_| b"SSH-2.0-x\r\n".to_vec()).await;
    let error = get(Network::Loopback, &base).await.unwrap_err();
    assert!(matches!(error, FetchError::Http(_)), "{error}");
}

#[tokio::test]
async fn only_a_certificate_of_the_named_authority_is_believed() {
    let ours = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, pem: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    let (good, bad) = (file("good.pem", ours.cert.pem()), file("bad.pem", other.cert.pem()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![ours.cert.der().clone()],
            PrivateKeyDer::try_from(ours.signing_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let mut request = vec![0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(&ok("\"sealed\"")).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    let url: WebUrl = format!("https://localhost:{port}/").parse().unwrap();
    let answer = Client::new(Network::Loopback, Some(&good)).unwrap().get(&url).await.unwrap();
    assert_eq!(answer.json::<String>().unwrap(), "sealed");
    let error = Client::new(Network::Loopback, Some(&bad)).unwrap().get(&url).await.unwrap_err();
    assert!(matches!(error, FetchError::Connect(ConnectError::Failed { .. })), "{error}");
    // Another authority is put in the place of the one that is not believed.
    let client = Client::new(Network::Loopback, Some(&bad)).unwrap();
    assert!(client.get(&url).await.is_err());
    std::fs::rename(file("draft.pem", ours.cert.pem()), &bad).unwrap();
    assert_eq!(client.get(&url).await.unwrap().json::<String>().unwrap(), "sealed");
    // And the other way round: whoever has it still believes that one no more.
    std::fs::rename(file("draft.pem", other.cert.pem()), &bad).unwrap();
    assert!(client.get(&url).await.is_err());
    // The name in the certificate counts, not the address.
    let address: WebUrl = format!("https://127.0.0.1:{port}/").parse().unwrap();
    let error = Client::new(Network::Loopback, Some(&good)).unwrap().get(&address).await.unwrap_err();
    assert!(matches!(error, FetchError::Connect(ConnectError::Failed { .. })), "{error}");
}

#[tokio::test]
async fn a_provider_must_have_the_name_that_it_is_asked_by() {
    let base = server(|request| {
        let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
        let issuer = match request.split(' ').nth(1).unwrap() {
            "/good/.well-known/openid-configuration" => format!("http://{host}/good"),
            _ => "https://id.example.com".to_owned(),
        };
        ok(&format!(r#"{{"issuer":"{issuer}","jwks_uri":"http://{host}/jwks"}}"#))
    })
    .await;
    let client = client(Network::Loopback);
    let issuer: WebUrl = format!("{base}/good").parse().unwrap();
    assert!(Provider::discover(&client, &issuer).await.unwrap().jwks_uri.as_str().ends_with("/jwks"));
    let issuer: WebUrl = format!("{base}/other").parse().unwrap();
    let error = Provider::discover(&client, &issuer).await.unwrap_err();
    assert!(matches!(error, DiscoveryError::Issuer { .. }), "{error}");
}
