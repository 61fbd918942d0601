//! A real OpenID provider (`oidc-provider`, on node), and somebody who signs in there with a browser.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use nix::fcntl::{Flock, FlockArg};

use crate::process::Run as _;

/// A running provider, where everybody is signed in as the person of the hour. It ends with this value.
#[derive(Debug)]
pub struct Provider {
    child: Child,
    /// Held open: it ends when it can write no more.
    _said: BufReader<ChildStdout>,
    /// Its name, which is also its address.
    pub issuer: String,
}

impl Provider {
    /// Starts one on a port of its own.
    ///
    /// # Panics
    /// When node or npm is missing: `.ci/run` installs both.
    pub fn start() -> Self {
        let mut node = Command::new("node");
        node.arg(installed().join("provider.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = node.spawn().expect("node runs");
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let first: serde_json::Value = serde_json::from_str(&line).expect("the provider says where it is");
        Self { child, _said: said, issuer: first["issuer"].as_str().unwrap().to_owned() }
    }

    /// Turns it: `person?name=NAME`, `lifetime?seconds=NUMBER`, `clock?seconds=NUMBER`, `job?claims=JSON`, `overlap`, `drop`.
    ///
    /// # Panics
    /// When it does not turn.
    pub fn turn(&self, how: &str) {
        let mut connection = TcpStream::connect(self.issuer.trim_start_matches("http://")).unwrap();
        let request = format!("GET /test/{how} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{how}: {answer}");
    }

    /// A token of a job, for an audience, that says `claims`.
    ///
    /// # Panics
    /// When none is issued.
    pub fn job_token(&self, audience: &str, claims: &serde_json::Value) -> String {
        let encoded: String = claims.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
        self.turn(&format!("job?claims={encoded}"));
        let form = format!(
            "grant_type=client_credentials&client_id=ci&client_secret=for%20tests&resource={audience}"
        );
        let mut connection = TcpStream::connect(self.issuer.trim_start_matches("http://")).unwrap();
        // Of HTTP/1.0 an answer comes in one piece.
        let request = format!(
            "POST /token HTTP/1.0\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            self.issuer.trim_start_matches("http://"),
            form.len()
        );
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        let issued: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        issued["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }

    /// Opens an address in a browser, and does there what is to be done.
    ///
    /// # Panics
    /// When that fails.
    pub fn browse(url: &str) {
        let mut node = Command::new("node");
        node.arg(folder().join("browser.mjs")).arg(url).run().expect_success("browser.mjs");
    }

    /// A program that opens the address that it is given in such a browser, as `$BROWSER` is one.
    pub fn browser(place: &Path) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let file = place.join("browser");
        fs::write(
            &file,
            format!("#!/bin/sh\nexec node '{}' \"$1\"\n", folder().join("browser.mjs").display()),
        )
        .unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What these programs are, and of what.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openid")
}

/// The provider in the target folder, with what it is made of as its lock file says. It is installed when another one,
/// or none, lies there.
fn installed() -> PathBuf {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/openid");
    fs::create_dir_all(&place).unwrap();
    let lock = fs::File::options().create(true).truncate(false).write(true).open(place.join("lock"));
    let _one = Flock::lock(lock.unwrap(), FlockArg::LockExclusive).map_err(|(_, error)| error).unwrap();
    let is_there = |file: &str, as_file: &str| {
        fs::read(place.join(as_file)).is_ok_and(|there| there == fs::read(folder().join(file)).unwrap())
    };
    // Never written anew as it is: another test may be reading it.
    if !is_there("provider.mjs", "provider.mjs") {
        fs::copy(folder().join("provider.mjs"), place.join("provider.mjs")).unwrap();
    }
    if !is_there("package-lock.json", "installed-lock.json") {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(folder().join(file), place.join(file)).unwrap();
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(&place);
        assert!(npm.stdout(Stdio::null()).status().expect("npm runs").success(), "npm ci");
        fs::copy(place.join("package-lock.json"), place.join("installed-lock.json")).unwrap();
    }
    place
}
