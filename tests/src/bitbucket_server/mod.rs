//! A strict, stateful stand-in for Bitbucket Data Center: its REST API, git over HTTP, and hook scripts that run as
//! they run there.
//!
//! What it does not know is an error, not something to be ignored: a path, a method, a query parameter, a field of
//! JSON. So a client that asks for more than was written down here fails its test.

mod access_keys;
mod accounts;
mod answer;
mod ask;
mod branches;
mod company;
mod enforced;
mod external_hooks;
mod files;
mod hooks;
mod merges;
mod multipart;
mod people;
mod permissions;
mod projects;
pub mod pull_requests;
mod renaming;
mod restrictions;
mod route;
mod scripts;
mod staff;
mod state;

use std::{
    io::{BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    Git, WorkingCopy,
    http::{PASSWORD, Request},
    temporary,
};
pub use company::CredentialKind;
use state::State;
pub use state::{Ailment, Global, Permission};

/// A running Bitbucket. It ends with this value.
#[derive(Debug)]
pub struct BitbucketServer {
    port: u16,
    ended: Arc<AtomicBool>,
    shared: Arc<Shared>,
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    folder: TempDir,
    git: Git,
    base: String,
    state: Mutex<State>,
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Where repositories are, as `PROJECT/slug.git`.
    pub(crate) fn repositories(&self) -> PathBuf {
        self.folder.path().join("repositories")
    }

    /// Where the files of hook scripts are.
    pub(crate) fn scripts(&self) -> PathBuf {
        self.folder.path().join("hook-scripts")
    }
}

impl BitbucketServer {
    /// Starts one with the system administrator `root` and nothing else. Hook scripts run.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let folder = temporary::folder();
        let git = Git::new(&folder.path().join("home"));
        let base = format!("http://127.0.0.1:{port}");
        let shared = Arc::new(Shared { folder, git, base, state: Mutex::new(State::new()) });
        for folder in [shared.repositories(), shared.scripts(), shared.folder.path().join("anywhere")] {
            std::fs::create_dir(folder).unwrap();
        }
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
        let server = Self { port, ended, shared };
        server.add_user("root", Global::SysAdmin);
        server
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.shared.base
    }

    /// Makes a user.
    pub fn add_user(&self, name: &str, global: Global) {
        self.shared.state().put_user(name, Some(global));
    }

    /// An HTTP access token of a user, with all that they may do.
    pub fn token(&self, user: &str) -> String {
        let mut state = self.shared.state();
        let token = format!("BBDC-{user}-{}", state.tokens.len());
        state.tokens.insert(token.clone(), user.to_owned());
        token
    }

    /// Makes a token worthless.
    pub fn revoke(&self, token: &str) {
        self.shared.state().tokens.remove(token).expect("a token");
    }

    /// Makes a repository, as `PROJECT/slug`, and its project.
    pub fn add_repository(&self, repository: &str) {
        let (project, slug) = repository.split_once('/').unwrap();
        let path = self.shared.repositories().join(format!("{repository}.git"));
        let init = ["init", "--quiet", "--bare", "--template=", "--initial-branch=main"];
        let place = path.to_str().unwrap();
        self.shared.git.read(self.shared.folder.path(), init.into_iter().chain([place]));
        std::fs::create_dir(path.join("hooks")).unwrap();
        for (key, value) in [("gc.auto", "0"), ("receive.autogc", "false"), ("http.receivepack", "true")] {
            self.shared.git.read(&path, ["config", key, value]);
        }
        self.add_listed(project, [slug.to_owned()]);
    }

    /// Makes many at once, as copies of one that there is, `PROJECT/slug`.
    pub fn add_copies(&self, like: &str, project: &str, slugs: &[String]) {
        let all = self.shared.repositories();
        std::fs::create_dir_all(all.join(project)).unwrap();
        for slug in slugs {
            copy(&all.join(format!("{like}.git")), &all.join(format!("{project}/{slug}.git")));
        }
        self.add_listed(project, slugs.iter().cloned());
    }

    /// Whether there is a repository, as `PROJECT/slug`.
    pub fn has_repository(&self, repository: &str) -> bool {
        let (project, slug) = repository.split_once('/').unwrap();
        let state = self.shared.state();
        state.projects.get(project).is_some_and(|project| project.repositories.contains(slug))
    }

    /// Makes a project without a repository.
    pub fn add_project(&self, key: &str) {
        self.shared.state().projects.entry(key.to_owned()).or_default();
    }

    /// Lets a user into a project.
    pub fn permit(&self, user: &str, project: &str, permission: Permission) {
        let mut state = self.shared.state();
        let project = state.projects.get_mut(project).expect("a project");
        project.users.insert(user.to_owned(), permission);
    }

    /// `feature.hook.scripts`: where it is not true no hook script runs, and nobody is told.
    pub fn feature_hook_scripts(&self, on: bool) {
        self.shared.state().hook_scripts_run = on;
    }

    /// Switches everything off for a project, as a careless administrator does.
    pub fn disable_all(&self, project: &str) {
        self.shared.state().projects.get_mut(project).expect("a project").enabled.clear();
    }

    /// Takes away the file of every hook script, as a shared home that was not moved along does.
    pub fn lose_files(&self) {
        for file in std::fs::read_dir(self.shared.scripts()).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
    }

    /// Whether it answers at all. Where not every connection is closed at once.
    pub fn answers(&self, answers: bool) {
        self.shared.state().answers = answers;
    }

    /// What is wrong with it from now on, for whoever comes with a token. People are answered.
    pub fn ail(&self, ailment: Ailment) {
        self.shared.state().ailment = ailment;
    }

    /// Everybody may ask this often at once, and is then let in one by one, with each second.
    pub fn limit_rate(&self, at_once: u32) {
        let mut state = self.shared.state();
        state.limit = Some(at_once);
        state.buckets.clear();
    }

    /// Every request so far, as `METHOD /path`.
    pub fn requests(&self) -> Vec<String> {
        self.shared.state().requests.clone()
    }

    /// The branches and tags of a repository, sorted.
    pub fn refs(&self, repository: &str) -> Vec<String> {
        let path = self.shared.repositories().join(format!("{repository}.git"));
        let all = self.shared.git.read(&path, ["for-each-ref", "--format=%(refname)"]);
        all.lines().map(str::to_owned).collect()
    }

    /// A working copy whose remote is a repository here, over HTTP, as `user`.
    pub fn working_copy(&self, repository: &str, user: &str) -> WorkingCopy {
        let address = format!("http://{user}:{PASSWORD}@127.0.0.1:{}/scm/{repository}.git", self.port);
        WorkingCopy::new(&self.shared.git, self.shared.folder.path(), &address)
    }
}

