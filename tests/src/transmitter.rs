//! A transmitter of shared signals: strict, with a memory, and real signatures. It speaks the framework as its documents have
//! it, and, where it is asked to, as drafts of it had.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde_json::{Value, json};

use crate::{Daemon, http::Request};

/// The token of its API.
pub const TOKEN: &str = "token-of-the-api";
/// What it calls the daemon.
pub const AUDIENCE: &str = "https://oam.example.com";
/// Where it is told to push to. It is a name that only it can find: see [`Transmitter::reach`].
pub const ORIGIN: &str = "https://oam.example.com:8443";

/// What the addresses of events begin with.
pub const EVENTS: &str = "https://schemas.openid.net/secevent/";

/// Its keys, its stream and what it knows of it. Ends with this value.
#[derive(Debug, Clone)]
pub struct Transmitter {
    url: String,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    ended: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// It speaks as drafts had it.
    is_draft: bool,
    keys: Vec<(String, Key)>,
    stream: Option<Stream>,
    made: u32,
    sent: u64,
    status: String,
    /// Asked for a sign of life, it says nothing.
    is_mute: bool,
    /// It fails when its stream is changed, having done so or not.
    failing: Option<bool>,
    is_refusing: bool,
    /// The address that the daemon listens on.
    daemon: Option<String>,
    waiting: BTreeMap<String, String>,
    acknowledged: Vec<String>,
    refused: BTreeMap<String, Value>,
    polls: u64,
    /// It fails when it is asked for signals.
    is_failing_polls: bool,
    /// Its keys are not to be had.
    is_hiding_keys: bool,
    /// How often it was asked for a sign of life.
    asks: u64,
    faults: Vec<String>,
}

#[derive(Debug, Clone)]
struct Stream {
    id: String,
    delivery: Value,
}

#[derive(Debug, Clone)]
struct Key(Arc<Ed25519KeyPair>);

/// What a push was answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The HTTP status.
    pub status: u16,
    /// `err` of the body; empty where there is no body.
    pub err: String,
}

