use serde_json::{Value, json};

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(status: u16, value: &Value) -> Self {
        let headers = vec![("Content-Type", "application/json;charset=UTF-8".to_owned())];
        Self { status, headers, body: value.to_string().into_bytes() }
    }

    pub(crate) fn none() -> Self {
        Self { status: 204, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn file(body: Vec<u8>) -> Self {
        Self { status: 200, headers: vec![("Content-Type", "application/octet-stream".to_owned())], body }
    }

    /// Whatever it is.
    pub(crate) fn raw(status: u16, body: Vec<u8>) -> Self {
        Self { status, headers: vec![("Content-Type", "text/html".to_owned())], body }
    }

    /// Bitbucket's shape of an error.
    pub(crate) fn error(status: u16, message: &str, exception: &str) -> Self {
        let exception = format!("com.atlassian.bitbucket.{exception}");
        let error = json!({"context": null, "message": message, "exceptionName": exception});
        Self::json(status, &json!({ "errors": [error] }))
    }

    /// What no Bitbucket would say in this way: the client asked for something that is not written down here.
    pub(crate) fn unheard_of(what: &str) -> Self {
        Self::error(400, &format!("the stand-in for Bitbucket does not know {what}"), "TestException")
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::error(404, &format!("{what} does not exist."), "NoSuchEntityException")
    }

    /// 401 it is, by Bitbucket's documentation, also where it is known who asks.
    pub(crate) fn not_permitted() -> Self {
        Self::error(401, "You are not permitted to access this resource", "AuthorisationException")
    }

    /// Some proxies in front of it say when to ask again, and it does not.
    pub(crate) fn too_many(says_when: bool) -> Self {
        let mut answer = Self::error(429, "You have reached a rate limit", "RateLimitedException");
        if says_when {
            answer.headers.push(("Retry-After", "1".to_owned()));
        }
        answer
    }

    /// An error with those who said no to a merge.
    pub(crate) fn vetoed(message: &str, vetoes: &Value) -> Self {
        let exception = "com.atlassian.bitbucket.pull.PullRequestMergeVetoedException";
        let error = json!({
            "context": null, "message": message, "exceptionName": exception, "conflicted": false, "vetoes": vetoes,
        });
        Self::json(409, &json!({ "errors": [error] }))
    }

    /// With the name of whoever asked, written as in a form: Bitbucket tells it to everybody whom it knows.
    pub(crate) fn by(mut self, user: &str) -> Self {
        let written = user.bytes().map(|byte| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'.' | b'-' | b'*' | b'_' => {
                char::from(byte).to_string()
            }
            b' ' => "+".to_owned(),
            byte => format!("%{byte:02X}"),
        });
        self.headers.push(("X-AUSERNAME", written.collect()));
        self
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} x\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.status != 204 {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}
