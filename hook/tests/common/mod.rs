//! A daemon that follows a script, on a socket of its own, and the real hook run against it.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    pin::Pin,
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use oam_proto::v1::{
    self, authorize_request, authorize_response,
    authorizer_server::{Authorizer, AuthorizerServer},
};
use tempfile::TempDir;
use tokio::{net::UnixListener, runtime::Runtime, sync::mpsc};
use tokio_stream::{
    Stream, StreamExt as _,
    wrappers::{ReceiverStream, UnixListenerStream},
};
use tonic::{Request, Response, Status, Streaming, transport::Server};

pub(crate) const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
pub(crate) const Z: &str = "0000000000000000000000000000000000000000";

/// What the daemon does once it has read the push.
#[derive(Clone)]
pub(crate) enum Script {
    /// Permits.
    Permit,
    /// Sends this decision; the number of refs is filled in unless it is set.
    Decide(v1::Decision),
    /// Asks for the ancestry of these updates, then permits if all are fast-forwards, else refuses.
    AskThen(Vec<u64>),
    /// Asks for these facts, and permits once it has heard all.
    Ask(v1::FactsNeeded),
    /// Asks for these facts, and refuses after the first message, without reading on.
    AskAndRefuseEarly(v1::FactsNeeded),
    /// Asks for the same facts again and again.
    AskForever,
    /// Sends a message without content.
    Empty,
    /// Ends the stream.
    End,
    /// Answers with this error.
    Fail(tonic::Code),
    /// Says nothing more.
    Hang,
    /// Asks for facts, and then says nothing more.
    AskAndHang,
    /// Says that it is at work, and permits.
    WorkThenPermit,
    /// Says that it is at work, and then nothing more.
    WorkAndHang,
}

/// What the daemon was told.
#[derive(Default, Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) openings: Vec<v1::Opening>,
    pub(crate) updates: Vec<v1::RefUpdate>,
    pub(crate) batches: usize,
    pub(crate) facts: Vec<v1::AncestryFact>,
    pub(crate) histories: Vec<v1::HistoryFacts>,
    pub(crate) spooled: Vec<v1::SpooledPush>,
    /// What it was told of pushes that were applied.
    pub(crate) applied: Vec<v1::AppliedPush>,
}

#[derive(Clone)]
pub(crate) struct Daemon {
    script: Script,
    heard: Arc<Mutex<Heard>>,
}

type Answers = Pin<Box<dyn Stream<Item = Result<v1::AuthorizeResponse, Status>> + Send>>;

#[tonic::async_trait]
impl Authorizer for Daemon {
    type AuthorizeStream = Answers;

    async fn authorize(
        &self,
        request: Request<Streaming<v1::AuthorizeRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let (to, from) = mpsc::channel(4);
        let this = self.clone();
        tokio::spawn(async move {
            if let Err(status) = this.follow(request.into_inner(), &to).await {
                let _ = to.send(Err(status)).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(from))))
    }

    async fn deliver_spooled(
        &self,
        request: Request<v1::SpooledPush>,
    ) -> Result<Response<v1::DeliverSpooledResponse>, Status> {
        if let Script::Fail(code) = self.script {
            return Err(Status::new(code, "no space"));
        }
        self.heard.lock().unwrap().spooled.push(request.into_inner());
        Ok(Response::new(v1::DeliverSpooledResponse {}))
    }

    async fn report_applied(
        &self,
        request: Request<v1::AppliedPush>,
    ) -> Result<Response<v1::ReportAppliedResponse>, Status> {
        if let Script::Fail(code) = self.script {
            return Err(Status::new(code, "no space"));
        }
        self.heard.lock().unwrap().applied.push(request.into_inner());
        Ok(Response::new(v1::ReportAppliedResponse::default()))
    }
}

type Answer = mpsc::Sender<Result<v1::AuthorizeResponse, Status>>;

