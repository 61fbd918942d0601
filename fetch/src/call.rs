use http::{HeaderName, Method, Request, header, request};
use http_body_util::Full;
use hyper::body::Bytes;
use serde::Serialize;

use crate::{FetchError, Secret, WebUrl};

/// One call of an API: a method, who calls, and what is sent. It may hold secrets, and is not printed.
pub struct Call {
    method: Method,
    url: WebUrl,
    authorization: Option<(&'static str, Secret)>,
    header: Option<(HeaderName, &'static str)>,
    content_type: Option<String>,
    body: Bytes,
}

impl Call {
    /// A call without a body, by nobody in particular.
    pub fn new(method: Method, url: WebUrl) -> Self {
        Self { method, url, authorization: None, header: None, content_type: None, body: Bytes::new() }
    }

    /// By whoever has this token (RFC 6750).
    #[must_use]
    pub fn bearer(self, token: Secret) -> Self {
        self.authorization("Bearer", token)
    }

    /// By whoever has this token, shown by a scheme of the API's own.
    #[must_use]
    pub fn authorization(self, scheme: &'static str, token: Secret) -> Self {
        Self { authorization: Some((scheme, token)), ..self }
    }

    /// With one header more.
    #[must_use]
    pub fn header(self, name: &'static str, value: &'static str) -> Self {
        Self { header: Some((HeaderName::from_static(name), value)), ..self }
    }

    /// Sends `value` as JSON.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn json(self, value: &impl Serialize) -> Result<Self, FetchError> {
        let body = serde_json::to_vec(value).map_err(|error| FetchError::Unwritable(error.to_string()))?;
        Ok(self.body("application/json".to_owned(), body))
    }

    /// Sends `body`, which is of this type.
    #[must_use]
    pub fn body(self, content_type: String, body: Vec<u8>) -> Self {
        Self { content_type: Some(content_type), body: body.into(), ..self }
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    pub(crate) fn url(&self) -> &WebUrl {
        &self.url
    }

    pub(crate) fn written(&self, mut request: request::Builder) -> Result<Request<Full<Bytes>>, FetchError> {
        if let Some((scheme, token)) = &self.authorization {
            request = request.header(header::AUTHORIZATION, format!("{scheme} {}", token.reveal()));
        }
        if let Some((name, value)) = &self.header {
            request = request.header(name, *value);
        }
        if let Some(content_type) = &self.content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        Ok(request.body(Full::new(self.body.clone()))?)
    }
}
