//! What somebody was given when they signed in, kept in a file of their own.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use oam_fetch::Secret;
use oam_proto::v1::SignInIssuer;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::{
    Issuer, SignInError,
    tokens::{self, Tokens},
};

/// How long before its end a token is replaced.
const EARLY: SignedDuration = SignedDuration::from_secs(60);
/// How large the file may be.
const BYTES: u64 = 256 * 1024;

/// A sign-in at one daemon.
#[derive(Debug)]
pub struct Session {
    issuer: SignInIssuer,
    tokens: Tokens,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    issuer: String,
    url: String,
    client: String,
    scopes: Vec<String>,
    resource: String,
    id_token: bool,
    token: String,
    refresh_token: Option<String>,
    expires: Timestamp,
}

impl Session {
    /// What came of signing in at `issuer`.
    pub fn new(issuer: SignInIssuer, tokens: Tokens) -> Self {
        Self { issuer, tokens }
    }

    /// What the daemon is shown.
    pub fn token(&self) -> &Secret {
        &self.tokens.token
    }

    /// Where it was given.
    pub fn issuer(&self) -> &SignInIssuer {
        &self.issuer
    }

    /// What the provider can be asked to take back.
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.tokens.refresh.as_ref()
    }

    fn written(&self) -> Written {
        let Self { issuer, tokens } = self;
        Written {
            issuer: issuer.name.clone(),
            url: issuer.url.clone(),
            client: issuer.client.clone(),
            scopes: issuer.scopes.clone(),
            resource: issuer.resource.clone(),
            id_token: issuer.id_token,
            token: tokens.token.reveal().to_owned(),
            refresh_token: tokens.refresh.as_ref().map(|token| token.reveal().to_owned()),
            expires: tokens.expires,
        }
    }
}

impl From<Written> for Session {
    fn from(written: Written) -> Self {
        let Written { issuer, url, client, scopes, resource, id_token, token, refresh_token, expires } =
            written;
        let issuer = SignInIssuer { name: issuer, url, client, scopes, resource, id_token };
        let refresh = refresh_token.map(Secret::new);
        Self { issuer, tokens: Tokens { token: Secret::new(token), refresh, expires } }
    }
}

/// The folder of the sessions.
#[derive(Debug)]
pub struct Sessions {
    folder: PathBuf,
}

impl Sessions {
    /// In the caller's folder for state: `$XDG_STATE_HOME/oam/tokens`, else below the home.
    ///
    /// # Errors
    /// When there is neither.
    pub fn of_caller() -> Result<Self, SignInError> {
        let var =
            |name: &str| env::var_os(name).filter(|value| Path::new(value).is_absolute()).map(PathBuf::from);
        let state = var("XDG_STATE_HOME").or_else(|| var("HOME").map(|home| home.join(".local/state")));
        let state = state.ok_or_else(|| {
            let source = io::Error::other("neither XDG_STATE_HOME nor HOME says where");
            SignInError::File { path: PathBuf::new(), source }
        })?;
        Ok(Self { folder: state.join("oam/tokens") })
    }

    fn path(&self, daemon: &str) -> PathBuf {
        let letter = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
        let name: String =
            daemon.trim_start_matches("https://").trim_end_matches('/').chars().map(letter).collect();
        self.folder.join(format!("{name}.json"))
    }

    /// The session at `daemon`; with a new token where the old one is about to end.
    ///
    /// # Errors
    /// When there is none any more, or the file is not to be trusted.
    pub async fn current(&self, daemon: &str) -> Result<Session, SignInError> {
        let session = self.read(daemon)?;
        if !ends_soon(&session) {
            return Ok(session);
        }
        // One at a time: a refresh token may be good only once.
        let _one = self.lock(daemon)?;
        let session = self.read(daemon)?;
        if !ends_soon(&session) {
            return Ok(session);
        }
        let is_over = session.tokens.expires <= Timestamp::now();
        match renewed(&session, daemon).await {
            Ok(session) => {
                self.write(daemon, &session)?;
                Ok(session)
            }
            // It is good for a little while yet.
            Err(_) if !is_over => Ok(session),
            Err(error) => Err(error),
        }
    }