impl Transmitter {
    /// A transmitter on a free port of this machine.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let transmitter = Self { url, shared: Arc::default() };
        transmitter.state(|state| state.status = "enabled".into());
        transmitter.rotate("k1", false);
        let served = transmitter.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                if served.shared.ended.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(connection), served) = (connection, served.clone()) else { continue };
                thread::spawn(move || served.serve(&connection));
            }
        });
        transmitter
    }

    /// The same, which speaks as drafts had it.
    #[must_use]
    pub fn of_drafts(self) -> Self {
        self.state(|state| state.is_draft = true);
        self
    }

    /// What it calls itself.
    pub fn issuer(&self) -> &str {
        &self.url
    }

    /// Finds the daemon where it listens now.
    pub fn reach(&self, daemon: &Daemon) {
        let address = fs::read_to_string(daemon.runtime().join("scim.addr")).unwrap().trim().to_owned();
        self.state(|state| state.daemon = Some(address));
    }

    /// Signs with another key from now on; the one before it is published on, or is not.
    pub fn rotate(&self, kid: &str, keep: bool) {
        let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let key = Key(Arc::new(Ed25519KeyPair::from_pkcs8(key.as_ref()).unwrap()));
        self.state(|state| {
            if !keep {
                state.keys.clear();
            }
            state.keys.push((kid.to_owned(), key));
        });
    }

    /// Has its keys not be had, or had again.
    pub fn hide_keys(&self, is_hiding: bool) {
        self.state(|state| state.is_hiding_keys = is_hiding);
    }

    /// Says of its stream from now on, where it is asked, and tells it where `tells`.
    pub fn set_status(&self, status: &str) {
        self.state(|state| state.status = status.to_owned());
    }

    /// Gives no sign of life, or does again.
    pub fn set_mute(&self, is_mute: bool) {
        self.state(|state| state.is_mute = is_mute);
    }

    /// Fails from now on when its stream is changed: having done it, or not.
    pub fn fail_updates(&self, does_it: Option<bool>) {
        self.state(|state| state.failing = does_it);
    }

    /// Refuses from now on to change its stream, or does it again.
    pub fn refuse_updates(&self, is_refusing: bool) {
        self.state(|state| state.is_refusing = is_refusing);
    }

    /// Fails from now on when it is asked for signals.
    pub fn fail_polls(&self) {
        self.state(|state| state.is_failing_polls = true);
    }

    /// How often it was asked for a sign of life.
    pub fn asks(&self) -> u64 {
        self.state(|state| state.asks)
    }

    /// The name of its stream.
    pub fn stream(&self) -> Option<String> {
        self.state(|state| state.stream.as_ref().map(|stream| stream.id.clone()))
    }

    /// How often it was asked for signals.
    pub fn polls(&self) -> u64 {
        self.state(|state| state.polls)
    }

    /// The signals that were acknowledged when it was asked for others.
    pub fn acknowledged(&self) -> Vec<String> {
        self.state(|state| state.acknowledged.clone())
    }

    /// What was told of those that were not taken.
    pub fn refused(&self) -> BTreeMap<String, Value> {
        self.state(|state| state.refused.clone())
    }

    /// What the daemon asked that is against the documents.
    pub fn faults(&self) -> Vec<String> {
        self.state(|state| state.faults.clone())
    }

    /// A name for a signal that no other has.
    pub fn name(&self) -> String {
        self.state(|state| {
            state.sent += 1;
            format!("signal-{}", state.sent)
        })
    }

    /// The claims of a signal about somebody, in the dialect that it speaks: `event` is `risc/event-type/account-disabled`, say.
    pub fn claims(&self, event: &str, subject: &Value, details: &Value) -> Value {
        let (jti, is_draft) = (self.name(), self.state(|state| state.is_draft));
        let mut details = details.clone();
        let mut claims = json!({"iss": self.url, "aud": AUDIENCE, "iat": now(), "jti": jti});
        if is_draft {
            details["subject"] = subject.clone();
        } else {
            claims["sub_id"] = subject.clone();
        }
        claims["events"] = json!({format!("{EVENTS}{event}"): details});
        claims
    }

    /// A signed token with these claims.
    pub fn signed(&self, claims: &Value) -> String {
        self.signed_as(&json!({"typ": "secevent+jwt"}), claims)
    }

    /// The same, with more in its header.
    pub fn signed_as(&self, header: &Value, claims: &Value) -> String {
        let (kid, key) = self.state(|state| state.keys.last().unwrap().clone());
        let mut head = json!({"alg": "EdDSA", "kid": kid});
        head.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(&head), encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(key.0.sign(message.as_bytes()).as_ref());
        format!("{message}.{signature}")
    }

    /// Pushes a token as the stream was set up; `None` when nobody answers.
    ///
    /// # Panics
    /// When no stream was set up to be pushed to.
    pub fn push(&self, token: &str) -> Option<Pushed> {
        let delivery = self.state(|state| state.stream.as_ref().expect("a stream").delivery.clone());
        let place = delivery["endpoint_url"].as_str().unwrap().strip_prefix(ORIGIN).expect("our own origin");
        self.push_to(place, delivery["authorization_header"].as_str().unwrap_or_default(), token)
    }

    /// Pushes to an address of the daemon.
    ///
    /// # Panics
    /// When it was not reached before.
    pub fn push_to(&self, place: &str, authorization: &str, token: &str) -> Option<Pushed> {
        let address = self.state(|state| state.daemon.clone()).expect("the daemon is reached");
        let mut connection = TcpStream::connect(&address).ok()?;
        let request = format!(
            "POST {place} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\nContent-Type: \
             application/secevent+jwt\r\nAccept: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{token}",
            token.len()
        );
        connection.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        Some(Pushed { status, err: body["err"].as_str().unwrap_or_default().to_owned() })
    }

    /// Keeps a token to be asked for by this name.
    pub fn offer(&self, jti: &str, token: &str) {
        self.state(|state| state.waiting.insert(jti.to_owned(), token.to_owned()));
        self.shared.changed.notify_all();
    }

    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.shared.state.lock().unwrap())
    }

    fn fault(&self, what: &str) -> (u16, Value) {
        self.state(|state| state.faults.push(what.to_owned()));
        (400, json!({"description": what}))
    }

    fn serve(&self, connection: &TcpStream) -> io::Result<()> {
        let request = Request::read(&mut BufReader::new(connection), connection)?;
        let (status, body) = self.answer(&request);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut writer = connection;
        write!(
            writer,
            "HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }

    fn answer(&self, request: &Request) -> (u16, Value) {
        let is_draft = self.state(|state| state.is_draft);
        let known =
            if is_draft { "/.well-known/sse-configuration" } else { "/.well-known/ssf-configuration" };
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", path) if path == known => (200, self.published()),
            ("GET", path) if path.starts_with("/.well-known/") => (404, Value::Null),
            ("GET", "/jwks") if self.state(|state| state.is_hiding_keys) => (503, Value::Null),
            ("GET", "/jwks") => (200, self.keys()),
            _ if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) => (401, Value::Null),
            (method, "/streams") => self.streams(method, request),
            ("GET", "/status") => match self.named(request) {
                Some(stream) => {
                    let status = self.state(|state| state.status.clone());
                    (200, json!({"stream_id": stream.id, "status": status, "reason": "of a test"}))
                }
                None => (404, Value::Null),
            },
            ("POST", "/verify") => self.verify(request),
            ("POST", "/poll") => self.polled(request),
            _ => (404, Value::Null),
        }
    }

    fn published(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.url);
        json!({"issuer": self.url, "jwks_uri": at("/jwks"), "configuration_endpoint": at("/streams"),
            "status_endpoint": at("/status"), "verification_endpoint": at("/verify"), "spec_version": "1_0"})
    }

    fn keys(&self) -> Value {
        let keys: Vec<_> = self.state(|state| state.keys.clone());
        let one = |(kid, key): &(String, Key)| {
            let public = URL_SAFE_NO_PAD.encode(key.0.public_key().as_ref());
            json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": public, "use": "sig"})
        };
        json!({"keys": keys.iter().map(one).collect::<Vec<_>>()})
    }

    /// The stream that a query names.
    fn named(&self, request: &Request) -> Option<Stream> {
        let id = request.query.strip_prefix("stream_id=")?;
        self.state(|state| state.stream.clone()).filter(|stream| stream.id == id)
    }

    fn streams(&self, method: &str, request: &Request) -> (u16, Value) {
        match method {
            "GET" if request.query.is_empty() => {
                let stream = self.state(|state| state.stream.clone());
                (200, stream.iter().map(|stream| self.shown(stream)).collect())
            }
            "GET" => self.named(request).map_or((404, Value::Null), |stream| (200, self.shown(&stream))),
            "DELETE" => match self.named(request) {
                Some(_) => {
                    self.state(|state| state.stream = None);
                    (204, Value::Null)
                }
                None => (404, Value::Null),
            },
            "POST" | "PATCH" => self.set_up(method, request),
            _ => (405, Value::Null),
        }
    }

    fn set_up(&self, method: &str, request: &Request) -> (u16, Value) {
        if request.header("content-type") != Some("application/json") {
            return self.fault("a stream is written as application/json");
        }
        let Ok(asked) = serde_json::from_slice::<Value>(&request.body) else { return self.fault("no JSON") };
        let events = asked["events_requested"].as_array().cloned().unwrap_or_default();
        if events.is_empty()
            || events.iter().any(|event| !event.as_str().is_some_and(|event| event.starts_with(EVENTS)))
        {
            return self.fault("no events are requested, or such as there are none");
        }
        let mut delivery = asked["delivery"].clone();
        match delivery["method"].as_str() {
            Some("urn:ietf:rfc:8935") => {
                let is_ours =
                    delivery["endpoint_url"].as_str().is_some_and(|url| url.starts_with("https://"));
                let is_told =
                    delivery["authorization_header"].as_str().is_some_and(|it| it.starts_with("Bearer "));
                if !is_ours || !is_told {
                    return self.fault("where to push to, and with what?");
                }
            }
            Some("urn:ietf:rfc:8936") if delivery.get("endpoint_url").is_none() => {
                delivery["endpoint_url"] = format!("{}/poll", self.url).into();
            }
            _ => return self.fault("no such delivery"),
        }
        let known = self.state(|state| state.stream.clone());
        let id = match (method, known) {
            ("POST", Some(_)) => return (409, Value::Null),
            ("POST", None) => {
                if asked.get("stream_id").is_some() {
                    return self.fault("the transmitter names a stream");
                }
                self.state(|state| {
                    state.made += 1;
                    format!("stream-{}", state.made)
                })
            }
            (_, Some(stream)) if asked["stream_id"] == stream.id.as_str() => stream.id,
            _ => return (404, Value::Null),
        };
        if self.state(|state| state.is_refusing) {
            return (400, Value::Null);
        }
        let stream = Stream { id, delivery };
        let failing = self.state(|state| state.failing);
        if failing != Some(false) {
            self.state(|state| state.stream = Some(stream.clone()));
        }
        if failing.is_some() {
            return (502, Value::Null);
        }
        (if method == "POST" { 201 } else { 200 }, self.shown(&stream))
    }

    fn shown(&self, stream: &Stream) -> Value {
        let mut delivery = stream.delivery.clone();
        // What is secret is not shown again.
        delivery.as_object_mut().unwrap().remove("authorization_header");
        json!({"stream_id": stream.id, "iss": self.url, "aud": [AUDIENCE], "delivery": delivery})
    }

    /// A sign of life comes after the answer, as the framework has it.
    fn verify(&self, request: &Request) -> (u16, Value) {
        let Ok(asked) = serde_json::from_slice::<Value>(&request.body) else { return self.fault("no JSON") };
        let Some(stream) = self.state(|state| state.stream.clone()) else { return (404, Value::Null) };
        if asked["stream_id"] != stream.id.as_str() {
            return (404, Value::Null);
        }
        self.state(|state| state.asks += 1);
        if self.state(|state| state.is_mute) {
            return (204, Value::Null);
        }
        let family = if self.state(|state| state.is_draft) { "sse" } else { "ssf" };
        let subject = json!({"format": "opaque", "id": stream.id});
        let claims = self.claims(
            &format!("{family}/event-type/verification"),
            &subject,
            &json!({"state": asked["state"]}),
        );
        let (jti, token) = (claims["jti"].as_str().unwrap().to_owned(), self.signed(&claims));
        if stream.delivery["method"] == "urn:ietf:rfc:8936" {
            self.offer(&jti, &token);
        } else if self.state(|state| state.daemon.is_some()) {
            let pushing = self.clone();
            thread::spawn(move || pushing.push(&token));
        }
        (204, Value::Null)
    }

    /// What waits, or what comes within a while.
    fn polled(&self, request: &Request) -> (u16, Value) {
        let Ok(asked) = serde_json::from_slice::<Value>(&request.body) else { return self.fault("no JSON") };
        let mut state = self.shared.state.lock().unwrap();
        state.polls += 1;
        if state.is_failing_polls {
            return (500, Value::Null);
        }
        for jti in asked["ack"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            state.waiting.remove(jti);
            state.acknowledged.push(jti.to_owned());
        }
        for (jti, why) in asked["setErrs"].as_object().into_iter().flatten() {
            state.waiting.remove(jti);
            state.refused.insert(jti.clone(), why.clone());
        }
        if state.waiting.is_empty() && asked["returnImmediately"] != json!(true) {
            let wait = Duration::from_secs(5);
            let ended =
                |state: &mut State| state.waiting.is_empty() && !self.shared.ended.load(Ordering::Relaxed);
            state = self.shared.changed.wait_timeout_while(state, wait, ended).unwrap().0;
        }
        let most = usize::try_from(asked["maxEvents"].as_u64().unwrap_or(u64::MAX)).unwrap();
        let sets: BTreeMap<_, _> = state.waiting.iter().take(most).collect();
        (200, json!({"sets": sets, "moreAvailable": state.waiting.len() > sets.len()}))
    }

    /// Listens no more.
    pub fn end(&self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        self.shared.changed.notify_all();
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

/// Seconds since 1970.
pub fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}