impl Daemon {
    async fn follow(&self, mut asked: Streaming<v1::AuthorizeRequest>, to: &Answer) -> Result<(), Status> {
        let total = self.read_push(&mut asked).await?;
        let decide = |decision| authorize_response::Step::Decision(decision);
        let step = match &self.script {
            Script::Permit => decide(permit(total)),
            Script::Decide(decision) => {
                let refs_total = if decision.refs_total == 0 { total } else { decision.refs_total };
                decide(v1::Decision { refs_total, ..decision.clone() })
            }
            Script::AskThen(indexes) => {
                send(to, Some(needed(indexes))).await;
                self.read_facts(&mut asked).await?;
                let facts = self.heard.lock().unwrap().facts.clone();
                let good = facts.iter().all(|fact| fact.ancestry() == v1::Ancestry::FastForward);
                decide(if good { permit(total) } else { refuse(total) })
            }
            Script::Ask(needed) => {
                send(to, Some(authorize_response::Step::Needed(needed.clone()))).await;
                self.read_facts(&mut asked).await?;
                decide(permit(total))
            }
            Script::AskAndRefuseEarly(needed) => {
                send(to, Some(authorize_response::Step::Needed(needed.clone()))).await;
                let first = asked.next().await.transpose()?;
                let Some(authorize_request::Step::Facts(facts)) = first.and_then(|first| first.step) else {
                    return Err(Status::invalid_argument("no facts"));
                };
                self.heard.lock().unwrap().histories.extend(facts.histories);
                send(to, Some(decide(refuse(total)))).await;
                // The call stays open: only the hook can end it.
                std::future::pending().await
            }
            Script::AskForever => loop {
                send(to, Some(needed(&[0]))).await;
                self.read_facts(&mut asked).await?;
            },
            Script::Empty => {
                send(to, None).await;
                return Ok(());
            }
            Script::End => return Ok(()),
            Script::Fail(code) => return Err(Status::new(*code, "an \u{1b}[31merror")),
            Script::Hang => std::future::pending().await,
            Script::WorkThenPermit => {
                send(to, Some(working())).await;
                send(to, Some(working())).await;
                decide(permit(total))
            }
            Script::WorkAndHang => {
                send(to, Some(working())).await;
                std::future::pending().await
            }
            Script::AskAndHang => {
                send(to, Some(needed(&[0]))).await;
                std::future::pending().await
            }
        };
        send(to, Some(step)).await;
        Ok(())
    }

    async fn read_push(&self, asked: &mut Streaming<v1::AuthorizeRequest>) -> Result<u64, Status> {
        let mut total = 0;
        while let Some(message) = asked.next().await.transpose()? {
            let mut heard = self.heard.lock().unwrap();
            match message.step.unwrap() {
                authorize_request::Step::Opening(opening) => heard.openings.push(opening),
                authorize_request::Step::Updates(updates) => {
                    total += updates.updates.len() as u64;
                    heard.updates.extend(updates.updates);
                    heard.batches += 1;
                    if updates.last {
                        return Ok(total);
                    }
                }
                authorize_request::Step::Facts(_) => return Err(Status::invalid_argument("facts unasked")),
            }
        }
        Err(Status::invalid_argument("the push has no end"))
    }

    async fn read_facts(&self, asked: &mut Streaming<v1::AuthorizeRequest>) -> Result<(), Status> {
        while let Some(message) = asked.next().await.transpose()? {
            let Some(authorize_request::Step::Facts(facts)) = message.step else { panic!("{message:?}") };
            let mut heard = self.heard.lock().unwrap();
            heard.facts.extend(facts.ancestry);
            heard.histories.extend(facts.histories);
            if facts.last {
                return Ok(());
            }
        }
        Err(Status::invalid_argument("the facts have no end"))
    }
}

async fn send(to: &Answer, step: Option<authorize_response::Step>) {
    let _ = to.send(Ok(v1::AuthorizeResponse { step })).await;
}

fn working() -> authorize_response::Step {
    authorize_response::Step::Working(v1::Working {})
}

fn needed(indexes: &[u64]) -> authorize_response::Step {
    authorize_response::Step::Needed(v1::FactsNeeded {
        ancestry: indexes.to_vec(),
        ..v1::FactsNeeded::default()
    })
}

pub(crate) fn permit(refs_total: u64) -> v1::Decision {
    let outcome = v1::Outcome::Permitted as i32;
    v1::Decision {
        outcome,
        decision_id: "0192".into(),
        username: "alice".into(),
        refs_total,
        ..Default::default()
    }
}

pub(crate) fn refuse(refs_total: u64) -> v1::Decision {
    let reason =
        v1::Reason { code: "no-grant".into(), summary: "No rule lets you.".into(), ..Default::default() };
    let verdict = v1::RefVerdict {
        name: b"refs/heads/main".to_vec(),
        outcome: v1::Outcome::Refused as i32,
        verb: "force".into(),
        reasons: vec![reason],
    };
    let outcome = v1::Outcome::Refused as i32;
    v1::Decision { outcome, refs: vec![verdict], refs_not_permitted: 1, ..permit(refs_total) }
}