    /// Reads the session at `daemon`.
    ///
    /// # Errors
    /// When there is none, or others can read or have written the file.
    pub fn read(&self, daemon: &str) -> Result<Session, SignInError> {
        let path = self.path(daemon);
        let fault = |source| SignInError::File { path: path.clone(), source };
        let file = match open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(SignInError::SignedOut(daemon.to_owned()));
            }
            Err(error) => return Err(fault(error)),
        };
        let mut text = Vec::new();
        file.take(BYTES).read_to_end(&mut text).map_err(fault)?;
        let written: Result<Written, _> = serde_json::from_slice(&text);
        // What stands there may be secret, and is not repeated.
        let unreadable = |_| fault(io::Error::other("it cannot be read: sign in again with `oam login`"));
        written.map(Session::from).map_err(unreadable)
    }

    /// Keeps a session, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, daemon: &str, session: &Session) -> Result<(), SignInError> {
        let path = self.path(daemon);
        let fault = |source| SignInError::File { path: path.clone(), source };
        self.make_folder().map_err(fault)?;
        let draft = path.with_extension("draft");
        let _ = fs::remove_file(&draft);
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(fault)?;
        let text =
            Secret::new(serde_json::to_string(&session.written()).map_err(|error| fault(error.into()))?);
        file.write_all(text.reveal().as_bytes()).and_then(|()| file.sync_all()).map_err(fault)?;
        fs::rename(&draft, &path).map_err(fault)
    }

    /// Forgets the session at `daemon`. Whether there was one.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn forget(&self, daemon: &str) -> Result<bool, SignInError> {
        let path = self.path(daemon);
        let _ = fs::remove_file(path.with_extension("lock"));
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(SignInError::File { path, source }),
        }
    }

    fn lock(&self, daemon: &str) -> Result<File, SignInError> {
        let path = self.path(daemon).with_extension("lock");
        let fault = |source| SignInError::File { path: path.clone(), source };
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(fault)?;
        flock(&file, FlockOperation::LockExclusive).map_err(|error| fault(error.into()))?;
        Ok(file)
    }

    fn make_folder(&self) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)
    }
}

fn ends_soon(session: &Session) -> bool {
    session.tokens.expires.duration_since(Timestamp::now()) < EARLY
}

async fn renewed(session: &Session, daemon: &str) -> Result<Session, SignInError> {
    let refresh = session.tokens.refresh.as_ref().ok_or_else(|| SignInError::SignedOut(daemon.to_owned()))?;
    let issuer = Issuer::find(session.issuer.clone()).await?;
    match tokens::refresh(&issuer, refresh).await {
        Ok(tokens) => Ok(Session::new(issuer.said, tokens)),
        Err(SignInError::Refused(_)) => Err(SignInError::SignedOut(daemon.to_owned())),
        Err(error) => Err(error),
    }
}

/// Opens a file that is the caller's, and nobody else's to read.
fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(nofollow()).open(path)?;
    let about = file.metadata()?;
    if about.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it is another user's"));
    }
    if about.mode() & 0o077 != 0 {
        return Err(io::Error::other(
            "others may read it: whoever did can act in your name; sign in again with `oam login`",
        ));
    }
    Ok(file)
}

fn nofollow() -> i32 {
    i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use jiff::Timestamp;
    use oam_fetch::Secret;
    use oam_proto::v1::SignInIssuer;

    use super::{Session, Sessions, SignInError, Tokens};

    fn session() -> Session {
        let issuer =
            SignInIssuer { name: "corp".into(), url: "https://id".into(), ..SignInIssuer::default() };
        let expires = "2100-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
        Session::new(
            issuer,
            Tokens { token: Secret::new("t0ken"), refresh: Some(Secret::new("r3fresh")), expires },
        )
    }

    #[tokio::test]
    async fn a_session_is_kept_for_its_owner_alone() {
        let root = tempfile::tempdir().unwrap();
        let sessions = Sessions { folder: root.path().join("oam/tokens") };
        let daemon = "https://oam.example.com:7444";
        assert!(matches!(sessions.current(daemon).await, Err(SignInError::SignedOut(_))));
        sessions.write(daemon, &session()).unwrap();
        sessions.write(daemon, &session()).unwrap();
        let read = sessions.current(daemon).await.unwrap();
        assert_eq!((read.token().reveal(), read.refresh_token().unwrap().reveal()), ("t0ken", "r3fresh"));
        assert!(!format!("{read:?}").contains("t0ken") && !format!("{read:?}").contains("r3fresh"));
        let path = sessions.path(daemon);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&sessions.folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(matches!(sessions.read("https://oam.example.com:7445"), Err(SignInError::SignedOut(_))));

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = sessions.read(daemon).unwrap_err().to_string();
        assert!(error.contains("others may read it"), "{error}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "{\"token\":\"t0ken\"").unwrap();
        let error = sessions.read(daemon).unwrap_err().to_string();
        assert!(error.contains("cannot be read") && !error.contains("t0ken"), "{error}");
        let moved = root.path().join("moved");
        fs::rename(&path, &moved).unwrap();
        std::os::unix::fs::symlink(&moved, &path).unwrap();
        assert!(matches!(sessions.read(daemon), Err(SignInError::File { .. })), "no links");

        assert!(sessions.forget(daemon).unwrap());
        assert!(!sessions.forget(daemon).unwrap());
    }

    #[test]
    fn a_daemon_is_a_name_of_a_file() {
        let sessions = Sessions { folder: "/f".into() };
        assert_eq!(sessions.path("https://a.b:1/").to_str().unwrap(), "/f/a.b_1.json");
        assert_eq!(sessions.path("https://../../x").to_str().unwrap(), "/f/.._.._x.json");
    }
}