impl Drop for BitbucketServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}

/// One request a connection.
fn serve(connection: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    if !shared.state().answers {
        return Ok(());
    }
    let request = Request::read(&mut BufReader::new(connection), connection)?;
    if !shared.state().goes_on(&request.method) {
        return Ok(());
    }
    if request.header("authorization").is_some_and(|value| value.starts_with("Bearer ")) {
        let ailment = shared.state().ailment.clone();
        match ailment {
            Ailment::None => {}
            Ailment::Slow(time) => thread::sleep(time),
            Ailment::Down => return Ok(()),
            Ailment::Says(status, body) => {
                shared.state().requests.push(format!("{} {}", request.method, request.path));
                let mut writer = connection;
                return writer.write_all(&answer::Answer::raw(status, body.into_bytes()).to_bytes());
            }
        }
    }
    if let Some(path) = request.path.strip_prefix("/scm/") {
        let path = format!("/{path}");
        return hooks::serve_git(connection, shared, &Request { path, ..request });
    }
    let asked = format!("{} {}", request.method, request.path);
    shared.state().requests.push(asked.clone());
    while request.method != "GET" && shared.state().is_pausing() {
        thread::sleep(Duration::from_millis(5));
    }
    shared.state().counts(&request.method);
    let stumbles = shared.state().stumble(&asked);
    let answer = match stumbles {
        Some(status) => answer::Answer::error(status, "That does not work now.", "TestException"),
        None => route::answer(shared, &request),
    };
    if shared.state().holds(&request.method) {
        // Until whoever asked has gone.
        let _ = std::io::Read::read(&mut &*connection, &mut [0]);
        return Ok(());
    }
    let mut writer = connection;
    writer.write_all(&answer.to_bytes())
}
