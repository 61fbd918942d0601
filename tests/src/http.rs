//! A git server over HTTP: just enough of HTTP/1.1 to put `git http-backend` behind basic authentication.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{BareRepo, Git, Run, WorkingCopy};

/// Everybody's password.
pub const PASSWORD: &str = "open-sesame";

/// A server of the repositories in one folder. It ends with this value.
#[derive(Debug)]
pub struct HttpServer {
    port: u16,
    ended: Arc<AtomicBool>,
}

/// What is asked of the server.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl HttpServer {
    /// Serves the folder of `repository` on a free port of the loopback.
    pub fn serving(repository: &BareRepo) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let ended = Arc::new(AtomicBool::new(false));
        let (git, root) = (repository.git().clone(), repository.folder().to_owned());
        let stop = Arc::clone(&ended);
        thread::spawn(move || {
            for connection in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(connection), git, root) = (connection, git.clone(), root.clone()) else { continue };
                thread::spawn(move || serve(&connection, &git, &root));
            }
        });
        Self { port, ended }
    }

    /// A working copy that pushes here as `user`.
    pub fn working_copy(&self, repository: &BareRepo, user: &str) -> WorkingCopy {
        repository.working_copy_of(&format!("http://{user}:{PASSWORD}@127.0.0.1:{}/app.git", self.port))
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// One request a connection: git opens another for the next.
fn serve(connection: &TcpStream, git: &Git, root: &Path) -> io::Result<()> {
    let mut reader = BufReader::new(connection);
    let request = Request::read(&mut reader, connection)?;
    let mut writer = connection;
    let Some(user) = request.user() else {
        let head = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"\r\n";
        return write!(writer, "{head}Content-Length: 0\r\nConnection: close\r\n\r\n");
    };
    send_cgi(writer, &request.run_backend(git, root, &user, &[]))
}

/// What a CGI program said, as HTTP.
pub(crate) fn send_cgi(mut writer: &TcpStream, answer: &[u8]) -> io::Result<()> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len());
    let (head, body) = (String::from_utf8_lossy(&answer[..end]), answer.get(end + 4..).unwrap_or_default());
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    write!(writer, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len())?;
    for line in head.lines().filter(|line| !line.starts_with("Status: ") && !line.is_empty()) {
        write!(writer, "{line}\r\n")?;
    }
    writer.write_all(b"\r\n")?;
    writer.write_all(body)
}

impl Request {
    pub(crate) fn read(reader: &mut impl BufRead, mut connection: &TcpStream) -> io::Result<Self> {
        let first = line(reader)?;
        let mut words = first.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        let mut headers = Vec::new();
        loop {
            let line = line(reader)?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Self { method, path, query, headers, body: Vec::new() };
        if request.header("expect").is_some() {
            connection.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        request.body = if request.header("transfer-encoding") == Some("chunked") {
            chunks(reader)?
        } else {
            let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            body
        };
        Ok(request)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Who asks, if they know the password.
    pub(crate) fn user(&self) -> Option<String> {
        let encoded = self.header("authorization")?.strip_prefix("Basic ")?;
        let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let (user, password) = decoded.split_once(':')?;
        (password == PASSWORD).then(|| user.to_owned())
    }

    /// CGI, RFC 3875, with more variables for the hooks.
    pub(crate) fn run_backend(
        &self,
        git: &Git,
        root: &Path,
        user: &str,
        more: &[(String, String)],
    ) -> Vec<u8> {
        let mut backend = git.command(root);
        backend.envs(more.iter().map(|(name, value)| (name, value)));
        backend.arg("http-backend");
        backend.env("GIT_PROJECT_ROOT", root).env("GIT_HTTP_EXPORT_ALL", "1");
        backend.env("GATEWAY_INTERFACE", "CGI/1.1").env("SERVER_PROTOCOL", "HTTP/1.1");
        backend.env("REMOTE_USER", user).env("REMOTE_ADDR", "127.0.0.1");
        backend.env("REQUEST_METHOD", &self.method).env("PATH_INFO", &self.path);
        backend.env("QUERY_STRING", &self.query).env("CONTENT_LENGTH", self.body.len().to_string());
        for (header, variable) in [
            ("content-type", "CONTENT_TYPE"),
            ("content-encoding", "HTTP_CONTENT_ENCODING"),
            ("git-protocol", "HTTP_GIT_PROTOCOL"),
        ] {
            if let Some(value) = self.header(header) {
                backend.env(variable, value);
            }
        }
        let done = backend.run_with(&self.body);
        if done.stdout.is_empty() {
            return format!("Status: 500 Internal Server Error\r\n\r\n{done:?}").into_bytes();
        }
        done.stdout
    }
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A body whose length is not known beforehand: what git sends when it is larger than `http.postBuffer`.
fn chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(line(reader)?.trim(), 16).map_err(io::Error::other)?;
        let before = body.len();
        body.resize(before + length, 0);
        reader.read_exact(&mut body[before..])?;
        line(reader)?;
        if length == 0 {
            return Ok(body);
        }
    }
}
