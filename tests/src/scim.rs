//! An identity provider that pushes to the daemon's SCIM listener.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::Value;

use crate::Daemon;

/// A client of one source, with its token.
#[derive(Debug, Clone)]
pub struct ScimClient {
    address: String,
    source: String,
    token: String,
}

/// What a request was answered with.
#[derive(Debug)]
pub struct ScimAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The head, in lower case.
    pub head: String,
    /// The body; null where there is none.
    pub body: Value,
}

impl ScimClient {
    /// A client of `source` with a new token.
    ///
    /// # Panics
    /// When no token can be had.
    pub fn of(daemon: &Daemon, source: &str) -> Self {
        let made = daemon.oam(["--json", "source", "token", "rotate", source]);
        let made: Value = serde_json::from_str(&made.expect_success("a token").stdout_text()).unwrap();
        Self::with_token(daemon, source, made["token"].as_str().unwrap())
    }

    /// A client of `source` that shows this token.
    pub fn with_token(daemon: &Daemon, source: &str, token: &str) -> Self {
        let address = fs::read_to_string(daemon.runtime().join("scim.addr")).unwrap().trim().to_owned();
        Self { address, source: source.into(), token: token.into() }
    }

    /// The same client of a daemon that was started again.
    #[must_use]
    pub fn again(&self, daemon: &Daemon) -> Self {
        Self::with_token(daemon, &self.source, &self.token)
    }

    /// The token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The base address.
    pub fn base(&self) -> String {
        format!("http://{}/scim/v2/{}", self.address, self.source)
    }

    /// Sends a request, and waits for its answer.
    ///
    /// # Panics
    /// When there is none.
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> ScimAnswer {
        self.send_with(method, path, body, "").expect("the daemon answers")
    }

    /// [`Self::send`] with more lines in the head; `None` when the daemon did not answer.
    pub fn send_with(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        head: &str,
    ) -> Option<ScimAnswer> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} /scim/v2/{}{path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: \
             application/scim+json\r\nContent-Length: {}\r\nConnection: close\r\n{head}\r\n{body}",
            self.source,
            self.address,
            self.token,
            body.len()
        );
        let mut connection = TcpStream::connect(&self.address).ok()?;
        connection.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some(ScimAnswer {
            status: head.split(' ').nth(1)?.parse().ok()?,
            head: head.to_lowercase(),
            body: serde_json::from_str(body).unwrap_or_default(),
        })
    }

    /// GET.
    pub fn get(&self, path: &str) -> ScimAnswer {
        self.send("GET", path, None)
    }

    /// POST.
    pub fn post(&self, path: &str, body: &Value) -> ScimAnswer {
        self.send("POST", path, Some(body))
    }

    /// PUT.
    pub fn put(&self, path: &str, body: &Value) -> ScimAnswer {
        self.send("PUT", path, Some(body))
    }

    /// PATCH.
    pub fn patch(&self, path: &str, body: &Value) -> ScimAnswer {
        self.send("PATCH", path, Some(body))
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> ScimAnswer {
        self.send("DELETE", path, None)
    }
}

impl ScimAnswer {
    /// The id in the body.
    ///
    /// # Panics
    /// When the status is another.
    pub fn id(&self, status: u16) -> String {
        self.expect(status);
        self.body["id"].as_str().unwrap().to_owned()
    }

    /// The same answer.
    ///
    /// # Panics
    /// When the status is another.
    #[track_caller]
    pub fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}\n{}", self.head, self.body);
        self
    }
}
