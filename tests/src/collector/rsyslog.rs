use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::{
    certificates::{Authority, Identity},
    ldap::own_address,
    temporary, wait,
};

const PORT: u16 = 16514;

/// A real `rsyslogd` that takes syslog over TLS from whoever shows a certificate, and writes what it is told into a file.
pub struct Rsyslog {
    folder: TempDir,
    authority: Authority,
    client: Identity,
    address: Ipv4Addr,
    child: Option<Child>,
}

impl Rsyslog {
    /// Whether it is there. Where it cannot be had a test with it is skipped, loudly; in CI never.
    ///
    /// # Panics
    /// In CI, when it is missing.
    pub fn is_there() -> bool {
        let is_there = Path::new("/usr/sbin/rsyslogd").exists() && driver().is_some();
        if !is_there {
            assert!(std::env::var_os("CI").is_none(), "rsyslog is missing: `.ci/run` installs it");
            eprintln!("SKIPPED: rsyslog with TLS is not installed (Debian: rsyslog rsyslog-openssl)");
        }
        is_there
    }

    /// A server that is running.
    pub fn start() -> Self {
        let folder = temporary::folder();
        let authority = Authority::new(folder.path(), "ca");
        let address = own_address();
        let server = authority.server_at(folder.path(), "rsyslog", address.into());
        let client = authority.client(folder.path(), "oamd");
        let path = folder.path().display();
        // Without a queue of its own it writes what it has read before it reads on, and before it ends the connection.
        let configuration = format!(
            "global(workDirectory=\"{path}\" maxMessageSize=\"256k\" parser.escapeControlCharactersOnReceive=\"off\"\n\
             DefaultNetstreamDriver=\"ossl\" DefaultNetstreamDriverCAFile=\"{}\" DefaultNetstreamDriverCertFile=\"{}\"\n\
             DefaultNetstreamDriverKeyFile=\"{}\")\n\
             module(load=\"imtcp\" StreamDriver.Name=\"ossl\" StreamDriver.Mode=\"1\" StreamDriver.AuthMode=\"x509/certvalid\")\n\
             template(name=\"told\" type=\"string\" string=\"%msg%\\n\")\n\
             ruleset(name=\"oam\" queue.type=\"Direct\") {{ action(type=\"omfile\" file=\"{path}/told\" template=\"told\") }}\n\
             input(type=\"imtcp\" address=\"{address}\" port=\"{PORT}\" ruleset=\"oam\")\n",
            authority.file().display(),
            server.certificate.display(),
            server.key.display(),
        );
        fs::write(folder.path().join("rsyslog.conf"), configuration).unwrap();
        let mut rsyslog = Self { folder, authority, client, address, child: None };
        rsyslog.launch();
        rsyslog
    }

    /// Starts it again.
    pub fn launch(&mut self) {
        assert!(self.child.is_none(), "rsyslogd runs already");
        let path = self.folder.path();
        let log = fs::File::options().create(true).append(true).open(path.join("log")).unwrap();
        let mut rsyslogd = Command::new("/usr/sbin/rsyslogd");
        rsyslogd.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").arg("-n");
        rsyslogd.arg("-f").arg(path.join("rsyslog.conf")).arg("-i").arg(path.join("pid"));
        rsyslogd.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(rsyslogd.spawn().unwrap());
        let address = SocketAddr::new(self.address.into(), PORT);
        wait::until("rsyslogd listens", || TcpStream::connect(address).ok());
    }

    /// kill -9.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        // A new one would wait for the one before it.
        let _ = fs::remove_file(self.folder.path().join("pid"));
    }

    /// What it was told so far: the texts of the messages, one a line.
    pub fn told(&self) -> String {
        String::from_utf8(fs::read(self.folder.path().join("told")).unwrap_or_default()).unwrap()
    }

    /// What it says of itself.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The configuration of an export `siem` that goes to it.
    pub fn config(&self, more: &str) -> String {
        format!(
            "[export.siem]\nkind = \"syslog\"\naddress = \"{}:{PORT}\"\nnetwork = \"loopback\"\nca = \"{}\"\ncertificate = \"{}\"\n\
             key = \"{}\"\n{more}\n",
            self.address,
            self.authority.file().display(),
            self.client.certificate.display(),
            self.client.key.display()
        )
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- rsyslog's log\n{}", self.log());
        }
    }
}

/// The driver, wherever this machine's libraries are.
fn driver() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok).map(|folder| folder.path());
    folders.map(|folder| folder.join("rsyslog/lmnsd_ossl.so")).find(|path| path.exists())
}
