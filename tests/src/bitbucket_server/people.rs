//! Requests as people send them, with their passwords.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::BitbucketServer;
use crate::http::PASSWORD;

impl BitbucketServer {
    /// What Bitbucket answers `user`: the status and the JSON.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn ask(&self, user: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let body = body.map(Value::to_string).unwrap_or_default();
        self.send(user, method, path, "application/json", body.as_bytes())
    }

    /// The same, with the fields of a form.
    pub fn ask_by_form(&self, user: &str, method: &str, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        let part = |(name, value): &(&str, &str)| {
            format!("--boundary\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body = fields.iter().map(part).collect::<String>() + "--boundary--\r\n";
        self.send(user, method, path, "multipart/form-data; boundary=boundary", body.as_bytes())
    }

    fn send(&self, user: &str, method: &str, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let credentials = STANDARD.encode(format!("{user}:{PASSWORD}"));
        let head = format!(
            "{method} /rest/api/latest{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {credentials}\r\n\
             Content-Type: {kind}\r\nX-Atlassian-Token: no-check\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes()).unwrap();
        connection.write_all(body).unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }
}