/// A folder for one test: sockets, configuration, spool, and a link to the hook beside its configuration.
pub(crate) struct Setting {
    pub(crate) folder: TempDir,
    pub(crate) runtime: Runtime,
    heard: Arc<Mutex<Heard>>,
}

impl Setting {
    /// With the hook's configuration; `DIR` in it is the test's folder.
    pub(crate) fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("hooks")).unwrap();
        fs::create_dir(folder.path().join("spool")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_oam-hook"), folder.path().join("hooks/pre-receive"))
            .unwrap();
        let setting = Self {
            folder,
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
            heard: Arc::default(),
        };
        setting.configure(config);
        setting
    }

    /// The usual configuration: one socket.
    pub(crate) fn plain() -> Self {
        Self::new("endpoints = [\"unix:DIR/oam.sock\"]\n")
    }

    pub(crate) fn configure(&self, config: &str) {
        let config = config.replace("DIR", self.folder.path().to_str().unwrap());
        fs::write(self.path("hooks/oam-hook.toml"), config).unwrap();
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub(crate) fn heard(&self) -> Heard {
        self.heard.lock().unwrap().clone()
    }

    pub(crate) fn daemon(&self, script: Script) -> Daemon {
        Daemon { script, heard: Arc::clone(&self.heard) }
    }

    /// Serves on a socket in the folder.
    pub(crate) fn serve(&self, socket: &str, script: Script) -> tokio::task::JoinHandle<()> {
        let path = self.path(socket);
        let daemon = self.daemon(script);
        let _guard = self.runtime.enter();
        let listener = UnixListener::bind(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        self.runtime.spawn(async move {
            let server = Server::builder().add_service(AuthorizerServer::new(daemon));
            server.serve_with_incoming(UnixListenerStream::new(listener)).await.unwrap();
        })
    }

    /// Runs the hook as Bitbucket would for a push.
    pub(crate) fn push(&self, input: impl AsRef<[u8]>) -> Ran {
        self.run(&bitbucket(), input)
    }

    pub(crate) fn run(&self, variables: &[(&str, &str)], input: impl AsRef<[u8]>) -> Ran {
        self.run_in(self.folder.path(), variables, &[], input)
    }

    pub(crate) fn run_in(
        &self,
        here: &Path,
        variables: &[(&str, &str)],
        arguments: &[&str],
        input: impl AsRef<[u8]>,
    ) -> Ran {
        let mut child = Command::new(self.path("hooks/pre-receive"))
            .args(arguments)
            .current_dir(here)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A hook that has seen enough does not read on.
        let _ = child.stdin.take().unwrap().write_all(input.as_ref());
        child.wait_with_output().unwrap().into()
    }
}

/// How the hook ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) text: String,
    pub(crate) output: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("the hook was killed by a signal"),
            text: String::from_utf8(output.stderr).unwrap(),
            output: String::from_utf8(output.stdout).unwrap(),
        }
    }
}

impl Ran {
    /// Its text on one line, as wrapping depends on the length of temporary paths.
    pub(crate) fn words(&self) -> String {
        self.text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn assert_undecided(&self, because: &str) {
        assert_eq!(self.code, 75, "{}", self.text);
        assert!(self.words().contains("NOT checked"), "{}", self.text);
        let said = self.words().to_lowercase();
        assert!(said.contains(&because.to_lowercase()), "`{because}` is not in: {}", self.words());
    }

    pub(crate) fn assert_permitted(&self) {
        assert_eq!((self.code, self.text.as_str()), (0, ""));
    }
}

pub(crate) fn bitbucket() -> Vec<(&'static str, &'static str)> {
    vec![
        ("BB_HOOK_TRIGGER_ID", "push"),
        ("BB_HOOK_TYPE", "PRE"),
        ("BB_IS_DRY_RUN", "false"),
        ("BB_PROJECT_KEY", "PAY"),
        ("BB_REPO_SLUG", "api"),
        ("BB_USER_NAME", "alice"),
    ]
}

pub(crate) fn one_move() -> String {
    format!("{A} {B} refs/heads/main\n")
}
