//! What stands in for an API that cannot run here: a server of HTTP with a state, which can be made to fail, to wait and to fall
//! silent. What it stands in for is its own: [`crate::okta`], [`crate::graph`].

use std::{
    io::{BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crate::http::Request;

/// An API with all that is in it.
pub(crate) trait Api: Send + 'static {
    /// Answers a request that is not answered otherwise, with bytes as they go over the wire. `target` is what it asks for,
    /// decoded.
    fn answer(&mut self, base: &str, request: &Request, target: &str) -> Vec<u8>;

    /// A refusal, in the words of this API.
    fn refusal(&self, status: u16) -> Vec<u8>;
}

/// A running one. It ends with this value.
#[derive(Debug)]
pub(crate) struct StandIn<A> {
    port: u16,
    ended: Arc<AtomicBool>,
    shared: Arc<Shared<A>>,
}

#[derive(Debug)]
struct Shared<A> {
    base: String,
    state: Mutex<State<A>>,
    /// Told when nobody is held any more.
    released: Condvar,
}

#[derive(Debug)]
struct State<A> {
    api: A,
    requests: Vec<String>,
    is_silent: bool,
    failing: Option<(String, u16)>,
    holding: Option<String>,
    held: usize,
}

impl<A: Api> StandIn<A> {
    pub(crate) fn start(api: A) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state =
            State { api, requests: Vec::new(), is_silent: false, failing: None, holding: None, held: 0 };
        let base = format!("http://127.0.0.1:{port}");
        let shared = Arc::new(Shared { base, state: Mutex::new(state), released: Condvar::new() });
        let ended = Arc::new(AtomicBool::new(false));
        let (stop, all) = (Arc::clone(&ended), Arc::clone(&shared));
        thread::spawn(move || {
            for connection in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(connection), shared) = (connection, Arc::clone(&all)) else { continue };
                thread::spawn(move || serve(&connection, &shared));
            }
        });
        Self { port, ended, shared }
    }

    pub(crate) fn url(&self) -> &str {
        &self.shared.base
    }

    fn state(&self) -> MutexGuard<'_, State<A>> {
        self.shared.state.lock().unwrap()
    }

    /// Looks at what is in it, or changes it.
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut A) -> T) -> T {
        change(&mut self.state().api)
    }

    /// Answers every request whose target contains `part` with this status; `None`: as ever.
    pub(crate) fn fail(&self, part: &str, status: Option<u16>) {
        self.state().failing = status.map(|status| (part.to_owned(), status));
    }

    /// Whether it answers at all. Where not every connection is closed at once.
    pub(crate) fn answers(&self, answers: bool) {
        self.state().is_silent = !answers;
    }

    /// Holds every request whose target contains `part`, until [`Self::release`].
    pub(crate) fn hold(&self, part: &str) {
        self.state().holding = Some(part.to_owned());
    }

    /// Holds those that contain `part`, and no others any more.
    pub(crate) fn hold_instead(&self, part: &str) {
        self.hold(part);
        self.shared.released.notify_all();
    }

    pub(crate) fn is_held(&self) -> bool {
        self.state().held > 0
    }

    pub(crate) fn release(&self) {
        self.state().holding = None;
        self.shared.released.notify_all();
    }

    /// Every request so far, as `/path?query`, decoded.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state().requests.clone()
    }
}

impl<A> Drop for StandIn<A> {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        self.shared.released.notify_all();
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// One request a connection.
fn serve<A: Api>(connection: &TcpStream, shared: &Shared<A>) -> std::io::Result<()> {
    let request = Request::read(&mut BufReader::new(connection), connection)?;
    let target = target(&request);
    let mut state = shared.state.lock().unwrap();
    if state.is_silent {
        return Ok(());
    }
    state.requests.push(target.clone());
    state.held += 1;
    while state.holding.as_ref().is_some_and(|part| target.contains(part)) {
        state = shared.released.wait(state).unwrap();
    }
    state.held -= 1;
    // It may have fallen silent while this was held.
    if state.is_silent {
        return Ok(());
    }
    let failing = state.failing.as_ref().filter(|(part, _)| target.contains(part)).map(|(_, status)| *status);
    let answer = match failing {
        Some(status) => state.api.refusal(status),
        None => state.api.answer(&shared.base, &request, &target),
    };
    drop(state);
    let mut writer = connection;
    writer.write_all(&answer)
}

/// What a request asks for, decoded.
fn target(request: &Request) -> String {
    let (path, query) = (decoded(&request.path), decoded(&request.query));
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

/// Without the percent signs of URLs and forms.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).unwrap()
}

/// The value of a field of a query or a form.
pub(crate) fn field(encoded: &str, name: &str) -> Option<String> {
    let pairs = encoded.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| decoded(key) == name).map(|(_, value)| decoded(value)).next()
}

/// An answer as it goes over the wire.
pub(crate) fn written(status: u16, headers: &[String], body: &str) -> Vec<u8> {
    let head: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    format!(
        "HTTP/1.1 {status} x\r\n{head}Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}
