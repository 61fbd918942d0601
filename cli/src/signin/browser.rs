//! Signing in with a browser on this machine: the authorization code with PKCE, sent back to a port that only this machine
//! reaches (RFC 7636, RFC 8252, RFC 9207).

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oam_fetch::{Form, Secret};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time,
};

use super::{
    Issuer, SignInError,
    tokens::{self, Denied, Tokens},
};

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How long one request of the browser may take.
const REQUEST_TIME: Duration = Duration::from_secs(5);
/// How long a request of the browser may be.
const REQUEST_BYTES: usize = 16 * 1024;
/// Where the browser is sent back to.
const PATH: &str = "/callback";

const DONE: &str = "You are signed in. You may close this page and go back to the terminal.";
const FAILED: &str = "You are not signed in. The terminal says why.";

/// A sign-in under way.
#[derive(Debug)]
pub struct Browser {
    listener: TcpListener,
    redirect_uri: String,
    /// Where the person signs in.
    pub url: String,
    state: Secret,
    nonce: Secret,
    verifier: Secret,
}

/// Opens the port, and makes the address for the browser.
///
/// # Errors
/// When there is no port, or the provider has no such way in.
pub async fn begin(issuer: &Issuer) -> Result<Browser, SignInError> {
    let endpoint = issuer.provider.authorization_endpoint.as_ref();
    let endpoint = endpoint.ok_or(SignInError::NotOffered("sign-in by browser"))?;
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(SignInError::Listen)?;
    let port = listener.local_addr().map_err(SignInError::Listen)?.port();
    let redirect_uri = format!("http://127.0.0.1:{port}{PATH}");
    let (state, nonce, verifier) = (random()?, random()?, random()?);
    let said = &issuer.said;
    let scope = said.scopes.join(" ");
    // Without it, some providers give no refresh token.
    let prompt = said.scopes.iter().any(|scope| scope == "offline_access").then_some("consent");
    let query = Form::new()
        .with("response_type", "code")
        .with("client_id", &said.client)
        .with("redirect_uri", &redirect_uri)
        .with("scope", &scope)
        .with("state", state.reveal())
        .with("nonce", nonce.reveal())
        .with("code_challenge", &URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.reveal().as_bytes())))
        .with("code_challenge_method", "S256")
        .with_some("prompt", prompt)
        .with_some("resource", (!said.resource.is_empty()).then_some(said.resource.as_str()));
    let join = if endpoint.as_str().contains('?') { '&' } else { '?' };
    let url = format!("{endpoint}{join}{}", query.encoded());
    Ok(Browser { listener, redirect_uri, url, state, nonce, verifier })
}

impl Browser {
    /// Waits until the browser comes back, and gets the tokens.
    ///
    /// # Errors
    /// When it does not come back in time, or with something else than was asked for.
    pub async fn wait(self, issuer: &Issuer) -> Result<Tokens, SignInError> {
        let (stream, code) =
            time::timeout(PATIENCE, self.answer(issuer)).await.map_err(|_| SignInError::Time)??;
        let tokens = match code {
            Ok(code) => self.exchange(issuer, &code).await,
            Err(error) => Err(error),
        };
        // The browser may be gone by now.
        let _ = reply(stream, 200, if tokens.is_ok() { DONE } else { FAILED }).await;
        tokens
    }

    async fn exchange(&self, issuer: &Issuer, code: &Secret) -> Result<Tokens, SignInError> {
        let form = Form::new()
            .with("grant_type", "authorization_code")
            .with("code", code.reveal())
            .with("redirect_uri", &self.redirect_uri)
            .with("code_verifier", self.verifier.reveal());
        tokens::ask(issuer, form, Some(self.nonce.reveal())).await?.map_err(Denied::told)
    }

    /// The first request that is an answer to this sign-in. Anything else on the port is sent away: other programs of this
    /// machine can reach it, and browsers ask for icons.
    async fn answer(&self, issuer: &Issuer) -> Result<(TcpStream, Result<Secret, SignInError>), SignInError> {
        loop {
            let (mut stream, _) = self.listener.accept().await.map_err(SignInError::Listen)?;
            let request = time::timeout(REQUEST_TIME, request(&mut stream)).await.ok().flatten();
            match request.as_deref().and_then(|request| self.fields(request)) {
                Some(fields) => return Ok((stream, code(&fields, issuer))),
                None => {
                    let _ = reply(stream, 404, "There is nothing here.").await;
                }
            }
        }
    }

    /// The fields of an answer that has our state; `None` when it is no answer to us.
    fn fields(&self, request: &str) -> Option<Vec<(String, String)>> {
        let target = request.strip_prefix("GET ")?.split(' ').next()?;
        let query = target.strip_prefix(PATH)?.strip_prefix('?')?;
        let fields = Form::parse(query)?;
        let states: Vec<_> = fields.iter().filter(|(name, _)| name == "state").collect();
        matches!(states[..], [(_, state)] if state == self.state.reveal()).then_some(fields)
    }
}

/// The code in an answer.
fn code(fields: &[(String, String)], issuer: &Issuer) -> Result<Secret, SignInError> {
    let field =
        |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let expected = Some(issuer.provider.issuer.as_str());
    let must_name = issuer.provider.authorization_response_iss_parameter_supported;
    if (must_name || field("iss").is_some()) && field("iss") != expected {
        return Err(SignInError::Mismatch("it comes from another provider"));
    }
    if let Some(error) = field("error") {
        let description = field("error_description").map(|text| format!(" ({text})")).unwrap_or_default();
        return Err(SignInError::Refused(format!("{error}{description}").chars().take(300).collect()));
    }
    field("code").map(Secret::new).ok_or(SignInError::Mismatch("it has no code"))
}

/// The head of a request, as text.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut part = [0; 1024];
    while bytes.len() < REQUEST_BYTES {
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => bytes.extend_from_slice(part.get(..length)?),
        }
        if bytes.windows(4).any(|end| end == b"\r\n\r\n") {
            return String::from_utf8(bytes).ok();
        }
    }
    None
}

async fn reply(mut stream: TcpStream, status: u16, text: &str) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} {}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\n\r\n",
        if status == 200 { "OK" } else { "Not Found" },
        text.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await
}

/// 256 random bits, as text.
fn random() -> Result<Secret, SignInError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}
